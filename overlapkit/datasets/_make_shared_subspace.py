"""Linear settings in which the weak and the strong features share a subspace."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import ortho_group
from sklearn.utils import Bunch, check_random_state

from overlapkit._utils.sklearn_compat import Interval, validate_params

__all__ = ["make_shared_subspace_classification", "make_shared_subspace_regression"]

_SIZE = [Interval(Integral, 1, None, closed="left")]
_COUNT = [Interval(Integral, 0, None, closed="left")]
_CONSTRAINTS = {
    "n_samples": _SIZE,
    "weak_dim": _SIZE,
    "strong_dim": _SIZE,
    "shared_dim": _COUNT,
    "signal": ["array-like"],
    "noise": [Interval(Real, 0, None, closed="left")],
    "world": [Bunch, None],
    "return_tuple": ["boolean"],
    "random_state": ["random_state"],
}


def _check_dims(weak_dim, strong_dim, shared_dim) -> None:
    if shared_dim > min(weak_dim, strong_dim):
        raise ValueError(
            f"shared_dim={shared_dim} is larger than a view: weak_dim={weak_dim}, "
            f"strong_dim={strong_dim}."
        )


def _check_signal(signal, parts) -> np.ndarray:
    """Variance of the target in the weak-only, shared and strong-only directions."""
    signal = np.asarray(signal, dtype=np.float64)
    if signal.shape != (3,) or not (signal >= 0).all() or not signal.sum() > 0:
        raise ValueError(
            "signal must be three variances (weak only, shared, strong only), none "
            f"negative and not all 0, got {signal.tolist()}."
        )
    for name, variance, part in zip(
        ("weak-only", "shared", "strong-only"), signal, parts
    ):
        if variance > 0 and part.stop == part.start:
            raise ValueError(
                f"signal asks for {name} variance {variance:g}, but there is no "
                f"{name} direction with these dimensions."
            )
    return signal


def _rotation(n, rng) -> np.ndarray:
    return ortho_group.rvs(n, random_state=rng) if n > 1 else np.ones((1, 1))


def _new_world(weak_dim, strong_dim, shared_dim, signal, noise, rng) -> Bunch:
    """The target and the directions of both views, for any number of draws."""
    _check_dims(weak_dim, strong_dim, shared_dim)
    total = weak_dim + strong_dim - shared_dim
    parts = (
        slice(0, weak_dim - shared_dim),
        slice(weak_dim - shared_dim, weak_dim),
        slice(weak_dim, total),
    )
    signal = _check_signal(signal, parts)
    coef = rng.normal(size=total)
    for variance, part in zip(signal, parts):
        norm = np.linalg.norm(coef[part])
        coef[part] *= np.sqrt(variance) / norm if norm > 0 else 0.0
    return Bunch(
        coef=coef,
        weak_rotation=_rotation(weak_dim, rng),
        strong_rotation=_rotation(strong_dim, rng),
        weak_dim=weak_dim,
        strong_dim=strong_dim,
        shared_dim=shared_dim,
        signal=signal,
        noise=float(noise),
    )


def _draw(n_samples, world, rng) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """X with both views, noiseless target and noisy target."""
    latent = rng.normal(size=(n_samples, len(world.coef)))
    weak = latent[:, : world.weak_dim] @ world.weak_rotation
    strong = latent[:, world.weak_dim - world.shared_dim :] @ world.strong_rotation
    target = latent @ world.coef
    noisy = target + world.noise * rng.normal(size=n_samples)
    return np.hstack([weak, strong]), target, noisy


def _world_of(world, weak_dim, strong_dim, shared_dim, signal, noise, rng) -> Bunch:
    if world is not None:
        return world
    return _new_world(weak_dim, strong_dim, shared_dim, signal, noise, rng)


def _bunch(X, y, target, world, **more) -> Bunch:
    return Bunch(
        X=X,
        y=y,
        target=target,
        weak_columns=slice(0, world.weak_dim),
        strong_columns=slice(world.weak_dim, world.weak_dim + world.strong_dim),
        world=world,
        **more,
    )


@validate_params(_CONSTRAINTS, prefer_skip_nested_validation=True)
def make_shared_subspace_regression(
    n_samples: int = 200,
    *,
    weak_dim: int = 20,
    strong_dim: int = 10,
    shared_dim: int = 5,
    signal: ArrayLike = (0.0, 1.0, 0.0),
    noise: float = 1.0,
    world: Bunch | None = None,
    return_tuple: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch | Any:
    r"""Draw a linear regression problem seen through two views that share directions.

    Here nobody is blind: a weak model with many directions picks up noise, and its
    student is better where the two views *differ*, because noise in directions that
    the student does not have looks like fresh noise to it and is averaged out. This
    is the setting of [1]_; it shows that a student can beat its teacher without any
    overlap rows.

    With latent directions :math:`z \sim \mathcal{N}(0, I)` of three kinds,

    .. math::

        x_\text{weak} = R_w^\top (z_\text{weak only}, z_\text{shared}), \qquad
        x_\text{strong} = R_s^\top (z_\text{shared}, z_\text{strong only}), \qquad
        y = \langle \beta, z \rangle + \sigma \varepsilon,

    where :math:`R_w, R_s` are random rotations, so that no column alone is shared.

    Parameters
    ----------
    n_samples : int, default=200
        Number of rows.
    weak_dim : int, default=20
        Dimension of the weak view.
    strong_dim : int, default=10
        Dimension of the strong view.
    shared_dim : int, default=5
        Dimension of the subspace they share, 0 (disjoint) to the smaller of the two
        (one view contains the other).
    signal : array-like of shape (3,), default=(0, 1, 0)
        Variance of the target in weak-only, shared and strong-only directions. By
        default both views can express it, and only noise matters.
    noise : float, default=1.0
        Standard deviation :math:`\sigma` of the label noise.
    world : Bunch, default=None
        The `world` of an earlier draw: same target and directions, new rows. The
        dimensions, `signal` and `noise` are then taken from it.
    return_tuple : bool, default=False
        Return ``(X, y)`` instead of a Bunch.
    random_state : int, RandomState instance or None, default=None
        Pass an int for the same rows at every call.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the following attributes.

        X : ndarray of shape (n_samples, weak_dim + strong_dim), float64
            The weak view, then the strong one; every column has variance 1.
        y : ndarray of shape (n_samples,), float64
            Target with noise.
        target : ndarray of shape (n_samples,), float64
            Target without noise.
        weak_columns, strong_columns : slice
            Columns of the two views.
        world : Bunch
            Target (``coef``), rotations, dimensions, signal and noise.

    (X, y) : tuple, with ``return_tuple=True``
        The two first attributes.

    Raises
    ------
    ValueError
        If a parameter is out of range, `shared_dim` is larger than a view, or there
        is signal where there is no direction.

    See Also
    --------
    make_shared_subspace_classification : The same with two classes.
    overlapkit.theory.shared_subspace_risk : Expected risks, in closed form.

    References
    ----------
    .. [1] Y. Dong, Y. Li, Y. Li, J. D. Lee, Q. Lei, "Discrepancies are Virtue:
       Weak-to-Strong Generalization through Lens of Intrinsic Dimension", 2025,
       arXiv:2502.05075.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from overlapkit.datasets import make_shared_subspace_regression
    >>> train = make_shared_subspace_regression(80, shared_dim=2, random_state=0)
    >>> more = make_shared_subspace_regression(800, world=train.world, random_state=1)
    >>> weak, strong = train.weak_columns, train.strong_columns
    >>> teacher = LinearRegression().fit(train.X[:, weak], train.y)
    >>> taught = teacher.predict(more.X[:, weak])
    >>> student = LinearRegression().fit(more.X[:, strong], taught)
    >>> student_error = np.mean((student.predict(more.X[:, strong]) - more.target) ** 2)
    >>> bool(student_error < np.mean((taught - more.target) ** 2) / 2)
    True
    """
    rng = check_random_state(random_state)
    world = _world_of(world, weak_dim, strong_dim, shared_dim, signal, noise, rng)
    X, target, y = _draw(n_samples, world, rng)
    return (X, y) if return_tuple else _bunch(X, y, target, world)


@validate_params(_CONSTRAINTS, prefer_skip_nested_validation=True)
def make_shared_subspace_classification(
    n_samples: int = 200,
    *,
    weak_dim: int = 20,
    strong_dim: int = 10,
    shared_dim: int = 5,
    signal: ArrayLike = (0.0, 1.0, 0.0),
    noise: float = 0.5,
    world: Bunch | None = None,
    return_tuple: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch | Any:
    r"""Draw two classes seen through two views that share directions.

    The class is the sign of the noisy target of
    :func:`make_shared_subspace_regression`:

    .. math:: y = \mathbf{1}[\langle \beta, z \rangle + \sigma \varepsilon > 0].

    The best classifier on a view is linear, and right with probability

    .. math::

        1 - \frac{\arccos \rho}{\pi}, \qquad
        \rho^2 = \frac{\text{signal in the directions of the view}}
                      {\text{signal in all directions} + \sigma^2}.

    Parameters
    ----------
    n_samples : int, default=200
        Number of rows.
    weak_dim : int, default=20
        Dimension of the weak view.
    strong_dim : int, default=10
        Dimension of the strong view.
    shared_dim : int, default=5
        Dimension of the subspace they share.
    signal : array-like of shape (3,), default=(0, 1, 0)
        Variance of the target in weak-only, shared and strong-only directions.
    noise : float, default=0.5
        Standard deviation :math:`\sigma` of what no view sees.
    world : Bunch, default=None
        The `world` of an earlier draw: same target and directions, new rows.
    return_tuple : bool, default=False
        Return ``(X, y)`` instead of a Bunch.
    random_state : int, RandomState instance or None, default=None
        Pass an int for the same rows at every call.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        As :func:`make_shared_subspace_regression`, with

        y : ndarray of shape (n_samples,), int64
            Classes 0 and 1.
        y_clean : ndarray of shape (n_samples,), int64
            Classes without noise.
        weak_accuracy, strong_accuracy : float
            Accuracies of the best classifier on each view.

    (X, y) : tuple, with ``return_tuple=True``
        The two first attributes.

    Raises
    ------
    ValueError
        As :func:`make_shared_subspace_regression`, and if all rows drawn are of one
        class (a matter of chance when there are few).

    See Also
    --------
    make_shared_subspace_regression : The target itself.

    References
    ----------
    .. [1] Y. Dong, Y. Li, Y. Li, J. D. Lee, Q. Lei, "Discrepancies are Virtue:
       Weak-to-Strong Generalization through Lens of Intrinsic Dimension", 2025,
       arXiv:2502.05075.

    Examples
    --------
    >>> from overlapkit.datasets import make_shared_subspace_classification
    >>> data = make_shared_subspace_classification(
    ...     signal=(0, 1, 1), noise=0, random_state=0
    ... )
    >>> data.X.shape, data.weak_accuracy, data.strong_accuracy
    ((200, 30), 0.75, 1.0)
    """
    rng = check_random_state(random_state)
    world = _world_of(world, weak_dim, strong_dim, shared_dim, signal, noise, rng)
    X, target, noisy = _draw(n_samples, world, rng)
    y = (noisy > 0).astype(np.int64)
    if len(np.unique(y)) < 2:
        raise ValueError(
            f"all {n_samples} rows drawn are of class {y[0]}: ask for more rows, or "
            "use another random_state"
        )
    if return_tuple:
        return X, y
    weak_only, shared, strong_only = world.signal
    variance = world.signal.sum() + world.noise**2
    accuracies = [
        1 - np.arccos(np.sqrt(min(1.0, seen / variance))) / np.pi
        for seen in (weak_only + shared, shared + strong_only)
    ]
    return _bunch(
        X,
        y,
        target,
        world,
        y_clean=(target > 0).astype(np.int64),
        weak_accuracy=float(accuracies[0]),
        strong_accuracy=float(accuracies[1]),
    )
