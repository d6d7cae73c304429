import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from overlapkit import WeakToStrongClassifier
from overlapkit.inspection import LabelValueDisplay
from overlapkit.label_models import MajorityVote
from overlapkit.model_selection import label_value_curve

plt = pytest.importorskip("matplotlib.pyplot")

METHODS = ["labels alone", "weak labels alone", "both", "self-cut"]


@pytest.fixture(autouse=True)
def _close_figures():
    plt.switch_backend("agg")
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def problem():
    """Votes that are worth more labels than 30 and fewer than 400."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(800, 20))
    y = (X[:, :2].sum(axis=1) > 0).astype(int)
    votes = np.where(rng.uniform(size=(800, 3)) < 0.62, y[:, None], 1 - y[:, None])
    model = WeakToStrongClassifier(
        LogisticRegression(),
        weak_estimator=MajorityVote(),
        strong_columns=slice(0, 20),
        weak_columns=slice(20, 23),
        selector="auto",
    )
    params = {"n_labels": [10, 100, 600], "n_repeats": 3, "random_state": 0}
    return (model, np.hstack([X, votes]), y), params


@pytest.fixture(scope="module")
def result(problem):
    args, params = problem
    return label_value_curve(*args, **params)


def other(result, **worth):
    """The same curve with another number of labels."""
    copy = object.__new__(type(result))
    vars(copy).update(vars(result), worth=result.worth._replace(**worth))
    return copy


def test_lines_are_means_and_bands_the_intervals(result):
    display = LabelValueDisplay.from_curve(result)
    assert list(display.lines_) == METHODS == list(display.bands_)
    part = result.curve[result.curve["method"] == "both"].groupby("n_labels")
    x, height = display.lines_["both"].get_data()
    np.testing.assert_array_equal(x, [10, 100, 600])
    np.testing.assert_allclose(height, part["accuracy"].mean())
    vertices = display.bands_["both"].get_paths()[0].vertices
    heights = vertices[vertices[:, 0] == 100, 1]
    bounds = part[["low", "high"]].first().loc[100].tolist()
    assert [heights.min(), heights.max()] == pytest.approx(bounds)
    assert display.figure_ is display.ax_.figure


def test_axes_are_in_plain_words_and_numbers(result):
    ax = LabelValueDisplay.from_curve(other(result)).ax_
    ax.figure.canvas.draw()
    assert ax.get_xscale() == "log"
    assert [t.get_text() for t in ax.get_xticklabels()] == ["10", "100", "600"]
    assert not ax.get_xticklabels(minor=True)
    assert ax.get_xlabel() == "number of true labels (logarithmic scale)"
    assert ax.get_ylabel() == "accuracy on test rows"
    assert all(t.get_text().endswith("%") for t in ax.get_yticklabels())
    legend = ax.get_legend()
    assert legend.get_title().get_text() == "learnt from"
    assert [t.get_text() for t in legend.get_texts()[:4]] == [
        "true labels alone",
        "weak labels alone",
        "both",
        "true labels alone, self-cut",
    ]
    assert ax.get_ylim()[1] <= 1.01


def test_lines_stay_readable_where_the_intervals_span_everything(result):
    wide = other(result)
    vars(wide)["curve"] = result.curve.assign(low=0.0, high=1.0)
    ax = LabelValueDisplay.from_curve(wide).ax_
    means = result.curve.groupby(["method", "n_labels"])["accuracy"].mean()
    bottom, top = ax.get_ylim()
    assert bottom < means.min() < means.max() < top
    assert means.max() - means.min() > (top - bottom) / 4


def test_the_crossover_is_marked_with_its_interval(result):
    n, low, high = 120.0, 80.0, 190.0
    display = LabelValueDisplay.from_curve(
        other(result, n_labels=n, low=low, high=high)
    )
    weak = result.curve["method"] == "weak labels alone"
    height = result.curve.loc[weak, "accuracy"].mean()
    assert display.crossover_.get_xydata().tolist() == [[n, pytest.approx(height)]]
    assert display.interval_.get_xdata().tolist() == [low, high]
    said = display.ax_.get_legend().get_texts()[-1].get_text().replace("\n", " ")
    assert said == (
        "weak labels are worth about 120 true labels (95 % interval: 80 to 190)"
    )


@pytest.mark.parametrize(
    ("worth", "place", "marker", "words"),
    [
        ({"n_labels": 0.0, "low": 0.0, "high": 0.0}, 10, "<", "fewer than 10"),
        ({"n_labels": np.inf, "low": 300.0, "high": np.inf}, 600, ">", "more than 600"),
    ],
)
def test_a_number_outside_the_range_is_an_arrow_at_its_end(
    result, worth, place, marker, words
):
    display = LabelValueDisplay.from_curve(other(result, **worth))
    assert display.crossover_.get_xdata().tolist() == [place]
    assert display.crossover_.get_marker() == marker
    assert words in display.crossover_.get_label()
    ends = display.interval_.get_xdata()
    assert ends.min() >= 10
    assert ends.max() <= 600


def test_axes_bands_and_line_properties_are_the_callers(result):
    _, ax = plt.subplots()
    display = LabelValueDisplay(result).plot(ax, band=False, linewidth=3)
    assert display.ax_ is ax
    assert display.bands_ == {}
    assert display.lines_["both"].get_linewidth() == 3
    styles = {
        (line.get_color(), line.get_linestyle()) for line in display.lines_.values()
    }
    assert len(styles) == 4


def test_from_estimator_draws_what_label_value_curve_computes(problem, result):
    args, params = problem
    _, ax = plt.subplots()
    display = LabelValueDisplay.from_estimator(*args, ax=ax, band=False, **params)
    pd.testing.assert_frame_equal(display.result.curve, result.curve)
    assert display.ax_ is ax
    assert display.bands_ == {}


def test_other_things_are_refused(result):
    with pytest.raises(ValueError, match=r"lacks the columns \['accuracy'"):
        LabelValueDisplay(result.needed)
    vacant = other(result)
    vars(vacant)["curve"] = result.curve.iloc[:0]
    with pytest.raises(ValueError, match="empty"):
        LabelValueDisplay.from_curve(vacant)
