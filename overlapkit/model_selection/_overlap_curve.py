"""overlap_curve: the mixing experiment, together with its controls."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone, is_regressor

from overlapkit._utils.checks import check_array, check_consistent_length, check_kind
from overlapkit._utils.labels import check_common_labels
from overlapkit._utils.sklearn_compat import (
    HasMethods,
    Interval,
    _num_samples,
    _safe_indexing,
    validate_params,
)
from overlapkit._utils.threads import N_JOBS
from overlapkit.model_selection._detected_rows import (
    DetectedRows,
    detect,
    draw_rows,
    make_pools,
    smallest_part,
)
from overlapkit.model_selection._intervals import metric_weights, row_interval
from overlapkit.model_selection._students import (
    TRUE_REGIONS,
    balanced_accuracy,
    check_regions,
    check_test_labels,
    draw_seeds,
    fit_predict,
    known_truth,
    make_splits,
    run_repeats,
    seeded,
    tested_rows,
)
from overlapkit.scorers._overlap_detector import OverlapDetector
from overlapkit.scorers._regions import HARD, OVERLAP, REGION_NAMES
from overlapkit.students._controls import control_rows
from overlapkit.students._training import default_strong_estimator
from overlapkit.weak._views import check_rows

__all__ = ["overlap_curve"]


@validate_params(
    {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "detector": [OverlapDetector, DetectedRows],
        "X": "no_validation",
        "y": "no_validation",
        "X_test": "no_validation",
        "y_test": "no_validation",
        "y_true": "no_validation",
        "regions": ["array-like", None],
        "regions_test": ["array-like", None],
        "shares": ["array-like", None],
        "n_train": [Interval(Integral, 1, None, closed="left"), None],
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "test_size": [Interval(Real, 0, 1, closed="neither")],
        "n_jobs": N_JOBS,
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def overlap_curve(
    estimator: BaseEstimator | None,
    detector: OverlapDetector | DetectedRows,
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    X_test: ArrayLike | None = None,
    y_test: ArrayLike | None = None,
    y_true: ArrayLike | None = None,
    regions: ArrayLike | None = None,
    regions_test: ArrayLike | None = None,
    shares: ArrayLike | None = None,
    n_train: int | None = None,
    n_repeats: int = 10,
    test_size: float = 0.25,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> pd.DataFrame:
    r"""Train a strong model on a growing share of overlap rows, with controls.

    If a strong model learns from overlap rows what the weak model does not know, its
    accuracy increases when overlap rows replace others. But it also increases because
    the others include hard rows, whose weak labels are close to random: random rows
    that are not hard raise the curve as much. So the curve always includes controls;
    ``overlap vs easy``, which has no hard rows, is the most informative.

    At the share :math:`r` a student learns from exactly :math:`n` rows and their weak
    labels,

    .. math:: \operatorname{round}(r\,n) \text{ of the first part}, \qquad
              n - \operatorname{round}(r\,n) \text{ of the second},

    for each of these pools:

    ======================  ==========================  ===========================
    pool                    first part                  second part
    ======================  ==========================  ===========================
    overlap                 detected overlap rows       all others
    random non-hard         as many non-hard rows       all others
    most confident          as many, most confident     all others
    overlap vs easy         detected overlap rows       detected easy rows
    high vs low scores      non-hard rows, upper half   lower half of the scores
    true overlap            true overlap rows           all others
    true overlap vs easy    true overlap rows           true easy rows
    ======================  ==========================  ===========================

    :math:`n` is the same for all pools and shares. The last two are there when
    `regions` are given. The second and the third are the controls of the same name in
    :func:`weak_to_strong_report`, with quotas in proportion to the weak classes. Rows
    without a weak label are in no pool.

    Parameters
    ----------
    estimator : classifier or None
        The strong model; a clone is fitted for every training set. None: LightGBM.
    detector : OverlapDetector or DetectedRows
        Finds the regions; its parameters determine the weak model and the two views. A
        clone is fitted on the rows to learn from. Or the rows of X with regions from
        elsewhere.
    X : array-like or dataframe of shape (n_samples, n_features)
        Rows to learn from, both views side by side; with DetectedRows, the strong
        view.
    y : array-like of shape (n_samples,), default=None
        Labels the weak model learns from, as the detector takes them. No student
        sees them.
    X_test, y_test : array-like, default=None
        Rows to test on, with true labels; they must not be rows of X. None: every
        repeat holds `test_size` of the rows out (where some labels are unknown: the
        rows with a known label, in about ``1 / test_size`` folds), and fits the
        detector on the rest.
    y_true : array-like of shape (n_samples,), default=None
        True labels of X, for the label purity and for held-out rows; None: `y`.
    regions : array-like of shape (n_samples,), default=None
        True regions of X where they are known: 0 easy, 1 overlap, 2 hard, 3 neither.
    regions_test : array-like of shape (n_test,), default=None
        Regions of X_test to report accuracies of; ``detector.predict(X_test)`` of a
        fitted detector where the truth is unknown. Held-out rows have `regions`.
    shares : array-like of shape (n_shares,), default=None
        Shares of the first part, in [0, 1]; None: 0, 0.1, ..., 1.
    n_train : int, default=None
        Rows of a training set; None: as many as every pool can give at every share.
    n_repeats : int, default=10
        Random draws of the rows (and of the held-out part) for every pool.
    test_size : float, default=0.25
        Share of rows held out, where there is no test set.
    n_jobs : int, default=None
        Repeats computed at once, each with BLAS on one thread.
    random_state : int, RandomState instance or None, default=None
        Seeds everything: draws, and those random states of the estimator and the
        detector that are None.

    Returns
    -------
    curve : DataFrame
        A row for each pool, share and repeat, with the columns

        - ``pool``, ``share``, ``seed`` (number of the repeat), ``n_train``;
        - ``accuracy``, ``balanced_accuracy`` on the test rows;
        - ``accuracy_easy``, ``accuracy_overlap``, ``accuracy_hard`` and
          ``accuracy_neither``, as far as test rows are known to be of these regions;
        - ``label_purity``: share of training rows whose weak label is right (nan
          where no true label is known);
        - ``hard_share``: share of training rows detected as hard;
        - ``true_overlap_share``, where `regions` are given;
        - ``class_share_<class>``: share of training rows of each weak class;
        - ``<accuracy>_low``, ``<accuracy>_high`` for each accuracy: 95 % interval of
          its mean over the repeats, by :func:`gain_interval`.

    Raises
    ------
    ValueError
        If a pool has no row or less than `n_train` of them, a share is outside
        [0, 1], lengths differ, rows to test on are rows of X, a label to test on is
        unknown, or the strong model is a regressor.

    See Also
    --------
    overlapkit.inspection.OverlapCurveDisplay : Draws the curve.
    weak_to_strong_report : Weak model, students and ceiling, with intervals.

    Notes
    -----
    Within a repeat all shares draw on one order of the rows, so that neighbouring
    training sets differ in few rows and shares can be compared in pairs. A training
    set whose weak labels are of one class has a student that predicts it; the class
    shares show where that happened. True labels are used for scores only.

    References
    ----------
    .. [1] C. Shin, J. Cooper, F. Sala, "Weak-to-Strong Generalization Through the
       Data-Centric Lens", ICLR 2025, arXiv:2412.03881.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from overlapkit import OverlapDetector
    >>> from overlapkit.datasets import make_overlap_classification
    >>> from overlapkit.model_selection import overlap_curve
    >>> data = make_overlap_classification(
    ...     n_easy=200, n_hard=200, n_overlap=200, random_state=0
    ... )
    >>> curve = overlap_curve(
    ...     LogisticRegression(C=0.01),
    ...     OverlapDetector(weak_columns=data.easy_columns),
    ...     data.X,
    ...     data.y,
    ...     regions=data.region,
    ...     shares=[0, 1],
    ...     n_repeats=3,
    ...     random_state=0,
    ... )
    >>> means = curve.groupby(["pool", "share"])["accuracy_hard"].mean().unstack()
    >>> bool(means.loc["overlap vs easy", 1] > means.loc["overlap vs easy", 0] + 0.1)
    True
    """
    check_consistent_length(X=X, y=y)
    check_rows(X)
    check_kind(estimator, "estimator", BaseEstimator, "a classifier")
    given = isinstance(detector, DetectedRows)
    if given and len(detector) != _num_samples(X):
        raise ValueError(
            f"detector holds {len(detector)} rows, but X has {_num_samples(X)}."
        )
    shares = _check_shares(shares)
    truth = known_truth(
        y if y_true is None else y_true, X, getattr(detector, "missing_label", None)
    )
    regions = check_regions(regions, X, "regions")
    if X_test is None and regions_test is not None:
        raise ValueError(
            "regions_test are the regions of X_test, which is not given; those of "
            "held-out rows are taken from regions."
        )
    regions_test = check_regions(regions_test, X_test, "regions_test")
    if y_test is not None:
        y_test = check_test_labels(y_test, getattr(detector, "missing_label", None))
    if is_regressor(estimator):
        raise ValueError(
            "The strong model must be a classifier, got the regressor "
            f"{type(estimator).__name__}."
        )
    shared_seed, seeds = draw_seeds(random_state, n_repeats)
    splits = make_splits(X, truth, X_test, y_test, test_size, seeds)

    # a given test set leaves all rows to learn from: the detector is fitted once
    shared = None
    if X_test is not None:
        shared = _detect(detector, X, y, splits[0].rows, shared_seed)
    kind = getattr(detector, "confidence", "margin")
    if estimator is None:
        estimator = default_strong_estimator()

    data = X, y, truth, regions
    test = X_test, y_test, regions_test
    tables = run_repeats(
        _one_split,
        (estimator, detector, shared, data, test, splits, seeds, kind, shares, n_train),
        len(splits),
        n_jobs,
    )
    tested = tested_rows(splits, truth, y_test)
    regions_tested = regions_test
    if tested.rows is not None and regions is not None:
        regions_tested = regions[tested.rows]
    tables = _with_intervals(tables, tested.labels, regions_tested, tested.places)
    curve = pd.concat(tables, ignore_index=True)
    shares_of = [name for name in curve if name.startswith("class_share_")]
    curve[shares_of] = curve[shares_of].fillna(0.0)  # no row of the split has the class
    if len(splits) > n_repeats:  # folds: their mean is the result of a repeat
        keys = ["pool", "share", "seed"]
        curve = curve.groupby(keys, sort=False).mean().reset_index()
        curve["n_train"] = curve["n_train"].round().astype(int)
    return _in_order(curve)


def _detect(detector, X, y, positions, seed) -> tuple[DetectedRows, Callable]:
    """Regions of some rows of X, and what takes the strong view of others."""
    if isinstance(detector, DetectedRows):
        return detector.take(positions), _itself
    y_rows = None if y is None else _safe_indexing(y, positions)
    return detect(seeded(detector, seed), _safe_indexing(X, positions), y_rows)


def _itself(X) -> Any:
    return X


def _one_split(
    estimator,
    detector,
    shared,
    data,
    test,
    splits,
    seeds,
    kind,
    shares,
    n_train,
    number,
) -> pd.DataFrame:
    """Results of one split, with the number of its repeat."""
    X, y, truth, regions = data
    repeat, rows, held_out = splits[number]
    seed = seeds[repeat]
    if shared is None:
        shared = _detect(detector, X, y, rows, seed)
    learnt, strong_of = shared
    size = int(np.sum(learnt.regions == OVERLAP))
    controls = control_rows(learnt.rows, size, seed=seed, confidence=kind)
    if held_out is not None:
        test = (
            _safe_indexing(X, held_out),
            np.asarray(truth[held_out].tolist()),
            None if regions is None else regions[held_out],
        )
    known = None if truth is None else truth[rows]
    own_regions = None if regions is None else regions[rows]
    student = seeded(estimator, seed)
    test = strong_of(test[0]), *test[1:]
    table = _mix(
        student, learnt, controls, test, known, own_regions, shares, n_train, seed
    )
    return table.assign(seed=repeat)


def _mix(
    student, learnt, controls, test, truth, regions, shares, n_train, seed
) -> pd.DataFrame:
    """Results of one split: a line for each pool and share."""
    rng = np.random.RandomState(seed)
    weak, detected = learnt.rows, learnt.regions
    pools = make_pools(detected, controls, learnt.scores, regions, rng)
    n_train = _check_size(n_train, pools, detected)
    X_test, y_test, regions_test = test
    all_labels = weak.labels
    classes = np.unique(all_labels[weak.covered])
    check_common_labels(
        classes, y_test, "The weak labels are {first}, the labels to test on {second}"
    )
    right_label = None if truth is None else _purity(all_labels, truth)
    lines = []
    for name, pool in pools.items():
        for share, rows in zip(shares, draw_rows(pool, shares, n_train, rng)):
            labels = all_labels[rows]
            strong = _safe_indexing(weak.strong, rows)
            right = fit_predict(clone(student), strong, labels, X_test) == y_test
            line = {
                "pool": name,
                "share": share,
                "n_train": n_train,
                "right": right,
                "accuracy": float(np.mean(right)),
                "balanced_accuracy": balanced_accuracy(y_test, right),
            }
            if regions_test is not None:
                for code, region in enumerate(TRUE_REGIONS):
                    inside = right[regions_test == code]
                    line[f"accuracy_{region}"] = (
                        float(inside.mean()) if len(inside) else np.nan
                    )
            line["label_purity"] = np.nan
            if right_label is not None and not np.isnan(right_label[rows]).all():
                line["label_purity"] = float(np.nanmean(right_label[rows]))
            line["hard_share"] = float(np.mean(detected[rows] == HARD))
            if regions is not None:
                line["true_overlap_share"] = float(np.mean(regions[rows] == OVERLAP))
            for label in classes:
                line[f"class_share_{label}"] = float(np.mean(labels == label))
            lines.append(line)
    return pd.DataFrame(lines)


def _with_intervals(tables, y_tested, regions, places) -> list[pd.DataFrame]:
    """Add the bounds of the mean over all repeats, by results per row."""
    whole = np.ones(len(y_tested), dtype=bool)
    parts = {"accuracy": whole, "balanced_accuracy": whole}
    if regions is not None:
        parts |= {
            f"accuracy_{region}": regions == code
            for code, region in enumerate(TRUE_REGIONS)
        }
    parts = {name: inside for name, inside in parts.items() if inside.sum() > 1}
    bounds = {name: np.full((len(tables[0]), 2), np.nan) for name in parts}
    right = np.full((len(tables), len(y_tested)), np.nan)
    for number, place in enumerate(places):
        right[number, place] = 0.0
    judged = {}
    for name, inside in parts.items():
        if not np.isnan(right[:, inside]).all(axis=1).any():
            metric = name if name == "balanced_accuracy" else "accuracy"
            judged[name] = inside, *metric_weights(y_tested[inside], metric)
    results = [table["right"].tolist() for table in tables]
    for position in range(len(tables[0])):
        for number, place in enumerate(places):
            right[number, place] = results[number][position]
        for name, (inside, weights, strata) in judged.items():
            values = right[:, inside]
            bounds[name][position] = row_interval(values, weights, strata, 0.95)[1:]
    columns = {
        f"{name}_{end}": values[:, side]
        for name, values in bounds.items()
        for side, end in enumerate(("low", "high"))
    }
    return [table.drop(columns="right").assign(**columns) for table in tables]


def _purity(labels, truth) -> np.ndarray:
    """1 where a weak label is right, 0 where it is wrong, nan where nobody knows."""
    right = np.full(len(labels), np.nan)
    known = np.array([value is not None for value in truth])
    right[known] = labels[known] == np.asarray(truth[known].tolist())
    return right


def _check_shares(shares) -> np.ndarray:
    if shares is None:
        return np.linspace(0, 1, 11).round(1)
    shares = check_array(shares, dtype=np.float64, ensure_2d=False, input_name="shares")
    if shares.ndim != 1 or not ((shares >= 0) & (shares <= 1)).all():
        raise ValueError(f"shares must lie between 0 and 1, got {shares.tolist()}.")
    return shares


def _check_size(n_train, pools, detected):
    """Rows of a training set, where every pool can give them at every share."""
    most = smallest_part(pools)
    if n_train is None and most > 0:
        return most
    if n_train is not None and n_train <= most:
        return n_train
    found = np.bincount(detected, minlength=len(REGION_NAMES))
    counts = ", ".join(f"{found[i]} {name}" for i, name in enumerate(REGION_NAMES))
    parts = {name: min(len(part) for part in pool) for name, pool in pools.items()}
    narrow = min(parts, key=parts.get)
    raise ValueError(
        f"There is no training set of {n_train or 'any number of'} rows at every "
        f"share: a part of the pool {narrow!r} has {most} rows of X (detected: "
        f"{counts}). Check the detector and the columns of X, or pass another n_train "
        "or other shares."
    )


def _in_order(curve) -> pd.DataFrame:
    """Columns in the documented order."""
    by_region = [f"accuracy_{region}" for region in TRUE_REGIONS]
    empty = [name for name in by_region if name in curve and curve[name].isna().all()]
    gone = [f"{name}{end}" for name in empty for end in ("", "_low", "_high")]
    curve = curve.drop(columns=gone, errors="ignore")
    shares = sorted(name for name in curve if name.startswith("class_share_"))
    first = ["pool", "share", "seed", "n_train"]
    bounds = [name for name in curve if name.endswith(("_low", "_high"))]
    rest = [name for name in curve if name not in (*first, *bounds, *shares)]
    return curve[[*first, *rest, *shares, *bounds]]
