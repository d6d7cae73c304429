"""Rows of the speed benchmark: the source paper's protocol against networks in torch.

Both run the same code (`benchmarks/weak_supervision/authors.py`), with one thread: one
network that represents the rows, and a student for each choice of rows. Only the
networks are exchanged, so that label model and detection, which are not torch, take the
same time in both.
"""

import os
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.common import DATA
from benchmarks.job.data import read
from benchmarks.speed.harness import Result, quiet, register
from benchmarks.weak_supervision import authors
from benchmarks.weak_supervision.networks import BATCH, EPOCHS, LAYERS

SETS = ("spambase", "sms")  # 57 and 384 columns
SEEDS = 10


class TorchNetwork:
    """The same network as one writes it in torch.

    Batches are rows of a drawn order: a DataLoader, which collects them row by row,
    takes longer. So does Adam that is not fused. First weights are drawn as in
    scikit-learn, and two classes have one output: with the smaller weights that torch
    draws by itself, or two outputs, a few hundred steps end at another accuracy.
    """

    def __init__(self, seed):
        import torch

        self.torch = torch
        torch.manual_seed(seed)

    def fit(self, X, y):
        """Train on rows and labels."""
        torch = self.torch
        self.classes, codes = np.unique(y, return_inverse=True)
        sizes, layers = (X.shape[1], *LAYERS), []
        for below, units in pairwise(sizes):
            layers += [torch.nn.Linear(below, units), torch.nn.ReLU()]
        self.body = torch.nn.Sequential(*layers)
        two = len(self.classes) == 2
        self.head = torch.nn.Linear(LAYERS[-1], 1 if two else len(self.classes))
        for layer in (*layers[::2], self.head):
            torch.nn.init.xavier_uniform_(layer.weight)
        network = torch.nn.Sequential(self.body, self.head)
        optimizer = torch.optim.Adam(network.parameters(), fused=True)
        loss = torch.nn.BCEWithLogitsLoss() if two else torch.nn.CrossEntropyLoss()
        rows, targets = torch.from_numpy(X), torch.from_numpy(codes)
        targets = targets[:, None].float() if two else targets
        for _ in range(EPOCHS):
            for batch in torch.randperm(len(rows)).split(BATCH):
                optimizer.zero_grad()
                loss(network(rows[batch]), targets[batch]).backward()
                optimizer.step()
        return self

    def hidden(self, X):
        """Activations of the last hidden layer."""
        with self.torch.no_grad():
            return self.body(self.torch.from_numpy(X)).numpy()

    def predict(self, X):
        """The most probable class of each row."""
        with self.torch.no_grad():
            scores = self.head(self.torch.from_numpy(self.hidden(X))).numpy()
        if len(self.classes) == 2:
            return self.classes[(scores[:, 0] > 0).astype(int)]
        return self.classes[scores.argmax(axis=1)]


@register("protocol")
def protocol(settings):
    """Seconds of the processor for one set and seed, and accuracy of the students.

    The accuracy is the mean over the students, compared seed by seed. Students of both
    have as many rows as their own representation finds, so that times are of all seeds.
    """
    folder = os.environ.get(DATA)
    for name in SETS[: 1 if settings.quick else 2]:
        work, baseline = f"the paper's protocol, {name}, a seed", "networks in torch"
        missing = _missing(name, folder)
        if missing:
            yield Result(work, baseline, None, None, None, "at least", 3, note=missing)
            continue
        import torch

        networks = authors.Network, TorchNetwork
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # more are slower for matrices as small as these
        try:
            with threadpool_limits(1), quiet():
                for network in networks:
                    authors.run(name, 0, folder, network)
                rounds = [
                    [_timed(name, seed, folder, network) for network in networks]
                    for seed in range(SEEDS)
                ]
        finally:
            torch.set_num_threads(threads)
        times, accuracy = np.moveaxis(np.array(rounds), 2, 0)
        ours_s, theirs_s = times.mean(axis=0)
        gap = accuracy[:, 0] - accuracy[:, 1]
        error = gap.std(ddof=1) / np.sqrt(len(gap))
        yield Result(
            work,
            baseline,
            ours_s,
            theirs_s,
            theirs_s / ours_s,
            "at least",
            3,
            agrees=bool(abs(gap.mean()) <= 2 * error),
            note=f"accuracy {accuracy[:, 0].mean():.4f} against "
            f"{accuracy[:, 1].mean():.4f}, standard error of the gap {error:.4f}",
        )


def _missing(name, folder):
    """Why a set cannot be run, or nothing."""
    try:
        import torch  # noqa: F401
    except ImportError:
        return "torch is not installed"
    if name != "spambase" and not (folder and (Path(folder) / name).exists()):
        return f"no data: {DATA} names no folder with {name}"
    read(name, folder)
    return None


def _timed(name, seed, folder, network):
    """Seconds of the processor, and the mean accuracy of the students."""
    start = time.process_time()
    figures = authors.run(name, seed, folder, network)["figures"]
    spent = time.process_time() - start
    students = ["all weak labels", "true labels", *(f"{s:.1f}" for s in authors.SHARES)]
    return spent, float(np.mean([figures[k] for k in students]))
