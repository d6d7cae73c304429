"""Sources compared by a few rows of each."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from overlapkit import OverlapDetector
from overlapkit.datasets import make_overlap_classification, make_overlap_sources
from overlapkit.sources import pilot_sources

POOL = make_overlap_sources([0.1, 0.85, 0.9], n_rows=80, random_state=0)
REFERENCE, TEST = (
    (d.X, d.y)
    for d in (
        make_overlap_classification(
            n_easy=150, n_hard=150, n_overlap=150, theta=POOL.theta, random_state=s
        )
        for s in (1, 2)
    )
)
DETECTOR = OverlapDetector(weak_columns=POOL.easy_columns)


def pilot(X=POOL.X, y=POOL.y, sources=POOL.sources, **params):
    defaults = {"reference": REFERENCE, "detector": DETECTOR, "random_state": 0}
    return pilot_sources(X, y, sources=sources, **{**defaults, **params})


def test_sources_that_differ_are_in_different_groups():
    result = pilot(test=TEST, estimator=LogisticRegression(C=0.1))
    table, pairs = result.table, result.pairs
    assert table["group"].sort_index().tolist() == [2, 1, 1]
    assert table["density"].is_monotonic_decreasing
    for what in ("density", "purity", "gain"):
        assert (table[f"{what}_low"] <= table[what]).all()
        assert (table[what] <= table[f"{what}_high"]).all()
    differ = pairs.set_index(["source", "other"])["differ"]
    assert differ.sum() == 2
    assert len(pairs) == 3
    # fewer rows are needed for a source that is far off
    needed = table["rows_needed"]
    assert np.isnan(needed.iloc[0])
    assert needed[0] < 80 < needed.iloc[1]
    assert "<table" in result._repr_html_()


def test_what_is_reported_are_the_shares_of_the_detector():
    table = pilot().table
    fitted = DETECTOR.__class__(weak_columns=POOL.easy_columns, random_state=0)
    fitted.fit(*REFERENCE)
    overlap = pd.Series(fitted.predict(POOL.X) == 1).groupby(POOL.sources).mean()
    np.testing.assert_allclose(table["density"].sort_index(), overlap)
    weak = fitted.weak_estimator_.predict(POOL.X[:, POOL.easy_columns])
    right = pd.Series(weak == POOL.y).groupby(POOL.sources).mean()
    np.testing.assert_allclose(table["purity"].sort_index(), right)


def test_the_order_of_rows_does_not_matter():
    order = np.random.default_rng(0).permutation(len(POOL.y))
    pd.testing.assert_frame_equal(
        pilot(test=TEST).table,
        pilot(POOL.X[order], POOL.y[order], POOL.sources[order], test=TEST).table,
    )


def test_labels_are_not_needed_for_densities():
    table = pilot(y=None).table
    assert table["purity"].isna().all()
    assert table["density"].notna().all()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"by": "price"}, "by='price' is unknown"),
        ({"by": "gain"}, "needs test rows"),
        ({"by": "purity", "y": None}, "have no row to measure"),
        ({"level": 95}, r"level must lie in \(0, 1\)"),
    ],
)
def test_bad_parameters_are_named(params, message):
    with pytest.raises(ValueError, match=message):
        pilot(**params)


def test_prices_rank_by_what_a_unit_of_money_buys():
    plain = pilot(test=TEST).table.sort_index()
    dear = {0: 1.0, 1: 1.0, 2: 30.0}
    result = pilot(test=TEST, prices=dear)
    table = result.table.sort_index()
    pd.testing.assert_frame_equal(
        table[["density", "purity", "gain"]], plain[["density", "purity", "gain"]]
    )
    np.testing.assert_allclose(table["per_price"], table["density"] / [1, 1, 30])
    assert table["cost"].tolist() == [80, 80, 2400]
    assert result.table.index.tolist() == [1, 0, 2]
    assert result.table["group"].tolist() == [1, 2, 3]
    for by in ("density", "purity", "gain"):
        same = {"by": by, "test": TEST}
        one, other = pilot(**same).pairs, pilot(**same, prices=[2, 2, 2]).pairs
        columns = ["difference", "low", "high"]
        np.testing.assert_allclose(other[columns], one[columns] / 2)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"sources": None}, ValueError, "sources=None"),
        ({"reference": None}, ValueError, r"reference must be a tuple \(X, y\)"),
        ({"reference": (POOL.X, POOL.y[:3])}, ValueError, "reference"),
        ({"test": (POOL.X, None)}, ValueError, "test must be a tuple"),
        ({"test": (POOL.X, POOL.y.astype(str))}, ValueError, "^test: Classes are"),
        ({"test": (POOL.X[:, :2], POOL.y)}, ValueError, "^test: "),
        ({"detector": "auto"}, TypeError, "detector must be an OverlapDetector"),
        ({"estimator": LogisticRegression()}, ValueError, "needs test rows"),
        ({"estimator": 3, "test": TEST}, TypeError, "estimator must be a classifier"),
        ({"level": "high"}, ValueError, "level must be a number"),
        ({"prices": {0: 1.0}}, ValueError, "prices has no price"),
        ({"prices": [1, 2, -1]}, ValueError, "prices must be positive"),
        ({"prices": lambda t: t}, ValueError, "prices must be a dict"),
    ],
)
def test_bad_arguments_are_named(params, error, message):
    with pytest.raises(error, match=message):
        pilot(**params)
