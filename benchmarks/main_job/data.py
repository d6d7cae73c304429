"""Every data set of the main job in one form: votes, strong view, labels, split."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from overlapkit.datasets import load_mushroom, load_spambase, load_wrench
from overlapkit.label_models import TreeLabelingFunctions

SHIPPED = ("spambase", "mushroom")
RULE_SHARE = 0.1  # of the training rows, to make labelling functions from


@dataclass(frozen=True)
class Task:
    """One data set under one seed.

    The label model learns from the votes of `teacher`; the weak-to-strong rows are
    `student`; nothing of `test` is seen before the end.
    """

    name: str
    X: np.ndarray
    votes: np.ndarray
    y: np.ndarray
    n_classes: int
    teacher: np.ndarray
    student: np.ndarray
    test: np.ndarray


class Unusable(ValueError):
    """A data set the main job cannot run on, and why."""


def load_task(name, seed, data_dir=None):
    """The data set `name`, split by `seed`."""
    if data_dir is not None and (Path(data_dir) / name).exists():
        return _wrench_task(Path(data_dir) / name, seed)
    if name in SHIPPED:
        return _shipped_task(name, seed)
    where = f" in {data_dir}" if data_dir is not None else "; give --data DIR"
    raise Unusable(f"there is no data set {name!r}{where}; shipped: {SHIPPED}")


def available(data_dir=None):
    """Names of the data sets that can be asked for."""
    names = list(SHIPPED)
    if data_dir is not None:
        folders = sorted(p.name for p in Path(data_dir).iterdir() if p.is_dir())
        names += [name for name in folders if name not in names]
    return names


def _shipped_task(name, seed):
    if name == "spambase":
        raw, y = load_spambase(return_X_y=True)
        X = np.log1p(raw)
    else:
        raw, y = load_mushroom(return_X_y=True)
        X = OneHotEncoder(sparse_output=False, drop="if_binary").fit_transform(raw)
    train, test = train_test_split(
        np.arange(len(y)), test_size=0.2, stratify=y, random_state=seed
    )
    # the rows behind the rules are labelled, so they take no further part
    rest, labelled = train_test_split(
        train, test_size=RULE_SHARE, stratify=y[train], random_state=seed
    )
    rules = TreeLabelingFunctions(random_state=seed).fit(raw[labelled], y[labelled])
    return _task(name, X, rules.transform(raw), y, rest, test, seed)


def _wrench_task(path, seed):
    dataset = load_wrench(path)
    train, test = dataset.train, dataset.test
    if (train.y < 0).any():
        raise Unusable("true labels of the training rows are unknown")
    if train.X is not None:
        X = np.vstack([train.X, test.X])
    elif train.texts is not None:
        # the text model sees training rows only
        n_components = min(100, len(train.texts) - 1)
        embed = make_pipeline(
            TfidfVectorizer(sublinear_tf=True, min_df=2),
            TruncatedSVD(n_components, random_state=0),
        ).fit(train.texts)
        X = np.vstack([embed.transform(train.texts), embed.transform(test.texts)])
    else:
        raise Unusable("it has neither features nor texts")
    votes = np.vstack([train.votes, test.votes])
    y = np.concatenate([train.y, test.y])
    rows = np.arange(len(y))
    return _task(
        dataset.name, X, votes, y, rows[: len(train.y)], rows[len(train.y) :], seed
    )


def _task(name, X, votes, y, train, test, seed):
    teacher, student = train_test_split(train, test_size=0.5, random_state=seed)
    X = np.asarray(X, dtype=np.float32)
    n_classes = max(int(y.max()), int(votes.max())) + 1
    return Task(name, X, votes, y, n_classes, teacher, student, test)
