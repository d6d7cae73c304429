"""Choosing among data sources: every policy on every construction.

For each construction: the share of overlap rows collected, as the construction and as
the detector counts them, accuracy and balanced accuracy of the student on the test
rows, pseudo-regret, and seconds per run; means over seeds. Then what each reward says
of a source against how good a student of that source alone is; then the figures that
must be seen, with a verdict. Returns 0 when all of them are, 1 otherwise.

The truth is set by the construction. On real sets a detector that was fitted on the
pool itself, with the teacher's weak labels, says which rows are overlap; the selector
reads them with a detector fitted on the teacher's half alone. So these are figures on
detected overlap; only the generated construction knows the truth from elsewhere.

The first construction is the one under which a rise of the overlap ratio from .46 to
.70 within 25 rounds can be seen: two sources get .1 and .9 of the overlap rows and one
half each of all others, from a pool of which 57 % is overlap (a third of the rows is
hard; of the others, the 85 % most like the hard rows are overlap). The shares alone
then fix the densities, .21 and .70, and with them start and end. It is a matter of
construction, not a replication of published figures.

"+ floors": every source gets at least half of an equal share of the rounds, every weak
class a third of the rows.
"""

import subprocess
import sys

import numpy as np
import pandas as pd

from benchmarks import common
from benchmarks.sources.problems import (
    CLUSTERS,
    FIVE,
    FIVE_DENSITIES,
    PROBLEMS,
    SELF_CONTAINED,
    SHARES,
)
from benchmarks.sources.runs import (
    DEFAULT,
    FLOOR,
    ORACLE,
    ORACLE_FLOOR,
    RANDOM,
    REWARDS,
    RUNS,
    TRUE,
    compare_rewards,
    play,
)
from overlapkit.policies import UCB, RandomChoice
from overlapkit.theory import simulate_regret

SUMMARY = "choosing among data sources, every policy on every construction"
QUICK = [SHARES, FIVE, CLUSTERS, "generated, K=5 densities .1 to .9"]
COLUMNS = ["overlap", "detected", "accuracy", "balanced", "regret", "seconds"]


def _one(name, folder, seed):
    problem = PROBLEMS[name](folder, seed)
    return play(problem, seed), compare_rewards(problem, seed)


def _print_runs(name, rows):
    table = pd.DataFrame(rows)
    n = table["seed"].nunique()
    means = table.groupby("run")[COLUMNS].mean().reindex(list(RUNS))
    means.insert(1, "s.e.", table.groupby("run")["overlap"].sem())
    common.show(f"{name}; start {table['start'].mean():.2f}, {n} seeds", means)
    return means


def _print_readings(name, readings):
    """Detected against reference density, when every seed has the same sources."""
    size = min(len(r["read"]) for r in readings)
    if len({len(r["read"]) for r in readings}) > 1:
        return
    true, read = (np.mean([r[k] for r in readings], axis=0) for k in ("true", "read"))
    # clusters have no common names over seeds
    if "cluster" not in name and size > 1:
        for what, values in (("reference", true), ("detected", read)):
            numbers = " ".join(f"{v:.2f}" for v in values)
            print(f"density of each source, {what:9}: {numbers}")


def _print_rewards(comparisons):
    """Whether a reward ranks sources as the accuracy of their students does."""
    print(
        "\nWhich reward predicts the student? Rank correlation, over sources, of the "
        "reward with\nthe accuracy of a student of 200 rows of that source alone; in "
        "brackets the points of\naccuracy that the best source by this reward has over "
        "the mean source. Means over seeds."
    )
    names = [*REWARDS, "true density", "best source"]
    table = {}
    for problem, rows in comparisons.items():
        mean = pd.DataFrame(rows).drop(columns=["read", "true"]).mean()
        table[problem] = {
            name: f"{mean[name]:+.2f} ({100 * mean[f'{name}: gain']:+.1f})"
            for name in names[:-1]
        }
        table[problem]["best source"] = f"({100 * mean['best source: gain']:+.1f})"
    frame = pd.DataFrame(table).T
    print(frame.to_string())
    every = pd.DataFrame([r for rows in comparisons.values() for r in rows])
    gains = {n: 100 * every[f"{n}: gain"].mean() for n in names}
    print("mean points:", ", ".join(f"{n} {g:+.1f}" for n, g in gains.items()))


def _targets(means, n_repeats):
    """What must be seen: (what, figure, "at least" or "at most", limit)."""
    if SHARES in means:
        shares = means[SHARES]["overlap"]
        what = "K=2 shares, 57 %"
        yield f"{what}: default", shares[DEFAULT], "at least", 0.67
        yield f"{what}: true regions", shares[TRUE], "at least", 0.67
        yield f"{what}: |oracle - .70|", abs(shares[ORACLE] - 0.7), "at most", 0.02
        yield f"{what}: |random - .46|", abs(shares[RANDOM] - 0.46), "at most", 0.02
    if FIVE in means:
        five = means[FIVE]["overlap"]
        yield "K=5: true regions", five[TRUE], "at least", 0.74
        yield "K=5: thresholds of the teacher's half", five[DEFAULT], "at least", 0.70
    if CLUSTERS in means:
        accuracy = 100 * means[CLUSTERS]["accuracy"]
        for name in (FLOOR, ORACLE_FLOOR):
            behind = accuracy[RANDOM] - accuracy[name]
            yield f"clusters: random less {name}, points", behind, "at most", 2
    default, authors, at_random = (
        simulate_regret(
            policy,
            FIVE_DENSITIES,
            n_rounds=50,
            batch_size=20,
            n_repeats=n_repeats,
            random_state=0,
        )[:, -1].mean()
        for policy in (UCB(), UCB(bonus="authors"), RandomChoice())
    )
    what = "T=50, 20 rows, K=5: regret to"
    yield f"{what} authors'", default / authors, "at most", 2 / 3
    yield f"{what} random's", default / at_random, "at most", 1 / 3
    command = [sys.executable, "-m", "benchmarks.sources.scale"]
    scale = subprocess.run(
        command, cwd=common.ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    yield "1,000 rounds x 100 x 384, seconds", float(scale[0]), "at most", 60
    yield "1,000 rounds x 100 x 384, GB", float(scale[1]), "at most", 1.5


def main(argv=None) -> int:
    """Run the benchmark; return 0 when every figure that must be seen is."""
    options = common.parse(
        "sources",
        __doc__,
        argv,
        seeds=20,
        quick="4 constructions",
        data="environment",
        only={"action": "append", "help": "constructions with this in their name"},
    )
    names = QUICK if options.quick else list(PROBLEMS)
    if options.only:
        names = [n for n in PROBLEMS if any(part in n for part in options.only)]
        if not names:
            options.error(f"--only must name part of one of {list(PROBLEMS)}")
    if options.data is None:
        print("No --data and no OVERLAPKIT_DATA: sets that come with the package only.")
        names = [n for n in names if n.startswith(SELF_CONTAINED)]
    settings = [
        {"name": name, "folder": options.data, "seed": seed}
        for name in names
        for seed in range(options.seeds)
    ]
    results = common.run(_one, settings, options.n_jobs)
    means, comparisons = {}, {}
    for name in names:
        mine = [r for setting, r in zip(settings, results) if setting["name"] == name]
        means[name] = _print_runs(name, [row for rows, _ in mine for row in rows])
        comparisons[name] = [comparison for _, comparison in mine]
        _print_readings(name, comparisons[name])
    _print_rewards(comparisons)
    print("\nWhat must be seen:")
    return common.targets(_targets(means, 200 if options.quick else 2000))
