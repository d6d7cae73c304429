"""Regret of the source-selection policies on sources of known density.

Prints the pseudo-regret at the last round, mean over runs with its standard error,
beside the figures the project was designed with, and whether the default policy keeps
its two promises on the first design: at most 2/3 of the regret of the form in the
public code of the paper, and at most 1/3 of that of random choice.

Returns 0 when both promises are kept, 1 otherwise.
"""

import numpy as np
import pandas as pd

from benchmarks import common
from overlapkit.policies import KLUCB, UCB, EpsilonGreedy, RandomChoice, Thompson
from overlapkit.theory import simulate_regret

SUMMARY = "regret of source selection policies, simulated"
POLICIES = {
    "UCB, authors' form": UCB(bonus="authors"),
    "UCB, rounds": UCB(bonus="rounds"),
    "UCB, samples (default)": UCB(),
    "Thompson": Thompson(),
    "greedy": UCB(exploration=0),
    "random": RandomChoice(),
    "UCB, samples, anytime": UCB(horizon="anytime"),
    "KL-UCB": KLUCB(),
    "epsilon-greedy, 0.1": EpsilonGreedy(),
}
# name: (densities, rounds, rows per round, target figures of the first six policies)
DESIGNS = {
    "densities .1 .3 .5 .7 .9, T = 50": (
        (0.1, 0.3, 0.5, 0.7, 0.9),
        50,
        20,
        (9.9, 12.3, 3.4, 2.1, 2.1, 20.1),
    ),
    "densities .40 .45 .50 .55 .60, T = 200": (
        (0.40, 0.45, 0.50, 0.55, 0.60),
        200,
        20,
        (10.3, 16.3, 7.4, 3.3, 4.1, 20.0),
    ),
}


def run(densities, n_rounds, batch_size, targets, *, n_repeats):
    """Return a table with a row per policy: mean, s.e., 95 % quantile, target."""
    rows = {}
    for position, (name, policy) in enumerate(POLICIES.items()):
        final = simulate_regret(
            policy,
            densities,
            n_rounds=n_rounds,
            batch_size=batch_size,
            n_repeats=n_repeats,
            random_state=0,
        )[:, -1]
        rows[name] = {
            "regret": final.mean(),
            "s.e.": final.std(ddof=1) / np.sqrt(n_repeats),
            "95 %": np.quantile(final, 0.95),
            "target": targets[position] if position < len(targets) else np.nan,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def main(argv=None) -> int:
    """Print the tables; 0 when both promises are kept."""
    options = common.parse(
        "regret", __doc__, argv, seeds=2000, quick_seeds=200, jobs=False
    )
    if options.seeds < 2:
        options.error("--seeds must be at least 2")
    tables = []
    for title, (densities, n_rounds, batch_size, target) in DESIGNS.items():
        table = run(densities, n_rounds, batch_size, target, n_repeats=options.seeds)
        tables.append(table["regret"])
        title = f"{title}, {batch_size} rows a round, {options.seeds} runs"
        common.show(title, table, digits=2)
    regret = tables[0] / tables[0]["UCB, samples (default)"]
    print("\nDefault against controls, first design:")
    return common.targets(
        (f"share of the regret of {control}", 1 / regret[control], "at most", limit)
        for control, limit in (("UCB, authors' form", 2 / 3), ("random", 1 / 3))
    )
