"""
9. Does more overlap help? The mixing experiment
================================================

Train on as many rows each time, but on a growing share of overlap rows, and watch the
accuracy. An increase alone proves little: leaving out hard rows would give one, too. So
the curve is drawn with controls.
"""

# %%
# Data whose regions are known
# ----------------------------
from overlapkit.datasets import make_overlap_classification

data = make_overlap_classification(
    n_easy=500, n_hard=500, n_overlap=500, random_state=0
)

# %%
# The curve and its controls
# --------------------------
# Each pool begins with rows that are not in it, at share 0, and ends with its own rows
# alone, at share 1; the number of rows is the same throughout. *Random non-hard* rows
# and the *most confident* rows are what one could take without looking for overlap.
import matplotlib.pyplot as plt
from sklearn.linear_model import LogisticRegression

from overlapkit import OverlapDetector
from overlapkit.inspection import OverlapCurveDisplay
from overlapkit.model_selection import overlap_curve

curve = overlap_curve(
    LogisticRegression(C=0.01),
    OverlapDetector(weak_columns=data.easy_columns),
    data.X,
    data.y,
    shares=[0, 0.25, 0.5, 0.75, 1],
    n_repeats=5,
    random_state=0,
)
OverlapCurveDisplay.from_curve(curve)
plt.show()

# %%
# Where the gain comes from
# -------------------------
# How often the weak labels of a training set are right is its *label purity*. Where a
# curve of accuracy has the shape of its curve of purity, cleaner labels explain the
# gain, and any rule that avoids wrong labels would give it.
figure, ax = plt.subplots(layout="constrained")
OverlapCurveDisplay.from_curve(curve, metric="label_purity", ax=ax)
plt.show()

# %%
# In numbers
# ----------
ends = curve[curve["share"].isin([0, 1])]
table = ends.pivot_table(index="pool", columns="share", values="accuracy").round(3)
print(table.to_string())
