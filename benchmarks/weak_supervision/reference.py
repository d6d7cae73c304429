"""Published figures of the source paper's weak-supervision table.

`reference.csv` holds means and standard deviations (ddof 1) over the 25 seeds of the
result file that the paper's authors published with their code. The file itself does
not ship, as its repository states no licence; `summarize` makes the table from it.
"""

import json
from pathlib import Path

import pandas as pd

__all__ = ["load", "summarize"]

COLUMNS = {
    "label model": "lm_acc",
    "all weak labels": "pseudo_acc",
    "true labels": "gt_acc",
    "overlap labels": "overlap_avg_acc",
    "other labels": "nonoverlap_avg_acc",
}


def load():
    """The published table: data, figure, mean, sd, seeds."""
    return pd.read_csv(Path(__file__).with_name("reference.csv"), dtype={"figure": str})


def summarize(path):
    """The published table from the authors' result file."""
    runs = pd.read_csv(path)
    rows = []
    for data, part in runs.groupby("dataset_name", sort=True):
        values = {name: part[column] for name, column in COLUMNS.items()}
        curve = pd.DataFrame(part["acc_list"].map(json.loads).tolist())
        values |= {f"{k / 10:.1f}": curve[k] for k in curve}
        values["rise"] = curve[curve.columns[-1]] - curve[0]
        for figure, numbers in values.items():
            rows.append(
                {
                    "data": data,
                    "figure": figure,
                    "mean": round(100 * numbers.mean(), 3),
                    "sd": round(100 * numbers.std(), 3),
                    "seeds": len(numbers),
                }
            )
    return pd.DataFrame(rows)
