"""fetch_wrench against a stand-in of the hub on this machine."""

import hashlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from overlapkit.datasets import fetch_wrench
from overlapkit.exceptions import WrenchFormatError

SIZES = {"train": 6, "valid": 2, "test": 3}


def contents(sizes=SIZES):
    """The files of a small data set, by name."""
    rng = np.random.RandomState(0)
    files = {"label.json": json.dumps({"0": "ham", "1": "spam"})}
    for split, n in sizes.items():
        rows = {
            str(k): {
                "label": int(rng.randint(2)),
                "weak_labels": rng.randint(-1, 2, size=4).tolist(),
                "data": {"text": f"{split} {k}"},
            }
            for k in range(n)
        }
        files[f"{split}.json"] = json.dumps(rows)
    return {name: text.encode() for name, text in files.items()}


class Hub:
    """What the hub answers: a list of files with checksums, and the files."""

    def __init__(self, name, files):
        self.listed = {f"classification/{name}/{k}": v for k, v in files.items()}
        self.sent = dict(self.listed)
        self.requests = []
        self.tokens = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def answer(self, body, **headers):
                hub.requests.append(self.path)
                hub.tokens.append(self.headers.get("Authorization"))
                self.send_response(200 if body is not None else 404)
                for key, value in headers.items():
                    self.send_header(key.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body or b"")

            def do_POST(self):
                size = int(self.headers["Content-Length"])
                self.rfile.read(size)
                listed = [hub.entry(path) for path in hub.listed]
                self.answer(
                    json.dumps(listed).encode(), Content_Type="application/json"
                )

            def do_HEAD(self):
                path = self.path.split("?")[0]
                file = path[path.find("classification/") :]
                body = hub.sent.get(file)
                etag = hub.entry(file)["oid"] if body is not None else ""
                self.answer(body, ETag=f'"{etag}"', X_Repo_Commit="a" * 40)

            do_GET = do_HEAD

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"

    def entry(self, path):
        body = self.listed[path]
        entry = {
            "type": "file",
            "path": path,
            "size": len(body),
            "oid": hashlib.sha1(f"blob {len(body)}\0".encode() + body).hexdigest(),
        }
        if path.endswith("train.json"):  # large files are listed with a SHA-256
            digest = hashlib.sha256(body).hexdigest()
            entry["lfs"] = {"oid": digest, "size": len(body), "pointerSize": 130}
        return entry


@pytest.fixture
def hub(monkeypatch):
    pytest.importorskip("huggingface_hub", reason="needs the extra hub")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    hubs = []

    def start(name="mushroom", files=None):
        hub = Hub(name, files or contents())
        # a short poll, or each test would wait half a second for the server to stop
        serve = {"target": hub.server.serve_forever, "args": (0.01,), "daemon": True}
        threading.Thread(**serve).start()
        hubs.append(hub)
        return hub

    yield start
    for hub in hubs:
        hub.server.shutdown()
        hub.server.server_close()


def test_files_are_downloaded_once_and_read(hub, tmp_path):
    stand_in = hub()
    options = {"data_home": tmp_path, "endpoint": stand_in.endpoint}
    data = fetch_wrench("mushroom", **options)
    assert [len(data[split].y) for split in SIZES] == [6, 2, 3]
    assert data.class_names == ["ham", "spam"]
    assert data.train.texts[0] == "train 0"
    assert data.name == "mushroom"
    assert sorted(file.name for file in data.path.iterdir()) == sorted(contents())
    # no token of the user is sent, and nothing else is left behind
    assert set(stand_in.tokens) == {None}
    assert [path.name for path in data.path.parent.iterdir()] == ["mushroom"]
    before = len(stand_in.requests)
    again = fetch_wrench("mushroom", **options, download_if_missing=False)
    assert len(stand_in.requests) == before
    np.testing.assert_array_equal(again.train.votes, data.train.votes)


def test_a_revision_has_a_folder_of_its_own(hub, tmp_path):
    stand_in = hub()
    options = {"data_home": tmp_path, "endpoint": stand_in.endpoint}
    data = fetch_wrench("mushroom", revision="a/branch", **options)
    assert data.path.parent.parent == tmp_path
    assert any("a%2Fbranch" in path for path in stand_in.requests)
    with pytest.raises(FileNotFoundError, match="download_if_missing"):
        fetch_wrench("mushroom", **options, download_if_missing=False)


@pytest.mark.parametrize("file", ["train.json", "valid.json"])
def test_a_file_with_another_checksum_is_refused_and_not_kept(hub, tmp_path, file):
    stand_in = hub()
    path = f"classification/mushroom/{file}"
    body = stand_in.listed[path]
    stand_in.sent[path] = body.replace(file[:5].encode(), b"other")
    assert len(stand_in.sent[path]) == len(body)
    with pytest.raises(WrenchFormatError, match=f"{file}.*checksum"):
        fetch_wrench("mushroom", data_home=tmp_path, endpoint=stand_in.endpoint)
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_other_numbers_of_rows_are_refused(hub, tmp_path):
    stand_in = hub("youtube")
    with pytest.raises(WrenchFormatError, match=r"\(6, 2, 3\).*\(1586, 120, 250\)"):
        fetch_wrench("youtube", data_home=tmp_path, endpoint=stand_in.endpoint)
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_a_repository_that_lacks_a_file_is_refused(hub, tmp_path):
    files = contents()
    del files["valid.json"]
    stand_in = hub(files=files)
    with pytest.raises(FileNotFoundError, match=r"valid\.json"):
        fetch_wrench("mushroom", data_home=tmp_path, endpoint=stand_in.endpoint)


def test_without_the_extra_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match="pip install huggingface_hub"):
        fetch_wrench("youtube", data_home=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_wrong_name_is_answered_with_the_right_ones(tmp_path):
    with pytest.raises(ValueError, match=r"'YouTube'.*youtube"):
        fetch_wrench("YouTube", data_home=tmp_path)
    with pytest.raises(FileNotFoundError, match="download_if_missing"):
        fetch_wrench("youtube", data_home=tmp_path, download_if_missing=False)


def test_the_default_folder_is_in_the_cache_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=str(tmp_path / "overlapkit")):
        fetch_wrench("youtube", download_if_missing=False)
