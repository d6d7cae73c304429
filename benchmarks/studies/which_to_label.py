"""Which rows to label next, rules beside rows drawn at random.

``python -m benchmarks which-to-label`` starts with 50 labels drawn at random, lets each
rule choose 50 rows more, and compares test accuracy with that of 50 random rows, paired
by seed: of logistic regression on the known labels alone, and of ``selector="auto"``.

uncertain           rows of the smallest margin under the model of the known labels
half uncertain      half of those, and half random rows
uncertain of both   rows of the smallest margin under ``selector="auto"``
disagreement        rows whose weak label is not what the model of the labels says
hard                random rows among those that OverlapDetector calls hard
overlap             random rows among those that it calls overlap
confident           rows of the largest weak confidence

Eight sets by default; three more were looked at after the rules had been compared on
those. Rows without a vote can be chosen where a rule does not ask for a weak label.
"""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from benchmarks import common
from benchmarks.known_labels.data import draw
from benchmarks.known_labels.students import students, tuned_on_known
from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.exceptions import OverlapkitWarning
from overlapkit.label_models import MajorityVote
from overlapkit.weak import KnownLabels, WeakRows

SUMMARY = "which rows to label next: rules beside rows drawn at random"
SETS = "youtube sms spambase mushroom agnews semeval imdb yelp".split()
LATER = "uci_sentiment amazon_polarity chemprot".split()
FIRST, MORE = 50, 50
RULES = (
    "random",
    "uncertain",
    "half uncertain",
    "uncertain of both",
    "disagreement",
    "hard",
    "overlap",
    "confident",
)


def margin(proba):
    """Difference of the two largest probabilities of each row."""
    two = np.partition(proba, -2, axis=1)[:, -2:]
    return two[:, 1] - two[:, 0]


def order_of(rule, rows, labels_model, both, rng):
    """Priority of each row, the largest first; ties are broken at random."""
    ties = rng.permutation(len(rows)) / len(rows)
    if rule == "random":
        return ties
    if rule in ("uncertain", "half uncertain"):
        return -margin(labels_model.predict_proba(rows.strong))
    if rule == "uncertain of both":
        return -margin(both.predict_proba(rows.strong))
    if rule == "disagreement":
        differs = labels_model.predict(rows.strong) != rows.labels
        return (differs & rows.covered) + ties
    if rule == "confident":
        return rows.confidence() + ties * 1e-9
    regions = OverlapDetector().fit_rows(rows).labels_
    return (regions == {"overlap": 1, "hard": 2}[rule]) + ties


def one_draw(folder, name, seed):
    """Rows of the result: accuracies after each rule."""
    data = draw(folder, name, FIRST, seed)
    votes = MajorityVote(classes=np.arange(data.n_classes), random_state=seed)
    votes.fit(data.votes)
    rows = WeakRows.from_proba(
        data.X,
        votes.predict_proba(data.votes),
        covered=votes.covered(data.votes),
        votes=data.votes,
        seed=seed,
    )
    estimator, grid = students(seed)["logistic"]

    def learn(known):
        alone = tuned_on_known(estimator, grid, data.X[known], data.y[known], seed)
        student = LogisticRegression(C=alone.C, max_iter=estimator.max_iter)
        both = WeakToStrongClassifier(student, selector="auto")
        return alone, both.fit_rows(rows, known=KnownLabels(known, data.y[known]))

    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", OverlapkitWarning)
        alone, both = learn(data.known)
        for rule in RULES:
            rng = np.random.RandomState(seed)
            priority = order_of(rule, rows, alone, both, rng)
            priority[data.known] = -np.inf
            known = data.known.copy()
            chosen = MORE // 2 if rule.startswith("half") else MORE
            known[np.argsort(-priority, kind="stable")[:chosen]] = True
            others = rng.permutation(np.flatnonzero(~known))
            known[others[: MORE - chosen]] = True
            models = learn(known)
            found.append(
                {"set": name, "seed": seed, "rule": rule}
                | {
                    what: 100 * np.mean(model.predict(data.X_test) == data.y_test)
                    for what, model in zip(("labels alone", "auto"), models)
                }
            )
    return found


def main(argv=None):
    """Run the study; write which_to_label.csv; returns 0."""
    sets = {"nargs": "+", "choices": SETS + LATER, "default": SETS, "metavar": "NAME"}
    options = common.parse(
        "which-to-label",
        __doc__,
        argv,
        seeds=10,
        data="environment",
        out="studies",
        sets=sets,
    )
    settings = [
        {"folder": options.data, "name": name, "seed": seed}
        for seed in range(options.seeds)
        for name in options.sets
    ]
    runs = common.run_rows(one_draw, settings, options.n_jobs)
    common.write(runs, options, "which_to_label")
    for what in ("labels alone", "auto"):
        wide = runs.pivot(index=["set", "seed"], columns="rule", values=what)
        gain = wide[list(RULES)].sub(wide["random"], axis=0).drop(columns="random")
        mean = gain.groupby(level="set", sort=False).mean()
        error = gain.groupby(level="set", sort=False).sem()
        text = mean.map("{:+.1f}".format) + " (" + error.map("{:.1f}".format) + ")"
        start = wide["random"].groupby(level="set", sort=False).mean().round(1)
        text.insert(0, "random", start)
        common.show(f"{what}: accuracy, and a rule minus random rows (s.e.)", text)
        print("better by 2 s.e.:", (mean > 2 * error).sum().to_dict())
        print("worse by 2 s.e.:", (mean < -2 * error).sum().to_dict())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
