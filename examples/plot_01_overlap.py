"""
1. Overlap in two dimensions
============================

What are *easy*, *overlap* and *hard* rows? Here every row has two features: one that
the weak model sees (horizontal), and one that only the strong model sees (vertical). A
row carries the easy pattern, the hard one, or both.
"""

# %%
# Rows whose regions are known
# ----------------------------
# The truth is drawn, so it can be compared with what is found. A row without a pattern
# is near 0 on that axis: the weak model cannot tell the classes of *hard* rows apart,
# for they differ in the vertical direction only.
import matplotlib.pyplot as plt
import numpy as np

from overlapkit.datasets import make_overlap_classification

data = make_overlap_classification(
    n_easy=150,
    n_hard=150,
    n_overlap=150,
    n_easy_features=1,
    n_hard_features=1,
    separation=4.0,
    noise_variance=1.0,
    random_state=0,
)
STYLES = {"easy": ("#56B4E9", "o"), "overlap": ("#D55E00", "^"), "hard": ("k", "x")}


def draw(ax, regions, title):
    for code, (name, (color, marker)) in enumerate(STYLES.items()):
        rows = regions == code
        ax.scatter(*data.X[rows].T, c=color, marker=marker, s=14, label=name)
    ax.set(title=title, xlabel="easy feature (weak view)", ylabel="hard feature")


# %%
# What the detector finds
# -----------------------
# It is given the rows, the labels that the weak model learns from, and which column the
# weak model sees. It never sees the true regions.
from overlapkit import OverlapDetector

detector = OverlapDetector(weak_columns=[0], metric="dot", random_state=0)
found = detector.fit(data.X, data.y).predict(data.X)
figure, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
draw(axes[0], data.region, "true regions")
draw(axes[1], found, f"found ({np.mean(found == data.region):.0%} correct)")
axes[0].legend()
plt.show()

# %%
# Two thresholds
# --------------
# Rows of low weak confidence are hard; of the others, those similar to hard rows are
# overlap. Both thresholds are change points. The figure shows whether there are two
# groups to divide, which is worth a look before the regions are believed.
from overlapkit.inspection import RegionDisplay

figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
RegionDisplay.from_estimator(detector, data.X, kind="confidence", ax=axes[0])
RegionDisplay.from_estimator(detector, data.X, kind="score", ax=axes[1])
plt.show()

# %%
# Why overlap rows can teach
# --------------------------
# The weak label of an overlap row is mostly right, because the easy pattern is there,
# and the row carries the hard pattern as well. A hard row shows the pattern, but its
# weak label is close to a guess.
weak_labels = detector.weak_estimator_.predict(data.X[:, [0]])
for code, name in enumerate(STYLES):
    rows = data.region == code
    right = np.mean(weak_labels[rows] == data.y[rows])
    print(f"{name:8s} weak labels right: {right:.0%}")
