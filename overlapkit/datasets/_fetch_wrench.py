"""Fetcher of the public WRENCH data sets."""

import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import quote

from sklearn.utils import Bunch

from overlapkit._utils.sklearn_compat import validate_params
from overlapkit.datasets._load_wrench import load_wrench
from overlapkit.datasets._wrench_format import SPLITS
from overlapkit.exceptions import WrenchFormatError

__all__ = ["fetch_wrench"]

REPOSITORY = "jieyuz2/WRENCH"
REVISION = "b98f579f90311e94da79970790964011dead7fec"
# rows of train, valid and test in the benchmark's own list; None: it has none
ROWS = {
    "Bioresponse": None,
    "PhishingWebsites": None,
    "agnews": (96000, 12000, 12000),
    "bank-marketing": None,
    "basketball": (17970, 1064, 1222),
    "cdr": (8430, 920, 4673),
    "census": (10083, 5561, 16281),
    "chemprot": (12861, 1607, 1607),
    "commercial": (64130, 9479, 7496),
    "imdb": (20000, 2500, 2500),
    "mushroom": None,
    "semeval": (1749, 200, 692),
    "sms": (4571, 500, 500),
    "spambase": None,
    "spouse": (22254, 2801, 2701),
    "tennis": (6959, 746, 1098),
    "trec": (4965, 500, 500),
    "yelp": (30400, 3800, 3800),
    "youtube": (1586, 120, 250),
}
FILES = ("label.json", *(f"{split}.json" for split in SPLITS))


@validate_params(
    {
        "name": [str],
        "data_home": [str, Path, None],
        "revision": [str],
        "endpoint": [str, None],
        "download_if_missing": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_wrench(
    name: str,
    *,
    data_home: str | Path | None = None,
    revision: str = REVISION,
    endpoint: str | None = None,
    download_if_missing: bool = True,
) -> Bunch:
    """Download a data set of the WRENCH benchmark, check it, and read it.

    The files come from the public repository of the benchmark [1]_ on the Hugging Face
    hub. They are kept on disk, so that a second call needs no network. Downloading
    needs the extra ``hub``.

    Parameters
    ----------
    name : str
        Name of a classification set, as the repository spells it: ``"youtube"``,
        ``"sms"``, ``"census"``, ``"agnews"`` and others; a wrong name is answered with
        all of them.
    data_home : str or pathlib.Path, default=None
        Folder that keeps the files, in ``REVISION/NAME``. None:
        ``~/.cache/overlapkit/wrench``, with ``XDG_CACHE_HOME`` in place of
        ``~/.cache`` where it is set.
    revision : str, default="b98f579f90311e94da79970790964011dead7fec"
        Commit, branch or tag of the repository. The default is one commit, whose files
        do not change. What was downloaded for a branch is not downloaded again when
        the branch changes.
    endpoint : str, default=None
        Address of the hub or of a mirror of it. None: what `huggingface_hub` takes,
        which is ``HF_ENDPOINT`` where it is set.
    download_if_missing : bool, default=True
        Whether to download what is not on disk.

    Returns
    -------
    dataset : :class:`~sklearn.utils.Bunch`
        As :func:`load_wrench` gives it for JSON files, and `path`, the folder
        (:class:`pathlib.Path`).

    Raises
    ------
    ImportError
        If files have to be downloaded and `huggingface_hub` is not installed.
    FileNotFoundError
        If the files are not on disk and `download_if_missing` is False, or the
        repository lacks one of them.
    WrenchFormatError
        If a file differs in size or checksum from what the hub says of it, if the
        numbers of rows are not those of the benchmark's list, or if
        :func:`load_wrench` refuses the files. Nothing is kept then.
    ValueError
        If there is no such data set.

    See Also
    --------
    load_wrench : Reads a folder that is already there.
    embed_texts : Turns the texts of a data set into features.

    Notes
    -----
    The checksum of a file is the SHA-256 or, for small files, the Git hash that the
    hub lists. Files are moved into `data_home` only after all checks, so what is found
    there is complete. No token is sent: the repository is public. Errors of the network
    are those of `huggingface_hub`.

    The name of the repository, its commit and its folders were read from its public
    pages. The function has been tested against a stand-in on the same machine, never
    against the hub itself. Five sets (Bioresponse, PhishingWebsites, bank-marketing,
    mushroom, spambase) are not in the benchmark's list of rows, so their numbers of
    rows are not checked.

    The benchmark's licence is Apache-2.0; texts have the licences of their sources.

    References
    ----------
    .. [1] J. Zhang, Y. Yu, Y. Li, Y. Wang, Y. Yang, M. Yang, A. Ratner. "WRENCH: A
       Comprehensive Benchmark for Weak Supervision". NeurIPS Datasets and Benchmarks,
       2021. https://arxiv.org/abs/2109.11377

    Examples
    --------
    >>> from overlapkit.datasets import fetch_wrench
    >>> dataset = fetch_wrench("youtube")  # doctest: +SKIP
    >>> dataset.train.votes.shape  # doctest: +SKIP
    (1586, 10)
    """
    if name not in ROWS:
        raise ValueError(f"there is no data set {name!r}, expected one of {[*ROWS]}")
    folder = _home(data_home) / quote(revision, safe="") / name
    if folder.is_dir():
        dataset = load_wrench(folder, form="json")
    elif download_if_missing:
        dataset = _download(name, folder, revision, endpoint)
    else:
        raise FileNotFoundError(
            f"{folder} does not exist, and download_if_missing is False"
        )
    dataset.path = folder
    return dataset


def _home(data_home) -> Path:
    if data_home is not None:
        return Path(data_home).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "overlapkit" / "wrench"


def _download(name, folder, revision, endpoint) -> Bunch:
    """Fetch and check the files, then move them to `folder` in one step."""
    try:
        from huggingface_hub import HfApi
    except ImportError as error:
        raise ImportError(
            f"{folder} does not exist, and downloading needs huggingface_hub: "
            "pip install huggingface_hub."
        ) from error
    # a token, where the user has one, is nobody's business here
    api = HfApi(endpoint=endpoint, token=False, library_name="overlapkit")
    source = {"repo_id": REPOSITORY, "repo_type": "dataset", "revision": revision}
    paths = [f"classification/{name}/{file}" for file in FILES]
    listed = {entry.path: entry for entry in api.get_paths_info(paths=paths, **source)}
    lacking = [path for path in paths if path not in listed]
    if lacking:
        raise FileNotFoundError(f"{REPOSITORY} at {revision} has no {lacking}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".partial") as partial:
        for path in paths:
            file = api.hf_hub_download(filename=path, local_dir=partial, **source)
            _check_file(Path(file), listed[path])
        fetched = Path(partial, "classification", name)
        dataset = load_wrench(fetched, form="json")
        _check_rows(dataset, name)
        try:
            fetched.rename(folder)
        except OSError:
            # another process may have been faster: its files passed the same checks
            if not folder.is_dir():
                raise
    return dataset


def _check_file(file, entry) -> None:
    content = file.read_bytes()
    if entry.lfs is not None:
        found, expected = hashlib.sha256(content).hexdigest(), entry.lfs.sha256
    else:
        head = f"blob {len(content)}\0".encode()
        found, expected = hashlib.sha1(head + content).hexdigest(), entry.blob_id
    if len(content) != entry.size or found != expected:
        raise WrenchFormatError(
            f"{entry.path}: got {len(content)} bytes with checksum {found}, expected "
            f"{entry.size} bytes with checksum {expected}: download it again."
        )


def _check_rows(dataset, name) -> None:
    parts = [dataset[split] for split in SPLITS]
    found = tuple(0 if part is None else len(part.y) for part in parts)
    if ROWS[name] is not None and found != ROWS[name]:
        raise WrenchFormatError(
            f"{name}: train, valid and test have {found} rows, expected {ROWS[name]}"
        )
