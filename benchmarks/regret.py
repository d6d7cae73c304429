"""Regret of the source-selection policies on sources of known density.

Prints the pseudo-regret at the last round, mean over runs with its standard error,
beside the figures the project was designed with, and whether the default policy keeps
its two promises on the first design: at most 2/3 of the regret of the form in the
public code of the paper, and at most 1/3 of that of random choice.

    python -m benchmarks regret [--n-repeats 2000] [--seed 0]

Returns 0 when both promises are kept, 1 otherwise.
"""

import argparse

import numpy as np
import pandas as pd

from overlapkit.policies import KLUCB, UCB, EpsilonGreedy, RandomChoice, Thompson
from overlapkit.theory import simulate_regret

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


def run(densities, n_rounds, batch_size, targets, *, n_repeats, seed):
    """Return a table with a row per policy: mean, s.e., 95 % quantile, target."""
    rows = {}
    for position, (name, policy) in enumerate(POLICIES.items()):
        final = simulate_regret(
            policy,
            densities,
            n_rounds=n_rounds,
            batch_size=batch_size,
            n_repeats=n_repeats,
            random_state=seed,
        )[:, -1]
        rows[name] = {
            "regret": final.mean(),
            "s.e.": final.std(ddof=1) / np.sqrt(n_repeats),
            "95 %": np.quantile(final, 0.95),
            "target": targets[position] if position < len(targets) else np.nan,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks regret")
    parser.add_argument("--n-repeats", type=int, default=2000, help="runs per policy")
    parser.add_argument("--seed", type=int, default=0, help="seed of the runs")
    options = parser.parse_args(argv)
    if options.n_repeats < 2:
        parser.error("--n-repeats must be at least 2")

    tables = []
    for title, (densities, n_rounds, batch_size, targets) in DESIGNS.items():
        table = run(
            densities,
            n_rounds,
            batch_size,
            targets,
            n_repeats=options.n_repeats,
            seed=options.seed,
        )
        tables.append(table["regret"])
        print(f"\n{title}, {batch_size} rows a round, {options.n_repeats} runs")
        print(table.to_string(float_format="{:.2f}".format, na_rep=""))

    regret = tables[0]
    default = regret["UCB, samples (default)"]
    print("\nDefault against controls, first design:")
    kept = True
    for control, limit in (("UCB, authors' form", 2 / 3), ("random", 1 / 3)):
        share = default / regret[control]
        kept &= bool(share <= limit)
        verdict = "kept" if share <= limit else "BROKEN"
        print(f"  {share:.2f} of {control}, at most {limit:.2f}: {verdict}")
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
