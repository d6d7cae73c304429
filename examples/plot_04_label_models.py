"""
4. Label models compared
========================

Three ways to turn votes into probabilities: count them, estimate how each function errs
by EM, or by the agreement of pairs. Which is right depends on the functions. Here the
truth is drawn, in four situations.
"""

# %%
# Four situations
# ---------------
# Functions of equal accuracy; of unequal accuracy; one that is copied four times; and
# functions that vote for one class only.
import numpy as np

N = 2000


def draw_votes(rng, accuracies, coverage=0.6):
    y = rng.integers(2, size=N)
    right = rng.random((N, len(accuracies))) < accuracies
    votes = np.where(right, y[:, None], 1 - y[:, None])
    votes[rng.random(votes.shape) > coverage] = -1
    return votes, y


def equal(rng):
    return draw_votes(rng, np.full(8, 0.7))


def unequal(rng):
    return draw_votes(rng, np.array([0.95, 0.9, 0.55, 0.55, 0.55, 0.55, 0.55, 0.55]))


def copied(rng):
    votes, y = draw_votes(rng, np.array([0.6, 0.8, 0.8, 0.8, 0.8]))
    return np.column_stack([votes] + [votes[:, :1]] * 4), y


def one_class(rng):
    votes, y = draw_votes(rng, np.full(8, 0.75), coverage=1.0)
    polarity = np.arange(8) % 2
    votes[votes != polarity] = -1
    return votes, y


# %%
# Accuracy and reliability
# ------------------------
# The Brier score is the mean squared error of the probabilities: it is small where they
# can be believed.
import warnings

import pandas as pd
from sklearn.metrics import brier_score_loss

from overlapkit.exceptions import VoteWarning
from overlapkit.label_models import DawidSkene, LabelModel, MajorityVote

MODELS = {
    "MajorityVote": MajorityVote(),
    "DawidSkene": DawidSkene(),
    "LabelModel": LabelModel(),
    "LabelModel, metal": LabelModel(variant="metal"),
}
lines = []
warnings.simplefilter("ignore", VoteWarning)  # of functions little better than chance
for situation in (equal, unequal, copied, one_class):
    for seed in range(5):
        votes, y = situation(np.random.default_rng(seed))
        covered = (votes >= 0).any(axis=1)
        for name, model in MODELS.items():
            proba = model.fit(votes).predict_proba(votes)[covered]
            lines.append(
                {
                    "situation": situation.__name__.replace("_", " "),
                    "model": name,
                    "accuracy": np.mean(proba.argmax(axis=1) == y[covered]),
                    "Brier score": brier_score_loss(y[covered], proba[:, 1]),
                }
            )
means = pd.DataFrame(lines).groupby(["situation", "model"], sort=False).mean()
print(means["accuracy"].unstack("model").round(3).to_string())
print(means["Brier score"].unstack("model").round(3).to_string())

# %%
# Pictures
# --------
# No model wins everywhere. Where functions are copied, models that take them to be
# independent believe the copy too much; where they differ in accuracy, counting them
# alike wastes the good ones.
import matplotlib.pyplot as plt

COLORS = ["#000000", "#56B4E9", "#D55E00", "#E69F00"]
figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
for ax, measure in zip(axes, ("accuracy", "Brier score")):
    means[measure].unstack("model")[list(MODELS)].plot.bar(
        ax=ax, rot=0, color=COLORS, edgecolor="white", legend=ax is axes[1]
    )
    ax.set(ylabel=measure, xlabel="")
axes[0].set_ylim(0.5, 1.0)
axes[1].legend(loc="upper left", fontsize="small")
axes[1].set_ylim(0, 0.45)
plt.show()

# %%
# Reliability with scikit-learn's own display
# -------------------------------------------
# Label models are classifiers, so :class:`~sklearn.calibration.CalibrationDisplay`
# draws how often rows of a given probability belong to the class.
from sklearn.calibration import CalibrationDisplay

votes, y = copied(np.random.default_rng(0))
figure, ax = plt.subplots(figsize=(4.8, 4.2), layout="constrained")
for (name, model), color in zip(MODELS.items(), COLORS):
    CalibrationDisplay.from_estimator(
        model.fit(votes), votes, y, n_bins=8, ax=ax, name=name, color=color
    )
ax.set_title("one function copied four times")
plt.show()
