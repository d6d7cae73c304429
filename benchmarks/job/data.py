"""Every data set of the main job in one form: votes, strong view, labels, split."""

from dataclasses import dataclass
from functools import lru_cache
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


@lru_cache(maxsize=2)
def read(name, data_dir=None):
    """All that a data set consists of before any split, as a tuple of arrays."""
    path = None if data_dir is None else Path(data_dir) / name
    if path is not None and path.exists():
        try:
            dataset = load_wrench(path)
        except (ValueError, OSError) as error:
            raise Unusable(str(error)) from error
        train, test = dataset.train, dataset.test
        texts = [None if p.texts is None else np.array(p.texts) for p in (train, test)]
        return train.X, test.X, *texts, train.votes, test.votes, train.y, test.y
    if name in SHIPPED:
        load = {"spambase": load_spambase, "mushroom": load_mushroom}[name]
        return load(return_X_y=True)
    where = f" in {data_dir}" if data_dir is not None else "; give --data DIR"
    raise Unusable(f"there is no data set {name!r}{where}; shipped: {SHIPPED}")


def load_task(name, seed, data_dir=None):
    """The data set `name`, split by `seed`."""
    arrays = read(name, data_dir)
    if len(arrays) == 2:
        return _shipped_task(name, *arrays, seed)
    return _wrench_task(name, *_with_features(name, data_dir), seed)


def available(data_dir=None):
    """Names of the data sets that can be asked for."""
    names = list(SHIPPED)
    if data_dir is not None:
        folders = sorted(p.name for p in Path(data_dir).iterdir() if p.is_dir())
        names += [name for name in folders if name not in names]
    return names


def _shipped_task(name, raw, y, seed):
    if name == "spambase":
        X = np.log1p(raw)
    else:
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


@lru_cache(maxsize=2)
def _with_features(name, data_dir):
    """Strong view, votes and labels of a given data set, and its training rows."""
    X, X_test, texts, texts_test, votes, votes_test, y, y_test = read(name, data_dir)
    if (y < 0).any():
        raise Unusable("true labels of the training rows are unknown")
    if X is None and texts is None:
        raise Unusable("it has neither features nor texts")
    if X is None:
        # the text model sees training rows only
        embed = make_pipeline(
            TfidfVectorizer(sublinear_tf=True, min_df=2),
            TruncatedSVD(min(100, len(texts) - 1), random_state=0),
        ).fit(texts)
        X, X_test = embed.transform(texts), embed.transform(texts_test)
    return (
        np.vstack([X, X_test]),
        np.vstack([votes, votes_test]),
        np.concatenate([y, y_test]),
        len(y),
    )


def _wrench_task(name, X, votes, y, n_train, seed):
    rows = np.arange(len(y))
    return _task(name, X, votes, y, rows[:n_train], rows[n_train:], seed)


def _task(name, X, votes, y, train, test, seed):
    teacher, student = train_test_split(train, test_size=0.5, random_state=seed)
    X = np.asarray(X, dtype=np.float32)
    n_classes = max(int(y.max()), int(votes.max())) + 1
    return Task(name, X, votes, y, n_classes, teacher, student, test)
