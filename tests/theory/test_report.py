import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from overlapkit.theory import (
    neighborhood_graph,
    overlap_expansion_report,
)
from overlapkit.theory._bounds import (
    coverage_expansion_bound,
    pseudolabel_correction_bound,
)
from overlapkit.theory._expansion import estimate_expansion, robust_mask, robust_sets
from tests.support.oracles_theory import make_groups, slow_ratio, slow_robust

PRECONDITIONS = ["alpha_below_half", "c_positive", "disagreement_small"]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    n_classes=st.sampled_from([2, 3]),
    alpha=st.floats(0, 0.45),
    wrong=st.floats(0, 0.5),
    noise=st.sampled_from([0.0, 0.005, 0.05]),
    links=st.sampled_from([0.1, 0.3, 0.7, 1.0]),
    q=st.sampled_from([0.0, 0.05, 0.3]),
)
def test_coverage_theorem_holds_wherever_its_assumptions_do(q, **design):
    """On the rows at hand the theorem is exact: no tolerance but that of floats."""
    graph, y_true, y_weak, y_pred, covered = make_groups(n_groups=12, **design)
    report = overlap_expansion_report(
        graph, y_true, y_weak, y_pred, covered=covered, q=q
    )
    good = report[report["assumptions_hold"]]
    assume(len(good))
    assert (good["actual_error"] <= good["bound"] + 1e-12).all()


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    alpha=st.floats(0.01, 0.4),
    wrong=st.sampled_from([0.0, 0.05, 0.1]),
    noise=st.sampled_from([0.0, 0.005, 0.02]),
    links=st.sampled_from([0.1, 0.3, 1.0]),
    q=st.sampled_from([0.0, 0.3]),
)
def test_correction_theorem_holds_wherever_its_assumptions_do(q, **design):
    graph, y_true, y_weak, y_pred, _ = make_groups(n_groups=12, **design)
    bad = y_weak != y_true
    robust = robust_mask(graph, y_pred)
    right = robust_sets(graph, y_pred, y_true, mistakes=False)
    checked = 0
    for label in (0, 1):
        S = y_true == label
        if not 0 < bad[S].sum() < S.sum():
            continue
        differs = y_pred != y_weak
        bound = pseudolabel_correction_bound(
            alpha=bad[S].mean(),
            c=estimate_expansion(graph, S & bad, S & ~bad, right, q=q).c,
            q=q,
            err_weak=differs[S].mean(),
            p_non_robust=(~robust)[S].mean(),
            p_disagree_or_non_robust=(differs | ~robust)[S].mean(),
        )
        if bound.holds:
            checked += 1
            assert (y_pred != y_true)[S].mean() <= bound.value + 1e-12
    assume(checked)


def test_assumptions_hold_and_the_bound_is_useful_on_well_linked_groups():
    """The theorem tests above would pass on data that never meets an assumption."""
    useful = 0
    for seed in range(20):
        graph, *labels, covered = make_groups(seed=seed)
        report = overlap_expansion_report(graph, *labels, covered=covered)
        useful += (report["assumptions_hold"] & (report["bound"] < 0.3)).sum()
    assert useful >= 30  # of 40


def test_report_measures_what_it_names():
    graph, y_true, y_weak, y_pred, covered = make_groups(
        n_groups=12, wrong=0.3, noise=0.01, links=0.2, seed=3
    )
    _, _, _, second, _ = make_groups(n_groups=12, wrong=0.3, noise=0.01, seed=9)
    report = overlap_expansion_report(
        graph, y_true, y_weak, y_pred, covered=covered, family=[second], q=0.02
    )
    assert report.index.name == "class"
    for label, row in report.iterrows():
        S, T = covered & (y_true == label), ~covered & (y_true == label)
        bad = y_weak != y_true
        assert (row["n_covered"], row["n_uncovered"]) == (S.sum(), T.sum())
        assert row["alpha"] == bad[S].mean()
        assert row["err_weak"] == (y_pred != y_weak)[S].mean()
        assert row["actual_error"] == (y_pred != label)[T].mean()
        assert row["p_non_robust"] == pytest.approx(
            1 - slow_robust(graph, y_pred)[T].mean()
        )
        ratios = [1.0]
        for f, (part, right) in itertools.product(
            (y_pred, second), ((S & ~bad, False), (S & bad, True))
        ):
            U = slow_robust(graph, f) & ((f == y_true) == right)
            if U[T].mean() > 0.02:
                ratios.append(slow_ratio(graph, part, T, U))
        assert row["c"] == pytest.approx(min(ratios))
        assert row["n_sets"] == len(ratios) - 1
        expected = coverage_expansion_bound(
            alpha=row["alpha"],
            c=row["c"],
            q=0.02,
            err_weak=row["err_weak"],
            p_non_robust=row["p_non_robust"],
        )
        assert row["bound"] == expected.value
        assert row["vacuous"] == expected.vacuous
        assert dict(row[PRECONDITIONS]) == expected.assumptions_hold
    assert len(report) == 2


def test_a_larger_family_never_lowers_the_bound():
    graph, *labels, covered = make_groups(wrong=0.2, links=0.1)
    y_true = labels[0]
    others = [make_groups(wrong=0.3, seed=seed)[3] for seed in range(8)]
    alone = overlap_expansion_report(graph, *labels, covered=covered)
    many = overlap_expansion_report(graph, *labels, covered=covered, family=others)
    assert (many["c"] <= alone["c"]).all()
    assert (many["c"] < alone["c"]).any()
    assert (many["bound"] >= alone["bound"]).all()
    assert len(y_true) == alone[["n_covered", "n_uncovered"]].to_numpy().sum()


def test_violated_assumptions_are_reported_not_hidden():
    # No link at all: nothing reaches a covered row.
    graph, *labels, covered = make_groups()
    report = overlap_expansion_report(np.zeros_like(graph), *labels, covered=covered)
    assert (report["c"] == 0).all()
    assert not report[["c_positive", "disagreement_small"]].any(axis=None)
    assert np.isinf(report["bound"]).all()
    assert report["vacuous"].all()
    # Weak labels that are mostly wrong.
    graph, *labels, covered = make_groups(alpha=0.8)
    report = overlap_expansion_report(graph, *labels, covered=covered)
    assert not report["alpha_below_half"].any()
    assert not report["assumptions_hold"].any()


def test_a_class_without_uncovered_rows_is_undefined():
    graph, y_true, y_weak, y_pred, covered = make_groups()
    covered = covered | (y_true == 1)
    report = overlap_expansion_report(graph, y_true, y_weak, y_pred, covered=covered)
    assert report.loc[1, ["c", "bound", "actual_error"]].isna().all()
    assert report.loc[1, "alpha"] >= 0
    assert not report.loc[1, "assumptions_hold"]
    assert report.loc[0, "assumptions_hold"]


def test_right_weak_labels_need_no_expansion_to_wrong_ones():
    graph, y_true, _, y_pred, covered = make_groups()
    report = overlap_expansion_report(graph, y_true, y_true, y_pred, covered=covered)
    assert (report["alpha"] == 0).all()
    assert report["assumptions_hold"].all()
    assert (report["n_sets"] <= 1).all()  # mistakes only; non-mistakes have no aim


def test_report_does_not_read_weak_labels_of_uncovered_rows():
    graph, y_true, y_weak, y_pred, covered = make_groups()
    names = np.array(["no", "yes"], dtype=object)
    report = overlap_expansion_report(graph, y_true, y_weak, y_pred, covered=covered)
    named = overlap_expansion_report(
        sp.csr_matrix(graph),
        names[y_true],
        np.where(covered, names[y_weak], None),
        names[y_pred],
        covered=covered,
    )
    assert list(named.index) == ["no", "yes"]
    np.testing.assert_array_equal(named.to_numpy(), report.to_numpy())


def test_report_on_a_trained_student():
    """Blobs along x, weak labels left and right of a gap: the student fills the gap."""
    rng = np.random.RandomState(0)
    n = 400
    y_true = np.repeat([0, 1], n // 2)
    X = rng.uniform(-1, 1, size=(n, 2)) + np.c_[np.zeros(n), 4.0 * y_true]
    covered = abs(X[:, 0]) > 0.3
    y_weak = np.where(rng.uniform(size=n) < 0.1, 1 - y_true, y_true)
    students = []
    for _ in range(6):
        rows = rng.choice(np.flatnonzero(covered), size=60)
        student = LogisticRegression(C=0.1).fit(X[rows], y_weak[rows])
        students.append(student.predict(X))
    report = overlap_expansion_report(
        neighborhood_graph(X, radius=0.8),
        y_true,
        y_weak,
        students[0],
        covered=covered,
        family=students[1:],
    )
    assert report["assumptions_hold"].all()
    assert (report["actual_error"] <= report["bound"]).all()
    assert not report["vacuous"].any()


def test_bad_input_of_the_report():
    graph, y_true, y_weak, y_pred, covered = make_groups(n_groups=2)
    with pytest.raises(ValueError, match="inconsistent numbers"):
        overlap_expansion_report(graph, y_true, y_weak[1:], y_pred, covered=covered)
    with pytest.raises(ValueError, match="covered must be a boolean mask"):
        overlap_expansion_report(
            graph, y_true, y_weak, y_pred, covered=covered.astype(int)
        )
    with pytest.raises(ValueError, match="family must have shape"):
        overlap_expansion_report(
            graph, y_true, y_weak, y_pred, covered=covered, family=[[0, 1]]
        )
    with pytest.raises(ValueError, match="graph must be 40 by 40"):
        overlap_expansion_report(graph[:3, :3], y_true, y_weak, y_pred, covered=covered)
