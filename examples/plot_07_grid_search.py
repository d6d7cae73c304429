"""
7. Tune the choice of rows with a hundred labels
================================================

Most rows have votes and no label; a hundred have been labelled by hand. Plain
:class:`~sklearn.model_selection.GridSearchCV` can use those to tune everything else:
how rows are compared, how many are kept, how the labels are used.
"""

# %%
# Rows as people have them
# ------------------------
# ``-1`` marks an unknown label. The rules were made from other mails.
import numpy as np
from sklearn.model_selection import train_test_split

from overlapkit.datasets import load_spambase, stack_views
from overlapkit.label_models import TreeLabelingFunctions

mails = load_spambase()
strong, y = np.log1p(mails.data), mails.target
rest, rule_rows = train_test_split(
    np.arange(len(y)), test_size=0.1, stratify=y, random_state=0
)
votes = TreeLabelingFunctions(random_state=0).fit(mails.data[rule_rows], y[rule_rows])
X, strong_columns, weak_columns = stack_views(
    strong=strong, weak=votes.transform(mails.data).astype(float)
)
train, test = train_test_split(rest, test_size=0.3, stratify=y[rest], random_state=0)
labelled = np.random.RandomState(1).choice(len(train), 100, replace=False)
y_known = np.full(len(train), -1)
y_known[labelled] = y[train][labelled]

# %%
# Learn from all rows, test on labelled ones
# ------------------------------------------
# :class:`~overlapkit.model_selection.KnownLabelSplit` keeps rows of unknown label in
# every training part and tests on labelled rows only. All other parts are an ordinary
# search over nested parameters.
import warnings

from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.exceptions import OverlapkitWarning
from overlapkit.label_models import LabelModel
from overlapkit.model_selection import KnownLabelSplit
from overlapkit.scorers import ConfidenceScorer, CutStatisticScorer

model = WeakToStrongClassifier(
    weak_estimator=LabelModel(random_state=0),
    strong_columns=strong_columns,
    weak_columns=weak_columns,
    missing_label=-1,
    random_state=0,
)
grid = [
    {"label_use": ["hard", "soft"]},
    {"selector": [ConfidenceScorer()], "budget": [None, 0.5]},
    {"selector": [CutStatisticScorer()], "budget": [0.5, 0.75]},
    {
        "selector": [OverlapDetector(representation=StandardScaler())],
        "selector__aggregation": ["mean", "max"],
        "selector__hard_threshold": ["changepoint", ("quantile", 0.3)],
        "budget": [None, 0.5],
    },
]
split = KnownLabelSplit(5, missing_label=-1)
search = GridSearchCV(model, grid, cv=split, scoring="accuracy")
with warnings.catch_warnings():
    # diagnostics are for the model one keeps, not for every candidate
    warnings.simplefilter("ignore", OverlapkitWarning)
    search.fit(X[train], y_known)

# %%
# Accuracy on the hundred labels
# ------------------------------
import pandas as pd

results = pd.DataFrame(search.cv_results_).sort_values("rank_test_score")
for _, row in results.head(5).iterrows():
    chosen = {k: v for k, v in row["params"].items() if v is not None}
    print(f"{row['mean_test_score']:.2f}  {chosen}")

# %%
# The ten best settings, with the standard deviation over the five folds: they cannot be
# told apart.
import matplotlib.pyplot as plt

best = results.head(10).iloc[::-1]


WORDS = {
    "OverlapDetector": "overlap",
    "ConfidenceScorer": "confidence",
    "CutStatisticScorer": "cut statistic",
    "NoneType": "all rows",
}


def describe(params):
    """A setting in a few words; what is not said is the default."""
    words = [WORDS[type(params.get("selector")).__name__]]
    if words[0] == "overlap":
        words.append(params["selector__aggregation"])
        words += ["30 % hard"] * (params["selector__hard_threshold"] != "changepoint")
    if params.get("budget") is not None:
        words.append(f"{params['budget']:.0%} of the rows")
    return ", ".join(words)


names = [describe(params) for params in best["params"]]
figure, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
ax.errorbar(
    best["mean_test_score"],
    range(len(best)),
    xerr=best["std_test_score"],
    fmt="o",
    color="#0072B2",
    capsize=3,
)
ax.set_yticks(range(len(best)), names)
ax.set_xlabel("accuracy on held-out labelled rows")
plt.show()

# %%
# A hundred rows have a standard error of about three points, so the first few are
# tied. On the test rows:
from sklearn.base import clone

# three rows have no vote; the warning that says so need not be repeated
warnings.simplefilter("ignore", OverlapkitWarning)
plain = clone(model).fit(X[train], y_known)
few = clone(plain.estimator_).fit(strong[train][labelled], y_known[labelled])
print(f"tuned            {search.score(X[test], y[test]):.3f}")
print(f"all weak labels  {plain.score(X[test], y[test]):.3f}")
print(f"the 100 labels   {few.score(strong[test], y[test]):.3f}")

# %%
# The same hundred labels can train the strong model directly, so the last line above
# is the baseline. ``selector="auto"`` uses known and weak labels together.
both = clone(model).set_params(selector="auto").fit(X[train], y_known)
print(f"known and weak labels together  {both.score(X[test], y[test]):.3f}")
