import io
import json
import os
import pickle
import time
import tracemalloc
import zipfile

import numpy as np
import pytest

from overlapkit.datasets import load_wrench
from overlapkit.exceptions import WrenchFormatError

SPLITS = ("train", "valid", "test")
SIZES = {"train": 6, "valid": 2, "test": 3}


@pytest.fixture
def arrays():
    """A small data set with both views, in the npz form."""
    rng = np.random.RandomState(0)
    order = rng.permutation(11)
    return {
        "L": rng.randint(-1, 2, size=(11, 4)).astype(np.int8),
        "y": rng.randint(0, 2, size=11).astype(np.int8),
        "X_strong": rng.normal(size=(11, 5)).astype(np.float16),
        "X_weak": rng.normal(size=(11, 2)).astype(np.float16),
        "train_idx": order[:6].astype(np.int32),
        "valid_idx": order[6:8].astype(np.int32),
        "test_idx": order[8:].astype(np.int32),
        "class_names": np.array(["ham", "spam"]),
        "lf_names": np.array(["a", "b", "c", "d"]),
        "source": np.array([b"x", b"y"])[rng.randint(2, size=11)],
    }


@pytest.fixture
def rows(arrays):
    """The same data set as dictionaries of the JSON layout, with texts."""
    return {
        split: {
            str(k): {
                "label": int(arrays["y"][i]),
                "weak_labels": arrays["L"][i].tolist(),
                "data": {"text": f"row {i} é", "source": f"s{i}"},
            }
            for k, i in enumerate(arrays[f"{split}_idx"])
        }
        for split in SPLITS
    }


def write_npz(folder, arrays, **changes):
    folder.mkdir(exist_ok=True)
    arrays = {k: v for k, v in {**arrays, **changes}.items() if v is not None}
    np.savez(folder / f"{folder.name}.npz", **arrays)
    return folder


def write_json(folder, rows, names=("ham", "spam")):
    folder.mkdir(exist_ok=True)
    label = {str(k): name for k, name in enumerate(names)}
    for name, content in {**rows, "label": label}.items():
        text = json.dumps(content, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return folder


def test_npz_gives_the_rows_of_each_split(tmp_path, arrays):
    folder = write_npz(tmp_path / "toy", arrays)
    for path in (folder, str(folder), folder / "toy.npz"):
        dataset = load_wrench(path)
        assert dataset.name == "toy"
        assert dataset.class_names == ["ham", "spam"]
        assert dataset.lf_names == ["a", "b", "c", "d"]
        for split in SPLITS:
            part, index = dataset[split], arrays[f"{split}_idx"]
            np.testing.assert_array_equal(part.votes, arrays["L"][index])
            np.testing.assert_array_equal(part.y, arrays["y"][index])
            np.testing.assert_array_equal(part.X, arrays["X_strong"][index])
            np.testing.assert_array_equal(part.X_weak, arrays["X_weak"][index])
            np.testing.assert_array_equal(part.ids, index)
            np.testing.assert_array_equal(part.extra["source"], arrays["source"][index])
            assert list(part.extra) == ["source"]
            assert part.texts is None
            assert part.X.dtype == part.X_weak.dtype == np.float32
            assert part.votes.dtype == np.int8
            assert part.y.dtype == np.int64


def test_json_gives_the_rows_of_each_split(tmp_path, arrays, rows):
    dataset = load_wrench(write_json(tmp_path / "toy", rows))
    assert dataset.name == "toy"
    assert dataset.class_names == ["ham", "spam"]
    assert dataset.lf_names == ["lf0", "lf1", "lf2", "lf3"]
    for split in SPLITS:
        part, index = dataset[split], arrays[f"{split}_idx"]
        np.testing.assert_array_equal(part.votes, arrays["L"][index])
        np.testing.assert_array_equal(part.y, arrays["y"][index])
        assert part.texts == [f"row {i} é" for i in index]
        assert part.extra == {"source": [f"s{i}" for i in index]}
        assert part.ids == [str(k) for k in range(SIZES[split])]
        assert part.X is None
        assert part.X_weak is None
        assert part.votes.dtype == np.int8
        assert part.y.dtype == np.int64


def test_json_features(tmp_path, arrays, rows):
    for split in SPLITS:
        for k, i in enumerate(arrays[f"{split}_idx"]):
            rows[split][str(k)]["data"] = {"feature": [0.1 * i, int(i)]}
    dataset = load_wrench(write_json(tmp_path / "toy", rows))
    index = arrays["train_idx"]
    expected = np.column_stack([0.1 * index, index])
    np.testing.assert_array_equal(dataset.train.X, expected)
    assert dataset.train.X.dtype == np.float64
    assert dataset.train.texts is None


def test_form_chooses_between_npz_and_json(tmp_path, arrays, rows):
    folder = write_json(write_npz(tmp_path / "toy", arrays), rows)
    assert load_wrench(folder).train.X is not None
    assert load_wrench(folder, form="npz").train.X is not None
    assert load_wrench(folder, form="json").train.texts is not None
    (folder / "toy.npz").unlink()
    assert load_wrench(folder).train.texts is not None


def test_parameters_and_paths_that_do_not_fit(tmp_path, arrays, rows):
    folder = write_json(tmp_path / "toy", rows)
    with pytest.raises(FileNotFoundError, match=r"no toy.npz; present: \['label.json'"):
        load_wrench(folder, form="npz")
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        load_wrench(tmp_path / "nowhere")
    npz = write_npz(folder, arrays) / "toy.npz"
    with pytest.raises(ValueError, match='form="json" needs a folder'):
        load_wrench(npz, form="json")
    with pytest.raises(ValueError, match="The 'form' parameter of load_wrench"):
        load_wrench(npz, form="csv")
    for splits in (("train", "dev"), ()):
        with pytest.raises(ValueError, match=r"splits is .*, expected some of"):
            load_wrench(npz, splits=splits)


@pytest.mark.parametrize("form", ["json", "npz"])
def test_a_missing_split_is_named_and_may_be_left_out(tmp_path, arrays, rows, form):
    if form == "json":
        folder = write_json(tmp_path / "toy", rows)
        (folder / "valid.json").unlink()
        message = r"no \['valid.json'\]; present: \['label.json', 'test.json', 'tr"
    else:
        folder = write_npz(tmp_path / "toy", arrays, valid_idx=None)
        message = r"no \['valid_idx'\]; present: \['L', 'X_strong', 'X_weak', "
    for error in (FileNotFoundError, FileNotFoundError, WrenchFormatError, ValueError):
        with pytest.raises(error, match=message):
            load_wrench(folder)
    dataset = load_wrench(folder, splits=("train", "test"))
    assert dataset.valid is None
    assert len(dataset.test.y) == 3


@pytest.mark.parametrize("form", ["json", "npz"])
def test_only_valid_may_be_empty(tmp_path, arrays, rows, form):
    def write(split):
        if form == "json":
            return write_json(tmp_path / split, {**rows, split: {}})
        nothing = {f"{split}_idx": np.empty(0, dtype=np.int32)}
        return write_npz(tmp_path / split, arrays, **nothing)

    assert load_wrench(write("valid")).valid is None
    for split in ("train", "test"):
        with pytest.raises(WrenchFormatError, match=f"the {split} split has no rows"):
            load_wrench(write(split))


def test_unknown_labels_are_minus_one(tmp_path, arrays, rows):
    rows["train"]["2"]["label"] = -1
    assert load_wrench(write_json(tmp_path / "j", rows)).train.y[2] == -1
    y = np.full(11, -1, dtype=np.int8)
    assert set(load_wrench(write_npz(tmp_path / "n", arrays, y=y)).train.y) == {-1}


def _spoil(key, value):
    def change(rows):
        rows["test"]["1"][key] = value

    return change


def _spoil_feature(value):
    def change(rows):
        for split in SPLITS:
            for row in rows[split].values():
                row["data"] = {"feature": [1.0, 2.0]}
        rows["test"]["1"]["data"] = {"feature": value}

    return change


def _drop(rows):
    del rows["test"]["1"]["weak_labels"]


def _one_function_less(rows):
    for row in rows["valid"].values():
        row["weak_labels"].pop()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            _spoil("weak_labels", [0, 1, 2, 0]),
            r"test.json, row 1, function 2: found 2 in weak_labels, expected -1 or a "
            "class 0 to 1",
        ),
        (_spoil("weak_labels", [0, -2, 1, 0]), "function 1: found -2 in weak_labels"),
        (
            _spoil("weak_labels", [0, 1]),
            "test.json, row 1: found 2 values in weak_labels, expected a list of 4",
        ),
        (_spoil("weak_labels", None), "row 1: found None in weak_labels, expected a"),
        (
            _spoil("weak_labels", [0, 1, "x", 0]),
            "row 1: found 'x' in weak_labels, expe",
        ),
        (_spoil("weak_labels", [0, 1, [1], 0]), r"row 1: found \[1\] in weak_labels"),
        (_spoil("weak_labels", [0, 1, 0.5, 0]), "dtype float64, expected integers"),
        (
            _drop,
            r'row 1: found \[\'data\', \'label\'\], expected the key "weak_labels"',
        ),
        (
            _spoil("label", 2),
            "test.json, row 1: found 2 in label, expected -1 or a class 0 to 1 of lab",
        ),
        (_spoil("label", "spam"), "row 1: found 'spam' in label"),
        (_spoil("label", True), "row 1: found True in label"),
        (
            _spoil("data", {"words": "a"}),
            r"row 1: found \['words'\], expected the key \"",
        ),
        (_spoil("data", "a text"), 'row 1: found str, expected the key "text"'),
        (
            _spoil_feature([1.0]),
            "row 1: found 1 values in feature, expected a list of 2",
        ),
        (_spoil_feature([1.0, None]), "row 1: found None in feature, expected numbers"),
        (
            _spoil_feature([1.0, float("nan")]),
            r"test.json, row 1: feature has NaN or infinity \(in 1 rows",
        ),
        (_spoil_feature([1.0, float("inf")]), "row 1: feature has NaN or infinity"),
        (
            _one_function_less,
            r"functions are {'train': 4, 'valid': 3, 'test': 4}, expected the same",
        ),
    ],
)
def test_spoilt_json_is_refused_with_file_row_found_and_expected(
    tmp_path, rows, change, message
):
    change(rows)
    with pytest.raises(WrenchFormatError, match=message):
        load_wrench(write_json(tmp_path / "toy", rows))


def test_spoilt_files_are_refused(tmp_path, rows):
    folder = write_json(tmp_path / "toy", rows)
    label = folder / "label.json"
    for content, found in [
        ('{"0": "ham", "2": "spam"}', r"found the classes \['0', '2'\]"),
        ('{"0": "ham"}', r"found the classes \['0'\], expected \"0\", \"1\""),
        ('["ham", "spam"]', "holds a list, expected an object"),
        ("{", "label.json is not JSON"),
        ('{"0": "a", "1": "b", "1": "c"}', "'1' stands 2 times in one object"),
    ]:
        label.write_text(content)
        with pytest.raises(WrenchFormatError, match=found):
            load_wrench(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"L": np.full((11, 4), 2)}, "row 0, function 0: found 2 in L, expected -1 or"),
        ({"L": np.zeros((11, 4))}, "L have dtype float64, expected integers"),
        (
            {"L": np.zeros(11, dtype=int)},
            r"L has shape \(11,\) and y \(11,\), expected",
        ),
        ({"L": None}, r"has no \['L'\]; present: "),
        ({"y": np.zeros(10, dtype=int)}, r"L has shape \(11, 4\) and y \(10,\)"),
        ({"y": np.array([0] * 10 + [5])}, "row 10: found 5 in y, expected -1 or a cla"),
        ({"class_names": np.array([], dtype=str)}, r"class_names are \[\], expected"),
        ({"class_names": np.array(["a", "a"])}, "expected two different names"),
        ({"lf_names": np.array(["a"])}, "1 lf_names for the 4 columns of L"),
        ({"X_weak": np.zeros((9, 2))}, r"X_weak has shape \(9, 2\) and L has 11 rows"),
        ({"X_strong": np.zeros(11)}, r"X_strong has dtype float64 and shape \(11,\)"),
        (
            {"X_strong": np.where(np.eye(11, 5, -6), np.nan, 0.0)},
            r"row 6: X_strong has NaN or infinity \(in 5 rows in all\)",
        ),
        (
            {"test_idx": np.array([3, 11])},
            "test_idx holds 11, expected row numbers 0 t",
        ),
        (
            {"test_idx": np.array([-1])},
            "test_idx holds -1, expected row numbers 0 to 10",
        ),
        ({"test_idx": np.array([0.0])}, "test_idx has dtype float64"),
        ({"test_idx": np.array([[1]])}, r"test_idx has dtype int64 and shape \(1, 1\)"),
    ],
)
def test_spoilt_npz_is_refused(tmp_path, arrays, changes, message):
    folder = write_npz(tmp_path / "toy", arrays, **changes)
    with pytest.raises(WrenchFormatError, match=message):
        load_wrench(folder)


def test_splits_that_share_rows_are_refused(tmp_path, arrays):
    row = arrays["train_idx"][2]
    spoilt = np.append(arrays["test_idx"], row)
    message = f"row {row} is in test_idx and in train_idx, expected disjoint"
    with pytest.raises(WrenchFormatError, match=message):
        load_wrench(write_npz(tmp_path / "a", arrays, test_idx=spoilt))
    row = arrays["test_idx"][0]
    spoilt = np.append(arrays["test_idx"], row)
    with pytest.raises(WrenchFormatError, match=f"row {row} is 2 times in test_idx"):
        load_wrench(write_npz(tmp_path / "b", arrays, test_idx=spoilt))


class _Trap:
    """Unpickling it calls a function, as a hostile file would."""

    called = False

    @staticmethod
    def spring():
        _Trap.called = True
        return _Trap()

    def __reduce__(self):
        return (_Trap.spring, ())


def test_nothing_is_unpickled(tmp_path, arrays):
    names = np.array([_Trap(), _Trap()], dtype=object)
    folder = write_npz(tmp_path / "a", arrays, class_names=names)
    with pytest.raises(WrenchFormatError, match=r"only pickle could read.*refused"):
        load_wrench(folder)
    # a pickle in the place of an npz
    (folder / "a.npz").write_bytes(pickle.dumps(_Trap()))
    with pytest.raises(WrenchFormatError, match="expected an npz of plain arrays"):
        load_wrench(folder)
    assert not _Trap.called
    pickle.loads(pickle.dumps(_Trap()))
    assert _Trap.called  # the trap works, so the test can fail


def test_files_that_are_no_npz_are_refused(tmp_path, arrays):
    file = write_npz(tmp_path / "toy", arrays) / "toy.npz"
    whole = file.read_bytes()
    np.save(tmp_path / "array.npy", np.zeros(3))
    for content in (
        b"",
        whole[: len(whole) // 2],
        (tmp_path / "array.npy").read_bytes(),
    ):
        file.write_bytes(content)
        with pytest.raises(WrenchFormatError, match="expected an npz of plain arrays"):
            load_wrench(file)


def test_bytes_and_absent_names(tmp_path, arrays):
    names = np.array([b"ham", b"spam"])
    folder = write_npz(tmp_path / "toy", arrays, class_names=names, lf_names=None)
    dataset = load_wrench(folder)
    assert dataset.class_names == ["ham", "spam"]
    assert dataset.lf_names == ["lf0", "lf1", "lf2", "lf3"]


def test_votes_of_many_classes_do_not_wrap_around(tmp_path, arrays):
    L = arrays["L"].astype(np.int16)
    L[0, 0] = 199
    names = np.array([f"class{k}" for k in range(200)])
    folder = write_npz(tmp_path / "toy", arrays, L=L, class_names=names)
    dataset = load_wrench(folder)
    assert max(dataset[split].votes.max() for split in SPLITS) == 199


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "sizes", "n_lfs", "dims"),
    [
        ("youtube", (1586, 120, 250), 10, (384, 4)),
        ("sms", (4571, 500, 500), 73, (384, 8)),
        ("spambase", (3680, 460, 461), 20, (57, 6)),
        ("mushroom", (6499, 812, 813), 20, (117, 27)),
        ("uci_sentiment", (2000, 300, 700), 14, (384, 16)),
    ],
)
def test_real_sets_agree_in_both_forms(real_data, name, sizes, n_lfs, dims):
    npz = load_wrench(real_data / name)
    text = load_wrench(real_data / name, form="json")
    assert npz.class_names == text.class_names
    for split, n_rows in zip(SPLITS, sizes):
        assert npz[split].votes.shape == (n_rows, n_lfs)
        assert (npz[split].X.shape[1], npz[split].X_weak.shape[1]) == dims
        np.testing.assert_array_equal(npz[split].votes, text[split].votes)
        np.testing.assert_array_equal(npz[split].y, text[split].y)


@pytest.mark.data
def test_real_set_without_validation_rows_or_features(real_data):
    tennis = load_wrench(real_data / "tennis")
    assert tennis.valid is None
    assert tennis.train.X is None
    assert set(tennis.train.y) == {-1}
    assert set(tennis.test.y) == {0, 1}


@pytest.mark.data
def test_sources_of_a_real_set_come_along(real_data):
    sources = load_wrench(real_data / "uci_sentiment").train.extra["source"]
    texts = load_wrench(real_data / "uci_sentiment", form="json").train.extra["source"]
    assert sources.astype(str).tolist() == texts
    assert set(texts) == {"amazon_cells", "imdb", "yelp"}


@pytest.mark.data
def test_sms_is_read_in_well_under_a_second(real_data):
    start = time.perf_counter()
    load_wrench(real_data / "sms", form="json")
    assert time.perf_counter() - start < 1.0


def _bomb(file, arrays):
    np.savez_compressed(file, **{**arrays, "L": np.zeros((300 << 20, 1), np.int8)})


def _announces_too_much(file, arrays):
    np.savez(file, **arrays)
    content = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**12, 1)}
    np.lib.format.write_array_header_1_0(content, header)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("extra.npy", content.getvalue())


def _damaged(file, arrays):
    np.savez_compressed(file, **arrays)
    content = bytearray(file.read_bytes())
    content[60:90] = bytes(30)
    file.write_bytes(content)


@pytest.mark.parametrize("write", [_bomb, _announces_too_much, _damaged])
def test_sizes_are_checked_before_memory_is_taken(tmp_path, arrays, write):
    file = tmp_path / "toy.npz"
    write(file, arrays)
    tracemalloc.start()
    try:
        with pytest.raises(WrenchFormatError, match=r"toy\.npz"):
            load_wrench(file)
        assert tracemalloc.get_traced_memory()[1] < 50 << 20
    finally:
        tracemalloc.stop()


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path, arrays):
    os.mkfifo(tmp_path / "toy.npz")
    with pytest.raises(WrenchFormatError, match="is a pipe"):
        load_wrench(tmp_path / "toy.npz")
    folder = tmp_path / "json"
    folder.mkdir()
    (folder / "label.json").write_text('{"0": "ham", "1": "spam"}')
    for split in ("train", "test"):
        os.mkfifo(folder / f"{split}.json")
    with pytest.raises(WrenchFormatError, match=r"train\.json.* is a pipe"):
        load_wrench(folder, splits=("train", "test"))


def test_deep_nesting_is_refused(tmp_path):
    (tmp_path / "label.json").write_text('{"0": "ham", "1": "spam"}')
    (tmp_path / "test.json").write_text("{}")
    (tmp_path / "train.json").write_text('{"0": ' + "[" * 100_000 + "]" * 100_000 + "}")
    with pytest.raises(WrenchFormatError, match=r"train\.json is not JSON"):
        load_wrench(tmp_path, splits=("train", "test"))
