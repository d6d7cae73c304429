"""A pilot and a stop rule on sources whose truth is known.

First, how often the intervals of :func:`overlapkit.sources.pilot_sources` hold the
truth: of densities, whose truth is the density of all 3,000 rows of a source, and of
gains, whose truth is the mean over many samples. Then what is earned: five sources with
random densities, a row of overlap worth 1, and prices of which none, some or all can be
paid. The stop rule is compared with always buying by UCB, and with pilots of a fixed
number of rounds per source followed by buying from the best one (explore, then commit).
Returns 0 when all figures that must be seen are, 1 otherwise.
"""

import warnings

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from benchmarks import common
from overlapkit import OverlapDetector
from overlapkit.datasets import make_overlap_classification, make_overlap_sources
from overlapkit.exceptions import OverlapkitWarning
from overlapkit.policies import UCB
from overlapkit.sources import pilot_sources
from overlapkit.sources._run import Reading, Rules, SourceRun

COMMAND = "sources-pilot"
SUMMARY = "intervals of a pilot, and what the stop rule earns"
SIZE, N_ROUNDS = 20, 50


def _problem(seed):
    """Three sources of 3,000 rows, and a function that draws labelled rows."""
    pool = make_overlap_sources((0.2, 0.5, 0.8), n_rows=3000, random_state=seed)

    def labelled(n, s):
        data = make_overlap_classification(
            n_easy=n, n_hard=n, n_overlap=n, theta=pool.theta, random_state=s
        )
        return data.X, data.y

    return pool, labelled


def _pilot(pool, rows, sources, reference, **options):
    result = pilot_sources(
        pool.X[rows],
        sources=sources,
        reference=reference,
        detector=OverlapDetector(weak_columns=pool.easy_columns),
        random_state=0,
        **options,
    )
    return result.table.sort_index()


def _line(what, table, true):
    low, high = table[f"{what}_low"], table[f"{what}_high"]
    covered = ((low <= true) & (true <= high)).mean()
    return {"what": what, "covered": covered, "width": (high - low).mean()}


def _density_pilots(seed, n_calls=10, n_pilots=20):
    """Intervals of densities of pilots of 60 rows, and the densities of all rows."""
    warnings.simplefilter("ignore", OverlapkitWarning)
    pool, labelled = _problem(seed)
    reference, rng = labelled(200, seed + 1000), np.random.RandomState(seed)
    everything = np.arange(len(pool.X))
    truth = _pilot(pool, everything, pool.sources, reference)["density"].to_numpy()
    lines = []
    for _ in range(n_calls):
        # several pilots in one call, each as sources of its own: one fit serves all
        drawn = [
            rng.choice(np.flatnonzero(pool.sources == k), 60, replace=False)
            for k in np.repeat(range(3), n_pilots)
        ]
        names = np.repeat(np.arange(3 * n_pilots), 60)
        table = _pilot(pool, np.concatenate(drawn), names, reference)
        lines.append(_line("density", table, np.repeat(truth, n_pilots)))
    return lines


def _gain_pilots(seed, n_pilots=20):
    """Intervals of gains of pilots of 60 rows, and the mean of other such pilots."""
    warnings.simplefilter("ignore", OverlapkitWarning)
    pool, labelled = _problem(seed)
    reference, rng = labelled(200, seed + 1000), np.random.RandomState(seed)
    everything, model = labelled(4000, seed + 2000), LogisticRegression(C=0.1)

    def pilot(test):
        some = np.concatenate(
            [rng.choice(np.flatnonzero(pool.sources == k), 60) for k in range(3)]
        )
        options = {"test": test, "estimator": model}
        return _pilot(pool, some, pool.sources[some], reference, **options)

    truth = np.mean([pilot(everything)["gain"] for _ in range(n_pilots)], axis=0)
    lines = []
    for _ in range(n_pilots):
        test = rng.choice(len(everything[1]), 150, replace=False)
        table = pilot((everything[0][test], everything[1][test]))
        lines.append(_line("gain", table, truth))
    return lines


def _run(rng, densities, prices, *, worth=None, pilot=None):
    """Net worth, cost and regret of one run; a pilot commits to its best source."""
    rules = Rules(
        UCB(exploration=0.5),
        n_rounds=N_ROUNDS,
        prices=tuple(prices),
        worth=worth,
        batch_size=SIZE,
    )
    run = SourceRun(range(len(prices)), rules, int(rng.randint(2**31)), ready=True)
    run = run.with_readings([], np.array([0, 1]))
    earned, seen, best = 0.0, np.zeros(len(prices)), None
    for t in range(N_ROUNDS):
        k = run.next
        if pilot is not None:
            k = t % len(prices)
            if t >= pilot * len(prices):
                if best is None:
                    means = seen / (pilot * SIZE)
                    best = int(np.argmax(means - prices))
                    if means[best] < prices[best]:
                        break
                k = best
        if k is None:
            break
        overlap = rng.random_sample(SIZE) < densities[k]
        seen[k] += overlap.sum()
        earned += overlap.sum() - SIZE * prices[k]
        reading = Reading(overlap.sum(), SIZE, overlap, np.array([10, 10]))
        run = run.with_batch(k, SIZE, reading)
    best_net = max(0.0, (densities - prices).max()) * SIZE * N_ROUNDS
    return {"net": earned, "cost": run.spent, "regret": best_net - earned}


def _money(seed):
    """All rules on the same sources, for three levels of prices."""
    rows = []
    for level, scale in (("none pays", 1.2), ("some pay", 0.6), ("all pay", 0.1)):
        rng = np.random.RandomState(seed)
        densities = rng.uniform(0.05, 0.8, size=5)
        prices = (
            np.clip(densities * scale + 0.05, 0.02, 1)
            if scale > 1
            else (rng.uniform(0.5, 1.5, size=5) * scale)
        )
        if scale < 0.5:
            prices = densities * scale
        for name, rule in {
            "stop rule": {"worth": 1.0},
            "always buy, UCB": {},
            "pilot of 1 round each": {"pilot": 1},
            "pilot of 3 rounds each": {"pilot": 3},
        }.items():
            draw = np.random.RandomState(seed + 1)
            rows.append(
                {"prices": level, "rule": name, **_run(draw, densities, prices, **rule)}
            )
    return rows


def main(argv=None) -> int:
    """Run the simulations; return 0 when every figure that must be seen is."""
    options = common.parse("sources-pilot", __doc__, argv, seeds=20, quick="2 seeds")
    seeds = [{"seed": seed} for seed in range(options.seeds)]
    densities = common.run(_density_pilots, seeds, options.n_jobs)
    gains = common.run(_gain_pilots, seeds, options.n_jobs)
    cover = pd.DataFrame([row for rows in densities + gains for row in rows])
    cover = cover.groupby("what")[["covered", "width"]].mean()
    title = "200 (density) or 20 (gain) pilots of 3 sources"
    common.show(f"Intervals of 95 %, {options.seeds} seeds, {title}", cover)
    money = [row for seed in range(10 * options.seeds) for row in _money(seed)]
    money = pd.DataFrame(money).groupby(["prices", "rule"]).mean()
    common.show(f"Means of {10 * options.seeds} runs of 50 rounds x 20 rows", money)
    print("\nWhat must be seen:")
    net = money["net"].unstack()
    always, stop = net["always buy, UCB"], net["stop rule"]
    spent = money["cost"].unstack()
    ratio = spent["stop rule"] / spent["always buy, UCB"]
    return common.targets(
        [
            ("coverage of densities", cover["covered"]["density"], "at least", 0.93),
            ("coverage of gains", cover["covered"]["gain"], "at least", 0.90),
            ("none pays: spend to always buying", ratio["none pays"], "at most", 0.5),
            *(
                (f"{p}: net less always buying", stop[p] - always[p], "at least", -5)
                for p in net.index
            ),
        ]
    )
