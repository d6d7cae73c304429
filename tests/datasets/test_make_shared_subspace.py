import numpy as np
import pytest

from overlapkit.datasets import (
    make_shared_subspace_classification,
    make_shared_subspace_regression,
)
from overlapkit.theory import shared_subspace_risk

DIMS = {"weak_dim": 6, "strong_dim": 4, "shared_dim": 2}
MIXED = (0.5, 1.0, 0.7)


def least_squares(X, y):
    return np.linalg.lstsq(X, y, rcond=None)[0]


@pytest.mark.parametrize("shared_dim", [0, 2, 4])
def test_views_share_exactly_that_many_directions(shared_dim):
    """Canonical correlations of the views: 1 in shared directions, 0 in all others."""
    signal = (0, 1, 0) if shared_dim else (1, 0, 0)
    data = make_shared_subspace_regression(
        40_000, weak_dim=6, strong_dim=4, shared_dim=shared_dim, signal=signal,
        random_state=0,
    )  # fmt: skip
    weak, strong = data.X[:, data.weak_columns], data.X[:, data.strong_columns]
    assert (weak.shape[1], strong.shape[1]) == (6, 4)
    correlations = np.linalg.svd(weak.T @ strong / len(weak), compute_uv=False)
    expected = [1] * shared_dim + [0] * (4 - shared_dim)
    # 5 standard errors of a correlation of 40,000 rows, and room for the largest
    np.testing.assert_allclose(correlations, expected, atol=0.04)
    # rotated: no single column of one view is a column of the other
    if 0 < shared_dim < 4:
        assert abs(np.corrcoef(data.X.T)[:6, 6:]).max() < 0.99
    np.testing.assert_allclose(np.cov(data.X[:, :6].T), np.eye(6), atol=0.04)


def test_signal_and_noise_have_the_variances_asked_for():
    data = make_shared_subspace_regression(
        60_000, **DIMS, signal=MIXED, noise=0.5, random_state=0
    )
    assert data.target.var() == pytest.approx(sum(MIXED), rel=0.03)
    assert (data.y - data.target).var() == pytest.approx(0.25, rel=0.03)
    for columns, seen in ((data.weak_columns, 1.5), (data.strong_columns, 1.7)):
        view = data.X[:, columns]
        fitted = view @ least_squares(view, data.target)
        assert fitted.var() == pytest.approx(seen, rel=0.03)


def test_same_world_new_rows():
    first = make_shared_subspace_regression(50, **DIMS, random_state=0)
    second = make_shared_subspace_regression(50, world=first.world, random_state=1)
    assert not np.isin(second.X, first.X).any()
    # without noise the strong view of either draw finds the same coefficients
    strong = first.strong_columns
    np.testing.assert_allclose(
        least_squares(first.X[:, strong], first.target),
        least_squares(second.X[:, strong], second.target),
    )
    again = make_shared_subspace_regression(50, **DIMS, random_state=0)
    np.testing.assert_array_equal(again.X, first.X)
    X, y = make_shared_subspace_regression(
        50, **DIMS, random_state=0, return_tuple=True
    )
    np.testing.assert_array_equal(X, first.X)
    np.testing.assert_array_equal(y, first.y)


@pytest.mark.parametrize("signal", [(0, 1, 0), MIXED])
@pytest.mark.parametrize("shared_dim", [1, 4])
def test_risks_are_those_of_the_closed_form(signal, shared_dim):
    """1500 worlds, fitted and measured, against the formulas."""
    if shared_dim == 4:
        signal = (*signal[:2], 0)  # the weak view holds the strong one
    sizes = {"weak_dim": 6, "strong_dim": 4, "shared_dim": shared_dim}
    rng = np.random.RandomState(0)
    found = []
    for _ in range(1500):
        train = make_shared_subspace_regression(
            30, **sizes, signal=signal, noise=0.8, random_state=rng
        )
        more = make_shared_subspace_regression(40, world=train.world, random_state=rng)
        test = make_shared_subspace_regression(200, world=train.world, random_state=rng)
        weak, strong = train.weak_columns, train.strong_columns
        teacher = least_squares(train.X[:, weak], train.y)
        student = least_squares(more.X[:, strong], more.X[:, weak] @ teacher)
        ceiling = least_squares(more.X[:, strong], more.y)
        found.append(
            [
                np.mean((test.X[:, view] @ coef - test.target) ** 2)
                for view, coef in (
                    (weak, teacher),
                    (strong, student),
                    (strong, ceiling),
                )
            ]
        )
    expected = shared_subspace_risk(
        n_labeled=30, n_pseudo=40, **sizes, signal=signal, noise=0.8
    )
    error = np.std(found, axis=0) / np.sqrt(1500)
    assert (abs(np.mean(found, axis=0) - expected) < 4.5 * error).all()
    # the check is sharp enough to tell a formula that is off by a fifth
    assert (error < 0.04 * np.array(expected)).all()


def test_the_less_is_shared_the_more_is_gained():
    sizes = {"n_labeled": 60, "n_pseudo": 600, "weak_dim": 20, "strong_dim": 10}
    risks = [shared_subspace_risk(shared_dim=k, **sizes) for k in range(11)]
    students = [risk.student for risk in risks]
    assert (np.diff(students) > 0).all()
    assert len({risk.teacher for risk in risks}) == 1
    assert students[0] < risks[0].teacher / 10
    # a student that shares every direction inherits every error, and adds to it
    same = shared_subspace_risk(shared_dim=10, **{**sizes, "weak_dim": 10})
    assert same.student == pytest.approx(same.teacher)


def test_classes_have_the_accuracies_of_the_closed_form():
    data = make_shared_subspace_classification(
        60_000, **DIMS, signal=MIXED, noise=0.5, random_state=0
    )
    for columns, accuracy in (
        (data.weak_columns, data.weak_accuracy),
        (data.strong_columns, data.strong_accuracy),
    ):
        view = data.X[:, columns]
        best = view @ least_squares(view, data.target) > 0
        # 5 standard errors of a share of 60,000
        assert abs(np.mean(best == data.y) - accuracy) < 5 * 0.5 / np.sqrt(60_000)
    np.testing.assert_array_equal(data.y_clean, data.target > 0)
    assert set(data.y) == {0, 1}


def test_five_hundred_seeds_are_valid():
    for seed in range(500):
        shared = seed % 5
        signal = (1, 1, 1) if 0 < shared < 4 else (1, 0, 0)
        data = make_shared_subspace_classification(
            30, weak_dim=6, strong_dim=4, shared_dim=shared, signal=signal,
            random_state=seed,
        )  # fmt: skip
        assert np.isfinite(data.X).all()
        assert set(data.y) == {0, 1}
        assert np.sum(data.world.coef**2) == pytest.approx(sum(signal))
        assert data.X.std(axis=0).min() > 0


def test_few_rows_have_both_classes_or_say_why():
    messages = []
    for seed in range(500):
        try:
            y = make_shared_subspace_classification(2, **DIMS, random_state=seed).y
        except ValueError as error:
            messages.append(str(error))
        else:
            assert set(y) == {0, 1}
    assert all("all 2 rows drawn are of class" in text for text in messages)
    # half of the draws of two rows are of one class
    assert abs(len(messages) - 250) < 5 * np.sqrt(500 * 0.25)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"shared_dim": 5}, "shared_dim=5 is larger than a view"),
        ({"shared_dim": 0}, "asks for shared variance 1, but there is no shared dir"),
        (
            {"shared_dim": 4, "signal": (0, 0, 1)},
            "asks for strong-only variance 1, but there is no",
        ),
        ({"signal": (1, 1)}, "signal must be three variances"),
        ({"signal": (0, 0, 0)}, "not all 0"),
        ({"signal": (-1, 1, 1)}, "none negative"),
        ({"noise": -1}, "The 'noise' parameter"),
        ({"n_samples": 0}, "The 'n_samples' parameter"),
    ],
)
@pytest.mark.parametrize(
    "make", [make_shared_subspace_regression, make_shared_subspace_classification]
)
def test_bad_parameters_are_refused(make, params, message):
    with pytest.raises(ValueError, match=message):
        make(**{**DIMS, **params})


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_labeled": 7}, "n_labeled=7 rows are too few for 6 dimensions"),
        ({"n_pseudo": 5}, "n_pseudo=5 rows are too few for 4 dimensions"),
        ({"shared_dim": 5}, "larger than a view"),
        ({"signal": (1, -1, 0)}, "three variances"),
    ],
)
def test_risk_refuses_what_has_none(params, message):
    with pytest.raises(ValueError, match=message):
        shared_subspace_risk(**{"n_labeled": 30, "n_pseudo": 30, **DIMS, **params})
