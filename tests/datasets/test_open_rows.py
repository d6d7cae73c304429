"""Rows of files: what is read, what is refused, and how rows are matched."""

import gzip
import os
import struct
import tracemalloc
import zipfile

import numpy as np
import pandas as pd
import pytest

from overlapkit.datasets import FileRows, open_rows, stack_views

ml_dtypes = pytest.importorskip("ml_dtypes")
pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
feather = pytest.importorskip("pyarrow.feather")
safetensors = pytest.importorskip("safetensors.numpy")

N, D = 30, 5
VALUES = np.random.default_rng(0).normal(size=(N, D)).astype(np.float16)
HALF = VALUES.astype(ml_dtypes.bfloat16)
IDS = np.array([f"r{i:02d}" for i in range(N)])
TABLE = pa.table(
    {"id": IDS, "emb": pa.FixedSizeListArray.from_arrays(pa.array(VALUES.ravel()), D)}
)
LISTS = pa.table(
    {"emb": pa.array(VALUES.tolist(), pa.list_(pa.float32())), "n": np.arange(N)}
)


def stream(path, table):
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as w:
        w.write_table(table, max_chunksize=7)


# name -> (how it is written, arguments of open_rows, values expected)
FORMS = {
    "a.npy": (lambda p: np.save(p, VALUES), {}, VALUES),
    "columns.npy": (lambda p: np.save(p, np.asfortranarray(VALUES)), {}, VALUES),
    "swapped.npy": (lambda p: np.save(p, VALUES.astype(">f2")), {}, VALUES),
    "bf.npy": (lambda p: np.save(p, HALF), {"dtype": "bfloat16"}, HALF),
    "a.npz": (lambda p: np.savez(p, X=VALUES, id=IDS), {"ids": "id"}, VALUES),
    "packed.npz": (
        lambda p: np.savez_compressed(p, X=np.asfortranarray(VALUES), y=IDS),
        {"columns": "X"},
        VALUES,
    ),
    "a.safetensors": (
        lambda p: safetensors.save_file({"emb": VALUES, "n": np.arange(N)}, p),
        {"columns": "emb", "ids": "n"},
        VALUES,
    ),
    "bf.safetensors": (lambda p: safetensors.save_file({"e": HALF}, p), {}, HALF),
    "raw.f16": (VALUES.tofile, {"dtype": "float16", "shape": (-1, D)}, VALUES),
    "raw.bin": (HALF.tofile, {"dtype": "bfloat16", "shape": (N, D)}, HALF),
    "a.parquet": (lambda p: parquet.write_table(TABLE, p), {"ids": "id"}, VALUES),
    "lists.parquet": (
        lambda p: parquet.write_table(LISTS, p, row_group_size=7),
        {"columns": "emb", "ids": "n"},
        VALUES,
    ),
    "a.feather": (lambda p: feather.write_feather(TABLE, p), {"ids": "id"}, VALUES),
    "a.arrow": (lambda p: stream(p, LISTS), {"columns": "emb"}, VALUES),
}


@pytest.mark.parametrize("name", FORMS)
def test_what_was_written_is_read(tmp_path, name):
    write, arguments, expected = FORMS[name]
    write(tmp_path / name)
    rows = open_rows(str(tmp_path / name), **arguments)
    assert rows.values.dtype in (np.float16, np.float32)
    assert rows.values.dtype.isnative
    np.testing.assert_array_equal(np.asarray(rows.values), expected.astype(np.float32))
    assert len(rows) == N
    if "ids" in arguments:
        assert len(np.unique(rows.ids)) == N


@pytest.mark.parametrize("name", [n for n in FORMS if not n.startswith("raw")])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.97])
def test_a_truncated_file_is_refused_by_its_name(tmp_path, name, share):
    write, arguments, _ = FORMS[name]
    path = tmp_path / name
    write(path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match=name.replace(".", r"\.")):
        open_rows(path, **arguments)


@pytest.mark.parametrize("name", ["a.npy", "a.parquet"])
def test_shards_are_joined_in_natural_order(tmp_path, name):
    kind = name[1:]
    for k in range(12):
        part = slice(2 * k, 2 * k + 2)
        path = tmp_path / f"part-{k}{kind}"
        if kind == ".npy":
            np.save(path, VALUES[part])
        else:
            parquet.write_table(TABLE.slice(2 * k, 2), path)
    (tmp_path / "_SUCCESS").write_text("")
    rows = open_rows(tmp_path, ids="id" if kind == ".parquet" else None)
    np.testing.assert_array_equal(np.asarray(rows.values), VALUES[:24])
    paths = [tmp_path / f"part-{k}{kind}" for k in (3, 1)]
    np.testing.assert_array_equal(
        np.asarray(open_rows(paths, columns=None if kind == ".npy" else "emb").values),
        VALUES[[6, 7, 2, 3]],
    )


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no file that ends in"),
        ({"a.npy": VALUES, "b.csv": None}, r"2 kinds \(.csv, .npy\)"),
        ({"a.npy": VALUES, "b.npy": VALUES[:, :2]}, r"b.npy has shape \(30, 2\)"),
        ({"a.npy": VALUES, "b.npy": VALUES.astype("f8")}, "b.npy holds float64"),
    ],
)
def test_shards_that_do_not_fit_are_refused(tmp_path, files, message):
    for name, values in files.items():
        (tmp_path / name).write_text("a\n1\n")
        if values is not None:
            np.save(tmp_path / name, values)
    with pytest.raises(ValueError, match=message):
        open_rows(tmp_path)


@pytest.mark.parametrize("kind", [".npy", ".csv", ".parquet", ".npz", ".safetensors"])
def test_only_regular_files_with_content_are_opened(tmp_path, kind):
    """A pipe would block for ever, and a link to a device would fill the memory."""
    os.mkfifo(tmp_path / f"pipe{kind}")
    (tmp_path / f"zero{kind}").symlink_to("/dev/zero")
    (tmp_path / f"empty{kind}").write_bytes(b"")
    for name, what in (("pipe", "a pipe"), ("zero", "a device"), ("empty", "0 bytes")):
        with pytest.raises(ValueError, match=f"{name}{kind} is .*{what}"):
            open_rows(tmp_path / f"{name}{kind}")
    with pytest.raises(FileNotFoundError, match=f"none{kind} does not exist"):
        open_rows(tmp_path / f"none{kind}")


def test_sizes_are_checked_before_memory_is_taken(tmp_path):
    text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2500000000000, 1), }"
    lie = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + b"\0" * 100
    (tmp_path / "lie.npy").write_bytes(lie)
    with zipfile.ZipFile(tmp_path / "lie.npz", "w") as archive:
        archive.writestr("X.npy", lie)
    for name in ("lie.npy", "lie.npz"):
        with pytest.raises(ValueError, match=f"{name}.* has 100 bytes.*10000000000000"):
            open_rows(tmp_path / name)
    np.savez_compressed(tmp_path / "bomb.npz", X=np.zeros(300 << 20, dtype=np.int8))
    with pytest.raises(ValueError, match=r"300.0 MiB in memory, 10\d\d times"):
        open_rows(tmp_path / "bomb.npz")


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.pkl", "a.pt"])
def test_nothing_is_unpickled(tmp_path, name):
    path = tmp_path / name
    objects = np.array([{}, 1], dtype=object)
    save = {".npy": np.save, ".npz": np.savez}.get(path.suffix)
    if save is None:
        path.write_bytes(b"x")
    else:
        save(path, objects)
    with pytest.raises(ValueError, match="unpickling runs code"):
        open_rows(path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((5, 0)), r"shape \(5, 0\)"),
        (np.zeros((0, 5)), r"shape \(0, 5\)"),
        (np.zeros((5, 2, 2)), r"shape \(5, 2, 2\)"),
        (np.zeros((5, 2), complex), "dtype complex128"),
        (HALF, "pass dtype='bfloat16'"),
    ],
)
def test_arrays_that_are_no_rows_are_refused(tmp_path, values, message):
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(ValueError, match=f"a.npy.*{message}"):
        open_rows(tmp_path / "a.npy")


FIXED = pa.list_(pa.float32(), 2)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array([[1.0, 2], None]), "row 1: 'emb' is null"),
        (pa.array([[1.0, 2], None], FIXED), "row 1: 'emb' is null"),
        (pa.array([[1.0, 2], [3, None]]), "row 1: value 1 of 'emb' is null"),
        (pa.array([[1.0, 2], [3]]), "row 1: 'emb' has 1 values, and 2 in the rows"),
        (pa.array([["a"]]), "'emb' holds lists of string"),
        (pa.array([[[1.0]]]), "'emb' holds lists of list"),
        (pa.array([[], []], pa.list_(pa.float32())), "row 0: 'emb' is an empty list"),
        (pa.array([{"a": 1}]), r"columns \['emb'\] hold nested values"),
        (pa.array([], FIXED), "has no rows"),
    ],
)
def test_lists_that_make_no_matrix_are_named(tmp_path, column, message):
    parquet.write_table(pa.table({"emb": column}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=f"a.parquet.*{message}"):
        open_rows(tmp_path / "a.parquet")


def test_tables_in_memory_are_read_like_files():
    polars = pytest.importorskip("polars")
    for table in (TABLE, polars.from_arrow(TABLE), TABLE.to_pandas()):
        rows = open_rows(table, ids="id")
        np.testing.assert_array_equal(rows.values, VALUES)
        np.testing.assert_array_equal(rows.ids, IDS)
    plain = open_rows(pd.DataFrame({"a": [1, 2], "b": ["x", None]}), columns=["b", "a"])
    assert plain.columns == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a;b\n1;2\n", "separated by ';'"),
        ("a,b\n1,2,3\n", "another number of fields"),
        ("a,b\n1,2\n3,4,5\n", "line 3, saw 3"),
        ("a,b\n1,2\n3", "the last has 1 fields, the header 2"),
        ("a,a\n1,2\n", r"several columns named \['a'\]"),
        ('a,b\n"1,2\n', "a quote is not closed"),
        ("a,b\n\xe9,1\n", "not UTF-8"),
        ("a,b\n", "no rows"),
    ],
)
def test_a_csv_file_that_is_none_is_refused(tmp_path, text, message):
    (tmp_path / "a.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=f"a.csv.*{message}"):
        open_rows(tmp_path / "a.csv")


def test_a_column_of_labels_keeps_its_empty_cells(tmp_path):
    (tmp_path / "y.csv").write_text("y\nham\n\nspam\n")
    labels = open_rows(tmp_path / "y.csv").values["y"]
    assert labels.fillna("?").tolist() == ["ham", "?", "spam"]


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ("007 8", ["007", "8"]),
        ("NA x", ["NA", "x"]),
        ("7 8", [7, 8]),
    ],
)
def test_ids_of_a_csv_file_are_read_as_they_are_written(tmp_path, ids, expected):
    lines = "\n".join(f"{i},1" for i in ids.split())
    (tmp_path / "a.csv").write_text(f"id,x\n{lines}\n")
    assert open_rows(tmp_path / "a.csv", ids="id").ids.tolist() == expected


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([1, 2, 2], r"2 of the 3 rows .* 2 is that of the rows \[1, 2\]"),
        ([1, np.nan, np.nan], "2 of the 3 ids .* missing, the first in row 1"),
        (["a", None, "b"], "1 of the 3 ids .* missing, the first in row 1"),
        ([1, "a", 2], r"of the types \['int', 'str'\]"),
        ([1.5, 2, 3], "dtype float64"),
        ([True, False, True], "dtype bool"),
        ([1, 2], r"ids of shape \(2,\) for the 3 rows"),
    ],
)
def test_ids_must_identify_rows(ids, message):
    frame = pd.DataFrame({"x": [1.0, 2, 3]})
    ids = pd.Series(ids, dtype=object).infer_objects().to_numpy()
    with pytest.raises(ValueError, match=message):
        open_rows(frame, ids=ids)


@pytest.mark.parametrize("ids", [IDS, pd.Categorical(IDS), IDS.astype("S")])
def test_rows_of_files_are_matched_by_ids_and_stay_there(tmp_path, ids):
    np.save(tmp_path / "a.npy", VALUES)
    order = np.random.default_rng(1).permutation(N)
    strong = open_rows(tmp_path / "a.npy", ids=ids)
    other = open_rows(TABLE, ids="id").take(order)
    aligned = strong.align(other)
    assert not isinstance(aligned.values, np.ndarray)
    np.testing.assert_array_equal(np.asarray(aligned.values), VALUES[order])
    np.testing.assert_array_equal(aligned.ids, other.ids)
    X, strong_columns, weak_columns = stack_views(strong=other, weak=strong)
    np.testing.assert_array_equal(np.asarray(X[:, weak_columns]), VALUES[order])
    np.testing.assert_array_equal(np.asarray(X[:, strong_columns]), VALUES[order])


def test_rows_that_cannot_be_matched_are_counted_and_shown():
    rows = FileRows(VALUES, IDS, "S.npy")
    with pytest.raises(ValueError, match=r"S.npy are text, such as 'r00'.*integers"):
        rows.align(FileRows(VALUES, np.arange(N), "P.npy"))
    with pytest.raises(ValueError, match=r"28 of the 30 .* S.npy .*\(ids r02, r03"):
        rows.align(FileRows(VALUES[:2], IDS[:2], "P.npy"))
    with pytest.raises(ValueError, match=r"S.npy has 30 rows and P.npy has 2"):
        rows.align(FileRows(VALUES[:2], None, "P.npy"))
    assert rows.align(FileRows(VALUES, None)) is rows


def test_numbers_name_the_first_value_that_is_none(tmp_path):
    (tmp_path / "a.csv").write_text("p0,p1\n.5,.5\n.2,ham\n")
    rows = open_rows(tmp_path / "a.csv")
    with pytest.raises(ValueError, match=r"a.csv, row 1, column 'p1': found 'ham'"):
        rows.numbers()
    assert open_rows(tmp_path / "a.csv", columns="p0").numbers().tolist() == [
        [0.5],
        [0.2],
    ]


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("a.npz", {}, r"arrays \['X', 'id'\]: name the one to read, columns='X'"),
        ("a.npz", {"columns": "Z"}, "must name one array"),
        ("a.npz", {"columns": "X", "dtype": "float16"}, "says itself what it holds"),
        ("a.npz", {"columns": "X", "ids": "Z"}, "no array 'Z' for ids"),
        ("a.npy", {"ids": "id"}, "pass the ids themselves"),
        ("a.npy", {"columns": ["x"]}, "is a name, but"),
        ("a.npy", {"dtype": "float32"}, "says itself that it holds float16"),
        ("a.npy", {"shape": (3, 3)}, "says itself what shape"),
        ("lists.parquet", {}, "'emb' holds lists.*such as 'n'. Read it alone"),
        ("lists.parquet", {"columns": "Z"}, r"no columns \['Z'\]: give some of"),
        ("raw.f16", {}, "pass dtype= and shape="),
        ("raw.f16", {"dtype": "float16", "shape": (-1, 7)}, "no whole number of rows"),
        ("raw.f16", {"dtype": "float32", "shape": (N, D)}, "are 600"),
        ("raw.f16", {"dtype": "U2", "shape": (-1, D)}, "expected numbers"),
    ],
)
def test_a_parameter_is_honoured_or_refused(tmp_path, name, arguments, message):
    FORMS[name][0](tmp_path / name)
    with pytest.raises(ValueError, match=message):
        open_rows(tmp_path / name, **arguments)


def test_without_pyarrow_the_error_says_what_to_install(tmp_path, monkeypatch):
    parquet.write_table(TABLE, tmp_path / "a.parquet")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ImportError, match="pip install pyarrow"):
        open_rows(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("values", "ids", "message"),
    [
        ([[1.0]], None, "values must be an array, a memory map"),
        (np.ma.masked_array([1.0], mask=[True]), None, "masked array, whose mask"),
        (np.ones((2, 2, 2)), None, "one or two dimensions"),
        (np.array([1j]), None, "values must be numbers or text"),
        (np.ones(2), ["a"], "values has 2 rows and ids has shape"),
        (np.ones(2), [0.5, 1], "expected integers or text"),
    ],
)
def test_rows_made_by_hand_are_checked(values, ids, message):
    with pytest.raises((TypeError, ValueError), match=message):
        FileRows(values, ids)


def test_rows_taken_twice_cannot_be_aligned():
    rows = FileRows(VALUES[:3], ["a", "b", "c"]).take([0, 0, 1])
    with pytest.raises(ValueError, match="share their id"):
        FileRows(VALUES[:2], ["a", "b"]).align(rows)


def compressed(path, text):
    path.write_bytes(gzip.compress(text if isinstance(text, bytes) else text.encode()))
    return path


@pytest.mark.parametrize(("ending", "separator"), [("csv", ","), ("tsv", "\t")])
def test_compressed_tables_are_those_of_the_text(tmp_path, ending, separator):
    text = "id,x,name\n007,1.5,a\nNA,,b\n".replace(",", separator)
    (tmp_path / f"t.{ending}").write_text(text)
    plain = open_rows(tmp_path / f"t.{ending}", ids="id")
    rows = open_rows(compressed(tmp_path / f"T.{ending.upper()}.gz", text), ids="id")
    pd.testing.assert_frame_equal(rows.values, plain.values)
    assert rows.ids.tolist() == plain.ids.tolist() == ["007", "NA"]


def test_a_folder_of_compressed_tables(tmp_path):
    for part in (10, 2):
        compressed(tmp_path / f"part-{part}.csv.gz", f"x\n{part}\n")
    assert open_rows(tmp_path).values["x"].tolist() == [2, 10]


def test_damaged_compressed_tables_are_refused(tmp_path):
    rng = np.random.default_rng(0)
    text = "a,b\n" + "\n".join(f"{x},{y}" for x, y in rng.random((2000, 2)))
    path = compressed(tmp_path / "t.csv.gz", text + "\n")
    whole = path.read_bytes()
    broken = bytearray(whole)
    broken[len(whole) // 2] ^= 255
    for data in (whole[: len(whole) // 2], bytes(broken), b"a,b\n1,2\n"):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"t\.csv\.gz is no whole gzip file"):
            open_rows(path)
    with pytest.raises(ValueError, match="ends within a row"):
        open_rows(compressed(path, "a,b\n1,2\n3"))
    with pytest.raises(ValueError, match="holds 0 bytes"):
        open_rows(compressed(path, ""))


def test_a_compressed_table_made_to_exhaust_memory_is_refused(tmp_path):
    path = tmp_path / "t.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"a,b\n")
        for _ in range(300):
            file.write(b"0,0\n" * (1 << 18))
    tracemalloc.start()
    with pytest.raises(ValueError, match="as made to exhaust memory"):
        open_rows(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 16 << 20  # it holds 300 MiB
