import numpy as np
import pandas as pd
import pytest

from overlapkit import OverlapDetector
from overlapkit.datasets import stack_views

LINE = "detect --strong S.npy --weak-proba P.npy"


def test_regions_are_those_of_the_api(command, data):
    strong, _, proba, _, _ = data
    code, out, _ = command(f"{LINE} --out R.csv")
    assert code == 0
    X, strong_columns, weak_columns = stack_views(
        strong=strong.astype(np.float64), weak=proba
    )
    detector = OverlapDetector(
        "precomputed",
        strong_columns=strong_columns,
        weak_columns=weak_columns,
        classes=[0, 1],
        random_state=0,
    ).fit(X)
    written = pd.read_csv("R.csv")
    assert list(written) == ["id", "region", "weak_confidence", "overlap_score"]
    assert written["id"].tolist() == list(range(600))
    regions = detector.region_names_[detector.labels_]
    assert written["region"].tolist() == regions.tolist()
    np.testing.assert_allclose(
        written["overlap_score"], detector.overlap_scores_, rtol=1e-3
    )
    n_overlap = (regions == "overlap").sum()
    assert f"overlap{n_overlap:>13}" in out


def test_rows_of_other_files_are_matched_by_id(command, data):
    strong, _, proba, ids, _ = data
    command(f"{LINE} --ids ids.npy --out a.csv")
    order = np.random.default_rng(1).permutation(600)
    frame = pd.DataFrame(proba, columns=["proba_no", "proba_yes"])
    frame.assign(id=ids).iloc[order].to_parquet("P.parquet")
    wide = pd.DataFrame(strong.astype(np.float32)).add_prefix("x").assign(id=ids)
    wide.to_parquet("S.parquet")
    command("detect --strong S.parquet --weak-proba P.parquet --out b.csv")
    a, b = pd.read_csv("a.csv"), pd.read_csv("b.csv")
    assert a["id"].tolist() == ids.tolist()
    assert a[["id", "region"]].equals(b[["id", "region"]])
    frame.iloc[:599].assign(id=ids[:599]).to_parquet("P.parquet")
    code, _, err = command(
        "detect --strong S.parquet --weak-proba P.parquet --out c.csv"
    )
    assert code == 1
    assert ids[599] in err
    code, _, err = command(
        "detect --strong S.parquet --weak-proba P.parquet --id key --out c.csv"
    )
    assert code == 1
    assert "no file has a column 'key' (--id)" in err


def test_a_weak_model_learns_the_known_labels(command, data):
    strong, weak, _, _, y = data
    known = pd.Series(np.where(y == 1, "yes", "no")).where(np.arange(600) % 3 == 0)
    known.to_frame("label").to_csv("y.csv", index=False)
    code, _, _ = command(
        "detect --strong S.npy --weak W.npy --labels y.csv --out R.csv"
    )
    assert code == 0
    X, strong_columns, weak_columns = stack_views(
        strong=strong.astype(np.float64), weak=weak
    )
    detector = OverlapDetector(
        strong_columns=strong_columns,
        weak_columns=weak_columns,
        missing_label="",
        random_state=0,
    ).fit(X, known.fillna("").to_numpy(dtype=object))
    regions = detector.region_names_[detector.labels_]
    assert (pd.read_csv("R.csv")["region"] == regions).mean() > 0.99


def test_the_labels_that_label_writes_are_read(command, data, table):
    strong = data[0]
    table.loc[:9, table.columns.str.startswith("lf_")] = np.nan
    table.to_csv("t.csv", index=False)
    np.save("S.npy", strong[: len(table)])
    table[["id"]].to_csv("ids.csv", index=False)
    command("label t.csv --votes lf_* --id id --out weak.parquet")
    code, _, _ = command(
        "detect --strong S.npy --ids ids.csv --weak-proba weak.parquet --out R.csv"
    )
    assert code == 0
    written = pd.read_csv("R.csv")
    without = table.filter(like="lf_").isna().all(axis=1)
    assert (written["region"] == "uncovered").equals(without)


def test_options_reach_the_detector(command, data):
    command(f"{LINE} --out a.csv")
    options = "--metric euclidean --aggregation max --max-landmarks 20"
    assert command(f"{LINE} {options} --out b.csv")[0] == 0
    command(f"{LINE} --hard-threshold 0.9 --out c.csv")
    np.save("S.npy", data[0] * np.arange(1, data[0].shape[1] + 1, dtype=np.float16))
    command(f"{LINE} --standardize --out d.csv")
    np.save("S.npy", data[0])
    command(f"{LINE} --standardize --out e.csv")
    a, b, c, d, e = (pd.read_csv(f"{name}.csv") for name in "abcde")
    assert not np.allclose(a["overlap_score"], b["overlap_score"])
    np.testing.assert_allclose(d["overlap_score"], e["overlap_score"], atol=0.01)
    assert ((c["region"] == "hard") == (c["weak_confidence"] < 0.9)).all()


def test_progress_counts_blocks(command, data):
    _, _, err = command(f"{LINE} --out R.csv --progress")
    assert "in blocks: 2 of 2 (100%)" in err


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda S, P: (S, P[:-1]), "P.npy has 599 rows and S.npy has 600"),
        (lambda S, P: (S, P * 2), "P.npy"),
        (lambda S, P: (S, P[:, :1]), "one column"),
        (lambda S, P: (np.where(np.arange(600)[:, None] == 5, np.nan, S), P), "row 5"),
    ],
)
def test_files_that_do_not_fit(command, data, spoil, expected):
    strong, proba = spoil(data[0], data[2])
    np.save("S.npy", strong)
    np.save("P.npy", proba)
    code, _, err = command(f"{LINE} --out R.csv")
    assert code == 1
    assert expected in err
    assert err.count("\n") == 1
