import numpy as np
import pytest

from overlapkit.datasets import make_graded_classification, make_overlap_classification

KINDS = {(0,): 30, (0, 1): 20, (0, 1, 2): 10, (1,): 15, (1, 2): 5, (2,): 12, (): 8}


def test_rows_carry_exactly_the_levels_asked_for():
    data = make_graded_classification(KINDS, random_state=0)
    assert data.X.shape == (100, 30)
    blocks = data.X.reshape(100, 3, 10)
    # exactly zero or, as the noise is continuous, zero nowhere
    np.testing.assert_array_equal(blocks.any(axis=2), data.levels)
    np.testing.assert_array_equal(blocks.all(axis=2), data.levels)
    for kind, n in KINDS.items():
        carried = np.isin(range(3), kind)
        assert (data.levels == carried).all(axis=1).sum() == n


@pytest.mark.parametrize(
    ("weak_levels", "easy", "overlap", "hard"), [(1, 30, 30, 32), (2, 65, 15, 12)]
)
def test_regions_are_what_the_weak_model_makes_of_levels(
    weak_levels, easy, overlap, hard
):
    data = make_graded_classification(KINDS, weak_levels=weak_levels, random_state=0)
    assert np.bincount(data.region).tolist() == [easy, overlap, hard, 8]
    assert data.overlap_density == overlap / 100
    assert data.easy_columns == slice(0, 10 * weak_levels)
    hard_rows = data.X[data.region == 2]
    assert not hard_rows[:, data.easy_columns].any()


def test_shares_become_whole_rows_that_sum_up():
    shares = {(0,): 1 / 3, (1,): 1 / 3, (0, 1): 1 / 3}
    data = make_graded_classification(shares, n_samples=100, random_state=0)
    assert len(data.y) == 100
    assert sorted(np.bincount(data.region).tolist()) == [33, 33, 34]


def test_two_levels_are_the_setting_of_the_paper():
    """Same moments as make_overlap_classification with the same patterns."""
    paper = make_overlap_classification(random_state=0)
    data = make_graded_classification(
        {(0, 1): 40_000},
        n_levels=2,
        n_features_per_level=20,
        theta=np.stack([-paper.theta, paper.theta]),
        random_state=1,
    )
    for label, sign in ((0, -1), (1, 1)):
        rows = data.X[data.y == label]
        error = 5 * np.sqrt(5 / len(rows))
        assert (abs(rows.mean(axis=0) - sign * paper.theta) < error).all()
        assert (abs(rows.var(axis=0) / 5 - 1) < 5 * np.sqrt(2 / len(rows))).all()


def test_separation_per_level_and_several_classes():
    data = make_graded_classification(
        {(0, 1, 2): 90},
        n_classes=3,
        separation=[3.0, 2.0, 1.0],
        noise_variance=1e-6,
        random_state=0,
    )
    expected = data.theta[data.y] * np.repeat([3.0, 2.0, 1.0], 10)
    np.testing.assert_allclose(data.X, expected, atol=0.01)
    assert data.theta.shape == (3, 30)


def test_same_seed_same_rows_and_tuple_is_the_bunch():
    data = make_graded_classification(KINDS, random_state=5)
    X, y, region = make_graded_classification(KINDS, random_state=5, return_tuple=True)
    for name, array in (("X", X), ("y", y), ("region", region)):
        np.testing.assert_array_equal(array, data[name])


def test_five_hundred_seeds_are_valid():
    for seed in range(500):
        n_classes = 2 + seed % 2
        data = make_graded_classification(KINDS, n_classes=n_classes, random_state=seed)
        assert np.isfinite(data.X).all()
        assert len(set(data.y)) == n_classes
        assert np.bincount(data.region).tolist() == [30, 30, 32, 8]


def test_few_rows_have_all_classes_or_say_why():
    messages = []
    for seed in range(500):
        try:
            y = make_graded_classification({(0,): 1, (1,): 1}, random_state=seed).y
        except ValueError as error:
            messages.append(str(error))
        else:
            assert set(y) == {0, 1}
    assert all("none of the 2 rows drawn is of class" in text for text in messages)
    assert abs(len(messages) - 250) < 5 * np.sqrt(125)


@pytest.mark.parametrize(
    ("counts", "params", "message"),
    [
        ({}, {}, "counts must say how many rows"),
        ({(0, 3): 5}, {}, r"counts names the levels \(0, 3\)"),
        ({(0, 0): 5}, {}, "they must be different numbers"),
        ({(0,): 0.5}, {}, "counts must hold whole numbers of rows"),
        ({(0,): -1}, {}, "counts must hold whole numbers of rows"),
        ({(0,): 0.5}, {"n_samples": 9}, "they sum to 0.5"),
        (KINDS, {"weak_levels": 3}, "leaves no level of 3 to the strong model"),
        (KINDS, {"separation": [1, 2]}, "one for each of 3 levels"),
        (KINDS, {"separation": [1, 2, 0]}, "separation must be positive"),
        (KINDS, {"theta": np.ones((2, 3))}, r"of shape \(2, 30\)"),
        (KINDS, {"weights": [1.0]}, "expected 2 positive shares"),
        (KINDS, {"n_levels": 1}, "The 'n_levels' parameter"),
    ],
)
def test_bad_parameters_are_refused(counts, params, message):
    with pytest.raises(ValueError, match=message):
        make_graded_classification(counts, **params)
