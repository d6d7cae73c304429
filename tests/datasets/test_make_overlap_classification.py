import joblib
import numpy as np
import pytest

from benchmarks.golden import synthetic as golden_synthetic
from overlapkit.datasets import make_overlap_classification

SMALL = {"n_easy": 30, "n_hard": 20, "n_overlap": 40, "n_neither": 10}


def test_counts_shapes_and_density_are_exact():
    data = make_overlap_classification(**SMALL, random_state=0)
    assert data.X.shape == (100, 40)
    assert data.X.dtype == np.float64
    assert data.y.dtype.kind == data.region.dtype.kind == "i"
    assert np.bincount(data.region).tolist() == [30, 40, 20, 10]
    assert data.overlap_density == 0.4
    assert data.theta.shape == (40,)
    np.testing.assert_array_equal(data.y, data.y_clean)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_each_region_lacks_exactly_its_patterns(n_classes):
    data = make_overlap_classification(
        **SMALL,
        n_easy_features=3,
        n_hard_features=5,
        n_classes=n_classes,
        saliency=3.0,
        random_state=0,
    )
    easy, hard = data.X[:, data.easy_columns], data.X[:, data.hard_columns]
    assert (easy.shape[1], hard.shape[1]) == (3, 5)
    has_easy, has_hard = easy.all(axis=1), hard.all(axis=1)
    # exactly zero or, as the noise is continuous, zero nowhere
    assert np.array_equal(has_easy, easy.any(axis=1))
    assert np.array_equal(has_hard, hard.any(axis=1))
    expected = np.select([has_easy & has_hard, has_easy, has_hard], [1, 0, 2], 3)
    np.testing.assert_array_equal(data.region, expected)


def test_moments_are_those_of_the_formula():
    theta = np.array([1.0, 0.0, -2.0, 0.5])
    data = make_overlap_classification(
        n_easy=0,
        n_hard=0,
        n_overlap=40_000,
        n_easy_features=2,
        n_hard_features=2,
        theta=theta,
        separation=1.5,
        noise_variance=4.0,
        saliency=3.0,
        random_state=0,
    )
    scale = np.array([3.0, 3.0, 1.0, 1.0])
    for label, sign in ((0, -1), (1, 1)):
        rows = data.X[data.y == label]
        # the tolerances are 5 standard errors of a mean and of a variance
        error = 5 * 2 * scale / np.sqrt(len(rows))
        assert (abs(rows.mean(axis=0) - sign * 1.5 * theta * scale) < error).all()
        ratio = rows.var(axis=0) / (4 * scale**2)
        assert (abs(ratio - 1) < 5 * np.sqrt(2 / len(rows))).all()
    assert abs(data.y.mean() - 0.5) < 5 * 0.5 / np.sqrt(40_000)


def test_theta_is_drawn_from_the_unit_cube_or_taken_as_given():
    first = make_overlap_classification(random_state=0)
    assert (first.theta > 0).all()
    assert (first.theta < 1).all()
    second = make_overlap_classification(theta=first.theta, random_state=1)
    np.testing.assert_array_equal(second.theta, first.theta)
    assert not np.isin(second.X[second.X != 0], first.X).any()
    other = make_overlap_classification(random_state=1)
    assert not np.array_equal(other.theta, first.theta)


def test_several_classes_have_patterns_of_their_own():
    data = make_overlap_classification(
        n_classes=3, noise_variance=1e-6, n_overlap=60, random_state=0
    )
    assert data.theta.shape == (3, 40)
    assert set(data.y) == {0, 1, 2}
    overlap = data.region == 1
    np.testing.assert_allclose(data.X[overlap], data.theta[data.y[overlap]], atol=0.01)
    again = make_overlap_classification(n_classes=3, theta=data.theta, random_state=1)
    np.testing.assert_array_equal(again.theta, data.theta)


def test_weights_set_the_class_shares():
    weights = [0.7, 0.2, 0.1]
    data = make_overlap_classification(
        n_easy=20_000, n_classes=3, weights=weights, random_state=0
    )
    shares = np.bincount(data.y) / len(data.y)
    np.testing.assert_allclose(shares, weights, atol=5 * 0.5 / np.sqrt(len(data.y)))


@pytest.mark.parametrize("n_classes", [2, 5])
def test_label_noise_replaces_an_exact_share_and_nothing_else(n_classes):
    clean = make_overlap_classification(n_classes=n_classes, random_state=3)
    noisy = make_overlap_classification(
        n_classes=n_classes, label_noise=0.1, random_state=3
    )
    np.testing.assert_array_equal(noisy.X, clean.X)
    np.testing.assert_array_equal(noisy.region, clean.region)
    np.testing.assert_array_equal(noisy.y_clean, clean.y)
    assert (noisy.y != noisy.y_clean).sum() == 30
    assert set(noisy.y) <= set(range(n_classes))


def test_shuffle_changes_the_order_of_the_rows_only():
    shuffled = make_overlap_classification(**SMALL, random_state=0)
    ordered = make_overlap_classification(**SMALL, shuffle=False, random_state=0)
    assert (np.diff(ordered.region) >= 0).all()
    assert not np.array_equal(shuffled.region, ordered.region)

    def table(data):
        rows = np.column_stack([data.X, data.y, data.region])
        return rows[np.lexsort(rows.T)]

    np.testing.assert_array_equal(table(shuffled), table(ordered))


def test_same_seed_same_rows_and_tuple_is_the_bunch():
    data = make_overlap_classification(random_state=5)
    again = make_overlap_classification(random_state=np.random.RandomState(5))
    X, y, region = make_overlap_classification(random_state=5, return_tuple=True)
    for name, array in (("X", X), ("y", y), ("region", region)):
        np.testing.assert_array_equal(array, data[name])
        np.testing.assert_array_equal(again[name], data[name])


def test_theta_is_copied():
    theta = np.ones(40)
    data = make_overlap_classification(theta=theta, random_state=0)
    data.theta[:] = 0
    assert (theta == 1).all()


def test_five_hundred_seeds_are_valid():
    for seed in range(500):
        data = make_overlap_classification(
            n_easy=10,
            n_hard=10,
            n_overlap=10,
            n_classes=2 + seed % 2,
            random_state=seed,
        )
        assert np.isfinite(data.X).all()
        assert np.bincount(data.region).tolist() == [10, 10, 10]
        assert len(set(data.y)) == 2 + seed % 2
        # no feature is constant within its rows
        assert data.X[data.region == 1].std(axis=0).min() > 0


def test_few_rows_have_all_classes_or_say_why():
    # a quarter of the draws of three rows are of one class
    messages = []
    for seed in range(500):
        try:
            y = make_overlap_classification(
                n_easy=1, n_hard=1, n_overlap=1, random_state=seed
            ).y
        except ValueError as error:
            messages.append(str(error))
        else:
            assert set(y) == {0, 1}
    assert all("none of the 3 rows drawn is of class" in text for text in messages)
    # 5 standard errors of 500 draws with probability 1/4
    assert abs(len(messages) - 125) < 5 * np.sqrt(500 * 0.25 * 0.75)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_easy": -1}, "The 'n_easy' parameter"),
        ({"n_easy_features": 0}, "The 'n_easy_features' parameter"),
        ({"n_classes": 1}, "The 'n_classes' parameter"),
        ({"noise_variance": 0}, "The 'noise_variance' parameter"),
        ({"separation": -1}, "The 'separation' parameter"),
        ({"label_noise": 1.0}, "The 'label_noise' parameter"),
        ({"weights": [0.5]}, r"weights is \[0.5\], expected 2 positive shares"),
        ({"weights": [0.5, 0.6]}, r"expected 2 positive shares that sum to 1"),
        ({"weights": [0, 1]}, "expected 2 positive shares"),
        ({"theta": np.ones(3)}, r"theta has shape \(3,\), expected \(40,\) for 2 clas"),
        (
            {"theta": np.ones(40), "n_classes": 3},
            r"theta has shape \(40,\), expected \(3, 40\) for 3 classes",
        ),
        ({"theta": np.full(40, np.nan)}, "Input theta contains NaN"),
        (
            {"n_easy": 0, "n_hard": 0, "n_overlap": 1},
            r"1 row\(s\) are asked for, expected at least one for each of 2 classes",
        ),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_overlap_classification(**parameters)


@pytest.mark.parametrize("ablation", ["none", "easy", "hard"])
def test_golden_experiment_in_few_runs(ablation):
    # the recorded means have a standard error of their own, from 500 runs
    n_runs = 24
    results = golden_synthetic.run(ablation, n_runs=n_runs, seed=1)
    compared = 0
    for _, _, mean, sd, target, dropped in golden_synthetic.compare(ablation, results):
        if target is not None:
            error = sd * np.sqrt(1 / (n_runs - dropped) + 1 / 500)
            assert abs(mean - target) < 4 * error
            compared += 1
    assert compared == {"none": 30, "easy": 12, "hard": 11}[ablation]


def test_golden_experiment_does_not_depend_on_n_jobs():
    one = golden_synthetic.run(n_runs=3, n_jobs=1)
    with joblib.parallel_config("threading"):
        two = golden_synthetic.run(n_runs=3, n_jobs=2)
    np.testing.assert_array_equal(one, two)


def test_golden_command_says_what_is_off(capsys, monkeypatch):
    means = golden_synthetic.TARGETS["none"]["means"]
    monkeypatch.setitem(means, 10, {**means[10], "weak": 99.0})
    assert golden_synthetic.main(["--seeds", "2", "--n-jobs", "1"]) == 1
    assert "OFF by more than 1.0" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("ablation", ["none", "easy", "hard"])
def test_golden_experiment_in_full(ablation):
    assert golden_synthetic.main(["--ablation", ablation, "--n-jobs", "2"]) == 0


@pytest.mark.parametrize("n_classes", [2, 4])
def test_conflicting_rows_carry_the_easy_pattern_of_another_class(n_classes):
    options = {"n_classes": n_classes, "saliency": 2.0, "separation": 1.5}
    plain = make_overlap_classification(**SMALL, **options, random_state=0)
    data = make_overlap_classification(**SMALL, **options, conflict=0.3, random_state=0)
    assert not plain.conflicting.any()
    assert data.conflicting.sum() == 12
    assert (data.region[data.conflicting] == 1).all()
    for name in ("y", "y_clean", "region", "theta"):
        np.testing.assert_array_equal(data[name], plain[name])
    rest = ~data.conflicting
    np.testing.assert_array_equal(data.X[rest], plain.X[rest])
    hard, easy = data.hard_columns, data.easy_columns
    np.testing.assert_array_equal(data.X[:, hard], plain.X[:, hard])
    # the noise is kept, so the difference is that of two patterns
    theta = data.theta
    patterns = np.stack([-theta, theta]) if n_classes == 2 else theta
    for row in np.flatnonzero(data.conflicting):
        moved = (data.X[row, easy] - plain.X[row, easy]) / (2.0 * 1.5)
        others = np.delete(patterns, data.y[row], axis=0) - patterns[data.y[row]]
        assert np.isclose(others[:, easy], moved).all(axis=1).sum() == 1


def test_conflict_and_label_noise_do_not_disturb_each_other():
    noisy = make_overlap_classification(**SMALL, label_noise=0.2, random_state=0)
    both = make_overlap_classification(
        **SMALL, label_noise=0.2, conflict=1.0, random_state=0
    )
    np.testing.assert_array_equal(both.y, noisy.y)
    np.testing.assert_array_equal(both.conflicting, both.region == 1)


@pytest.mark.parametrize("conflict", [-0.1, 1.1, np.nan])
def test_a_conflict_that_is_no_share_is_refused(conflict):
    with pytest.raises(ValueError, match="conflict"):
        make_overlap_classification(**SMALL, conflict=conflict)
