import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from overlapkit import OverlapDetector
from overlapkit.datasets import make_overlap_classification
from overlapkit.inspection import OverlapCurveDisplay
from overlapkit.model_selection import overlap_curve

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _close_figures():
    plt.switch_backend("agg")
    yield
    plt.close("all")


@pytest.fixture
def curve():
    """Two pools, three shares, four repeats, with values that can be worked out."""
    lines = [
        {
            "pool": pool,
            "share": share,
            "seed": seed,
            "accuracy": base + share / 10 + seed / 100,
            "label_purity": base,
        }
        for pool, base in (("overlap", 0.6), ("random non-hard", 0.5))
        for share in (0.0, 0.5, 1.0)
        for seed in range(4)
    ]
    return pd.DataFrame(lines)


def test_lines_are_means_and_bands_one_standard_error(curve):
    display = OverlapCurveDisplay(curve).plot()
    assert list(display.lines_) == ["overlap", "random non-hard"]
    x, y = display.lines_["overlap"].get_data()
    np.testing.assert_allclose(x, [0, 0.5, 1])
    np.testing.assert_allclose(y, [0.615, 0.665, 0.715])
    error = np.std([0, 0.01, 0.02, 0.03], ddof=1) / 2
    vertices = display.bands_["overlap"].get_paths()[0].vertices
    heights = vertices[vertices[:, 0] == 0.5, 1]
    assert heights.min() == pytest.approx(0.665 - error)
    assert heights.max() == pytest.approx(0.665 + error)
    assert display.figure_ is display.ax_.figure
    assert [t.get_text() for t in display.ax_.get_legend().get_texts()] == [
        "overlap",
        "random non-hard",
    ]


def test_axes_metric_pools_and_line_properties_are_the_callers(curve):
    _, ax = plt.subplots()
    display = OverlapCurveDisplay.from_curve(curve, metric="label_purity", ax=ax)
    assert display.ax_ is ax
    assert ax.get_ylabel() == "label purity"
    display.plot(pools=["overlap"], band=False, color="black", linewidth=3)
    assert list(display.lines_) == ["overlap"]
    assert display.bands_ == {}
    assert display.ax_ is not ax
    line = display.lines_["overlap"]
    assert (line.get_color(), line.get_linewidth()) == ("black", 3)


@pytest.mark.parametrize(
    ("metric", "label"),
    [
        ("accuracy", "accuracy"),
        ("balanced_accuracy", "balanced accuracy"),
        ("accuracy_hard", "accuracy on hard rows"),
        ("class_share_0", "class share 0"),
    ],
)
def test_axis_says_what_is_drawn(curve, metric, label):
    display = OverlapCurveDisplay.from_curve(
        curve.assign(**{metric: 0.5}), metric=metric
    )
    assert display.ax_.get_ylabel() == label


def test_one_repeat_has_no_band_and_unknown_pools_are_drawn(curve):
    own = curve[(curve["seed"] == 0) & (curve["pool"] == "overlap")]
    own = own.assign(pool="my own pool")
    display = OverlapCurveDisplay.from_curve(own)
    assert display.bands_ == {}
    assert list(display.lines_) == ["my own pool"]


def test_from_estimator_draws_what_overlap_curve_computes():
    data = make_overlap_classification(random_state=0)
    args = (
        LogisticRegression(C=0.01),
        OverlapDetector(weak_columns=data.easy_columns),
        data.X,
        data.y,
    )
    params = {"shares": [0, 1], "n_repeats": 2, "random_state": 0}
    display = OverlapCurveDisplay.from_estimator(
        *args, **params, metric="balanced_accuracy"
    )
    pd.testing.assert_frame_equal(display.curve, overlap_curve(*args, **params))
    # the controls are drawn without being asked for
    assert {"random non-hard", "most confident", "overlap vs easy"} < set(
        display.lines_
    )
    styles = {name: line.get_linestyle() for name, line in display.lines_.items()}
    assert styles["overlap"] != styles["overlap vs easy"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"metric": "f1"}, "There is no column 'f1' to draw"),
        ({"metric": "pool"}, "There is no column 'pool' to draw"),
        ({"pools": ["magic"]}, r"There is no pool \['magic'\]; there are \['overlap'"),
        ({"pools": []}, "There is no pool"),
    ],
)
def test_bad_choices_are_refused(curve, params, message):
    with pytest.raises(ValueError, match=message):
        OverlapCurveDisplay(curve).plot(**params)


def test_other_tables_are_refused(curve):
    with pytest.raises(ValueError, match=r"lacks the columns \['seed'\]"):
        OverlapCurveDisplay(curve.drop(columns="seed"))
    with pytest.raises(ValueError, match="it has 0 rows"):
        OverlapCurveDisplay(curve.iloc[:0])
