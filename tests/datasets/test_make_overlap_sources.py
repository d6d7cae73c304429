import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from overlapkit.datasets import make_overlap_classification, make_overlap_sources


def test_densities_are_exact():
    data = make_overlap_sources([0.1, 0.5, 1.0], n_rows=[100, 40, 10], random_state=0)
    assert data.densities.tolist() == [0.1, 0.5, 1.0]
    for k, (n, o) in enumerate(zip([100, 40, 10], [10, 20, 10])):
        region = data.region[data.sources == k]
        assert np.bincount(region, minlength=3)[1] == o
        # what is not overlap is easy and hard in equal parts
        assert np.bincount(region, minlength=3)[0] == (n - o) // 2


def test_region_is_what_the_columns_say():
    data = make_overlap_sources(n_rows=50, random_state=1)
    easy = data.X[:, data.easy_columns].any(axis=1)
    hard = data.X[:, data.hard_columns].any(axis=1)
    np.testing.assert_array_equal(easy, data.region < 2)
    np.testing.assert_array_equal(hard, data.region > 0)


def test_many_seeds_keep_their_promise():
    for seed in range(200):
        data = make_overlap_sources([0.3, 0.7], n_rows=20, random_state=seed)
        np.testing.assert_allclose(data.densities, [0.3, 0.7])
        assert len(np.unique(data.y)) == 2


def test_same_seed_same_rows():
    one, two = (make_overlap_sources(random_state=3) for _ in range(2))
    np.testing.assert_array_equal(one.X, two.X)


def test_drift_goes_from_first_to_last():
    data = make_overlap_sources(
        [0.1, 0.5], final_densities=[0.9, 0.5], n_rows=4000, random_state=0
    )
    overlap = (data.region == 1)[data.sources == 0]
    # the mean over the first and the last tenth of a line from .1 to .9
    assert abs(overlap[:400].mean() - 0.14) < 0.06
    assert abs(overlap[-400:].mean() - 0.86) < 0.06
    assert data.densities[1] == 0.5


def test_quality_is_the_accuracy_that_a_weak_model_loses():
    data = make_overlap_sources(
        [0.5, 0.5], qualities=[1.0, 0.6], n_rows=2000, separation=3, random_state=0
    )
    clean = make_overlap_classification(
        n_hard=0, n_easy=500, separation=3, theta=data.theta, random_state=1
    )
    weak = LogisticRegression().fit(clean.X[:, clean.easy_columns], clean.y)
    right = weak.predict(data.X[:, data.easy_columns]) == data.y
    has_easy = data.region < 2
    accuracy = [right[has_easy & (data.sources == k)].mean() for k in range(2)]
    assert data.qualities.tolist() == [1.0, 0.6]
    assert accuracy[0] > 0.95
    assert abs(accuracy[0] - accuracy[1] - 0.4) < 0.05
    # exactly the misleading rows are those that mislead
    assert right[has_easy & data.misleading].mean() < 0.05


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"densities": [0.5, 1.5]}, "densities must hold a number"),
        ({"densities": []}, "at least one source"),
        ({"qualities": [0.5, 0.5]}, "for each of 5 sources"),
        ({"n_rows": [10.5] * 5}, "n_rows must be whole numbers"),
        ({"n_easy": 10}, "follow from densities"),
        ({"final_densities": [0.1]}, "final_densities"),
    ],
)
def test_bad_input_is_named(params, message):
    with pytest.raises(ValueError, match=message):
        make_overlap_sources(**params)
