"""A pilot: what a few rows of each source say, before more are bought."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student_t
from sklearn.base import clone
from sklearn.utils import check_random_state

from overlapkit._utils.checks import check_kind, check_number, naming, plain
from overlapkit._utils.shares import wilson_interval
from overlapkit._utils.sklearn_compat import _safe_indexing
from overlapkit.scorers._overlap_detector import OverlapDetector
from overlapkit.sources._checks import (
    check_one_kind,
    check_sources,
    check_y,
    frozen_prices,
    prices_of,
)
from overlapkit.sources._reading import Fitting, Reader
from overlapkit.sources._rewards import OverlapDensity, default_student
from overlapkit.weak._views import check_strong

__all__ = ["pilot_sources"]

_FOLDS = 10  # groups of rows that are left out in turn
_POWER = 0.8


class PilotResult(NamedTuple):
    """What :func:`pilot_sources` measured.

    Attributes
    ----------
    table : DataFrame
        One line per source, best first by the density, purity or gain asked for.
    pairs : DataFrame
        One line per pair of sources: their difference with its interval, adjusted for
        the number of pairs, and whether it excludes 0.
    """

    table: pd.DataFrame
    pairs: pd.DataFrame

    def _repr_html_(self) -> str:
        return self.table.to_html(float_format=lambda v: f"{v:.3f}")


def pilot_sources(
    X: Any,
    y: Any = None,
    *,
    sources: Any,
    reference: tuple,
    test: tuple | None = None,
    detector: Any = None,
    estimator: Any = None,
    by: str = "density",
    prices: Any = None,
    level: float = 0.95,
    random_state: Any = None,
) -> PilotResult:
    r"""Compare sources by a few rows of each, before more rows are bought.

    Each source is measured by its overlap density, by the purity of its weak labels and
    by the gain of a student that is trained on its rows alone. All have intervals, so
    that sources which so few rows cannot tell apart are not ranked.

    The gain is the accuracy of the student less that of the weak model, on the same
    test rows. With the difference :math:`d_i` in test row `i` of `m`, and students
    trained without one of 10 groups of rows in turn, whose gains are :math:`g_j`, its
    standard error is

    .. math::

        \sqrt{\frac{9}{10} \sum_j (g_j - \bar g)^2 + \frac{1}{m (m - 1)}
        \sum_i (d_i - \bar d)^2}.

    Parameters
    ----------
    X : array-like or dataframe of shape (n_samples, n_features)
        The rows of all sources, both views side by side.
    y : array-like of shape (n_samples,), default=None
        Labels; the missing label of `detector` where unknown. Only the purity needs
        them.
    sources : array-like of shape (n_samples,)
        Source of each row.
    reference : tuple (X, y)
        Rows with labels, which the detector and its weak model are fitted on.
    test : tuple (X, y), default=None
        Other rows with labels, for the gain. None: no gain.
    detector : OverlapDetector, default=None
        Detects the overlap rows. None: ``OverlapDetector()``.
    estimator : classifier, default=None
        The student. None: logistic regression with strong regularisation (C = .01) on
        the standardised strong columns.
    by : {"density", "purity", "gain"}, default="density"
        What sources are ranked by.
    prices : dict or array-like of shape (n_sources,), default=None
        Price of a row of each source: a dict from name to price, or numbers in the
        order of the sorted names. Sources are then ranked, compared and grouped by
        density, purity or gain divided by price. None: all equal.
    level : float, default=0.95
        Confidence level of all intervals.
    random_state : int, RandomState instance or None, default=None
        Seeds the detector.

    Returns
    -------
    result : PilotResult
        ``table`` has one line per source, best first: ``rows``; ``density``,
        ``purity`` and ``gain``, each with ``_low`` and ``_high``; ``group``, from 1:
        sources of one group cannot be told apart from its first; and ``rows_needed``,
        how many rows of this source and of the best one would tell them apart with a
        probability of .8, if the estimates are right (infinite if equal, or if test
        rows alone leave it open; NaN for the best one). With `prices`, it has
        ``price``, ``cost`` of these rows, and ``per_price``, with ``_low`` and
        ``_high``. ``pairs`` has the differences of all pairs.

    Raises
    ------
    ValueError
        If `by` is unknown, `level` is not in (0, 1), `by` needs labels or test rows
        that are not given, a source has no row to measure, `estimator` is given
        without `test`, a price is missing or not positive, or the rows or labels of
        `reference` or `test` cannot be read.
    TypeError
        If `detector` is no OverlapDetector, or `estimator` no classifier.

    See Also
    --------
    UCBSourceSelector : Buys batch by batch, and stops by `worth`.

    Notes
    -----
    Intervals of densities and purities are Wilson's, those of differences Newcombe's
    with the level adjusted for the number of pairs (Bonferroni). Intervals of densities
    are about the detector's reading of rows, not about true overlap. Gains of two
    sources are compared on the same test rows.

    References
    ----------
    .. [1] R. G. Newcombe, "Interval Estimation for the Difference between Independent
       Proportions", Statistics in Medicine 17, 1998.

    Examples
    --------
    >>> from overlapkit import OverlapDetector
    >>> from overlapkit.datasets import (
    ...     make_overlap_classification, make_overlap_sources)
    >>> from overlapkit.sources import pilot_sources
    >>> pool = make_overlap_sources([0.1, 0.8, 0.9], n_rows=60, random_state=0)
    >>> known = make_overlap_classification(theta=pool.theta, random_state=1)
    >>> result = pilot_sources(
    ...     pool.X, pool.y, sources=pool.sources, reference=(known.X, known.y),
    ...     detector=OverlapDetector(weak_columns=pool.easy_columns), random_state=0)
    >>> result.table["group"].sort_index().tolist()
    [2, 1, 1]
    """
    if not isinstance(by, str) or by not in ("density", "purity", "gain"):
        raise ValueError(
            f"by={plain(by)} is unknown: use 'density', 'purity' or 'gain'."
        )
    _check_level(level)
    with naming("random_state"):
        check_random_state(random_state)
    if by == "gain" and test is None:
        raise ValueError("by='gain' needs test rows with labels: test=(X, y).")
    detector = OverlapDetector() if detector is None else detector
    what = "an OverlapDetector (an object, not a class) or None"
    check_kind(detector, "detector", OverlapDetector, what)
    _check_estimator(estimator, test)
    reference = _as_pair(reference, "reference")
    if sources is None:
        raise ValueError("sources=None: pilot_sources needs the source of each row.")
    codes, names = check_sources(sources, X)
    if callable(prices):
        raise ValueError("prices must be a dict or numbers: a pilot has no rounds.")
    per_row = None
    if prices is not None:
        per_row = prices_of(frozen_prices(prices), names)
    marker = detector.missing_label
    y, known = check_y(X, y, marker)
    reward = OverlapDensity()
    reader = Reader(reward)
    fitted = Fitting(detector, marker).unfitted(reader, random_state)
    with naming("reference"):
        X_known, y_known = reference
        y_known, _ = check_y(X_known, y_known, marker)
        reader = reader.with_reference(fitted, X_known, y_known)
    if test is not None:
        with naming("test"):
            test = _read_test(reader, test, marker)
    measured, gains = [], {}
    for code in range(len(names)):
        rows = np.flatnonzero(codes == code)
        part = _safe_indexing(X, rows)
        reading, _ = reader.read(part, known.take(rows))
        measured.append(
            {
                "rows": len(rows),
                **_share("density", reading.reward, reading.n_rewards, level),
                **_share("purity", reading.n_right, reading.n_known, level),
                "n_known": reading.n_known,
            }
        )
        if test is not None:
            gains[code] = _student_gain(reader, part, test, estimator)
            measured[-1] |= gains[code].interval(level)
    table = pd.DataFrame(measured, index=pd.Index(names, name="source"))
    if table[by].isna().any():
        missing = table.index[table[by].isna()].tolist()
        raise ValueError(f"by={by!r}: the source(s) {missing} have no row to measure.")
    return _ranked(table, by, level, gains, per_row)


def _check_level(level) -> None:
    check_number(level, "level")
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {plain(level)}.")


def _check_estimator(estimator, test) -> None:
    if estimator is None:
        return
    has = all(hasattr(estimator, name) for name in ("fit", "predict", "get_params"))
    if isinstance(estimator, type) or not has:
        raise TypeError(
            "estimator must be a classifier (an object, not a class) or None, got "
            f"{plain(estimator)}."
        )
    if test is None:
        raise ValueError(
            "estimator is the student of the gain, which needs test rows with labels: "
            "give test=(X, y), or leave estimator=None."
        )


def _as_pair(value, name) -> tuple:
    """Rows and labels that were given as a tuple."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise ValueError(
            f"{name} must be a tuple (X, y) of rows and labels, got "
            f"{type(value).__name__}."
        )
    return tuple(value)


def _read_test(reader, test, marker) -> tuple:
    """Test rows with weak labels, and their labels."""
    X, y = _as_pair(test, "test")
    if y is None:
        raise ValueError("test must be a tuple (X, y) with labels, and y is None.")
    y, known = check_y(X, y, marker)
    if not known.known.all() or len(known.known) < 2:
        raise ValueError(
            "test must have a known label in every row, and at least 2 rows: "
            f"{len(known)} of {len(known.known)} are known."
        )
    rows = reader.labeler.label(X)
    check_one_kind([rows.classes, y])
    return rows, check_strong(rows.strong), y


def _share(name, total, count, level) -> dict:
    if count == 0:
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"), np.nan)
    low, high = wilson_interval(total / count, count, level)
    return {name: total / count, f"{name}_low": low, f"{name}_high": high}


@dataclass(frozen=True, eq=False)
class _Gain:
    """Differences of a student and the weak model on test rows, and their spread."""

    differences: np.ndarray  # one per test row
    leave_out: np.ndarray  # gain of the student without each group

    @property
    def gain(self) -> float:
        return float(self.differences.mean())

    @property
    def of_training(self) -> float:
        """Variance by the rows trained on."""
        n = len(self.leave_out)
        spread = ((self.leave_out - self.leave_out.mean()) ** 2).sum()
        return float((n - 1) / n * spread)

    def interval(self, level) -> dict:
        half = student_t.ppf((1 + level) / 2, len(self.leave_out) - 1) * np.sqrt(
            self.of_training + _of_test(self.differences)
        )
        gain = self.gain
        return {"gain": gain, "gain_low": gain - half, "gain_high": gain + half}


def _of_test(differences) -> float:
    """Variance of a mean of differences by the test rows."""
    return float(differences.var(ddof=1) / len(differences))


def _student_gain(reader, X, test, estimator) -> _Gain:
    rows = reader.labeler.label(X)
    judge, test_view, y_test = test
    weak = (judge.labels == y_test).astype(float)
    covered = np.flatnonzero(rows.covered)
    view = check_strong(_safe_indexing(rows.strong, covered))
    labels = rows.labels[covered]

    def right(keep):
        some = labels[keep]
        if len(np.unique(some)) < 2:
            guess = some[0] if len(some) else judge.classes[0]
            return (y_test == guess).astype(float)
        model = default_student() if estimator is None else clone(estimator)
        return (model.fit(view[keep], some).predict(test_view) == y_test).astype(float)

    # groups go by the rows' own order among sorted views, not by position
    order = np.lexsort(view.T)
    groups = np.empty(len(covered), dtype=int)
    n_groups = min(_FOLDS, max(len(covered), 2))
    groups[order] = np.arange(len(covered)) % n_groups
    differences = right(np.ones(len(covered), dtype=bool)) - weak
    left = [float((right(groups != g) - weak).mean()) for g in range(n_groups)]
    return _Gain(differences, np.array(left))


def _ranked(table, by, level, gains, prices=None) -> PilotResult:
    """Sort the sources, compare all pairs, and form groups."""
    weights = np.ones(len(table)) if prices is None else 1 / prices
    if prices is not None:
        table["price"], table["cost"] = prices, prices * table["rows"]
        for end in ("", "_low", "_high"):
            table[f"per_price{end}"] = table[f"{by}{end}"] * weights
    shares, rows = table[by].to_numpy(), table["rows"].to_numpy()
    counts = table["n_known"].to_numpy() if by == "purity" else rows
    values = shares * weights
    positions = np.argsort(-values, kind="stable")
    n_pairs = max(len(table) * (len(table) - 1) // 2, 1)
    adjusted = 1 - (1 - level) / n_pairs

    def difference(i, j):
        two = weights[[i, j]]
        if by == "gain":
            return _gain_difference(gains[i], gains[j], two, adjusted)
        return _newcombe(shares[[i, j]], counts[[i, j]], two, adjusted)

    pairs, groups, first, group = [], {}, positions[0], 1
    for place, i in enumerate(positions):
        for j in positions[place + 1 :]:
            low, high = difference(i, j)
            pairs.append((table.index[i], table.index[j], values[i] - values[j],
                          low, high, low > 0 or high < 0))  # fmt: skip
        if difference(first, i)[0] > 0 and i != first:
            first, group = i, group + 1
        groups[i] = group
    best = positions[0]
    z = norm.ppf((1 + adjusted) / 2) + norm.ppf(_POWER)
    needed = []
    for i in positions:
        gap = values[best] - values[i]
        if by == "gain":
            shared = _of_test(
                gains[best].differences * weights[best]
                - gains[i].differences * weights[i]
            )
            one, other = (
                gains[k].of_training * counts[k] * weights[k] ** 2 for k in (best, i)
            )
            room = (gap / z) ** 2 - shared
            value = (one + other) / room if room > 0 else np.inf
        else:
            spread = sum(
                shares[k] * (1 - shares[k]) * weights[k] ** 2 for k in (best, i)
            )
            value = spread * (z / gap) ** 2 if gap > 0 else np.inf
        needed.append(np.nan if i == best else np.ceil(value))
    result = table.iloc[positions].drop(columns="n_known")
    result["group"] = [groups[i] for i in positions]
    result["rows_needed"] = needed
    columns = ["source", "other", "difference", "low", "high", "differ"]
    return PilotResult(result, pd.DataFrame(pairs, columns=columns))


def _newcombe(shares, counts, weights, level) -> tuple[float, float]:
    """Interval of a difference of two weighted shares, from their Wilson intervals."""
    limits = np.array(wilson_interval(shares, counts, level)) * weights
    (p_low, q_low), (p_high, q_high) = limits
    p, q = shares * weights
    low = p - q - np.hypot(p - p_low, q_high - q)
    return low, p - q + np.hypot(p_high - p, q - q_low)


def _gain_difference(one, other, weights, level) -> tuple[float, float]:
    """Interval of a difference of gains; test rows are the same, so they are paired."""
    paired = one.differences * weights[0] - other.differences * weights[1]
    of_training = np.dot(weights**2, [one.of_training, other.of_training])
    variance = of_training + _of_test(paired)
    df = len(one.leave_out) + len(other.leave_out) - 2
    half = student_t.ppf((1 + level) / 2, df) * np.sqrt(variance)
    return paired.mean() - half, paired.mean() + half
