import numpy as np
import pytest

from overlapkit import OverlapDetector
from overlapkit.datasets import make_overlap_classification
from overlapkit.inspection import RegionDisplay

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _close_figures():
    plt.switch_backend("agg")
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def fitted():
    data = make_overlap_classification(random_state=0)
    detector = OverlapDetector(weak_columns=data.easy_columns, random_state=0)
    return detector.fit(data.X, data.y), data.X


def test_points_are_the_rows_of_each_region(fitted):
    detector, X = fitted
    display = RegionDisplay.from_estimator(detector, X)
    columns, regions = detector.transform(X), detector.predict(X)
    for code, name in enumerate(("easy", "overlap", "hard")):
        points = display.artists_[name].get_offsets()
        np.testing.assert_allclose(points, columns[regions == code])
    assert display.figure_ is display.ax_.figure
    assert display.ax_.get_xlabel() == "weak confidence"
    line = display.thresholds_["confidence"]
    assert line.get_xdata()[0] == detector.confidence_threshold_
    assert display.thresholds_["score"].get_ydata()[0] == detector.overlap_threshold_


@pytest.mark.parametrize(
    ("kind", "names"),
    [("confidence", ["easy", "overlap", "hard"]), ("score", ["easy", "overlap"])],
)
def test_bars_count_every_row_that_the_threshold_divides_once(fitted, kind, names):
    detector, X = fitted
    display = RegionDisplay.from_estimator(detector, X, kind=kind)
    regions = detector.predict(X)
    assert list(display.artists_) == names
    threshold = display.thresholds_[kind].get_xdata()[0]
    for code, name in enumerate(("easy", "overlap", "hard")[: len(names)]):
        bars = display.artists_[name]
        assert sum(bar.get_height() for bar in bars) == (regions == code).sum()
    highest_easy = max(
        bar.get_x() for bar in display.artists_["easy"] if bar.get_height()
    )
    assert (highest_easy < threshold) == (kind == "score")


def test_rows_that_are_not_covered_are_left_out_and_axes_are_the_callers():
    _, ax = plt.subplots()
    display = RegionDisplay.from_predictions(
        [0.9, 0.8, 0.1, 0.0], [0.1, 0.9, 0.5, 0.3], [0, 1, 2, 3], ax=ax, s=3
    )
    assert display.ax_ is ax
    assert sum(len(a.get_offsets()) for a in display.artists_.values()) == 3
    assert display.thresholds_ == {}
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [
        "easy (1)",
        "overlap (1)",
        "hard (1)",
    ]


def test_what_cannot_be_drawn_is_named():
    with pytest.raises(ValueError, match="None of the 2 rows is easy"):
        RegionDisplay([0.1, 0.2], [0.1, 0.2], [3, 3])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        RegionDisplay([0.1, 0.2], [0.1], [0, 0])
    display = RegionDisplay([0.1, 0.2], [0.1, 0.2], [2, 2])
    with pytest.raises(ValueError, match="Every row is hard"):
        display.plot(kind="score")
    with pytest.raises(ValueError, match="kind must be one of"):
        display.plot(kind="density")
