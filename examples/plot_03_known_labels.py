"""
3. A hundred labels and many votes
==================================

A hundred mails have a true label, two thousand have votes of rules. Learn from the
labels, from the votes, or from both?
"""

# %%
# Two kinds of labels
# -------------------
# ``-1`` marks an unknown label in y and "no vote" in the votes.
import numpy as np
from sklearn.model_selection import train_test_split

from overlapkit.datasets import load_spambase, stack_views
from overlapkit.label_models import LabelModel, TreeLabelingFunctions

mails = load_spambase()
table, y = np.log1p(mails.data), mails.target
rest, rule_rows = train_test_split(
    np.arange(len(y)), test_size=0.1, stratify=y, random_state=0
)
rules = TreeLabelingFunctions(random_state=0).fit(mails.data[rule_rows], y[rule_rows])
X, strong, weak = stack_views(
    strong=table, weak=rules.transform(mails.data).astype(float)
)
train, test = train_test_split(rest, test_size=0.5, stratify=y[rest], random_state=0)
y_known = np.full(len(train), -1)
y_known[:100] = y[train[:100]]

# %%
# Each alone, and both
# --------------------
# With known labels, ``selector="auto"`` corrects the labels of all rows, leaves out
# rows whose neighbours disagree with them, and trains on the rest.
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from overlapkit import WeakToStrongClassifier

strong_model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
both = WeakToStrongClassifier(
    strong_model,
    weak_estimator=LabelModel(),
    strong_columns=strong,
    weak_columns=weak,
    selector="auto",
    missing_label=-1,
    random_state=0,
).fit(X[train], y_known)
print(f"test accuracy: {both.score(X[test], y[test]):.3f}")

# %%
# What the model says of itself
# -----------------------------
# It estimates the accuracy of every way to use the labels out of fold, on the hundred
# labelled rows. With so few rows the intervals are wide: that is what a hundred labels
# can tell.
report = both.selection_report_.set_index("candidate")
print(report[["accuracy", "low", "high"]].round(3))
print(both.weak_label_summary_)

# %%
# The same figures on new rows
# ----------------------------
# *Self-cut* is the same procedure without any weak label: the difference between it and
# the recipe is what the votes add.
import matplotlib.pyplot as plt
from sklearn.base import clone

labels_alone = clone(strong_model).fit(X[train[:100], strong], y[train[:100]])
votes_alone = clone(both).set_params(selector=None).fit(X[train], y_known)
truth = {
    "labels alone": labels_alone.score(X[test][:, strong], y[test]),
    "all covered weak labels": votes_alone.score(X[test], y[test]),
    "average": both.score(X[test], y[test]),
}
order = report.index[::-1]
figure, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
rows = report.loc[order]
low, high = rows["accuracy"] - rows["low"], rows["high"] - rows["accuracy"]
ax.errorbar(
    rows["accuracy"],
    range(len(order)),
    xerr=[low, high],
    fmt="o",
    color="k",
    capsize=3,
    label="out of fold, 95 % interval",
)
shown = [name for name in order if name in truth]
ax.plot(
    [truth[name] for name in shown],
    [list(order).index(name) for name in shown],
    "D",
    color="#D55E00",
    label="on new rows",
)
ax.set_yticks(range(len(order)), order)
ax.set_xlabel("accuracy")
figure.legend(loc="outside upper center", ncols=2, frameon=False)
plt.show()
