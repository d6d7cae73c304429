import numpy as np
import pytest

from overlapkit import OverlapDetector
from overlapkit.datasets import (
    make_noisy_labels,
    make_overlap_classification,
    stack_views,
)

BIG = np.arange(60_000) % 3


@pytest.mark.parametrize("noise", [0.0, 0.2, 0.5, 2 / 3])
@pytest.mark.parametrize("concentration", [0.5, 5.0, None])
def test_error_rates_are_the_closed_form(noise, concentration):
    data = make_noisy_labels(
        BIG, noise=noise, concentration=concentration, random_state=0
    )
    # 5 standard errors of a share
    limit = 5 * np.sqrt(noise * (1 - noise) / len(BIG)) + 1e-12
    assert abs(data.wrong.mean() - noise) < limit
    assert abs(data.error_rate.mean() - noise) < limit
    np.testing.assert_array_equal(data.wrong, data.labels != BIG)
    # the variance of a scaled Beta with mean noise / m and sum of parameters kappa
    m = 2 / 3
    share = noise / m
    expected = 0 if concentration is None else share * (1 - share) / (concentration + 1)
    assert np.var(data.error_rate / m) == pytest.approx(expected, abs=0.01)


def test_confidence_is_calibrated_and_the_label_most_probable():
    data = make_noisy_labels(BIG, noise=0.3, random_state=0)
    np.testing.assert_allclose(data.proba.sum(axis=1), 1)
    best = data.proba[np.arange(len(BIG)), data.labels]
    np.testing.assert_allclose(best, data.proba.max(axis=1))
    np.testing.assert_allclose(best, 1 - data.error_rate)
    for low in (0.4, 0.6, 0.8):
        rows = (best >= low) & (best < low + 0.1)
        limit = 5 * 0.5 / np.sqrt(rows.sum())
        assert abs(np.mean(~data.wrong[rows]) - best[rows].mean()) < limit


def test_wrong_labels_are_all_other_classes_alike():
    data = make_noisy_labels(BIG, noise=0.5, random_state=0)
    shift = (data.labels - BIG)[data.wrong] % 3
    assert abs(np.mean(shift == 1) - 0.5) < 5 * 0.5 / np.sqrt(data.wrong.sum())


def test_groups_have_rates_of_their_own():
    groups = np.arange(len(BIG)) % 4
    rates = [0.0, 0.1, 0.4, 0.6]
    data = make_noisy_labels(BIG, noise=rates, groups=groups, random_state=0)
    found = [data.wrong[groups == g].mean() for g in range(4)]
    np.testing.assert_allclose(found, rates, atol=5 * 0.5 / np.sqrt(15_000))
    same = make_noisy_labels(BIG, noise=0.1, groups=groups, random_state=0)
    assert same.wrong.mean() == pytest.approx(0.1, abs=0.01)


def test_same_seed_same_labels_and_input_untouched():
    y = BIG[:300].copy()
    one, two = (make_noisy_labels(y, random_state=4) for _ in range(2))
    np.testing.assert_array_equal(one.proba, two.proba)
    np.testing.assert_array_equal(y, BIG[:300])
    other = make_noisy_labels(y, random_state=5)
    assert not np.array_equal(one.labels, other.labels)


def test_probabilities_are_a_weak_view_that_a_detector_reads():
    data = make_overlap_classification(random_state=0)
    weak = make_noisy_labels(
        data.y, noise=[0.05, 0.05, 0.5], groups=data.region, random_state=0
    )
    X, strong, weak_columns = stack_views(strong=data.X, weak=weak.proba)
    detector = OverlapDetector(
        "precomputed", strong_columns=strong, weak_columns=weak_columns
    ).fit(X)
    hard = detector.labels_ == 2
    # guessed labels have confidence 0 exactly: the postulated teacher is no continuum
    assert (data.region[hard] == 2).mean() > 0.9
    assert hard[data.region == 2].all()


def test_five_hundred_seeds_are_valid():
    y = np.arange(60) % 3
    for seed in range(500):
        data = make_noisy_labels(y, noise=0.4, random_state=seed)
        assert set(data.labels) == {0, 1, 2}
        assert np.isfinite(data.proba).all()
        assert (data.error_rate >= 0).all()
        assert (data.error_rate <= 2 / 3 + 1e-12).all()
        assert 0 < data.wrong.sum() < 60


def test_a_lost_class_is_an_error():
    messages = []
    for seed in range(500):
        try:
            labels = make_noisy_labels(
                [0, 1], noise=0.5, concentration=None, random_state=seed
            ).labels
        except ValueError as error:
            messages.append(str(error))
        else:
            assert set(labels) == {0, 1}
    assert all("none of the 2 weak labels drawn is of class" in m for m in messages)
    # two guesses are alike half of the time
    assert abs(len(messages) - 250) < 5 * np.sqrt(125)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"noise": 0.8}, r"noise must lie between 0 and 0\.6667 with 3 classes"),
        ({"noise": [0.1, -0.1]}, "noise must lie between 0"),
        ({"noise": [0.1, 0.2]}, "noise has 2 entries; give groups"),
        ({"noise": [0.1, 0.2], "groups": BIG[:9]}, "There is a group 2, but noise has"),
        ({"groups": BIG[:3]}, "inconsistent numbers of samples"),
        ({"groups": np.full(9, 0.5)}, "groups must be integers from 0 on"),
        ({"y": [-1, 0]}, "y must be integers from 0 on"),
        ({"y": [0, 0]}, r"does not fit 1 class\(es\)"),
        ({"n_classes": 2}, "y holds the class 2, which does not fit 2 class"),
        ({"concentration": 0}, "The 'concentration' parameter"),
    ],
)
def test_bad_parameters_are_refused(params, message):
    with pytest.raises(ValueError, match=message):
        make_noisy_labels(**{"y": BIG[:9], **params})
