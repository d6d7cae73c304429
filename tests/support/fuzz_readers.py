"""Damaged files to every reader: ``python -m tests.support.fuzz_readers --minutes 10``.

Each case takes a small valid file, changes bytes of it (or values within it, so that
checksums hold) and reads it. A case passes if the file is read, or if an error of the
documented classes names the file. It fails on any other error, on a crash, on more
than 2 seconds of processor time or 20 of waiting, and on more than 200 MB of memory
beyond what the process had. Cases run in child processes; a case is known by its reader
and number, and ``--only READER:NUMBER`` runs it again. The valid files are made when
the command starts; nothing is kept.
"""

import argparse
import collections
import contextlib
import io
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from pathlib import Path

import numpy as np

SECONDS, MEGABYTES, BATCH = 2, 200, 100
CLOCKS = (
    (signal.SIGPROF, signal.ITIMER_PROF, SECONDS),
    (signal.SIGALRM, signal.ITIMER_REAL, 10 * SECONDS),
)
N, D = 12, 3
REFUSALS = (ValueError, FileNotFoundError)
NUMBERS = [0, 1, 2, 7, 127, 128, 255, 256, 65535, 2**31 - 1, 2**31, 2**32, 2**63 - 1]
WORDS = [
    *(b"-1", b"99999999999", b"1e999", b"NaN", b"null", b"{}", b"[]", b'""', b'"'),
    *(b",", b"\n", b"\x00", b"\xff", b"[[[[[[", b"(((", b"True", b"\\u0000", b"|O"),
    *(b"F8_E4M3", b"shape", b"\r", b";", b"\t", b"<V99", b"*", b"/", b"..", b":"),
]


class TooLong(BaseException):
    """A case took too long; no `except Exception` may hold it up."""


# -- valid files ----------------------------


def _matrix():
    return np.random.default_rng(0).normal(size=(N, D)).astype(np.float32)


def _npz(path):
    np.savez(path, X=_matrix(), id=np.array([f"r{i}" for i in range(N)]))


def _packed(path):
    np.savez_compressed(path, X=_matrix(), id=np.arange(N))


def _safetensors(path):
    from safetensors.numpy import save_file

    save_file({"X": _matrix(), "id": np.arange(N)}, path)


def _table():
    import pyarrow as pa

    lists = pa.array(_matrix().tolist(), pa.list_(pa.float32()))
    return pa.table(
        {"emb": lists, "id": np.arange(N), "s": ["a", None, "b"] * (N // 3)}
    )


def _parquet(path):
    from pyarrow import parquet

    parquet.write_table(_table(), path, row_group_size=5)


def _feather(path):
    from pyarrow import feather

    feather.write_feather(_table(), path, compression="uncompressed")


def _stream(path):
    import pyarrow as pa

    table = _table()
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as w:
        w.write_table(table, max_chunksize=5)


def _csv(path):
    rows = [f'r{i},{i},"{i / 7}",{"" if i % 3 else "x"}' for i in range(N)]
    path.write_text("\n".join(["id,a,b,c", *rows]) + "\n")


def _wrench_json(path):
    rows = {
        str(i): {
            "label": i % 2,
            "weak_labels": [i % 2, -1, (i + 1) % 2],
            "data": {"text": f"text {i}", "feature": [i / 3, 1.0]},
        }
        for i in range(N)
    }
    path.write_text(json.dumps(rows))


def _wrench_label(path):
    path.write_text(json.dumps({"0": "ham", "1": "spam"}))


def _wrench_npz(path):
    np.savez(
        path,
        L=np.resize([0, 1, -1], (N, 3)),
        X=_matrix(),
        y=np.arange(N) % 2,
        class_names=np.array(["a", "b"]),
        train_idx=np.arange(6),
        valid_idx=np.arange(6, 9),
        test_idx=np.arange(9, N),
    )


def _cli_line(folder):
    return (
        f"sources --batches {folder / 'b'} --state {folder / 'state.json'} "
        "--sources x y --votes lf_* --classes 0 1 --rounds 6 --reference-rounds 2"
    ).split()


def _cli_state(path):
    from overlapkit._cli import main

    rng = np.random.default_rng(0)
    for source in ("x", "y"):
        (path.parent / "b" / source).mkdir(parents=True)
        rows = [
            ",".join(map(str, [*rng.normal(size=3).round(3), *rng.integers(0, 2, 3)]))
            for _ in range(30)
        ]
        text = "\n".join(["a,b,c,lf_0,lf_1,lf_2", *rows])
        (path.parent / "b" / source / "0.csv").write_text(text)
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(_cli_line(path.parent)) == 0


def _selector():
    from sklearn.linear_model import LogisticRegression

    from overlapkit import OverlapDetector, UCBSourceSelector

    return UCBSourceSelector(
        LogisticRegression(),
        n_rounds=6,
        batch_size=10,
        n_reference_rounds=2,
        detector=OverlapDetector(weak_columns=[0, 1], random_state=0),
        random_state=0,
    )


def _selector_state(path):
    from overlapkit.datasets import make_overlap_sources

    pool = make_overlap_sources([0.2, 0.8], n_rows=60, random_state=0)
    selector = _selector()
    for t in range(4):
        rows = np.flatnonzero(pool.sources == t % 2)[10 * t : 10 * t + 10]
        selector.partial_fit(pool.X[rows, :6], pool.y[rows], sources=t % 2)
    state = selector.to_dict()
    arrays = {name: value.tolist() for name, value in state["arrays"].items()}
    path.write_text(json.dumps({**state, "arrays": arrays}))


# -- readers --------------------------------


def _open(**options):
    def read(path):
        from overlapkit.datasets import open_rows

        rows = open_rows(path, **options)
        values = np.asarray(rows.values)
        assert len(values) == len(rows), "as many values as rows"
        assert rows.ids is None or len(rows.ids) == len(rows), "an id for each row"

    return read


def _wrench(form):
    def read(path):
        from overlapkit.datasets import load_wrench

        splits = ["train"] if form == "json" else ["train", "valid", "test"]
        where = path.parent if form == "json" else path
        data = load_wrench(where, form=form, splits=splits)
        votes = data.train.votes
        assert votes.min(initial=-1) >= -1, "votes are codes"
        assert len(data.train.y) == len(votes), "a label for each row"

    return read


def _cli(path):
    from overlapkit._cli import main

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = main(_cli_line(path.parent))
    if code:
        raise ValueError(said.getvalue())


def _from_dict(path):
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(state, dict) and isinstance(state.get("arrays"), dict):
            arrays = {k: np.asarray(v) for k, v in state["arrays"].items()}
            state["arrays"] = arrays
            if any(value.dtype == object for value in arrays.values()):
                return
    except (ValueError, RecursionError, OverflowError):
        return  # it is the caller who reads the file
    try:
        selector = _selector().from_dict(state)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error
    assert selector.to_dict(), "what was read can be saved"


# reader -> (name of the file, how a valid one is made, how it is read)
READERS = {
    "npy": ("a.npy", lambda p: np.save(p, _matrix()), _open()),
    "npz": ("a.npz", _npz, _open(columns="X", ids="id")),
    "packed": ("a.npz", _packed, _open(columns="X", ids="id")),
    "safetensors": ("a.safetensors", _safetensors, _open(columns="X", ids="id")),
    "parquet": ("a.parquet", _parquet, _open(columns="emb", ids="id")),
    "parquet-table": ("a.parquet", _parquet, _open(columns=["s"], ids="id")),
    "arrow": ("a.arrow", _stream, _open(columns="emb", ids="id")),
    "feather": ("a.feather", _feather, _open(columns="emb")),
    "csv": ("a.csv", _csv, _open(ids="id")),
    "csv-columns": ("a.csv", _csv, _open(columns=["b", "a"])),
    "wrench-json": ("train.json", _wrench_json, _wrench("json")),
    "wrench-label": ("label.json", _wrench_label, _wrench("json")),
    "wrench-npz": ("w.npz", _wrench_npz, _wrench("npz")),
    "state": ("state.json", _cli_state, _cli),
    "selector": ("selector.json", _selector_state, _from_dict),
}


def make(folder, reader):
    """Make a folder with a valid file of a reader; returns the path of the file."""
    name, write, _ = READERS[reader]
    place = folder / reader
    place.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write(place / name)
    if name == "train.json":
        _wrench_label(place / "label.json")
    if name == "label.json":
        _wrench_json(place / "train.json")
    return place / name


# -- changes --------------------------------


def changed(data, suffix, rng):
    """Bytes of a file with one to four changes."""
    for _ in range(rng.choice([1, 1, 2, 4])):
        if suffix == ".npz" and rng.random() < 0.8:
            data = _in_member(data, rng)
        elif suffix == ".json" and rng.random() < 0.6:
            data = _in_json(data, rng)
        else:
            data = _in_bytes(data, rng)
    return data


def _in_bytes(data, rng):
    data = bytearray(data)
    if not data:
        return b"\x00"
    # headers are at the ends; damage there reaches further
    where = min(
        len(data) - 1,
        [
            int(rng.integers(len(data))),
            int(rng.integers(min(len(data), 200))),
            len(data) - 1 - int(rng.integers(min(len(data), 200))),
        ][rng.integers(3)],
    )
    size = int(rng.choice([1, 2, 4, 8, 32]))
    kind = rng.integers(8)
    if kind == 0:
        data[where] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        data[where] = int(rng.choice([0, 1, 127, 128, 255]))
    elif kind == 2:
        width = int(rng.choice([1, 2, 4, 8]))
        number = int(rng.choice(np.array(NUMBERS, dtype=object))) % (1 << 8 * width)
        order = ["little", "big"][rng.integers(2)]
        data[where : where + width] = number.to_bytes(width, order)
    elif kind == 3:
        del data[where : where + size]
    elif kind == 4:
        data[where:where] = WORDS[rng.integers(len(WORDS))]
    elif kind == 5:
        word = WORDS[rng.integers(len(WORDS))]
        data[where : where + len(word)] = word
    elif kind == 6:
        start = int(rng.integers(len(data)))
        data[where:where] = data[start : start + size * 8]
    else:
        del data[where:]
    return bytes(data)


def _in_member(data, rng):
    """Change a member of a zip file, whose checksum is made anew."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {i.filename: archive.read(i) for i in archive.infolist()}
    except Exception:  # damaged by an earlier change
        return _in_bytes(data, rng)
    if not members:
        return data
    name = list(members)[rng.integers(len(members))]
    members[name] = _in_bytes(members[name], rng)
    out = io.BytesIO()
    kind = zipfile.ZIP_DEFLATED if rng.random() < 0.5 else zipfile.ZIP_STORED
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", kind) as archive:
        warnings.simplefilter("ignore")
        for key, content in members.items():
            archive.writestr(key, content)
            if rng.random() < 0.03:
                archive.writestr(key, content)  # twice
    return out.getvalue()


def _in_json(data, rng):
    """Change a value within JSON."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return _in_bytes(data, rng)
    places = list(_places(tree))
    if not places:
        return _in_bytes(data, rng)
    holder, key = places[rng.integers(len(places))]
    values = [None, True, -1, 0, 1, 2, 10**9, 10**30, 1.5, float("nan"), float("inf")]
    values += [
        -(2**63),
        "",
        "a",
        "0",
        "é\ud800",
        [],
        {},
        [[]],
        {"a": 1},
        [1, "a"],
        1e308,
    ]
    kind = rng.integers(4)
    if kind == 0:
        del holder[key]
    elif kind == 1 and len(places) > 1:
        other, name = places[rng.integers(len(places))]
        holder[key] = json.loads(json.dumps(other[name]))
    elif kind == 2 and isinstance(holder, dict):
        holder[str(rng.choice(["x", "", "-1", "7", "data"]))] = holder.pop(key)
    else:
        holder[key] = values[rng.integers(len(values))]
    return json.dumps(tree).encode("utf-8", "surrogatepass")


def _places(tree):
    items = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree)
        if isinstance(tree, list)
        else ()
    )
    for key, value in items:
        yield tree, key
        if isinstance(value, dict | list):
            yield from _places(value)


# -- cases ----------------------------------


def _alarm(*_):
    raise TooLong


def run_case(path, reader, number, valid):
    """None, or what is wrong with the outcome of one case."""
    rng = np.random.default_rng([number, list(READERS).index(reader)])
    path.write_bytes(changed(valid, path.suffix, rng))
    # of processor time, as other processes take the rest; ten times that for a wait
    for kind, timer, seconds in CLOCKS:
        signal.signal(kind, _alarm)
        signal.setitimer(timer, seconds)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            READERS[reader][2](path)
    except REFUSALS as error:
        text = str(error)
        if path.name not in text and path.parent.name not in text:
            return f"the message does not name the file: {text[:200]!r}"
    except TooLong:
        return f"more than {SECONDS} s"
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)
        own = [f for f in where if "overlapkit" in f.filename] or where
        place = f"{Path(own[-1].filename).name}:{own[-1].lineno}"
        return f"{type(error).__name__} at {place}: {str(error)[:200]}"
    finally:
        for _, timer, _ in CLOCKS:
            signal.setitimer(timer, 0)
    return None


def _peak():
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kib / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def run_batch(path, reader, numbers, valid):
    """(number, what is wrong) of the failures of some cases, in a child process."""
    receive, send = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(receive)
        _in_child(send, path, reader, numbers, valid)
    os.close(send)
    with os.fdopen(receive) as lines:
        said = [json.loads(line) for line in lines]
    _, status = os.waitpid(pid, 0)
    failures = [(n, problem) for n, problem in said if problem]
    begun = [n for n, _ in said]
    if os.waitstatus_to_exitcode(status) != 0:
        last = numbers[len(begun)] if len(begun) < len(numbers) else numbers[-1]
        failures.append((last, f"crash, exit code {os.waitstatus_to_exitcode(status)}"))
    return failures, len(begun)


def _in_child(send, path, reader, numbers, valid):
    code = 1
    try:
        limit = _virtual() + (2 * MEGABYTES << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        path.write_bytes(valid)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            READERS[reader][2](path)  # what a first call imports is no case
        # the largest so far is that of the parent, when it was forked
        with os.fdopen(send, "w") as out:
            for number in numbers:
                before = _peak()
                problem = run_case(path, reader, number, valid)
                grown = _peak() - before
                if problem is None and grown > MEGABYTES:
                    problem = f"{grown:.0f} MB of memory"
                print(json.dumps([number, problem]), file=out, flush=True)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _virtual():
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _warm_up():
    import lightgbm
    import numba
    import pandas

    import overlapkit.datasets

    return lightgbm, numba, pandas, overlapkit.datasets


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--readers", nargs="+", choices=READERS, default=list(READERS))
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--only", metavar="READER:NUMBER", help="one case, shown whole")
    options = parser.parse_args(argv)
    _warm_up()
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    try:
        if options.only:
            reader, number = options.only.split(":")
            path = make(folder, reader)
            problem = run_case(path, reader, int(number), path.read_bytes())
            print(path.read_bytes()[:2000], problem or "passes", sep="\n")
            return problem is not None
        return _work(folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _work(folder, options):
    valid = {reader: make(folder, reader) for reader in options.readers}
    valid = {reader: (path, path.read_bytes()) for reader, path in valid.items()}
    end = time.monotonic() + 60 * options.minutes
    cases, failures = collections.Counter(), collections.defaultdict(list)
    next_number = collections.Counter(dict.fromkeys(options.readers, options.first))
    spent = collections.Counter()
    while time.monotonic() < end:
        # the reader that had the least time so far
        reader = min(options.readers, key=lambda r: spent[r])
        start = time.monotonic()
        first = next_number[reader]
        path, data = valid[reader]
        found, n_run = run_batch(path, reader, range(first, first + BATCH), data)
        # after a crash, the rest of the batch is run by the next one
        next_number[reader] += n_run if n_run == BATCH else n_run + 1
        cases[reader] += n_run
        spent[reader] += time.monotonic() - start
        for number, problem in found:
            kind = problem.split(":")[0]
            if not any(kind == p.split(":")[0] for _, p in failures[reader]):
                print(f"{reader}:{number}  {problem}", flush=True)
            failures[reader].append((number, problem))
    print()
    for reader in options.readers:
        print(f"{reader:14}{cases[reader]:8} cases {len(failures[reader]):6} failures")
    n_failed = sum(map(len, failures.values()))
    print(f"{'in all':14}{cases.total():8} cases {n_failed:6} failures")
    return n_failed > 0


if __name__ == "__main__":
    sys.exit(main())
