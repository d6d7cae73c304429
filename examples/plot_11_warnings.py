"""
11. What goes wrong, and what the warnings say
==============================================

Weak labels fail in a few typical ways. Each is made here on purpose, with the warning
that names it. A warning is a class of :mod:`overlapkit.exceptions`, so it can be turned
into an error or silenced by name.
"""

# %%
# A helper that shows what was said
# ---------------------------------
import warnings

import numpy as np

from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.datasets import make_overlap_classification
from overlapkit.label_models import LabelModel


def try_out(title, function):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function()
    print(f"--- {title}")
    for kind, text in {(w.category.__name__, str(w.message)) for w in caught}:
        print(f"{kind}: {text}")


data = make_overlap_classification(
    n_easy=200, n_hard=200, n_overlap=200, random_state=0
)
X, y, easy = data.X, data.y, data.easy_columns
rng = np.random.default_rng(0)

# %%
# There are no groups to divide
# -----------------------------
# Noise is cut in two like anything else. Regions of such data mean nothing.
noise, labels = rng.normal(size=(400, 10)), rng.integers(2, size=400)
try_out("noise", lambda: OverlapDetector(weak_columns=slice(0, 5)).fit(noise, labels))

# %%
# The weak model is sure of everything
# ------------------------------------
# Votes that never conflict give probabilities of 0 and 1: no row is hard, so none is
# overlap.
sure = np.eye(2)[y]
both = np.hstack([X, sure])
detector = OverlapDetector(
    "precomputed", strong_columns=slice(0, X.shape[1]), weak_columns=[-2, -1]
)
try_out("saturated weak model", lambda: detector.fit(both))

# %%
# Both models see the same
# ------------------------
# A strong model that sees nothing but what the weak one sees has no hard pattern to
# learn.
detector = OverlapDetector(strong_columns=easy, weak_columns=easy)
try_out("identical views", lambda: detector.fit(X, y))

# %%
# Rows without a vote, and a function that votes against the others
# -----------------------------------------------------------------
right = rng.random((600, 5)) < [0.8, 0.8, 0.8, 0.8, 0.1]
votes = np.where(right, y[:, None], 1 - y[:, None])
votes[:150] = -1
stacked = np.hstack([X, votes])
student = WeakToStrongClassifier(
    weak_estimator=LabelModel(),
    strong_columns=slice(0, X.shape[1]),
    weak_columns=slice(X.shape[1], None),
)
try_out("votes", lambda: student.fit(stacked))

# %%
# The marker of unknown labels is not in y
# ----------------------------------------
student = WeakToStrongClassifier(weak_columns=easy, missing_label=-99)
try_out("marker", lambda: student.fit(X, y))

# %%
# What a threshold in a single group looks like
# ---------------------------------------------
# The picture to look at when ``NoEvidenceOfGroupsWarning`` appears: noise on the left,
# the generated regions on the right.
import matplotlib.pyplot as plt

from overlapkit.exceptions import OverlapkitWarning
from overlapkit.inspection import RegionDisplay

figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
with warnings.catch_warnings():
    warnings.simplefilter("ignore", OverlapkitWarning)
    found = OverlapDetector(weak_columns=slice(0, 5)).fit(noise, labels)
    RegionDisplay.from_estimator(found, noise, kind="score", ax=axes[0])
    found = OverlapDetector(weak_columns=easy).fit(X, y)
    RegionDisplay.from_estimator(found, X, kind="score", ax=axes[1])
axes[0].set_title("noise: nothing to divide")
axes[1].set_title("two groups")
plt.show()
