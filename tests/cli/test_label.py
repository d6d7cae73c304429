import numpy as np
import pandas as pd
import pytest

from overlapkit.label_models import LabelModel
from overlapkit.weak import WeakLabeler

LINE = "label t.csv --votes lf_* --id id"


def test_labels_are_those_of_the_api(command, here, table):
    table.to_csv("t.csv", index=False)
    code, out, _ = command(f"{LINE} --label label --out o.parquet")
    assert code == 0
    written = pd.read_parquet("o.parquet")
    votes = table.filter(like="lf_")
    classes = ["ham", "spam"]
    y = table["label"].fillna("").to_numpy(dtype=object)
    model = LabelModel(classes=classes, missing_label="")
    labeler = WeakLabeler(model, classes=classes, missing_label="", random_state=0)
    rows, _ = labeler.fit_label(votes, y)
    assert written["id"].tolist() == table["id"].tolist()
    np.testing.assert_allclose(written["proba_spam"][rows.covered],
                               rows.proba[rows.covered, 1])  # fmt: skip
    expected = pd.Series(rows.labels).where(rows.covered)
    assert written["weak_label"].equals(expected.astype(written["weak_label"].dtype))
    assert f"{rows.covered.sum()} with a weak label" in out
    assert "lf_3" in out


def test_rows_without_a_vote_are_kept_and_empty(command, here, table):
    votes = [name for name in table if name.startswith("lf_")]
    table.loc[3, votes] = np.nan
    table.to_csv("t.csv", index=False)
    _, out, err = command(f"{LINE} --out o.csv")
    written = pd.read_csv("o.csv")
    assert len(written) == len(table)
    assert written.loc[3].drop("id").isna().all()
    assert written.loc[3, "id"] == "m003"
    assert "without a vote" in out
    assert "have no vote" in err


def test_compressed_votes_give_the_same_bytes(command, here, table):
    table.to_csv("t.csv", index=False)
    table.to_csv("t.csv.gz", index=False)
    assert command(f"{LINE} --out plain.csv")[0] == 0
    code, _, _ = command(f"{LINE.replace('t.csv', 't.csv.gz')} --out packed.csv")
    assert code == 0
    assert (here / "packed.csv").read_bytes() == (here / "plain.csv").read_bytes()
    # cut off, as after a download that has failed
    whole = (here / "t.csv.gz").read_bytes()
    (here / "t.csv.gz").write_bytes(whole[: len(whole) // 2])
    code, _, err = command(f"{LINE.replace('t.csv', 't.csv.gz')} --out cut.csv")
    assert code == 1
    assert "t.csv.gz" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("model", ["majority", "dawid-skene"])
def test_other_label_models(command, here, table, model):
    table.to_csv("t.csv", index=False)
    assert command(f"{LINE} --label-model {model} --out o.csv")[0] == 0
    assert set(pd.read_csv("o.csv")["weak_label"].dropna()) == {"ham", "spam"}


def test_votes_as_numbers_with_names_of_classes(command, here, table):
    numbers = table.replace({"ham": 0, "spam": 1})
    numbers["label"] = table["label"]
    numbers.to_csv("n.csv", index=False)
    table.to_csv("t.csv", index=False)
    line = "label n.csv --votes lf_* --id id --label label --out n.parquet"
    code, _, err = command(line)
    assert code == 1
    assert "--classes" in err
    assert command(f"{line} --classes ham spam")[0] == 0
    command(f"{LINE} --label label --out t.parquet")
    pd.testing.assert_frame_equal(
        pd.read_parquet("n.parquet"), pd.read_parquet("t.parquet")
    )


def test_parquet_in_is_csv_in(command, here, table):
    table.to_csv("t.csv", index=False)
    table.to_parquet("t.parquet")
    command(f"{LINE} --out a.csv")
    command(f"{LINE.replace('csv', 'parquet')} --out b.csv")
    assert (here / "a.csv").read_bytes() == (here / "b.csv").read_bytes()
