"""
2. A first session: spam, rules, and what to learn from them
============================================================

Twenty rules vote on whether an e-mail is spam. None is good, many do not apply, and
nobody has labelled the mail they vote on. A *label model* combines the votes into weak
labels; gradient-boosted trees learn from those labels and the full table. Which rows
should they learn from?
"""

# %%
# Votes instead of labels
# -----------------------
# The rules are short decision paths, made from a tenth of the mails whose labels we
# pretend to have. Those mails take no further part.
import numpy as np
from sklearn.model_selection import train_test_split

from overlapkit.datasets import load_spambase
from overlapkit.label_models import TreeLabelingFunctions

mails = load_spambase(as_frame=True)
X, y = np.log1p(mails.data.to_numpy()), mails.target.to_numpy()
rest, labelled = train_test_split(
    np.arange(len(y)), test_size=0.1, stratify=y, random_state=0
)
train, test = train_test_split(rest, test_size=0.3, stratify=y[rest], random_state=0)

rules = TreeLabelingFunctions(random_state=0)
rules.fit(mails.data.iloc[labelled], y[labelled])
for text, coverage in list(zip(rules.rules_, rules.coverage_))[:3]:
    print(f"votes on {coverage:.0%}: {text}")
votes = rules.transform(mails.data)

# %%
# A label model turns votes into weak labels
# ------------------------------------------
# It never sees a label: it estimates from their agreement how often rules are right.
from overlapkit.label_models import LabelModel

teacher = LabelModel(random_state=0).fit(votes[train])
print(f"weak accuracy on new mails: {teacher.score(votes[test], y[test]):.3f}")

# %%
# Easy, overlap and hard rows
# ---------------------------
# The strong and the weak view stand side by side in one X. Columns differ in scale by
# orders of magnitude, so rows are compared after standardising. The detector warns
# that the similarities do not fall into two groups; that is worth remembering below.
import warnings

from sklearn.preprocessing import StandardScaler

from overlapkit import OverlapDetector
from overlapkit.datasets import stack_views

both, strong, weak = stack_views(strong=X, weak=votes.astype(float))
detector = OverlapDetector(
    LabelModel(random_state=0),
    strong_columns=strong,
    weak_columns=weak,
    representation=StandardScaler(),
    random_state=0,
)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    detector.fit(both[train])
for warning in caught:
    print(f"{warning.category.__name__}: {warning.message}")

right = detector.weak_estimator_.predict(votes[train]) == y[train]
for code, region in enumerate(detector.region_names_):
    rows = detector.labels_ == code
    print(
        f"{region:8s}{rows.mean():6.1%} of rows, {right[rows].mean():.1%} labels right"
    )

# %%
# The two change points, and where the rows lie:
import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for code, color in enumerate(("tab:blue", "tab:orange", "0.6")):
    rows = detector.labels_ == code
    ax.scatter(
        detector.weak_confidence_[rows],
        detector.overlap_scores_[rows],
        s=5,
        color=color,
        label=detector.region_names_[code],
    )
ax.axvline(detector.confidence_threshold_, color="0.3", lw=1)
ax.axhline(detector.overlap_threshold_, color="0.3", lw=1, ls=":")
ax.set(xlabel="weak confidence", ylabel="mean similarity to hard rows")
ax.legend(markerscale=3)
plt.show()

# %%
# Does it help?
# -------------
# One estimator does all of the above and trains the strong model. To know whether the
# choice of rows matters, look at the controls: all rows, all non-hard rows, and the
# same number of rows by confidence alone.
from overlapkit import WeakToStrongClassifier
from overlapkit.exceptions import OverlapkitWarning
from overlapkit.scorers import ConfidenceScorer

# shown above, and the same for every student
warnings.simplefilter("ignore", OverlapkitWarning)


def accuracy(selector, **params):
    student = WeakToStrongClassifier(
        weak_estimator=LabelModel(random_state=0),
        strong_columns=strong,
        weak_columns=weak,
        selector=selector,
        random_state=0,
        **params,
    ).fit(both[train])
    return student.selected_.mean(), student.score(both[test], y[test])


share = detector.overlap_density_
students = {
    "all rows": accuracy(None),
    "overlap": accuracy(OverlapDetector(representation=StandardScaler())),
    "non-hard rows": accuracy(ConfidenceScorer()),
    "most confident": accuracy(ConfidenceScorer(), budget=share),
}
for name, (kept, score) in students.items():
    print(f"{name:16s}keeps {kept:6.1%}, test accuracy {score:.3f}")

# %%
# One split proves nothing, and differences of a point are noise. ``python -m
# benchmarks`` repeats this over seeds, with standard errors, more controls and a
# second table; the README shows what it printed. On these tables overlap does not beat
# its controls. That is what the controls are for.
