"""What carries the gain: density, size, hard rows or purity; and when overlap pays.

``python -m benchmarks ablation`` answers three questions on the Gaussian
setting, where regions and labels are known.

1. ``factorial``: a student is trained on rows composed at will: their number, the
   share of overlap among easy and overlap rows, the share of hard rows, and the
   share of right labels among the former (hard rows have one half, as a weak model
   gives them). How much of the variance of its accuracy does each factor explain?
2. ``purity``: over random worlds, does the gain of overlap rows over other rows
   correlate with the difference in label purity, as it does on real data, and is it
   still there when the other rows are as pure?
3. ``budget``: with true regions and a budget of rows, when does training on overlap
   rows pay over dropping the hard rows and taking the others at random?
"""

from itertools import product

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from benchmarks import common
from benchmarks.studies import worlds
from overlapkit import OverlapDetector

SUMMARY = "study 3: density, size, hard rows, label purity: which carries the gain"
FACTORS = {
    "rows": (50, 100, 200, 400),
    "density": (0.0, 0.25, 0.5, 0.75, 1.0),
    "hard share": (0.0, 0.25, 0.5),
    "purity": (0.6, 0.8, 1.0),
}
BUDGETS = (25, 50, 100, 200, 400)
OVERLAP_SHARES = (0.05, 0.1, 0.3, 0.5, 0.9)
POOL = 2000  # rows that are not hard, of which OVERLAP_SHARES are overlap


def factorial_world(seed):
    """Accuracies of students on all compositions, in one world."""
    train, test = worlds.world(seed, n_easy=400, n_hard=400, n_overlap=400)
    rng = np.random.RandomState(seed)
    rows = {code: np.flatnonzero(train.region == code) for code in range(3)}
    result = []
    for size, density, hard_share, purity in product(*FACTORS.values()):
        n_hard = round(hard_share * size)
        n_overlap = round(density * (size - n_hard))
        counts = {0: size - n_hard - n_overlap, 1: n_overlap, 2: n_hard}
        chosen = np.concatenate(
            [
                rng.choice(rows[code], count, replace=False)
                for code, count in counts.items()
            ]
        )
        labels = train.y[chosen].copy()
        known = size - n_hard
        # exact shares, so that purity does not vary with the draw
        for start, stop, right in ((0, known, purity), (known, size, 0.5)):
            wrong = (
                start + rng.permutation(stop - start)[round(right * (stop - start)) :]
            )
            labels[wrong] = 1 - labels[wrong]
        accuracy = worlds.student_accuracy(train.X[chosen], labels, test)
        factors = dict(zip(FACTORS, (size, density, hard_share, purity)))
        result.append({"seed": seed, **factors, **accuracy})
    return result


def explained(runs):
    """Share of the variance of each accuracy that each factor explains by itself."""
    table = {}
    for measure in ("accuracy", "easy", "overlap", "hard"):
        total = runs[measure].var(ddof=0)
        parts = {
            factor: runs.groupby(factor)[measure].transform("mean").var(ddof=0) / total
            for factor in [*FACTORS, "seed"]
        }
        table[measure] = parts | {"rest": 1 - sum(parts.values())}
    return pd.DataFrame(table)


def purity_world(seed):
    """Gains of overlap rows over others in a random world, and label purities."""
    rng = np.random.RandomState(seed)
    d = int(rng.choice([5, 10, 20]))
    train, test = worlds.world(
        seed,
        n_easy=int(rng.randint(200, 600)),
        n_hard=int(rng.randint(200, 600)),
        n_overlap=int(rng.randint(200, 600)),
        n_easy_features=d,
        n_hard_features=d,
        separation=rng.uniform(0.5, 1.5),
        label_noise=rng.uniform(0, 0.3),
    )
    result = []
    for finder in ("truth", "default", "paper"):
        detector = OverlapDetector(
            weak_columns=train.easy_columns,
            aggregation="max" if finder == "paper" else "mean",
            random_state=seed,
        ).fit(train.X, train.y)
        labels = detector.weak_estimator_.predict(train.X[:, train.easy_columns])
        right = labels == train.y_clean
        region = train.region if finder == "truth" else detector.labels_
        overlap = region == worlds.OVERLAP
        result += [
            {"seed": seed, "regions by": finder, **contrast}
            for contrast in _contrasts(overlap, region, right, labels, train, test, rng)
        ]
    return result


def _contrasts(overlap, region, right, labels, train, test, rng):
    """Overlap rows against as many of the others, the easy and the non-hard ones."""
    purity_of_overlap = right[overlap].mean()
    others = {
        "all others": ~overlap,
        "easy": region == worlds.EASY,
        "random non-hard": region != worlds.HARD,
    }
    for name, mask in others.items():
        n = min(overlap.sum(), mask.sum())
        chosen = rng.choice(np.flatnonzero(overlap), n, replace=False)
        other = rng.choice(np.flatnonzero(mask), n, replace=False)
        gains = [
            worlds.student_accuracy(train.X[rows], labels[rows], test)
            for rows in (chosen, other)
        ]
        # labels of the overlap rows spoiled until they are no purer than the others
        spoiled = labels[chosen].copy()
        surplus = round((right[chosen].mean() - right[other].mean()) * n)
        wrong = rng.permutation(np.flatnonzero(right[chosen]))[: max(surplus, 0)]
        spoiled[wrong] = 1 - spoiled[wrong]
        equal = worlds.student_accuracy(train.X[chosen], spoiled, test)
        yield {
            "against": name,
            "purity difference": purity_of_overlap - right[mask].mean(),
            "gain": gains[0]["accuracy"] - gains[1]["accuracy"],
            "gain on hard": gains[0]["hard"] - gains[1]["hard"],
            "gain at equal purity": equal["accuracy"] - gains[1]["accuracy"],
            "gain on hard at equal purity": equal["hard"] - gains[1]["hard"],
        }


def budget_world(overlap_share, seed):
    """Overlap rows against random non-hard rows, under budgets and with all rows."""
    n_overlap = round(overlap_share * POOL)
    train, test = worlds.world(
        seed, n_easy=POOL - n_overlap, n_hard=1000, n_overlap=n_overlap
    )
    easy = train.easy_columns
    labelled, _ = worlds.world(
        seed + 50_000, n_easy=250, n_hard=250, n_overlap=250, theta=train.theta
    )
    teacher = LogisticRegression().fit(labelled.X[:, easy], labelled.y)
    labels = teacher.predict(train.X[:, easy])
    rng = np.random.RandomState(seed)
    overlap = rng.permutation(np.flatnonzero(train.region == worlds.OVERLAP))
    non_hard = rng.permutation(np.flatnonzero(train.region != worlds.HARD))
    result = []
    for budget in (*BUDGETS, None):
        if budget is not None and budget > n_overlap:
            continue
        one, other = (
            worlds.student_accuracy(train.X[rows], labels[rows], test)
            for rows in (overlap[:budget], non_hard[:budget])
        )
        result.append(
            {
                "seed": seed,
                "overlap share": overlap_share,
                "budget": "all" if budget is None else budget,
                "overlap": one["accuracy"],
                "random non-hard": other["accuracy"],
                **{
                    f"gain on {region}": one[region] - other[region]
                    for region in ("easy", "overlap", "hard")
                },
                "gain": one["accuracy"] - other["accuracy"],
            }
        )
    return result


def main(argv=None):
    """Run the three parts; write their CSV files and ablation.png; returns 0."""
    options = common.parse("ablation", __doc__, argv, seeds=20, out="studies")
    seeds = [{"seed": seed} for seed in range(options.seeds)]

    factorial = common.run_rows(factorial_world, seeds, options.n_jobs)
    common.write(factorial, options, "ablation_factorial")
    for factor in FACTORS:
        means = factorial.groupby(factor)[
            ["accuracy", "easy", "overlap", "hard"]
        ].mean()
        common.show(f"mean accuracy by {factor}", means)
    common.show("share of the variance of accuracy explained", explained(factorial))

    worlds = [{"seed": seed} for seed in range(5 * options.seeds)]
    purity = common.run_rows(purity_world, worlds, options.n_jobs)
    common.write(purity, options, "ablation_purity")
    groups = purity.groupby(["regions by", "against"], sort=False)
    table = groups.mean(numeric_only=True).drop(columns="seed")
    table["r(gain, purity difference)"] = [
        part["gain"].corr(part["purity difference"]) for _, part in groups
    ]
    common.show("overlap rows against as many others, means over worlds", table)

    grid = [
        {"overlap_share": overlap_share, **seed}
        for overlap_share in OVERLAP_SHARES
        for seed in seeds
    ]
    budget = common.run_rows(budget_world, grid, options.n_jobs)
    common.write(budget, options, "ablation_budget")
    gains = ["gain", "gain on easy", "gain on hard"]
    table = budget.groupby(["overlap share", "budget"], sort=False)[gains]
    errors = table.std() / np.sqrt(options.seeds)
    means = table.mean()
    means["standard error of gain"] = errors["gain"]
    common.show("overlap rows against random non-hard rows", means)

    under_budget = budget[budget["budget"] != "all"]

    def draw(ax, title):
        if title.startswith("accuracy"):
            for density, part in factorial.groupby("density"):
                line = part[part["hard share"] == 0].groupby("purity")["hard"].mean()
                ax.plot(line.index, line, marker="o", label=f"{density:g}")
            legend = "density"
            ax.set_xlabel("purity of the labels (no hard rows)")
            ax.set_ylabel("accuracy")
        else:
            for share, part in under_budget.groupby("overlap share"):
                line = 100 * part.groupby("budget")["gain"].mean()
                ax.plot(line.index, line, marker="o", label=f"{share:g}")
            ax.axhline(0, color="grey", linewidth=0.8)
            legend = "overlap share"
            ax.set_xscale("log")
            ax.set_xticks(BUDGETS, [str(budget) for budget in BUDGETS])
            ax.minorticks_off()
            ax.set_xlabel("budget (rows)")
            ax.set_ylabel("points of accuracy")
        ax.legend(title=legend, loc="center left", bbox_to_anchor=(1, 0.5))

    titles = ["accuracy on hard test rows", "overlap less random non-hard rows"]
    common.panels(options, "ablation", titles, draw, columns=2)
    return 0
