"""Expected risks of teacher, student and ceiling when two views share a subspace."""

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from overlapkit._utils.sklearn_compat import Interval, validate_params

__all__ = ["shared_subspace_risk"]

_SIZE = [Interval(Integral, 1, None, closed="left")]


class SubspaceRisk(NamedTuple):
    """Expected squared errors on new rows, against the target without noise."""

    teacher: float
    student: float
    ceiling: float


@validate_params(
    {
        "n_labeled": _SIZE,
        "n_pseudo": _SIZE,
        "weak_dim": _SIZE,
        "strong_dim": _SIZE,
        "shared_dim": [Interval(Integral, 0, None, closed="left")],
        "signal": ["array-like"],
        "noise": [Interval(Real, 0, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def shared_subspace_risk(
    *,
    n_labeled: int,
    n_pseudo: int,
    weak_dim: int,
    strong_dim: int,
    shared_dim: int,
    signal: ArrayLike = (0.0, 1.0, 0.0),
    noise: float = 1.0,
) -> SubspaceRisk:
    r"""Expected risks of least squares in the shared-subspace setting.

    What the teacher got wrong in shared directions the student inherits in full; what
    it got wrong elsewhere is noise to the student, which it averages over its many
    rows. Hence the less the views share, the more is gained.

    Teacher: least squares (no intercept) on :math:`n` rows of the weak view with noisy
    labels; student: least squares on the strong view of :math:`N` other rows with the
    teacher's predictions; ceiling: the same rows with noisy true labels. With
    dimensions :math:`d_w, d_s` of the views and :math:`d_\cap` of what they share,
    target variances :math:`b_w, b_\cap, b_s`, and :math:`\tau^2 = b_s + \sigma^2`,

    .. math::

        \text{teacher} &= b_s + \frac{\tau^2 d_w}{n - d_w - 1}, \\
        \text{student} &= b_w + b_s + \frac{\tau^2 d_\cap}{n - d_w - 1}
            + \Bigl(b_w + \frac{\tau^2 (d_w - d_\cap)}{n - d_w - 1}\Bigr)
              \frac{d_s}{N - d_s - 1}, \\
        \text{ceiling} &= b_w + (b_w + \sigma^2) \frac{d_s}{N - d_s - 1}.

    Parameters
    ----------
    n_labeled : int
        Rows :math:`n` of the teacher, at least ``weak_dim + 2``.
    n_pseudo : int
        Rows :math:`N` of student and ceiling, at least ``strong_dim + 2``.
    weak_dim, strong_dim, shared_dim : int
        Dimensions, as in
        :func:`~overlapkit.datasets.make_shared_subspace_regression`.
    signal : array-like of shape (3,), default=(0, 1, 0)
        Variance of the target in weak-only, shared and strong-only directions.
    noise : float, default=1.0
        Standard deviation :math:`\sigma` of the label noise.

    Returns
    -------
    risk : namedtuple
        ``teacher``, ``student`` and ``ceiling``: expected squared errors on new rows,
        against the target without noise.

    Raises
    ------
    ValueError
        If there are too few rows for an expected risk to exist, `shared_dim` is larger
        than a view, or `signal` is not three variances.

    See Also
    --------
    overlapkit.datasets.make_shared_subspace_regression : Draws the setting.

    Notes
    -----
    [1]_ gives the variance up to constants for general features. The formulas above
    are exact for Gaussian ones and derived from two facts: with :math:`n` rows of
    :math:`d` standard normal features, :math:`\mathbb{E}\operatorname{tr}(X^\top
    X)^{-1} = d / (n - d - 1)`; and directions that a view lacks are independent of
    those it has, so they act as noise.

    References
    ----------
    .. [1] Y. Dong, Y. Li, Y. Li, J. D. Lee, Q. Lei, "Discrepancies are Virtue:
       Weak-to-Strong Generalization through Lens of Intrinsic Dimension", 2025,
       arXiv:2502.05075.

    Examples
    --------
    >>> from overlapkit.theory import shared_subspace_risk
    >>> sizes = dict(n_labeled=61, n_pseudo=1011, weak_dim=20, strong_dim=10)
    >>> for shared in (0, 5, 10):
    ...     risk = shared_subspace_risk(shared_dim=shared, **sizes)
    ...     print(shared, round(risk.teacher, 4), round(risk.student, 4))
    0 0.5 0.005
    5 0.5 0.1288
    10 0.5 0.2525
    """
    if shared_dim > min(weak_dim, strong_dim):
        raise ValueError(
            f"shared_dim={shared_dim} is larger than a view: weak_dim={weak_dim}, "
            f"strong_dim={strong_dim}."
        )
    signal = np.asarray(signal, dtype=np.float64)
    if signal.shape != (3,) or not (signal >= 0).all():
        raise ValueError(
            "signal must be three variances (weak only, shared, strong only), none "
            f"negative, got {signal.tolist()}."
        )
    for name, n, dim in (
        ("n_labeled", n_labeled, weak_dim),
        ("n_pseudo", n_pseudo, strong_dim),
    ):
        if n < dim + 2:
            raise ValueError(
                f"{name}={n} rows are too few for {dim} dimensions: the expected risk "
                f"is finite from {dim + 2} rows on."
            )
    weak_only, _, strong_only = signal
    variance = (strong_only + noise**2) / (n_labeled - weak_dim - 1)
    spread = strong_dim / (n_pseudo - strong_dim - 1)
    alien = weak_only + variance * (weak_dim - shared_dim)
    return SubspaceRisk(
        teacher=float(strong_only + variance * weak_dim),
        student=float(weak_only + strong_only + variance * shared_dim + alien * spread),
        ceiling=float(weak_only + (weak_only + noise**2) * spread),
    )
