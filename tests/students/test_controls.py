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


def test_sized_controls_have_the_size_and_the_class_shares_of_their_pool():
    rows = weak_rows(0)
    codes, covered = rows.codes, rows.covered
    masks = control_rows(rows, 50, seed=0)
    for name in SIZED:
        pool = covered if name == "random" else masks["non-hard rows"]
        shares = np.bincount(codes[pool]) / pool.sum()
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


def test_undecided_rows_of_one_class_do_not_handicap_a_control():
    # a third of the rows is undecided and all of it has the first class: with quotas
    # by all covered rows, two thirds of a control would have to be of that class
    rng = np.random.RandomState(0)
    codes = np.r_[np.zeros(100, int), rng.randint(0, 2, 200)]
    p = np.r_[np.full(100, 0.5), np.full(200, 0.95)] - 1e-9 * np.arange(300)
    proba = np.column_stack([p, 1 - p])
    proba[codes == 1] = proba[codes == 1][:, ::-1]
    rows = WeakRows.from_proba(rng.normal(size=(300, 2)), proba)
    masks = control_rows(rows, 90, seed=0)
    for name in ("random non-hard", "most confident"):
        assert not masks[name][:100].any()
        assert abs(rows.codes[masks[name]].mean() - codes[100:].mean()) < 0.02
    many = control_rows(rows, 250, seed=0)  # more than there are non-hard rows
    assert many["most confident"].sum() == 250


def test_the_seed_draws_the_random_controls_only():
    rows = weak_rows(2)
    one, two = (control_rows(rows, 50, seed=seed) for seed in (0, 1))
    changed = [name for name in one if (one[name] != two[name]).any()]
    assert changed == ["random", "random non-hard"]
