"""Gains of one model over another, and on how many data sets they are clear."""

import pandas as pd

from overlapkit.model_selection import gain_interval

__all__ = ["clear_gains", "counts", "win_matrix"]


def clear_gains(runs, pairs):
    """Gain of one model over another per data set, with its interval.

    Parameters
    ----------
    runs : DataFrame
        Columns ``data``, ``seed``, ``model``, ``accuracy``, ``test_train_ratio``.
    pairs : list of (str, str)
        Models compared, paired by seed.

    Returns
    -------
    gains : DataFrame
        Columns ``data``, ``model``, ``against``, ``gain``, ``low``, ``high``.
    """
    rows = []
    for data, part in runs.groupby("data", sort=False):
        scores = part.pivot(index="seed", columns="model", values="accuracy")
        ratio = part["test_train_ratio"].mean()
        for model, other in pairs:
            if not {model, other} <= set(scores):
                continue
            gain = (scores[model] - scores[other]).dropna().to_numpy()
            if len(gain) == 0:
                continue
            mean, low, high = gain_interval(gain, test_train_ratio=ratio)
            rows.append(
                {
                    "data": data,
                    "model": model,
                    "against": other,
                    "gain": mean,
                    "low": low,
                    "high": high,
                }
            )
    return pd.DataFrame(rows)


def win_matrix(runs, models):
    """On how many data sets the model of a row clearly beats that of a column.

    Of the sets where the gain has an interval: one seed gives none.
    """
    pairs = [(a, b) for a in models for b in models if a != b]
    gains = clear_gains(runs, pairs).dropna(subset=["low"])
    won = gains[gains["low"] > 0].groupby(["model", "against"]).size()
    met = gains.groupby(["model", "against"]).size()
    table = pd.DataFrame("", index=models, columns=models)
    for (model, other), n in met.items():
        table.loc[model, other] = f"{won.get((model, other), 0)} of {n}"
    return table.rename_axis("wins of")


def counts(gains, names, what="data sets"):
    """A sentence for each comparison: on how many data sets it is clear.

    Parameters
    ----------
    gains : DataFrame
        As :func:`clear_gains` gives it.
    names : dict of str to str
        How models are called.
    what : str
        How the data sets are called.
    """
    if gains.empty:
        return ""
    sentences = []
    for (model, against), part in gains.groupby(["model", "against"], sort=False):
        known = part.dropna(subset=["low"])
        up, down = (known["low"] > 0).sum(), (known["high"] < 0).sum()
        first, second = (names.get(name, name) for name in (model, against))
        sentences.append(
            f"{first[:1].upper()}{first[1:]} against {second}: clearly better on {up} "
            f"of {len(known)} {what}, "
            f"clearly worse on {down}."
        )
    return " ".join(sentences)
