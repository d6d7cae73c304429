"""Coefficients of the stack and the evidence of votes, against their definitions."""

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax

from overlapkit.students._stack import (
    fit_stack,
    held_out_evidence,
    log_lifts,
    vote_evidence,
    vote_matrix,
    vote_totals,
)


def problem(seed, n=40, n_classes=3, n_columns=2):
    rng = np.random.RandomState(seed)
    codes = rng.randint(0, n_classes, size=n)
    truth = np.eye(n_classes)[codes]
    columns = [
        log_softmax(strength * truth + rng.normal(size=(n, n_classes)), axis=1)
        for strength in np.linspace(0.5, 2, n_columns)
    ]
    return columns, codes


def penalised_loss(columns, codes, prior, coef, intercept, weight):
    loss = 0.0
    for i, code in enumerate(codes):
        z = intercept + sum(a * F[i] for a, F in zip(coef, columns))
        loss -= weight[i] * (z[code] - log(np.exp(z).sum()))
    return loss + np.sum((coef - prior) ** 2) / 2 + np.sum(intercept**2) / 2


@pytest.mark.parametrize("seed", range(4))
def test_no_other_coefficients_are_better(seed):
    columns, codes = problem(seed)
    rng = np.random.RandomState(seed)
    weight = rng.uniform(0.5, 2, size=len(codes))
    prior = np.array([0.6, 0.3])
    stack = fit_stack(columns, codes, prior, weight)
    best = penalised_loss(columns, codes, prior, stack.coef, stack.intercept, weight)
    for scale in (1e-3, 1e-1):
        for _ in range(30):
            coef = np.maximum(stack.coef + scale * rng.normal(size=2), 0)
            intercept = stack.intercept + scale * rng.normal(size=3)
            other = penalised_loss(columns, codes, prior, coef, intercept, weight)
            assert other > best


def test_a_source_that_says_the_opposite_gets_no_coefficient():
    columns, codes = problem(0)
    columns[0] = -columns[1]
    assert fit_stack(columns, codes, [0.6, 0.3]).coef[0] == 0


def test_without_known_labels_the_prior_stays():
    stack = fit_stack([np.zeros((0, 2))] * 2, np.zeros(0, int), [0.6, 0.3])
    assert stack.coef.tolist() == [0.6, 0.3]
    assert stack.intercept.tolist() == [0, 0]


def test_a_class_without_rows_is_left_where_it_is():
    # rows of one class say nothing of the odds of two
    columns, codes = problem(1)
    first = codes == 0
    stack = fit_stack([F[first] for F in columns], codes[first], [0.6, 0.3])
    np.testing.assert_allclose(stack.coef, [0.6, 0.3], atol=1e-6)
    np.testing.assert_allclose(stack.intercept, 0, atol=1e-6)


def test_whole_weights_are_repeated_rows():
    columns, codes = problem(1)
    weight = np.random.RandomState(0).randint(0, 4, size=len(codes))
    weighted = fit_stack(columns, codes, [0.6, 0.3], weight.astype(float))
    rows = np.repeat(np.arange(len(codes)), weight)
    repeated = fit_stack([F[rows] for F in columns], codes[rows], [0.6, 0.3])
    np.testing.assert_allclose(weighted.coef, repeated.coef, atol=1e-5)


def evidence_row_by_row(votes, Q, prior):
    """Evidence of the votes as its definition reads, one vote at a time."""
    n, n_classes = Q.shape
    evidence = np.zeros((n, n_classes))
    for i in range(n):
        for j, code in enumerate(votes[i]):
            if code < 0:
                continue
            same = votes[:, j] == code
            counts = [Q[same, y].sum() + 2 * prior[y] for y in range(n_classes)]
            for y in range(n_classes):
                evidence[i, y] += log(counts[y] / sum(counts) / prior[y])
    evidence -= evidence.mean(axis=1, keepdims=True)
    return evidence.clip(-8, 8)


def evidence_of(votes, Q, prior):
    matrix = vote_matrix(votes, Q.shape[1])
    return vote_evidence(matrix, log_lifts(vote_totals(matrix, Q, prior), prior))


vote_tables = st.tuples(
    st.integers(1, 12), st.integers(1, 5), st.integers(2, 4), st.integers(0, 2**31)
)


def drawn(table):
    n, m, n_classes, seed = table
    rng = np.random.RandomState(seed)
    votes = rng.randint(-1, n_classes, size=(n, m))
    Q = rng.dirichlet(np.ones(n_classes), size=n)
    return votes, Q, rng.dirichlet(np.ones(n_classes) * 3), rng


@given(vote_tables)
@settings(max_examples=40, deadline=None)
def test_evidence_is_what_its_definition_says(table):
    # any number of classes and functions, rows without a vote, classes without votes
    votes, Q, prior, _ = drawn(table)
    expected = evidence_row_by_row(votes, Q, prior)
    np.testing.assert_allclose(evidence_of(votes, Q, prior), expected, atol=1e-10)


@given(vote_tables)
@settings(max_examples=40, deadline=None)
def test_held_out_evidence_is_that_of_all_other_rows(table):
    # a row's own label is in the totals, and must be out for good
    votes, Q, prior, rng = drawn(table)
    n, _, n_classes, _ = table
    codes = rng.randint(0, n_classes, size=n)
    Q = np.eye(n_classes)[codes]
    matrix = vote_matrix(votes, n_classes)
    totals = vote_totals(matrix, Q, prior)
    got = held_out_evidence(matrix, totals, codes, prior)
    for i in range(n):
        others = Q.copy()
        others[i] = 0
        expected = evidence_row_by_row(votes, others, prior)[i]
        np.testing.assert_allclose(got[i], expected, atol=1e-8)


@given(vote_tables)
@settings(max_examples=40, deadline=None)
def test_names_of_classes_and_order_of_functions_do_not_matter(table):
    # both are accidents of how a table was written down
    votes, Q, prior, rng = drawn(table)
    evidence = evidence_of(votes, Q, prior)
    functions = rng.permutation(votes.shape[1])
    np.testing.assert_allclose(
        evidence_of(votes[:, functions], Q, prior), evidence, atol=1e-10
    )
    name = rng.permutation(Q.shape[1])  # class k is called name[k]
    renamed = np.where(votes >= 0, name[votes], -1)
    old = np.argsort(name)
    again = evidence_of(renamed, Q[:, old], prior[old])
    np.testing.assert_allclose(again, evidence[:, old], atol=1e-10)


def test_a_function_that_votes_for_one_class_only_is_evidence():
    # P(vote | class, voted) is 1 for both classes; the lift is not
    votes = np.array([[1], [1], [1], [1], [-1], [-1]])
    Q = np.eye(2)[[1, 1, 1, 0, 0, 0]]
    evidence = evidence_of(votes, Q, np.array([0.5, 0.5]))
    assert evidence[0, 1] > 0.3
    assert not evidence[4:].any()


def test_memory_of_votes_grows_with_the_votes_cast():
    votes = np.full((1000, 200), -1)
    votes[::10, 0] = 3
    matrix = vote_matrix(votes, 5)
    assert matrix.nnz == 100
    assert matrix.shape == (1000, 1000)
