"""
5. What a vote is worth
=======================

Before rules are trusted, look at them: which vote rarely, which contradict the others,
which repeat another one? And what are all of them together worth, counted in labels
that a person would have to give?
"""

# %%
# A table of the rules
# --------------------
# Each of twelve rules looks at three word frequencies and votes where it is sure. A
# hundred mails have a label, which gives accuracies with intervals. Rule 3 is reversed,
# and rule 12 is a copy of rule 5, on purpose.
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from overlapkit.datasets import load_spambase
from overlapkit.label_models import vote_summary

mails = load_spambase()
table, y = np.log1p(mails.data), mails.target
rest, rule_rows = train_test_split(
    np.arange(len(y)), test_size=0.1, stratify=y, random_state=0
)
rng = np.random.default_rng(0)
votes = np.full((len(rest), 12), -1)
for j in range(12):
    words = rng.choice(48, 3, replace=False)
    rule = LogisticRegression(C=10).fit(table[rule_rows][:, words], y[rule_rows])
    proba = rule.predict_proba(table[rest][:, words])
    sure = proba.max(axis=1) > 0.65
    votes[sure, j] = proba[sure].argmax(axis=1)
votes[:, 3] = np.where(votes[:, 3] >= 0, 1 - votes[:, 3], -1)
votes = np.column_stack([votes, votes[:, 5]])
table, y = table[rest], y[rest]
known = np.where(np.arange(len(y)) < 100, y, -1)
summary = vote_summary(votes, known, missing_label=-1)
columns = ["coverage", "conflicts", "n_labelled", "empirical_accuracy", "note"]
print(summary[columns].round(2).to_string())

# %%
# Who agrees with whom
# --------------------
# Rule 3 agrees with few others: a row of light cells. Rules 5 and 12 are the same.
import matplotlib.pyplot as plt

from overlapkit.inspection import VoteAgreementDisplay

VoteAgreementDisplay.from_votes(votes)
plt.show()

# %%
# Worth in labels
# ---------------
# The curve asks how many true labels would give the accuracy that the weak labels give
# alone, and what both give together.
import warnings

from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from overlapkit import WeakToStrongClassifier
from overlapkit.datasets import stack_views
from overlapkit.exceptions import OverlapkitWarning
from overlapkit.inspection import LabelValueDisplay
from overlapkit.label_models import LabelModel
from overlapkit.model_selection import label_value_curve

warnings.simplefilter("ignore", OverlapkitWarning)
X, strong, weak = stack_views(strong=table, weak=votes.astype(float))
student = WeakToStrongClassifier(
    make_pipeline(StandardScaler(), LogisticRegression(C=0.1)),
    weak_estimator=LabelModel(),
    strong_columns=strong,
    weak_columns=weak,
    selector="auto",
)
curve = label_value_curve(
    student, X, y, n_labels=[25, 50, 100, 200, 400], n_repeats=3, random_state=0
)
print(curve.verdict)
LabelValueDisplay.from_curve(curve)
plt.show()
