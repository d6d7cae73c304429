"""The tables of the main job in Markdown, as the README has them."""

# model -> the words of the header
MODELS = {
    "weak model": "weak model",
    "covered rows": "covered rows",
    "overlap": "overlap",
    "paper": "overlap, paper",
    "cut": "cut statistic",
    "known labels alone": "100 labels alone",
    "auto": "auto, 100 labels",
    "auto, without weak labels": "auto without weak labels",
    "ceiling": "all true labels",
}
# student -> what it is compared with
PAIRS = {
    name: ("weak model", "covered rows", *others)
    for name, others in {
        "overlap": ("overlap, random non-hard", "overlap, most confident"),
        "paper": ("paper, random non-hard", "paper, most confident"),
        "cut": ("cut, random", "cut, most confident"),
        "auto": ("known labels alone", "auto, without weak labels"),
    }.items()
}
SIGNS = {"helps": " ▲", "hurts": " ▼"}


def tables(summary, comparison):
    """Accuracies, gains with intervals, and how often a gain is clear."""
    return "\n\n".join(
        (
            "Test accuracy in per cent:",
            _accuracy(summary),
            "Gains in points with 95 % confidence intervals:",
            _gains(comparison),
            "Data sets on which a gain is clear (its interval is on one side of 0), "
            "and gains in points:",
            _counts(comparison),
            "",
        )
    )


def _accuracy(summary):
    means = 100 * summary.pivot(index="data", columns="model", values="mean")
    means = means.reindex(index=summary["data"].unique(), columns=MODELS)
    lines = [
        [name, *("-" if cell != cell else f"{cell:.1f}" for cell in row)]
        for name, row in zip(means.index, means.to_numpy())
    ]
    return _table(["data", *MODELS.values()], lines)


def _pairs(comparison):
    """(student, against) -> its lines by data set."""
    lines = comparison.set_index(["student", "against"]).sort_index()
    for student, others in PAIRS.items():
        for other in others:
            if (student, other) in lines.index:
                part = lines.loc[[(student, other)]].set_index("data")
                # one and the same student: nothing is compared
                same = (part["better"] == 0) & (part["worse"] == 0)
                yield (student, other.removeprefix(f"{student}, ")), part[~same]


def _gains(comparison):
    columns = dict(_pairs(comparison))
    lines = [
        [data, *(_gain(part, data) for part in columns.values())]
        for data in comparison["data"].unique()
    ]
    return _table(["data", *(f"{a} - {b}" for a, b in columns)], lines)


def _gain(part, data):
    if data not in part.index:
        return "-"
    line = part.loc[data]
    gain, low, high = (line[name] for name in ("gain", "gain_low", "gain_high"))
    sign = SIGNS.get(line["verdict"], "")
    return f"{_points(gain):+.1f} [{_points(low):.1f}, {_points(high):.1f}]{sign}"


def _points(share):
    return round(100 * share, 1) + 0.0  # no negative zero


def _counts(comparison):
    lines = []
    for (student, other), part in _pairs(comparison):
        gains = part["gain"]
        lines.append(
            [
                student,
                other,
                f"{(part['verdict'] == 'helps').sum()} of {len(part)}",
                f"{(part['verdict'] == 'hurts').sum()}",
                *(
                    f"{_points(g):+.1f}"
                    for g in (gains.mean(), gains.min(), gains.max())
                ),
            ]
        )
    headers = ["student", "against", "helps", "hurts", "mean gain", "least", "largest"]
    return _table(headers, lines)


def _table(headers, lines):
    rows = [headers, ["---"] * len(headers), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
