import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overlapkit.theory import overlap_density_bound

SHARES = st.floats(0, 1)


def test_bound_is_hand_derivable():
    # omega = .4 / .8, so .05 / .5 = .1 on overlap rows:
    # .2 max(0, (.1 - .1) / .8) + .8 (.05 + .1)
    numbers = {"alpha": 0.1, "c": 1.0, "q": 0.0, "err_weak": 0.05, "p_non_robust": 0.0}
    bound = overlap_density_bound(overlap_density=0.4, hard_density=0.2, **numbers)
    assert bound == pytest.approx(0.12)
    # correction: .05 + .1 (1 - 1.5)
    corrected = overlap_density_bound(
        overlap_density=0.4, hard_density=0.2, c_correction=1.0, **numbers
    )
    assert corrected == pytest.approx(0.0)


def test_without_overlap_nothing_is_said_of_hard_rows():
    numbers = {"alpha": 0.0, "c": 1.0, "q": 0.0, "err_weak": 0.0, "p_non_robust": 0.0}
    assert overlap_density_bound(overlap_density=0, hard_density=0.4, **numbers) == 0.4


# monotony is the claim of the function, so it has to hold for all arguments
@given(SHARES, SHARES, SHARES, SHARES, SHARES, SHARES, SHARES, SHARES, SHARES)
def test_more_overlap_never_raises_the_bound(h, a, b, alpha, c, q, err, robust, c2):
    low, high = sorted((a * (1 - h), b * (1 - h)))
    numbers = {"alpha": alpha, "c": c, "q": q, "err_weak": err, "p_non_robust": robust}
    numbers |= {"hard_density": h, "c_correction": c2}
    less = overlap_density_bound(overlap_density=low, **numbers)
    more = overlap_density_bound(overlap_density=high, **numbers)
    assert 0 <= more <= less + 1e-9 <= 1 + 1e-8


def test_densities_beyond_one_are_refused():
    with pytest.raises(ValueError, match=r"sum to 1\.1, expected at most 1"):
        overlap_density_bound(
            overlap_density=0.6,
            hard_density=0.5,
            alpha=0.1,
            c=1,
            q=0,
            err_weak=0,
            p_non_robust=0,
        )


def _instance(rng):
    """Arguments, measured exactly on one finite class, and the student's error."""
    clusters = rng.integers(4, 12)
    overlap = np.repeat(np.arange(clusters), rng.integers(2, 8, clusters))
    hard = np.repeat(np.arange(clusters), rng.integers(1, 6, clusters))
    n_easy = int(rng.integers(0, 40))
    alpha_drawn = rng.uniform(0, 0.3)
    n_wrong = round(alpha_drawn * len(overlap))
    weak_wrong = rng.permutation(len(overlap)) < n_wrong
    # the same share among easy rows, as the bound assumes: as many easy rows as allow
    n_easy -= n_easy % len(overlap) if n_wrong else 0
    easy_wrong = np.tile(weak_wrong, n_easy // len(overlap)) if n_wrong else None
    if easy_wrong is None:
        easy_wrong = np.zeros(n_easy, bool)
    # a student that answers whole clusters, wrongly in a few, with some single slips
    wrong_cluster = rng.random(clusters) < rng.uniform(0, 0.3)
    slip = rng.choice([0.0, 0.02])
    f_overlap = wrong_cluster[overlap] ^ (rng.random(len(overlap)) < slip)
    f_hard = wrong_cluster[hard] ^ (rng.random(len(hard)) < slip)
    f_easy = rng.random(len(easy_wrong)) < rng.uniform(0, 0.1)
    linked = (hard[:, None] == overlap) & (rng.random((len(hard), len(overlap))) < 0.9)
    robust = ~(linked & (f_hard[:, None] != f_overlap)).any(axis=1)
    c = 1.0
    for rows, targets in (
        (f_hard & robust, ~weak_wrong),
        (~f_hard & robust, weak_wrong),
    ):
        if rows.any() and targets.any():
            reached = linked[rows].any(axis=0)[targets].mean()
            c = min(c, reached / rows.mean())
    n_covered = len(overlap) + len(easy_wrong)
    n = n_covered + len(hard)
    disagree = (f_overlap != weak_wrong).sum() + (f_easy != easy_wrong).sum()
    error = (f_overlap.sum() + f_easy.sum() + f_hard.sum()) / n
    arguments = {
        "overlap_density": len(overlap) / n,
        "hard_density": len(hard) / n,
        "alpha": weak_wrong.mean(),
        "c": c * (1 - 1e-9),  # expansion is a strict inequality
        "q": 0.0,
        "err_weak": disagree / n_covered,
        "p_non_robust": (~robust).mean(),
    }
    return {k: float(v) for k, v in arguments.items()}, error


def test_bound_holds_on_a_thousand_instances():
    rng = np.random.default_rng(0)
    informative = 0
    for _ in range(1000):
        arguments, error = _instance(rng)
        bound = overlap_density_bound(**arguments)
        assert error <= bound + 1e-9, arguments
        nothing = overlap_density_bound(**{**arguments, "c": 0.0})
        informative += bound < nothing
    # otherwise the test would only show that errors are at most 1 on hard rows
    assert informative >= 200
