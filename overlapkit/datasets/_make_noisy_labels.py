"""Weak labels that are wrong at a known rate."""

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_random_state

from overlapkit._utils.checks import (
    as_numbers,
    check_consistent_length,
    check_number,
    column_or_1d,
)
from overlapkit._utils.sklearn_compat import Interval, validate_params

__all__ = ["make_noisy_labels"]


@validate_params(
    {
        "y": ["array-like"],
        "noise": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "groups": ["array-like", None],
        "concentration": [Interval(Real, 0, None, closed="neither"), None],
        "n_classes": [Interval(Integral, 2, None, closed="left"), None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_noisy_labels(
    y: ArrayLike,
    *,
    noise: ArrayLike = 0.2,
    groups: ArrayLike | None = None,
    concentration: float | None = 5.0,
    n_classes: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    r"""Draw the labels of a weak model whose every error rate is known.

    The weak model is not trained but postulated: it is wrong with a probability that
    differs from row to row, and it knows that probability. So weak labels can be made
    as bad as a study needs, in any group of rows, and the confidence is calibrated.

    A row of group :math:`g` gets an error rate, the weak label is wrong with it, and
    a wrong label is any other class alike:

    .. math::

        e_i = m\,B_i, \quad
        B_i \sim \operatorname{Beta}\!\Bigl(\kappa \tfrac{\eta_g}{m},
            \kappa \bigl(1 - \tfrac{\eta_g}{m}\bigr)\Bigr), \quad
        m = \tfrac{K - 1}{K}, \qquad
        P(\tilde y_i \ne y_i) = e_i .

    The probabilities are :math:`1 - e_i` for the weak label and
    :math:`e_i / (K - 1)` for every other class.

    Parameters
    ----------
    y : array-like of shape (n_samples,) of int
        True classes, 0 to ``n_classes - 1``.
    noise : float or array-like of shape (n_groups,), default=0.2
        Expected share :math:`\eta` of wrong labels, in all rows or in each group; at
        most :math:`m`, where a label is a guess.
    groups : array-like of shape (n_samples,) of int, default=None
        Group of each row, 0 to ``n_groups - 1``: its region, its class, its source.
        Needed when `noise` has an entry per group.
    concentration : float or None, default=5.0
        :math:`\kappa`: how alike the error rates within a group are. None: all equal,
        so that the confidence says nothing within a group.
    n_classes : int, default=None
        Number of classes :math:`K`; None: ``max(y) + 1``.
    random_state : int, RandomState instance or None, default=None
        Pass an int for the same labels at every call.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the following attributes.

        labels : ndarray of shape (n_samples,), int64
            Weak labels.
        proba : ndarray of shape (n_samples, n_classes)
            Probabilities of the weak model; as weak columns they are what
            ``weak_estimator="precomputed"`` reads.
        error_rate : ndarray of shape (n_samples,)
            Probability of each weak label to be wrong.
        wrong : ndarray of shape (n_samples,) of bool
            Which weak labels are.

    Raises
    ------
    ValueError
        If y is not made of classes from 0 on, a rate is negative or above
        :math:`(K - 1) / K`, groups and rates do not fit each other, or no weak label
        of some class that y holds is drawn.

    See Also
    --------
    make_overlap_classification : Rows whose regions are known.

    Examples
    --------
    A teacher that is right on easy and overlap rows and guesses on hard ones:

    >>> from overlapkit.datasets import (
    ...     make_noisy_labels, make_overlap_classification
    ... )
    >>> data = make_overlap_classification(random_state=0)
    >>> weak = make_noisy_labels(
    ...     data.y, noise=[0.1, 0.1, 0.5], groups=data.region, random_state=0
    ... )
    >>> weak.proba.shape, weak.wrong[data.region == 2].mean() > 0.35
    ((300, 2), np.True_)
    """
    y = _codes(y, "y")
    n_classes = _count_classes(y, n_classes)
    most = (n_classes - 1) / n_classes
    rates = np.atleast_1d(as_numbers(noise, "noise", finite=False))
    inside = (rates >= 0) & (rates <= most + 1e-12)
    if rates.ndim != 1 or not len(rates) or not inside.all():
        raise ValueError(
            f"noise must lie between 0 and {most:.4g} with {n_classes} classes, where "
            f"a label is a guess; got {rates.tolist()}."
        )
    if groups is not None:
        groups = _codes(groups, "groups")
        check_consistent_length(y=y, groups=groups)
        if len(rates) == 1:
            rates = np.repeat(rates, groups.max() + 1)
        if groups.max() >= len(rates):
            raise ValueError(
                f"There is a group {groups.max()}, but noise has {len(rates)} entries."
            )
    elif len(rates) > 1:
        raise ValueError(
            f"noise has {len(rates)} entries; give groups, to say which row has which."
        )
    rng = check_random_state(random_state)
    expected = np.minimum(rates / most, 1.0)[0 if groups is None else groups]
    expected = np.broadcast_to(expected, y.shape)
    share = np.array(expected)
    random = (expected > 0) & (expected < 1)
    if concentration is not None:
        part = expected[random]
        share[random] = rng.beta(concentration * part, concentration * (1 - part))
    error_rate = most * share
    wrong = rng.uniform(size=len(y)) < error_rate
    # a shift of 1 to n_classes - 1 always lands on another class
    labels = (y + wrong * rng.randint(1, n_classes, size=len(y))) % n_classes
    lost = np.setdiff1d(y, labels)
    if len(lost):
        raise ValueError(
            f"none of the {len(y)} weak labels drawn is of class {lost.tolist()}: use "
            "more rows, less noise, or another random_state"
        )
    proba = np.repeat((error_rate / (n_classes - 1))[:, None], n_classes, axis=1)
    proba[np.arange(len(y)), labels] = 1 - error_rate
    return Bunch(labels=labels, proba=proba, error_rate=error_rate, wrong=wrong)


def _codes(values, name) -> np.ndarray:
    values = column_or_1d(values, name=name)
    if len(values) == 0 or values.dtype.kind not in "iub" or values.min() < 0:
        raise ValueError(f"{name} must be integers from 0 on, one a row.")
    return values.astype(np.int64)


def _count_classes(y, n_classes) -> int:
    if n_classes is not None:
        check_number(n_classes, "n_classes", 2, 2**31, integer=True)
    if n_classes is None:
        n_classes = int(y.max()) + 1
    if y.max() >= n_classes or n_classes < 2:
        raise ValueError(
            f"y holds the class {y.max()}, which does not fit {n_classes} class(es); "
            "there must be at least 2, numbered from 0."
        )
    return n_classes
