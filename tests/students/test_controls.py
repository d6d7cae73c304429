"""The one definition of the controls of a selection."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from overlapkit.students._controls import control_rows
from overlapkit.weak import WeakRows

SIZED = ["random", "random non-hard", "most confident"]


def weak_rows(seed, n=200):
    rng = np.random.RandomState(seed)
    codes = rng.choice(3, size=n, p=[1 / 6, 2 / 6, 3 / 6])
    confidence = np.where(rng.uniform(size=n) < 0.3, 0.1, 0.9) * rng.uniform(0.8, 1, n)
    # the margin of the two largest probabilities is the confidence
    proba = np.empty((n, 3))
    proba[np.arange(n), codes] = (1 + confidence) / 2
    proba[np.arange(n), (codes + 1) % 3] = (1 - confidence) / 2
    proba[np.arange(n), (codes + 2) % 3] = 0
    covered = rng.uniform(size=n) < 0.8
    return WeakRows.from_proba(rng.normal(size=(n, 2)), proba, covered=covered)


def test_sized_controls_have_the_size_and_the_class_shares_of_covered_rows():
    rows = weak_rows(0)
    codes, covered = rows.codes, rows.covered
    masks = control_rows(rows, 50, seed=0)
    shares = np.bincount(codes[covered]) / covered.sum()
    for name in SIZED:
        assert masks[name].sum() == 50
        counts = np.bincount(codes[masks[name]], minlength=3)
        assert np.abs(counts - 50 * shares).max() < 1
    assert (masks["covered rows"] == covered).all()


def test_what_each_control_holds():
    rows = weak_rows(1)
    codes, confidence, covered = rows.codes, rows.confidence(), rows.covered
    masks = control_rows(rows, 40, seed=0)
    # two groups of confidences, around .1 and .9: the change point is between them
    not_hard = covered & (confidence > 0.5)
    assert (masks["non-hard rows"] == not_hard).all()
    assert not_hard[masks["random non-hard"]].all()
    assert not not_hard[masks["random"]].all()
    for code in range(3):
        inside = covered & (codes == code)
        kept = masks["most confident"] & inside
        assert confidence[kept].min() >= confidence[inside & ~kept].max()


# a control that moved with the order of the rows, or with rows nobody voted on, would
# differ from one experiment to the next on the same data
@given(seed=st.integers(0, 10_000), size=st.integers(1, 250))
@settings(max_examples=30, deadline=None)
def test_order_and_uncovered_rows_do_not_matter(seed, size):
    rows = weak_rows(seed)
    covered = rows.covered
    masks = control_rows(rows, size, seed=seed)
    order = np.random.RandomState(seed).permutation(len(rows))
    alone = order[covered[order]]
    for positions in (order, alone):
        moved = control_rows(rows.take(positions), size, seed=seed)
        for name, mask in masks.items():
            assert (moved[name] == mask[positions]).all(), name
            assert not (mask & ~covered).any()


def test_the_seed_draws_the_random_controls_only():
    rows = weak_rows(2)
    one, two = (control_rows(rows, 50, seed=seed) for seed in (0, 1))
    changed = [name for name in one if (one[name] != two[name]).any()]
    assert changed == ["random", "random non-hard"]
