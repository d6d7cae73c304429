"""Label models: accuracy on the real sets and time to fit, next to Snorkel.

A model is fitted on the votes of one half of the training rows and scored on the
other half (``train_test_split(test_size=.5, random_state=seed)``); a row whose
posterior is tied counts as one half. Where Snorkel cannot be imported, its
accuracies are the ones an earlier run printed, and there is no timing.
"""

import argparse
import os
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from overlapkit.exceptions import OverlapkitWarning
from overlapkit.label_models import DawidSkene, LabelModel, MajorityVote

ROOT = Path(__file__).resolve().parents[1]
N_EPOCHS = 1000
TOLERANCE = 0.005
LEAST_SPEED_UP = 20
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
    "DawidSkene, free prior": lambda: DawidSkene(class_balance="estimate"),
    "LabelModel": LabelModel,
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


def report_accuracy(folder, Snorkel):
    """Print accuracy per seed; return the sets on which LabelModel falls short."""
    source = "run now" if Snorkel else "as frozen in this file"
    print(f"Accuracy per seed (Snorkel {source}), and mean\n")
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
            print(f"  {label:<23}{np.mean(row):.4f}   {each}")
        gap = np.subtract(scores["LabelModel"], scores["Snorkel"])
        too_far = np.abs(gap) if name == "youtube" else -gap
        if too_far.max() > TOLERANCE:
            failed.append(name)
    # Tennis: labels only outside of the training rows.
    with np.load(folder / "tennis" / "tennis.npz") as data:
        votes, y = data["L"], data["y"]
        fitted = data["train_idx"]
    known = np.setdiff1d(np.flatnonzero(y >= 0), fitted)
    print(f"tennis: {votes.shape[1]} functions, {len(fitted)} rows to fit on")
    for label, make in MODELS.items():
        proba = make().fit(votes[fitted]).predict_proba(votes[known])
        print(f"  {label:<23}{accuracy(proba, y[known]):.4f}")
    if Snorkel is not None:
        proba = fit_snorkel(Snorkel, votes[fitted]).predict_proba(
            votes[known].astype(int)
        )
        print(f"  {'Snorkel':<23}{accuracy(proba, y[known]):.4f}")
    return failed


def report_time(folder, Snorkel, repeats):
    """Print seconds per fit; return the sets on which the speed-up falls short."""
    print(f"\nSeconds per fit, median of {repeats}; Snorkel: {N_EPOCHS} epochs\n")
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


def report_independent(n=20_000):
    """Print how well accuracies are recovered where the model's assumption holds."""
    print(f"\nVotes independent given the class, {n} rows, 10 functions, 5 draws")
    print("Mean error of LabelModel.accuracy_, and accuracy of the labels\n")
    print(f"  {'classes':>8}{'error':>9}{'LabelModel':>12}{'MajorityVote':>14}")
    for n_classes in (2, 3, 5):
        rows = []
        for seed in range(5):
            rng = np.random.default_rng(seed)
            y = rng.integers(n_classes, size=n)
            right, coverage = rng.uniform([[0.5], [0.3]], [[0.9], [1.0]], (2, 10))
            wrong = (y[:, None] + rng.integers(1, n_classes, (n, 10))) % n_classes
            votes = np.where(rng.random((n, 10)) < right, y[:, None], wrong)
            votes[rng.random((n, 10)) > coverage] = -1
            model = LabelModel().fit(votes)
            majority = MajorityVote().fit(votes).predict_proba(votes)
            rows.append(
                [
                    np.abs(model.accuracy_ - right).mean(),
                    accuracy(model.predict_proba(votes), y),
                    accuracy(majority, y),
                ]
            )
        error, ours, vote = np.mean(rows, axis=0)
        print(f"  {n_classes:>8}{error:>9.4f}{ours:>12.4f}{vote:>14.4f}")


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="label-models", description=__doc__)
    default = os.environ.get("OVERLAPKIT_DATA", ROOT.parent / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(default), metavar="DIR")
    parser.add_argument("--repeats", type=int, default=3, help="fits timed per set")
    arguments = parser.parse_args(argv)
    if not arguments.data.is_dir():
        print(f"No data: {arguments.data} is not a folder; pass --data DIR.")
        return 2
    if arguments.repeats < 1:
        parser.error(f"--repeats must be at least 1, got {arguments.repeats}")

    Snorkel = import_snorkel()
    if Snorkel is None:
        print("Snorkel cannot be imported: no timing against it, frozen accuracies.\n")
    with warnings.catch_warnings():
        # The free prior is there to show the collapse that it warns of.
        warnings.simplefilter("ignore", OverlapkitWarning)
        failed = report_accuracy(arguments.data, Snorkel)
        slow = report_time(arguments.data, Snorkel, arguments.repeats)
        report_independent()
    print()
    for what, names in (("accuracy", failed), ("speed", slow)):
        verdict = f"short on {', '.join(names)}" if names else "as required"
        if what == "speed" and Snorkel is None:
            verdict = "not compared"
        print(f"LabelModel, {what}: {verdict}")
    return 1 if failed or slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
