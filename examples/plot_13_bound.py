"""
13. A bound on the error, and the error
=======================================

:func:`~overlapkit.theory.overlap_density_bound` bounds the error of a student by a
function that falls as the overlap density rises. Here it stands beside the measured
error on the generator of the source paper, with every quantity that it asks for
measured on the same rows.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression

from overlapkit.datasets import make_overlap_classification
from overlapkit.theory import (
    neighborhood_graph,
    overlap_density_bound,
    overlap_expansion_report,
)

N_ROWS, HARD_SHARE, SEEDS = 900, 1 / 3, 4
DENSITIES = (0.05, 0.15, 0.3, 0.45, 0.6)

# %%
# One draw
# --------
# A weak model learns from the easy features of other rows; a student learns its labels
# of the easy and overlap rows. The bound is one for each class. Its `c` and
# `p_non_robust` are those of :func:`~overlapkit.theory.overlap_expansion_report`, from
# hard to overlap rows, with the three nearest rows along the hard pattern as
# neighbours: the graph for which expansion is easiest.


def one_draw(density, separation, seed):
    """Bound and error, each the mean of the two classes."""
    n_hard = int(HARD_SHARE * N_ROWS)
    n_overlap = int(density * N_ROWS)
    sizes = {
        "n_hard": n_hard,
        "n_overlap": n_overlap,
        "n_easy": N_ROWS - n_hard - n_overlap,
        "separation": separation,
    }
    rows = make_overlap_classification(**sizes, random_state=seed)
    other = make_overlap_classification(
        **sizes, theta=rows.theta, random_state=seed + 100
    )
    easy, hard = rows.easy_columns, rows.hard_columns
    weak_model = LogisticRegression().fit(other.X[:, easy], other.y)
    weak = weak_model.predict(rows.X[:, easy])
    covered, on_hard = rows.region < 2, rows.region == 2
    student = LogisticRegression(C=0.1).fit(rows.X[covered], weak[covered])
    answer = student.predict(rows.X)

    along = rows.X[:, hard] @ rows.theta[hard]
    along[rows.region == 0] = 1e6 + 1e3 * np.arange(np.sum(rows.region == 0))
    graph = neighborhood_graph(along[:, None], n_neighbors=3)
    report = overlap_expansion_report(
        graph, rows.y, weak, answer, covered=rows.region == 1
    )
    bounds, errors = [], []
    for label in (0, 1):
        own = rows.y == label
        bounds.append(
            overlap_density_bound(
                overlap_density=np.mean(rows.region[own] == 1),
                hard_density=np.mean(on_hard[own]),
                alpha=np.mean(weak[own & covered] != label),
                c=report.loc[label, "c"],
                q=0.0,
                err_weak=np.mean((answer != weak)[own & covered]),
                p_non_robust=report.loc[label, "p_non_robust"],
            )
        )
        errors.append(np.mean(answer[own] != label))
    return np.mean(bounds), np.mean(errors)


# %%
# Bound and error against the density
# -----------------------------------
# The first panel is the paper's setting, the others have patterns twice and three times
# as strong. Bands are one standard deviation over draws. The dotted line is what the
# formula gives for numbers that are assumed: c = 1, everything robust, a disagreement
# of 5 % and no wrong weak label.

assumed = [
    overlap_density_bound(
        overlap_density=density,
        hard_density=HARD_SHARE,
        alpha=0.0,
        c=1.0,
        q=0.0,
        err_weak=0.05,
        p_non_robust=0.0,
    )
    for density in DENSITIES
]
figure, axes = plt.subplots(1, 3, figsize=(10, 3.4), sharey=True, layout="constrained")
for ax, separation in zip(axes, (1.0, 2.0, 3.0)):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        draws = np.array(
            [
                [one_draw(density, separation, seed) for seed in range(SEEDS)]
                for density in DENSITIES
            ]
        )
    mean, sd = draws.mean(axis=1), draws.std(axis=1)
    for column, name, color in ((0, "bound", "#0072B2"), (1, "error", "#D55E00")):
        ax.plot(DENSITIES, mean[:, column], "o-", color=color, label=name)
        low, high = mean[:, column] - sd[:, column], mean[:, column] + sd[:, column]
        ax.fill_between(DENSITIES, low, high, color=color, alpha=0.15)
    ax.plot(DENSITIES, assumed, "k:", label="formula, assumed numbers")
    ax.set_title(f"patterns x {separation:.0f}")
    ax.set_xlabel("overlap density")
    print(separation, mean.round(3).tolist())
axes[0].set_ylabel("share of wrong answers")
axes[0].set_ylim(bottom=0)
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
plt.show()

# %%
# The error is below the bound everywhere, as it must be, and that is all that the bound
# tells here. It does not fall with the density, because the measured expansion is 0 for
# at least one class in most draws: then nothing can be said about hard rows, whatever
# the density, and the bound is little less than their share. The error itself falls by
# three points in the paper's setting, and not at all where the patterns are strong: a
# twentieth of overlap rows is enough for the student then. The dotted line falls as the
# formula promises, and is below the error in the paper's setting: its numbers do not
# hold there.
