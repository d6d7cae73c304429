"""The cost model of the study of clusters."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.studies import scaling


def test_constants_are_those_that_made_the_times():
    rng = np.random.RandomState(0)
    true = {"products": 2e-11, "values": 3e-9, "bytes": 1e-9, "chunks": 5e-3}
    runs = pd.DataFrame(
        {
            "products": rng.uniform(1e9, 1e11, 12),
            "values": rng.uniform(1e6, 1e8, 12),
            "bytes": rng.uniform(0, 1e9, 12),
            "chunks": rng.randint(1, 100, 12),
        }
    )
    runs["seconds"] = sum(runs[name] * true[name] for name in true)
    costs, error = scaling.fit_costs(runs)
    assert costs == pytest.approx(true)
    assert error < 1e-9


def test_ten_times_the_machines_share_the_work_but_not_the_client():
    costs = {"products": 2e-11, "values": 3e-9, "bytes": 1e-9, "chunks": 0.0}
    table = scaling.on_paper(costs, per_row=1e-7).set_index(["rows", "machines"])
    few, many = table.loc[("1e+08", 10)], table.loc[("1e+08", 100)]
    assert few["workers, s"] == pytest.approx(10 * many["workers, s"])
    assert few["client, s"] == many["client, s"] == pytest.approx(10.0)
