"""What holds for any input: of kernels, thresholds, label models, policies, metrics.

30 examples each; with ``HYPOTHESIS_PROFILE=ci`` 200, with
``HYPOTHESIS_PROFILE=long`` 5,000.
"""

import json
import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from overlapkit.datasets import (
    load_wrench,
    make_overlap_classification,
    make_overlap_sources,
    stack_views,
)
from overlapkit.diagnostics import dip_test
from overlapkit.exceptions import WrenchFormatError
from overlapkit.label_models import DawidSkene, LabelModel, MajorityVote
from overlapkit.metrics import cumulative_regret, performance_gap_recovered_score
from overlapkit.policies import (
    KLUCB,
    UCB,
    EpsilonGreedy,
    RandomChoice,
    SourceState,
    Thompson,
    choose_source,
)
from overlapkit.scorers import reference_similarity, weak_confidence
from overlapkit.scorers._neighbor_graph import cut_statistic
from overlapkit.thresholds import binseg_change_point, change_point
from overlapkit.weak import WeakRows
from overlapkit.weak._views import view_alignment
from tests.support.oracles_exact import change_point_split

pytestmark = pytest.mark.filterwarnings("ignore")
# of any size that a sum of squares of some of them can hold after rescaling
numbers = st.floats(-1e300, 1e300, allow_subnormal=True)
tame = st.floats(-100, 100).map(lambda v: round(v, 3))
seeds = st.integers(0, 2**31 - 1)
powers = st.integers(-900, 900).map(lambda e: 2.0**e)


def samples(elements=numbers, least=1, most=30):
    return st.lists(elements, min_size=least, max_size=most).map(np.array)


def matrices(elements=tame, rows=8, columns=4):
    shape = st.tuples(st.integers(1, rows), st.integers(1, columns))
    return shape.flatmap(lambda s: arrays(float, s, elements=elements))


# -- thresholds -----------------------------


@given(samples(least=4))
def test_a_change_point_lies_between_the_means_of_its_parts(values):
    found = change_point(values)
    s = np.sort(values)
    assert 0 <= found.gain <= 1
    if found.index == 0:
        return
    assert s[found.index - 1] < found.threshold == s[found.index]
    assert s[0] <= found.mean_below < found.mean_above <= s[-1]
    assert s[found.index - 1] < found.midpoint <= found.threshold


@given(samples(st.integers(-40, 40), least=4), powers)
def test_change_points_do_not_depend_on_the_unit(values, unit):
    # a power of 2 changes no digit, so every comparison ends as before
    one, other = change_point(values * 1.0), change_point(values * unit)
    assert one.index == other.index
    assert one.threshold * unit == other.threshold
    assert one.gain == pytest.approx(other.gain, rel=1e-12, abs=1e-15)


@given(samples(st.integers(-40, 40), least=7), powers)
def test_binseg_change_points_do_not_depend_on_the_unit(values, unit):
    one, other = binseg_change_point(values * 1.0), binseg_change_point(values * unit)
    assert one.index == other.index
    assert one.gain == pytest.approx(other.gain, rel=1e-12, abs=1e-15)


@given(samples(st.integers(-9, 9), least=4, most=14))
def test_change_points_are_the_best_of_all_splits(values):
    # whole numbers, so that the oracle works in fractions without rounding
    assert change_point(values).index == change_point_split(values)[0]


@given(samples(st.integers(-99, 99), least=2), powers, st.booleans())
def test_the_dip_does_not_depend_on_unit_and_direction(values, unit, turned):
    other = -values * unit if turned else values * unit
    statistic, pvalue = dip_test(values)
    assert statistic == pytest.approx(dip_test(other).statistic, abs=1e-7)
    assert 0 <= pvalue <= 1


# -- similarities, scores -------------------


@given(matrices(rows=6), seeds, st.sampled_from(["max", "mean", "quantile", "topk"]))
def test_euclidean_similarity_does_not_depend_on_origin_and_rotation(X, seed, how):
    # distances do not; the mean of the reference is taken off before any product
    rng = np.random.RandomState(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(X.shape[1], X.shape[1])))
    reference, shift = X[: 1 + len(X) // 2] + 0.25, rng.uniform(-1e5, 1e5)
    options = {"metric": "euclidean", "aggregation": how, "top_k": 2}
    before = reference_similarity(X, reference, **options)
    moved = reference_similarity(X + shift, reference + shift, **options)
    turned = reference_similarity(X @ turn, reference @ turn, **options)
    np.testing.assert_allclose(moved, before, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(turned, before, rtol=1e-6, atol=1e-6)


@given(matrices(), powers, st.sampled_from(["max", "mean"]), st.booleans())
def test_cosines_do_not_depend_on_the_length_of_rows(X, unit, how, absolute):
    assume(unit == np.clip(unit, 1e-100, 1e100))
    options = {"aggregation": how, "absolute": absolute}
    before = reference_similarity(X, X[:2], **options)
    after = reference_similarity(X * unit, X[:2] / unit, **options)
    np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-12)
    assert (np.abs(before) <= 1).all()


@given(matrices(st.floats(0, 1).map(lambda v: round(v, 3) + 0.001), columns=5))
def test_confidence_is_a_share_whatever_the_order_of_classes(weights):
    proba = weights / weights.sum(axis=1, keepdims=True)
    for kind in ("margin", "max", "entropy"):
        confidence = weak_confidence(proba, kind)
        assert ((confidence >= 0) & (confidence <= 1)).all()
        np.testing.assert_allclose(weak_confidence(proba[:, ::-1], kind), confidence)


@given(seeds, st.integers(4, 20), st.integers(1, 4), powers)
def test_cut_statistics_depend_on_classes_not_on_their_numbers(seed, n, k, unit):
    rng = np.random.RandomState(seed)
    labels = rng.randint(0, 3, size=n)
    neighbors = rng.randint(0, n, size=(n, k))
    distances = rng.uniform(size=(n, k)) * unit
    z = cut_statistic(labels, neighbors, distances, labels, 3)
    renamed = np.array([2, 0, 1])[labels]
    assert np.isfinite(z).all()
    np.testing.assert_allclose(
        cut_statistic(renamed, neighbors, distances, renamed, 3), z, atol=1e-12
    )


@given(seeds, st.integers(4, 12))
def test_alignment_does_not_depend_on_the_unit_of_a_column(seed, n):
    rng = np.random.RandomState(seed)
    strong, weak = rng.normal(size=(n, 3)), rng.normal(size=(n, 2))
    units = 2.0 ** rng.randint(-900, 900, size=3)
    expected = view_alignment(strong, weak)
    assert view_alignment(strong * units, weak) == pytest.approx(
        expected, rel=1e-6, nan_ok=True
    )


@given(matrices(), seeds)
def test_weak_rows_keep_probabilities_with_their_classes(strong, seed):
    rng = np.random.RandomState(seed)
    proba = rng.dirichlet(np.ones(3), size=len(strong))
    names = rng.permutation(["a", "b", "c"])
    rows = WeakRows.from_proba(strong, proba, names, seed=seed)
    assert rows.classes.tolist() == ["a", "b", "c"]
    for j, name in enumerate(names):
        np.testing.assert_array_equal(rows.proba[:, "abc".index(name)], proba[:, j])
    part = rows.take(np.arange(len(strong))[::-1])
    np.testing.assert_array_equal(part.labels, rows.labels[::-1])


# -- label models ---------------------------

votes_of_functions = st.tuples(st.integers(2, 12), st.integers(1, 5)).flatmap(
    lambda shape: arrays(int, shape, elements=st.integers(-1, 2))
)


@pytest.mark.parametrize("model", [MajorityVote(), DawidSkene(), LabelModel()])
@given(votes=votes_of_functions, extra=st.integers(0, 4))
def test_label_models_give_probabilities_that_empty_rows_do_not_move(
    model, votes, extra
):
    model = model.set_params(classes=[0, 1, 2], random_state=0)
    proba = model.fit(votes).predict_proba(votes)
    assert np.isfinite(proba).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-9)
    empty = np.full((extra, votes.shape[1]), -1)
    again = model.fit(np.vstack([votes, empty])).predict_proba(votes)
    np.testing.assert_allclose(again, proba, atol=1e-6)


# -- policies -------------------------------

counts = st.integers(2, 5).flatmap(
    lambda k: st.lists(
        st.tuples(st.integers(0, 50), st.integers(0, 6), st.floats(0, 1)),
        min_size=k,
        max_size=k,
    )
)


@given(
    counts,
    seeds,
    st.sampled_from(
        [
            UCB(),
            UCB("rounds"),
            UCB("authors"),
            KLUCB(),
            Thompson(),
            EpsilonGreedy(),
            RandomChoice(),
        ]
    ),
)
def test_policies_choose_an_available_source_and_unseen_ones_first(rows, seed, policy):
    samples_ = np.array([n * max(r, 1) if r else 0 for n, r, _ in rows], dtype=float)
    rounds = np.array([r for _, r, _ in rows], dtype=float)
    successes = samples_ * np.array([p for *_, p in rows])
    rng = np.random.RandomState(seed)
    available = rng.uniform(size=len(rows)) < 0.7
    assume(available.any())
    state = SourceState(successes, samples_, rounds, horizon=100, available=available)
    index = policy.index(state, rng)
    assert not np.isnan(index).any()
    if not isinstance(policy, RandomChoice):
        assert (np.isinf(index) == (samples_ == 0)).all()
    assert available[choose_source(index, state, rng)]


# -- metrics --------------------------------


@given(st.floats(0, 1), st.floats(0, 1), st.floats(-1, 2), st.floats(0.01, 100))
def test_the_gap_recovered_does_not_depend_on_the_unit(anchor, gap, share, unit):
    assume(gap > 1e-6)
    ceiling, student = anchor + gap, anchor + share * gap
    got = performance_gap_recovered_score(student, anchor=anchor, ceiling=ceiling)
    assert got == pytest.approx(share, abs=1e-6)
    assert performance_gap_recovered_score(
        student * unit, anchor=anchor * unit, ceiling=ceiling * unit
    ) == pytest.approx(share, abs=1e-6)


@given(st.floats(0.01, 1e300), st.integers(0, 3))
def test_a_gap_within_rounding_is_none(score, steps):
    # the last digits of a mean of accuracies are noise, and so is a share of them
    ceiling = score
    for _ in range(steps):
        ceiling = np.nextafter(ceiling, np.inf)
    with pytest.raises(ValueError, match="not above the anchor"):
        performance_gap_recovered_score(score, anchor=score, ceiling=ceiling)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5), seeds, st.integers(0, 20))
def test_regret_never_falls_and_is_nothing_for_the_best_source(densities, seed, n):
    rng = np.random.RandomState(seed)
    regret = cumulative_regret(densities, rng.randint(len(densities), size=n))
    assert (np.diff(regret, prepend=0) >= 0).all()
    best = np.full(n, int(np.argmax(densities)))
    np.testing.assert_array_equal(cumulative_regret(densities, best), np.zeros(n))


# -- generators -----------------------------


def made(generator, *args, **kwargs):
    """A draw; one that lost a class by chance is refused by name, and left out."""
    try:
        return generator(*args, **kwargs)
    except ValueError as error:
        assert "drawn is of class" in str(error)  # noqa: PT017 (either is right)
        assume(False)


@given(st.lists(st.integers(0, 12), min_size=4, max_size=4), seeds, st.booleans())
def test_generated_rows_are_those_asked_for(sizes, seed, shuffle):
    assume(sum(sizes) > 1)  # fewer rows than classes are refused
    easy, hard, overlap, neither = sizes
    data = made(
        make_overlap_classification,
        n_easy=easy,
        n_hard=hard,
        n_overlap=overlap,
        n_neither=neither,
        n_easy_features=2,
        n_hard_features=3,
        shuffle=shuffle,
        random_state=seed,
    )
    assert np.bincount(data.region, minlength=4).tolist() == [
        easy,
        overlap,
        hard,
        neither,
    ]
    assert data.X.shape == (sum(sizes), 5)
    assert np.isfinite(data.X).all()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=4), seeds, st.integers(2, 30))
def test_sources_have_the_density_asked_for(densities, seed, n_rows):
    data = made(make_overlap_sources, densities, n_rows=n_rows, random_state=seed)
    for s, density in enumerate(densities):
        share = (data.region[data.sources == s] == 1).mean()
        assert abs(share - density) <= 0.5 / n_rows + 1e-12


@given(matrices(columns=3), st.integers(1, 3))
def test_stacked_views_come_apart_again(strong, n_weak):
    weak = np.arange(len(strong) * n_weak, dtype=float).reshape(-1, n_weak)
    X, strong_columns, weak_columns = stack_views(strong=strong, weak=weak)
    np.testing.assert_array_equal(X[:, strong_columns], strong)
    np.testing.assert_array_equal(X[:, weak_columns], weak)


# -- readers --------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wrench")
    (folder / "label.json").write_text(json.dumps({"0": "ham", "1": "spam"}))
    return folder


@given(st.dictionaries(st.text(max_size=2), json_values, max_size=3) | json_values)
def test_any_json_is_read_or_refused_by_name(folder, content):
    (folder / "train.json").write_text(json.dumps(content))
    _read_or_refuse(folder)


@given(st.binary(max_size=40))
def test_any_bytes_are_refused_by_name(folder, content):
    (folder / "train.json").write_bytes(content)
    _read_or_refuse(folder)


def _read_or_refuse(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            load_wrench(folder, form="json", splits=["train"])
        except WrenchFormatError as error:
            assert "json" in str(error)  # noqa: PT017 (either outcome is right)
