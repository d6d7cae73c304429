"""How far results move when the same rows come in another order.

    python -m tests.support.row_order

prints, on spambase in five orders, what docs/promises.rst says of the order of rows.
"""

import warnings

import numpy as np
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.datasets import load_spambase, stack_views
from overlapkit.label_models import LabelModel, TreeLabelingFunctions

N_ORDERS = 5


def _mean_distance(results) -> float:
    pairs = [(a, b) for i, a in enumerate(results) for b in results[:i]]
    return float(np.mean([np.mean(a != b) for a, b in pairs]))


def main() -> None:
    warnings.simplefilter("ignore")
    X, y = load_spambase(return_X_y=True)
    rows = np.random.RandomState(0).permutation(len(X))
    rules, train, new = rows[:460], rows[460:2000], rows[2000:]
    orders = [np.random.RandomState(k).permutation(1540) for k in range(N_ORDERS)]

    by_rules = TreeLabelingFunctions(random_state=0).fit(X[rules], y[rules])
    votes = by_rules.transform(X).astype(X.dtype)
    both, strong, weak = stack_views(strong=X, weak=votes)
    known = np.full(len(y), -1)
    known[train[:100]] = y[train[:100]]
    students = {
        "logistic regression": LogisticRegression(max_iter=1000),
        "boosted trees": LGBMClassifier(n_estimators=20, verbosity=-1, random_state=0),
        "stochastic gradient descent": SGDClassifier(loss="log_loss", random_state=0),
    }
    print('largest change of a probability of selector="auto"')
    for name, student in students.items():
        proba = [
            WeakToStrongClassifier(
                make_pipeline(StandardScaler(), student),
                weak_estimator=LabelModel(missing_label=-1, classes=[0, 1]),
                strong_columns=strong,
                weak_columns=weak,
                selector="auto",
                missing_label=-1,
                random_state=0,
            )
            .fit(both[train[order]], known[train[order]])
            .predict_proba(both[new])
            for order in orders
        ]
        print(f"  {name:28}{np.ptp(proba, axis=0).max():.1e}")

    alignments = [
        OverlapDetector(
            strong_columns=slice(28), weak_columns=slice(28, None), random_state=0
        )
        .fit(X[rows], y[rows])
        .view_alignment_
        for rows in (np.random.RandomState(k).permutation(len(X)) for k in range(20))
    ]
    print(
        f"view_alignment_: {np.mean(alignments):.2f}, "
        f"standard deviation {np.std(alignments):.2f}"
    )
    labels = []
    for k in range(N_ORDERS):
        some = np.random.RandomState(k).permutation(rules)
        found = TreeLabelingFunctions(random_state=0).fit(X[some], y[some])
        moved = found.transform(X)
        labels.append(LabelModel(classes=[0, 1]).fit(moved).predict(moved))
    print(f"rules of a forest: {_mean_distance(labels):.0%} of the labels differ")


if __name__ == "__main__":
    main()
