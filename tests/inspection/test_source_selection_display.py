import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from overlapkit import OverlapDetector, UCBSourceSelector
from overlapkit.datasets import make_overlap_sources
from overlapkit.metrics import cumulative_regret
from overlapkit.policies import UCB, RandomChoice
from overlapkit.theory import ucb_regret_bound
from tests.support.known_densities import KnownDensities

matplotlib = pytest.importorskip("matplotlib")
pytest.importorskip("matplotlib.pyplot")
matplotlib.use("Agg")

from overlapkit.inspection import SourceSelectionDisplay  # noqa: E402

DENSITIES = (0.2, 0.8)
POOL = make_overlap_sources(DENSITIES, n_rows=200, random_state=0)


def fitted(**params):
    reference = make_overlap_sources([0.5], theta=POOL.theta, random_state=1)
    defaults = {
        "detector": OverlapDetector(weak_columns=POOL.easy_columns, cv=3),
        "n_rounds": 8,
        "batch_size": 10,
        "reference": (reference.X, reference.y),
        "random_state": 0,
    }
    run = UCBSourceSelector(LogisticRegression(), **{**defaults, **params})
    return run.fit(POOL.X, POOL.y, sources=POOL.sources)


@pytest.fixture(scope="module")
def run():
    return fitted()


@pytest.fixture(autouse=True)
def _close():
    yield
    matplotlib.pyplot.close("all")


def test_index_has_a_line_per_source(run):
    display = SourceSelectionDisplay.from_estimator(run, linewidth=3)
    assert list(display.lines_) == ["0", "1"]
    drawn = display.lines_["1"].get_ydata()
    expected = run.history_["index_1"].replace(np.inf, np.nan)
    np.testing.assert_array_equal(drawn, expected)
    assert display.lines_["0"].get_linewidth() == 3
    assert display.ax_.get_xlabel() == "round"
    assert display.figure_ is display.ax_.figure


def test_ratio_stands_between_oracle_and_random(run):
    display = SourceSelectionDisplay.from_estimator(
        run, kind="overlap_ratio", densities=DENSITIES
    )
    assert (display.lines_["oracle"].get_ydata() == 0.8).all()
    assert (display.lines_["random"].get_ydata() == 0.5).all()
    np.testing.assert_array_equal(
        display.lines_["run"].get_ydata(), run.history_["overlap_ratio"]
    )


def test_regret_has_its_bound(run):
    display = SourceSelectionDisplay.from_estimator(
        run, kind="regret", densities=DENSITIES
    )
    drawn = display.lines_["run"].get_ydata()
    choices = run.history_["source"].map(run.sources_.index)
    np.testing.assert_array_equal(drawn, cumulative_regret(DENSITIES, choices))
    bound = display.lines_["bound"].get_ydata()
    last = ucb_regret_bound(2, 8, batch_size=10, horizon=8).cumulative
    assert bound[-1] == pytest.approx(min(last, 8))
    assert (display.lines_["run"].get_ydata() <= bound).all()


@pytest.mark.parametrize(
    "params",
    [
        {"policy": UCB(bonus="authors")},
        {"policy": RandomChoice()},
        {"min_source_share": 0.1},
        {"prices": [1, 2]},
    ],
    ids=lambda p: next(iter(p)),
)
def test_no_bound_where_none_holds(params):
    display = SourceSelectionDisplay.from_estimator(
        fitted(**params), kind="regret", densities=DENSITIES
    )
    assert "bound" not in display.lines_


def test_runs_are_drawn_beside_it(run):
    baselines = {
        "oracle": fitted(policy=KnownDensities(DENSITIES)),
        "random": fitted(policy=RandomChoice()).history_,
    }
    display = SourceSelectionDisplay.from_estimator(
        run, kind="overlap_ratio", densities=DENSITIES, baselines=baselines
    )
    np.testing.assert_array_equal(
        display.lines_["oracle"].get_ydata(),
        baselines["oracle"].history_["overlap_ratio"],
    )
    assert set(display.lines_) == {"run", "oracle", "random"}


def test_table_is_enough(run):
    _, ax = matplotlib.pyplot.subplots()
    display = SourceSelectionDisplay.from_history(
        run.history_, kind="overlap_ratio", ax=ax
    )
    assert display.ax_ is ax
    assert set(display.lines_) == {"run"}


def test_bad_use_is_named(run):
    with pytest.raises(ValueError, match="kind='ratio' is unknown"):
        SourceSelectionDisplay.from_estimator(run, kind="ratio")
    with pytest.raises(ValueError, match="needs the true densities"):
        SourceSelectionDisplay.from_estimator(run, kind="regret")
    with pytest.raises(NotFittedError):
        SourceSelectionDisplay.from_estimator(UCBSourceSelector())


def test_regret_with_prices_by_name():
    prices = {0: 1.0, 1: 3.0}
    run = fitted(prices=prices)
    display = SourceSelectionDisplay.from_estimator(
        run, kind="regret", densities=DENSITIES
    )
    choices = run.history_["source"].map(run.sources_.index)
    expected = cumulative_regret(DENSITIES, choices, prices=[1.0, 3.0])
    np.testing.assert_array_equal(display.lines_["run"].get_ydata(), expected)


def test_names_of_sources_with_dollar_signs_are_no_formulas(tmp_path):
    names = np.array([r"$\bad$", "other"], dtype=object)
    run = fitted().fit(POOL.X, POOL.y, sources=names[POOL.sources])
    display = SourceSelectionDisplay.from_estimator(run, kind="index")
    assert r"$\bad$" in display.lines_
    display.figure_.savefig(tmp_path / "figure.png")


def live(n_rounds=1, **params):
    defaults = {
        "source_names": ["a", "b"],
        "detector": OverlapDetector(weak_columns=POOL.easy_columns, cv=3),
        "train_every": None,
        "random_state": 0,
    }
    run = UCBSourceSelector(LogisticRegression(), **{**defaults, **params})
    for t in range(n_rounds):
        rows = slice(10 * t, 10 * t + 10)
        run.partial_fit(POOL.X[rows], POOL.y[rows])
    return run


def test_one_round_shows_its_source_and_whole_rounds():
    display = SourceSelectionDisplay.from_estimator(live())
    squares = [line for line in display.ax_.lines if line.get_marker() == "s"]
    assert sum(len(line.get_xdata()) for line in squares) == 1
    assert all(float(tick).is_integer() for tick in display.ax_.get_xticks())
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["a", "b", "first rounds"]
    assert "source" in display.ax_.get_legend().get_title().get_text()


def test_one_round_shows_what_is_known_of_its_source():
    unread = SourceSelectionDisplay.from_estimator(live())
    assert [text.get_text() for text in unread.ax_.texts] == [
        "no batch was read yet\nb: 10 rows"
    ]
    rows = POOL.X[50:], POOL.y[50:]
    run = live(reference=rows)
    (bars,) = SourceSelectionDisplay.from_estimator(run).ax_.containers
    _, _, (lines,) = bars
    low, high = lines.get_segments()[0][:, 1]
    assert low == pytest.approx(run.history_["density_low"][0])
    assert high == pytest.approx(run.history_["density_high"][0])


def test_prices_put_money_on_the_axis(run):
    paid = fitted(prices={0: 1.0, 1: 3.0})
    display = SourceSelectionDisplay.from_estimator(paid, kind="overlap_ratio")
    assert display.ax_.get_xlabel() == "cost so far"
    drawn = display.lines_["run"].get_xdata()
    np.testing.assert_array_equal(drawn, paid.history_["cost"])


def test_a_source_without_rows_has_no_line_any_more():
    run = fitted(policy=KnownDensities((0.9, 0.1)), n_rounds=8, batch_size=30)
    gone = run.history_.index[run.history_["event"].str.contains("no rows left")][0]
    drawn = SourceSelectionDisplay.from_estimator(run).lines_["0"].get_ydata()
    assert np.isfinite(drawn[: gone + 1]).all()
    assert np.isnan(drawn[gone + 1 :]).all()
    assert len(drawn) > gone + 1


def test_densities_by_name_and_by_round(run):
    by_name = {0: 0.2, 1: 0.8}
    drawn = [
        SourceSelectionDisplay.from_estimator(run, kind="regret", densities=given)
        .lines_["run"]
        .get_ydata()
        for given in (DENSITIES, by_name, lambda t: by_name)
    ]
    np.testing.assert_allclose(drawn[0], drawn[1])
    np.testing.assert_allclose(drawn[0], drawn[2])
    with pytest.raises(ValueError, match=r"no number for the source\(s\) \['1'\]"):
        SourceSelectionDisplay.from_estimator(run, kind="regret", densities={0: 0.2})


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"densities": {}}, ValueError, "densities is an empty dict"),
        ({"densities": dict}, TypeError, "densities=dict is a class"),
        ({"prices": dict}, TypeError, "prices=dict is a class"),
    ],
)
def test_no_density_and_a_class_are_refused(params, error, message):
    history = pd.DataFrame({"round": [0], "source": ["a"]})
    with pytest.raises(error, match=message):
        SourceSelectionDisplay(history, **params)
