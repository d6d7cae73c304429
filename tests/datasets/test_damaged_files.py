"""Damaged files that `python -m tests.support.fuzz_readers` found to be mishandled."""

import io
import json
import struct
import zipfile

import numpy as np
import pytest

from overlapkit._cli import main
from overlapkit.datasets import load_wrench, open_rows
from overlapkit.exceptions import WrenchFormatError
from tests.support import fuzz_readers

X = np.arange(6.0).reshape(3, 2)


def npy(header, values=b""):
    head = header.encode() + b" " * (117 - len(header)) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + values


HEADERS = {
    "a bracket that is not closed": "{'descr': '<f8', 'fortran_order': False, (",
    "a type that is no literal": "{'descr': '(,)f8', 'fortran_order': False, "
    "'shape': (3, 2)}",
    "too many brackets": "{'descr': " + "(" * 110,
    "a negative size": "{'descr': '<f8', 'fortran_order': False, 'shape': (-3, 2)}",
    "a size beyond all": f"{{'descr': '<f8', 'fortran_order': False, 'shape': "
    f"({10**30}, 2)}}",
}


@pytest.mark.parametrize("what", HEADERS)
def test_headers_of_npy_files(tmp_path, what):
    content = npy(HEADERS[what], X.tobytes())
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.npy"):
        open_rows(tmp_path / "a.npy")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("X.npy", content)
    with pytest.raises(ValueError, match=r"a\.npz: X"):
        open_rows(tmp_path / "a.npz")
    with pytest.raises(WrenchFormatError, match=r"a\.npz: X"):
        load_wrench(tmp_path / "a.npz")


@pytest.mark.parametrize("last", [{}, [48], True, 48.0, -1])
def test_offsets_of_a_tensor_that_are_no_numbers(tmp_path, last):
    entry = {"dtype": "F64", "shape": [3, 2], "data_offsets": [0, last]}
    head = json.dumps({"X": entry}).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(head)) + head + X.tobytes())
    with pytest.raises(ValueError, match=r"a\.safetensors: X has no readable header"):
        open_rows(path, columns="X")


def damaged_archives():
    """An unknown version, a broken deflate stream, a member before the file begins."""
    out = io.BytesIO()
    np.savez_compressed(out, X=np.random.RandomState(0).normal(size=(40, 3)))
    whole = out.getvalue()
    at = whole.index(b"PK\x01\x02")
    version = bytearray(whole)
    version[at + 6] = 255
    stream = bytearray(whole)
    stream[60:120] = b"\xff" * 60
    place = bytearray(whole)
    place[at + 42 : at + 46] = struct.pack("<I", 2**31)
    name = bytearray(whole)
    name[at + 9] |= 8  # names are UTF-8, and this one is not
    name[at + 46] = 0x93
    return {"version": version, "stream": stream, "place": place, "name": name}


@pytest.mark.parametrize("what", ["version", "stream", "place", "name"])
def test_archives(tmp_path, what):
    (tmp_path / "a.npz").write_bytes(damaged_archives()[what])
    with pytest.raises(ValueError, match=r"a\.npz"):
        open_rows(tmp_path / "a.npz")
    with pytest.raises(WrenchFormatError, match=r"a\.npz"):
        load_wrench(tmp_path / "a.npz")


@pytest.mark.parametrize("code", [0x110000, 0xD800, 2**32 - 1])
def test_text_that_is_none(tmp_path, code):
    # Python cannot hold such a character and ends in SystemError, Arrow in its own
    ids = np.array(["a", "b", "c"])
    ids.view(np.uint32)[1] = code
    path = tmp_path / "a.npz"
    np.savez(path, X=X, id=ids)
    with pytest.raises(ValueError, match=r"a\.npz: id\.npy holds text"):
        open_rows(path, columns="X", ids="id")
    np.savez(path, L=np.zeros((3, 2), int), y=np.zeros(3, int), class_names=ids)
    with pytest.raises(WrenchFormatError, match="class_names holds text"):
        load_wrench(path)


def test_bytes_that_are_no_text(tmp_path):
    np.savez(tmp_path / "a.npz", X=X, id=np.array([b"a", b"\xff", b"c"]))
    with pytest.raises(ValueError, match=r"a\.npz: id\.npy holds bytes"):
        open_rows(tmp_path / "a.npz", columns="X", ids="id")


@pytest.mark.parametrize("value", [2**24, -(2**50)])
def test_lists_whose_ends_lie_beyond_the_values(tmp_path, value):
    # Arrow reads beyond the file, or ends the process
    pa = pytest.importorskip("pyarrow")
    offsets = np.array([0, 2, 4, 6], dtype=np.int64)
    lists = pa.LargeListArray.from_arrays(offsets, np.arange(6.0))
    table = pa.table({"emb": lists})
    path = tmp_path / "a.arrow"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as w:
        w.write_table(table)
    content = path.read_bytes()
    assert content.count(offsets.tobytes()) == 1
    offsets[1] = value
    start = content.index(np.array([0, 2, 4, 6], dtype=np.int64).tobytes())
    path.write_bytes(content[:start] + offsets.tobytes() + content[start + 32 :])
    with pytest.raises(ValueError, match=r"a\.arrow is no Arrow file"):
        open_rows(path)


def spoilt(state, change):
    change(state)
    return json.dumps(state)


CHANGES = {
    "entry": lambda s: s["batches"].append({}),
    "text": lambda s: s["batches"].append("x"),
    "number": lambda s: s["batches"][0].update(file=1),
    "path": lambda s: s["batches"][0].update(source="../b/x"),
    "parameters": lambda s: s.update(parameters=[]),
    "batches": lambda s: s.pop("batches"),
    "sources": lambda s: s.update(sources=7),
}


@pytest.fixture(scope="module")
def state_file(tmp_path_factory):
    return fuzz_readers.make(tmp_path_factory.mktemp("fuzz"), "state")


@pytest.mark.parametrize("what", CHANGES)
def test_state_files_of_the_command(state_file, what, capsys):
    whole = state_file.read_text()
    try:
        state_file.write_text(spoilt(json.loads(whole), CHANGES[what]))
        assert main(fuzz_readers._cli_line(state_file.parent)) == 1
    finally:
        state_file.write_text(whole)
    assert "state.json was changed, or is not complete" in capsys.readouterr().err


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = fuzz_readers.make(tmp_path_factory.mktemp("fuzz"), "selector")
    return path.read_text()


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.pop("params"),
        lambda s: s.pop("seed"),
        lambda s: s["run"].pop("closed"),
        lambda s: s["run"].update(rng=None),
        lambda s: s["arrays"].update(run_keys=np.arange(623)),
        lambda s: s["arrays"].update(X=s["arrays"]["X"][:-1]),
        lambda s: s["arrays"].update(run_sizes=s["arrays"]["run_sizes"][:-1]),
        lambda s: s.update(fitted_batches=99),
        lambda s: s["extra"].pop("collected_indices"),
        lambda s: s["extra"].update(classes=0),
        *(
            lambda s, at=at: s["run"]["rng"].__setitem__(1, at)
            for at in (625, -1, 2**31 - 1, 1.5)  # a place beyond the state
        ),
    ],
)
def test_states_of_a_selector(saved, change):
    state = json.loads(saved)
    state["arrays"] = {k: np.asarray(v) for k, v in state["arrays"].items()}
    assert fuzz_readers._selector().from_dict(state).next_source_ is not None
    change(state)
    with pytest.raises(ValueError, match=r"tate|length"):
        fuzz_readers._selector().from_dict(state)


@pytest.mark.slow
@pytest.mark.parametrize("reader", fuzz_readers.READERS)
def test_some_damaged_files(tmp_path, reader):
    path = fuzz_readers.make(tmp_path, reader)
    numbers = range(300)
    found, _ = fuzz_readers.run_batch(path, reader, numbers, path.read_bytes())
    assert not found
