"""Label models on real votes: which default, what known labels add, time and scale.

Candidates are fitted to the votes of the training rows and judged by the labels of
those with a vote (tennis: of all rows whose label is known); a tie between t classes
counts 1/t. The default is chosen on all sets but one and reported on that one. Then:
the default with 50, 100 and 300 known labels, its reliability, and Snorkel's label
model next to the variant that repeats it. Where Snorkel cannot be imported, its
accuracies are the ones an earlier run printed, and there is no timing.
"""

import argparse
import contextlib
import io
import itertools
import os
import resource
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.model_selection import train_test_split

from overlapkit.exceptions import OverlapkitWarning
from overlapkit.label_models import DawidSkene, LabelModel, MajorityVote, _moments

SUMMARY = "accuracy and time of the label models on real votes"
ROOT = Path(__file__).resolve().parents[1]
N_EPOCHS = 1000
TOLERANCE = 0.005
LEAST_SPEED_UP = 20
MOST_LOSS = 0.01  # of the default against a majority vote, on any set
SETS = (
    "youtube",
    "sms",
    "spambase",
    "mushroom",
    "uci_sentiment",
    "amazon_polarity",
    "agnews",
    "semeval",
    "chemprot",
    "imdb",
    "yelp",
    "tennis",
)
N_LABELS = (50, 100, 300)
N_DRAWS = 10
SEEDS = {
    "youtube": 5,
    "sms": 3,
    "spambase": 3,
    "mushroom": 3,
    "uci_sentiment": 3,
    "amazon_polarity": 3,
}
TIMED = ("youtube", "spambase", "sms")
MODELS = {
    "MajorityVote": MajorityVote,
    "DawidSkene": DawidSkene,
    "LabelModel": LabelModel,
    "LabelModel, variant metal": partial(LabelModel, variant="metal"),
}
# Printed by this command with Snorkel 0.10.0 installed.
FROZEN = {
    "youtube": [0.7320, 0.7270, 0.7320, 0.7100, 0.7472],
    "sms": [0.6516, 0.6629, 0.6465],
    "spambase": [0.7511, 0.7592, 0.7438],
    "mushroom": [0.8597, 0.8572, 0.8625],
    "uci_sentiment": [0.7785, 0.7660, 0.7655],
    "amazon_polarity": [0.7955, 0.7864, 0.7815],
}


def load(folder, name):
    with np.load(folder / name / f"{name}.npz") as data:
        train = data["train_idx"]
        return data["L"][train], data["y"][train]


def halves(n, seed):
    return train_test_split(np.arange(n), test_size=0.5, random_state=seed)


def accuracy(proba, y):
    """Share of right rows; a row tied between t classes counts 1/t if one is right."""
    tied = proba >= proba.max(axis=1, keepdims=True) * (1 - 1e-6)
    return float((tied[np.arange(len(y)), y] / tied.sum(axis=1)).mean())


def import_snorkel():
    try:
        import torch
        from snorkel.labeling.model import LabelModel as Snorkel
    except ImportError:
        return None
    # On matrices this small a second thread slows torch down, many times over on a
    # busy machine. Snorkel is timed in the setting that suits it best.
    torch.set_num_threads(1)
    return Snorkel


def fit_snorkel(Snorkel, votes, seed=0):
    model = Snorkel(cardinality=2, verbose=False)
    model.fit(votes.astype(int), n_epochs=N_EPOCHS, seed=seed, progress_bar=False)
    return model


def seconds(task, repeats):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def rows_and_labels(folder, name):
    """Votes of the rows to fit, their labels (-1: unknown), number of classes."""
    with np.load(folder / name / f"{name}.npz") as data:
        votes, y, train = data["L"], data["y"], data["train_idx"]
    if name != "tennis":  # labels are known outside of the training rows only
        votes, y = votes[train], y[train]
    return votes, y.astype(int), int(max(votes.max(), y.max())) + 1


class WeightedVote:
    """Votes weighted by how often each agrees with the majority of the others."""

    def __init__(self, classes):
        self.n_classes = len(classes)

    def fit(self, votes):
        one_hot = votes[:, :, None] == np.arange(self.n_classes)
        counts = one_hot.sum(axis=1)
        table = np.full((votes.shape[1], self.n_classes, self.n_classes), 0.3)
        table /= max(self.n_classes - 1, 1)
        table[:, np.arange(self.n_classes), np.arange(self.n_classes)] = 0.7
        table *= 10
        for j in range(votes.shape[1]):
            others = counts - one_hot[:, j]
            others = others / np.maximum(others.sum(axis=1, keepdims=True), 1)
            table[j] += one_hot[:, j].T.astype(float) @ others
        table /= table.sum(axis=2, keepdims=True)
        self.table = np.log(table * self.n_classes)
        return self

    def predict_proba(self, votes):
        one_hot = votes[:, :, None] == np.arange(self.n_classes)
        scores = np.einsum("njl,jly->ny", one_hot, self.table)
        proba = np.exp(scores - scores.max(axis=1, keepdims=True))
        return proba / proba.sum(axis=1, keepdims=True)


@contextlib.contextmanager
def automatic(threshold, heavy):
    """Label models whose automatic ridge has other constants."""
    before = _moments.FULL_SHRINKAGE_AT, _moments.HEAVY_RIDGE
    _moments.FULL_SHRINKAGE_AT, _moments.HEAVY_RIDGE = threshold, heavy
    try:
        yield
    finally:
        _moments.FULL_SHRINKAGE_AT, _moments.HEAVY_RIDGE = before


MAIN = ["MajorityVote", "DawidSkene", "LabelModel, metal", "LabelModel"]


def candidates():
    """Name -> (class, parameters, constants of the automatic ridge)."""
    default = (_moments.FULL_SHRINKAGE_AT, _moments.HEAVY_RIDGE)
    found = {
        "MajorityVote": (MajorityVote, {}, default),
        "weighted vote": (WeightedVote, {}, default),
        "DawidSkene": (DawidSkene, {}, default),
    }
    for shrinkage in (0.0, 0.3, 1.0):
        name = f"DawidSkene, shrinkage {shrinkage:g}"
        found[name] = (DawidSkene, {"shrinkage": shrinkage}, default)
    found["LabelModel, metal"] = (LabelModel, {"variant": "metal"}, default)
    for ridge in (1e-2, 0.1, 0.3, 1.0, 10.0):
        found[f"LabelModel, ridge {ridge:g}"] = (LabelModel, {"ridge": ridge}, default)
    for threshold in (0.002, 0.005, 0.02):
        for heavy in (0.5, 2.0, 8.0):
            name = f"LabelModel, auto {threshold:g} {heavy:g}"
            if (threshold, heavy) == default:
                name = "LabelModel"
            found[name] = (LabelModel, {}, (threshold, heavy))
    return found


def judge(proba, y):
    """Accuracy, balanced accuracy, log loss and expected calibration error."""
    n, n_classes = proba.shape
    tied = proba >= proba.max(axis=1, keepdims=True) * (1 - 1e-6)
    right = tied[np.arange(n), y] / tied.sum(axis=1)
    balanced = np.mean([right[y == k].mean() for k in range(n_classes) if k in y])
    loss = -np.log(np.clip(proba[np.arange(n), y], 1e-3, 1)).mean()
    top = proba.max(axis=1)
    place = np.minimum((top * 10).astype(int), 9)
    error = sum(abs((right - top)[place == b].sum()) for b in range(10)) / n
    return right.mean(), balanced, loss, error


def report_default(folder, sets):
    """Print the study of the default; return the sets on which it falls short."""
    scores = {}
    found = candidates()
    for name in sets:
        votes, y, n_classes = rows_and_labels(folder, name)
        rows = (votes >= 0).any(axis=1)
        votes, y = votes[rows], y[rows]
        known = y >= 0
        for label, (Model, params, constants) in found.items():
            with automatic(*constants):
                model = Model(classes=np.arange(n_classes), **params).fit(votes)
                proba = model.predict_proba(votes)
            scores[label, name] = judge(proba[known], y[known])
    titles = ("Accuracy", "Balanced accuracy", "Log loss", "Calibration error")
    for i, title in enumerate(titles):
        print(f"{title} on covered training rows\n")
        table = pd.DataFrame(
            {label: [scores[label, name][i] for name in sets] for label in found},
            index=list(sets),
        )
        difference = table.sub(table["MajorityVote"], axis=0)
        ends = pd.DataFrame(
            {
                "mean": table.mean(),
                "worst": difference.min() if i < 2 else difference.max(),
            }
        )
        print(table[MAIN].round(3).to_string(float_format="{:.3f}".format), "\n")
        print(ends.to_string(float_format="{:.4f}".format))
        print(
            "  (worst: difference against MajorityVote on the set where it is worst)\n"
        )
    print(
        "Chosen on all sets but one: the best mean accuracy among candidates that are"
    )
    print(
        f"nowhere more than {MOST_LOSS} below MajorityVote; then reported on that set\n"
    )
    gains, short = [], []
    for name in sets:
        others = [other for other in sets if other != name]

        def mean(label, others=others):
            return np.mean([scores[label, other][0] for other in others])

        allowed = [
            label
            for label in found
            if all(
                scores[label, other][0] >= scores["MajorityVote", other][0] - MOST_LOSS
                for other in others
            )
        ]
        best = max(allowed, key=mean)
        gain = scores[best, name][0] - scores["MajorityVote", name][0]
        own = scores["LabelModel", name][0] - scores["MajorityVote", name][0]
        gains.append(gain)
        if own < -MOST_LOSS:
            short.append(name)
        print(f"  {name:<17}{best:<28}{gain:>+7.3f}   the default {own:>+7.3f}")
    error = np.std(gains, ddof=1) / np.sqrt(len(gains))
    print(f"  {'mean':<17}{'':<28}{np.mean(gains):>+7.4f} (s.e. {error:.4f})\n")
    return short


def report_known_labels(folder, sets):
    """Print what known labels add to the default; return where they cost."""
    print(
        f"LabelModel(missing_label=-1) with known labels - without, {N_DRAWS} draws of"
    )
    print("the labelled rows; accuracy on covered rows whose label was not given\n")
    print(" " * 19 + "without" + "".join(f"{b:>24}" for b in N_LABELS))
    worse = []
    for name in sets:
        votes, y, n_classes = rows_and_labels(folder, name)
        pool, covered = np.flatnonzero(y >= 0), (votes >= 0).any(axis=1)
        make = partial(LabelModel, classes=np.arange(n_classes), missing_label=-1)
        base = make().fit(votes).predict_proba(votes)
        cells = []
        for b in N_LABELS:
            gains, used = [], 0
            for seed in range(N_DRAWS):
                rng = np.random.default_rng(seed)
                known = rng.choice(pool, b, replace=False)
                given = np.full(len(y), -1)
                given[known] = y[known]
                model = make().fit(votes, given)
                rows = np.flatnonzero(covered & (y >= 0) & (given < 0))
                proba = model.predict_proba(votes[rows])
                gain = judge(proba, y[rows])[0] - judge(base[rows], y[rows])[0]
                gains.append(gain)
                used += model.labels_used_
            error = np.std(gains, ddof=1) / np.sqrt(N_DRAWS)
            cells.append(f"{np.mean(gains):>+11.4f} +- {error:.4f} {used:>2}")
            if np.mean(gains) < -error - 1e-12:
                worse.append(f"{name} ({b})")
        rows = covered & (y >= 0)
        alone = judge(base[rows], y[rows])[0]
        print(f"  {name:<16}{alone:>8.4f}" + "".join(f"{c:>24}" for c in cells))
    print("  (last number: draws in which the labels were used)\n")
    return worse


def report_reliability(folder, sets):
    """Print the share of right labels by probability, for three label models."""
    print("Share of right labels (and of rows) by the probability of the label\n")
    edges = np.array([0, 0.6, 0.8, 0.95, 1.0000001])
    names = [f"{a:.2f}-{min(b, 1):.2f}" for a, b in itertools.pairwise(edges)]
    print(" " * 31 + "".join(f"{name:>13}" for name in names))
    for name in sets:
        votes, y, n_classes = rows_and_labels(folder, name)
        rows = (votes >= 0).any(axis=1)
        votes, y = votes[rows], y[rows]
        known = y >= 0
        for Model in (MajorityVote, DawidSkene, LabelModel):
            model = Model(classes=np.arange(n_classes)).fit(votes)
            proba = model.predict_proba(votes)[known]
            top, right = proba.max(axis=1), proba.argmax(axis=1) == y[known]
            cells = []
            for low, high in itertools.pairwise(edges):
                inside = (top >= low) & (top < high)
                share = f"{right[inside].mean():.2f}" if inside.any() else "-"
                cells.append(f"{share} ({inside.mean():.2f})")
            print(
                f"  {name:<16}{Model.__name__:<13}"
                + "".join(f"{cell:>13}" for cell in cells)
            )
    print()


def sparse_votes(n_rows, n_functions, density, seed):
    """Drawn votes as a CSR matrix of vote + 1, and the classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n_rows, dtype=np.int8)
    # Repeats of a function within a row are dropped.
    number = rng.poisson(n_functions * density, n_rows)
    row = np.repeat(np.arange(n_rows, dtype=np.int32), number)
    function = rng.integers(n_functions, size=len(row), dtype=np.int32)
    place = np.unique(row.astype(np.int64) * n_functions + function)
    row, function = np.divmod(place, n_functions)
    right = rng.random(len(row)) < 0.55 + (function % 40) / 100
    vote = np.where(right, y[row], 1 - y[row]).astype(np.int8)
    indptr = np.searchsorted(row, np.arange(n_rows + 1))
    parts = vote + np.int8(1), function.astype(np.int32), indptr.astype(np.int32)
    return sparse.csr_matrix(parts, shape=(n_rows, n_functions)), y


def report_scale(n_rows, n_functions=1000, density=0.01, n_batches=20):
    """Print time and memory of `partial_fit` on batches of sparse votes."""
    model = LabelModel(classes=[0, 1], random_state=0)
    start, fitting = time.perf_counter(), 0.0
    for seed in range(n_batches):
        votes, y = sparse_votes(n_rows // n_batches, n_functions, density, seed)
        begin = time.perf_counter()
        model.partial_fit(votes)
        fitting += time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{n_rows:,} rows x {n_functions:,} functions, density {density:.0%}, "
        f"{n_batches} batches: partial_fit {fitting:.0f} s (with the drawing of votes "
        f"{time.perf_counter() - start:.0f} s), peak memory {peak:.2f} GB, accuracy on "
        f"the last batch {(model.predict(votes) == y).mean():.3f}\n"
    )


def report_accuracy(folder, Snorkel):
    """Print accuracy per seed; return sets where the variant is not Snorkel's."""
    source = "run now" if Snorkel else "as frozen in this file"
    print(f"Fitted on one half, judged on the other (Snorkel {source})\n")
    failed = []
    for name, n_seeds in SEEDS.items():
        votes, y = load(folder, name)
        scores = {}
        for label, make in MODELS.items():
            scores[label] = []
            for seed in range(n_seeds):
                fitted, held_out = halves(len(y), seed)
                proba = make().fit(votes[fitted]).predict_proba(votes[held_out])
                scores[label].append(accuracy(proba, y[held_out]))
        scores["Snorkel"] = FROZEN[name]
        if Snorkel is not None:
            scores["Snorkel"] = []
            for seed in range(n_seeds):
                fitted, held_out = halves(len(y), seed)
                model = fit_snorkel(Snorkel, votes[fitted], seed)
                proba = model.predict_proba(votes[held_out].astype(int))
                scores["Snorkel"].append(accuracy(proba, y[held_out]))
        print(f"{name}: {votes.shape[1]} functions, {len(y) // 2} rows to fit on")
        for label, row in scores.items():
            each = "  ".join(f"{value:.4f}" for value in row)
            print(f"  {label:<27}{np.mean(row):.4f}   {each}")
        paper = scores["LabelModel, variant metal"]
        gap = np.subtract(paper, scores["Snorkel"])
        too_far = np.abs(gap) if name == "youtube" else -gap
        if too_far.max() > TOLERANCE:
            failed.append(name)
    print()
    return failed


def report_time(folder, Snorkel, repeats):
    """Print seconds per fit; return the sets on which the speed-up falls short."""
    print(f"Seconds per fit, median of {repeats}; Snorkel: {N_EPOCHS} epochs\n")
    print(f"  {'set':<10}{'functions':>10}{'ours':>10}{'Snorkel':>10}{'times':>8}")
    failed = []
    for name in TIMED:
        votes, _ = load(folder, name)
        votes = votes[halves(len(votes), 0)[0]]
        LabelModel().fit(votes)
        ours = seconds(lambda votes=votes: LabelModel().fit(votes), max(repeats, 5))
        row = f"  {name:<10}{votes.shape[1]:>10}{ours:>10.4f}"
        if Snorkel is None:
            print(f"{row}{'-':>10}{'-':>8}")
            continue
        theirs = seconds(lambda votes=votes: fit_snorkel(Snorkel, votes), repeats)
        print(f"{row}{theirs:>10.3f}{theirs / ours:>8.0f}")
        if theirs < LEAST_SPEED_UP * ours:
            failed.append(name)
    return failed


def report_many_functions(n_functions=2000, n=3600, seed=0):
    """Print the seconds of a fit to many functions."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    right = rng.uniform(0.6, 0.9, n_functions)
    coverage = rng.uniform(0.05, 0.5, n_functions)
    shape = (n, n_functions)
    votes = np.where(rng.random(shape) < right, y[:, None], 1 - y[:, None])
    votes[rng.random(shape) > coverage] = -1
    start, start_cpu = time.perf_counter(), time.process_time()
    LabelModel().fit(votes)
    wall, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    print(f"  {n_functions:,} functions, {n:,} rows: {wall:.1f} s, CPU {cpu:.1f} s\n")


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="label-models", description=__doc__)
    default = os.environ.get("OVERLAPKIT_DATA", ROOT.parent / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(default), metavar="DIR")
    parser.add_argument("--repeats", type=int, default=3, help="fits timed per set")
    parser.add_argument(
        "--scale", type=int, metavar="ROWS", help="sparse votes on so many rows as well"
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="also write it here")
    arguments = parser.parse_args(argv)
    if not arguments.data.is_dir():
        print(f"No data: {arguments.data} is not a folder; pass --data DIR.")
        return 2
    if arguments.repeats < 1:
        parser.error(f"--repeats must be at least 1, got {arguments.repeats}")
    if arguments.write is None:
        return run(arguments)
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        code = run(arguments)
    print(text.getvalue(), end="")
    arguments.write.write_text(text.getvalue(), encoding="utf-8")
    return code


def run(arguments) -> int:
    folder = arguments.data
    sets = [name for name in SETS if (folder / name / f"{name}.npz").exists()]
    Snorkel = import_snorkel()
    if Snorkel is None:
        print("Snorkel cannot be imported: no timing against it, frozen accuracies.\n")
    with warnings.catch_warnings():
        # Candidates are there to show what they warn of.
        warnings.simplefilter("ignore", OverlapkitWarning)
        warnings.simplefilter("ignore", UserWarning)
        if arguments.scale:  # first, so that the peak of memory is its own
            report_scale(arguments.scale)
        short = report_default(folder, sets)
        worse = report_known_labels(folder, sets)
        report_reliability(folder, sets)
        failed = report_accuracy(folder, Snorkel)
        slow = report_time(folder, Snorkel, arguments.repeats)
        report_many_functions()
    verdicts = {
        "default at most .01 below a majority vote": short,
        "never below itself with known labels": worse,
        "variant metal has Snorkel's accuracy": failed,
        "at least 20 times faster than Snorkel": slow,
    }
    for what, names in verdicts.items():
        verdict = f"short on {', '.join(names)}" if names else "as required"
        if "faster" in what and Snorkel is None:
            verdict = "not compared"
        print(f"LabelModel, {what}: {verdict}")
    return int(any(verdicts.values()))


if __name__ == "__main__":
    raise SystemExit(main())
