"""
6. Ways to select rows, and what random rows would do
=====================================================

Some rows are worth more than others: the confident ones, those whose neighbours agree,
those that carry two patterns. Each rule is compared here with all rows, and with random
rows of the same number. A rule that does not beat those gains nothing by its choice.
"""

# %%
# Rows with votes
# ---------------
import warnings

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.datasets import load_spambase, stack_views
from overlapkit.exceptions import OverlapkitWarning
from overlapkit.label_models import LabelModel, TreeLabelingFunctions
from overlapkit.scorers import (
    ConfidenceScorer,
    CutStatisticScorer,
    SelfConfidenceScorer,
)

warnings.simplefilter("ignore", OverlapkitWarning)
mails = load_spambase()
y = mails.target
rest, rule_rows = train_test_split(
    np.arange(len(y)), test_size=0.1, stratify=y, random_state=0
)
rules = TreeLabelingFunctions(random_state=0).fit(mails.data[rule_rows], y[rule_rows])
X, strong, weak = stack_views(
    strong=StandardScaler().fit_transform(np.log1p(mails.data[rest])),
    weak=rules.transform(mails.data[rest]).astype(float),
)
y = y[rest]

# %%
# Every rule with its controls
# ----------------------------
# :func:`~overlapkit.model_selection.weak_to_strong_report` trains the same strong model
# on each choice of rows and on random rows of the same number. The true labels serve
# for testing only.
from overlapkit.model_selection import weak_to_strong_report

strong_model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
base = WeakToStrongClassifier(
    strong_model, weak_estimator=LabelModel(), strong_columns=strong, weak_columns=weak
)
students = {
    "overlap": clone(base).set_params(selector=OverlapDetector()),
    "confidence": clone(base).set_params(selector=ConfidenceScorer(), budget=0.5),
    "cut statistic": clone(base).set_params(selector=CutStatisticScorer(), budget=0.5),
    "self-confidence": clone(base).set_params(
        selector=SelfConfidenceScorer(), budget=0.5
    ),
}
report = weak_to_strong_report(students, X, y, n_repeats=5, random_state=0)
print(report.verdict)

# %%
# One picture
# -----------
# The gain of each rule over all covered rows, and over random rows of the same number.
# An interval that holds 0 says that the rule may do nothing.
import matplotlib.pyplot as plt

summary = report.summary.loc[list(students)]
figure, ax = plt.subplots(figsize=(7.5, 3.4), layout="constrained")
for offset, (control, name, color) in enumerate(
    (
        ("gain_covered_rows", "over all covered rows", "#0072B2"),
        ("gain_random", "over random rows of the same number", "#D55E00"),
    )
):
    mean = 100 * summary[control]
    low, high = 100 * summary[f"{control}_low"], 100 * summary[f"{control}_high"]
    ax.errorbar(
        mean,
        np.arange(len(mean)) + 0.2 * offset,
        xerr=[mean - low, high - mean],
        fmt="os"[offset],
        color=color,
        capsize=3,
        label=name,
    )
ax.axvline(0, color="#555555", linewidth=0.8)
ax.set_yticks(np.arange(len(summary)) + 0.1, summary.index)
ax.set_xlabel("gain in test accuracy, points (95 % interval)")
ax.set_ylim(-0.5, len(summary) + 0.6)
ax.legend(loc="upper left")
plt.show()
