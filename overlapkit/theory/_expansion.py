"""Neighbourhoods, robustness and expansion, measured on finite data."""

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike
from sklearn.neighbors import VALID_METRICS, kneighbors_graph, radius_neighbors_graph

from overlapkit._utils.checks import check_array, check_consistent_length, refuse_masked
from overlapkit._utils.sklearn_compat import Interval, validate_params
from overlapkit._utils.threads import N_JOBS


@validate_params(
    {
        "X": ["array-like", "sparse matrix"],
        "radius": [None, Interval(Real, 0, None, closed="left")],
        "n_neighbors": [None, Interval(Integral, 1, None, closed="left")],
        "metric": [str, callable],
        "n_jobs": N_JOBS,
    },
    prefer_skip_nested_validation=True,
)
def neighborhood_graph(
    X: ArrayLike | sp.sparray | sp.spmatrix,
    *,
    radius: float | None = None,
    n_neighbors: int | None = None,
    metric: str | Callable[..., float] = "euclidean",
    n_jobs: int | None = None,
) -> sp.csr_array:
    r"""Link rows that a robust classifier should treat alike.

    .. math::

        N(x) = \{x' : d(x, x') \le \mathrm{radius}\} \quad \text{or} \quad
        N(x) = \{x' : x' \in \mathrm{kNN}(x) \text{ or } x \in \mathrm{kNN}(x')\}

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Representation of the rows, as a rule that of the strong model.
    radius : float, default=None
        Largest distance of a neighbour, in units of `metric`.
    n_neighbors : int, default=None
        Number of nearest neighbours; the graph is then made symmetric by keeping a
        link that either end has. Give this or `radius`.
    metric : str or callable, default="euclidean"
        Distance, as in :class:`sklearn.neighbors.NearestNeighbors`.
    n_jobs : int, default=None
        Number of jobs of the neighbour search.

    Returns
    -------
    scipy.sparse.csr_array of bool, shape (n_samples, n_samples)
        Symmetric; the neighbours of a row are the columns stored in it. A row is not
        stored as its own neighbour.

    Raises
    ------
    ValueError
        If both or neither of `radius` and `n_neighbors` are given.

    See Also
    --------
    robust_mask : Rows whose neighbours all get the same answer.
    estimate_expansion : How far sets of rows reach in the graph.

    Notes
    -----
    The statements on expansion take N as given and hold for every N. Small
    neighbourhoods make more rows robust and expand less, large ones the other way
    round.

    Examples
    --------
    >>> from overlapkit.theory import neighborhood_graph
    >>> neighborhood_graph([[0.0], [1.0], [3.0]], radius=1.5).toarray().astype(int)
    array([[0, 1, 0],
           [1, 0, 0],
           [0, 0, 0]])
    >>> neighborhood_graph([[0.0], [1.0], [3.0]], n_neighbors=1).toarray().astype(int)
    array([[0, 1, 0],
           [1, 0, 1],
           [0, 1, 0]])
    """
    if (radius is None) == (n_neighbors is None):
        raise ValueError(
            f"Give exactly one of radius (got {radius!r}) and n_neighbors (got "
            f"{n_neighbors!r})."
        )
    X = check_array(X, accept_sparse="csr", input_name="X")
    if isinstance(metric, str) and metric not in VALID_METRICS["brute"]:
        raise ValueError(
            f"metric={metric!r} is unknown; it must be one of "
            f"{sorted(VALID_METRICS['brute'])}, or a "
            "function of two rows."
        )
    if n_neighbors is not None and n_neighbors >= X.shape[0]:
        raise ValueError(
            f"n_neighbors={n_neighbors} must be less than the number of rows of X, "
            f"{X.shape[0]}."
        )
    largest = float(abs(X).max())
    if largest > 1e150:
        raise ValueError(
            f"X holds values as large as {largest:.3g}, whose squares cannot be summed "
            "in float64; rescale its columns first."
        )
    options = {"mode": "connectivity", "metric": metric, "n_jobs": n_jobs}
    if radius is not None:
        graph = radius_neighbors_graph(X, radius, **options)
    else:
        graph = kneighbors_graph(X, n_neighbors, **options)
    graph = sp.csr_array(graph, dtype=bool)
    return sp.csr_array(graph + graph.T)


def _check_graph(graph, n_samples=None) -> sp.csr_array:
    """Return the links of a square graph as a boolean CSR array.

    Stored entries of a sparse graph are links even where they are 0: a distance of
    0 is how scikit-learn's distance graphs write a duplicate.
    """
    graph = check_array(graph, accept_sparse="csr", dtype=None, input_name="graph")
    if graph.dtype.kind not in "biuf":
        graph = check_array(graph, dtype=np.float64, input_name="graph")
    if graph.shape[0] != graph.shape[1] or n_samples not in (None, graph.shape[0]):
        expected = "square" if n_samples is None else f"{n_samples} by {n_samples}"
        raise ValueError(f"graph must be {expected}, got shape {graph.shape}.")
    if not sp.issparse(graph):
        return sp.csr_array(graph != 0)
    links = np.ones(len(graph.indices), dtype=bool)
    return sp.csr_array((links, graph.indices, graph.indptr), shape=graph.shape)


def _check_mask(mask, n_samples, name) -> np.ndarray:
    refuse_masked(mask, name)
    mask = np.asarray(mask)
    if mask.dtype != bool or mask.shape != (n_samples,):
        raise ValueError(
            f"{name} must be a boolean mask of shape ({n_samples},), got dtype "
            f"{mask.dtype} and shape {mask.shape}."
        )
    return mask


@validate_params(
    {
        "graph": ["array-like", "sparse matrix"],
        "predictions": ["array-like"],
        "eta": [Interval(Real, 0, 1, closed="both")],
    },
    prefer_skip_nested_validation=True,
)
def robust_mask(
    graph: ArrayLike | sp.sparray | sp.spmatrix,
    predictions: ArrayLike,
    *,
    eta: float = 0.0,
) -> np.ndarray:
    r"""Tell on which rows classifiers give (almost) all neighbours the same answer.

    .. math:: R_\eta(f) = \{x : P(f(x') \ne f(x) \,|\, x' \in N(x)) \le \eta\}

    The share of rows outside is ``1 - robust_mask(graph, predictions).mean()``.

    Parameters
    ----------
    graph : {array-like, sparse matrix} of shape (n_samples, n_samples)
        Neighbourhood graph. Entries stored in a sparse graph, and entries of a dense
        one that are not 0, are links.
    predictions : array-like of shape (n_samples,) or (n_classifiers, n_samples)
        Predicted labels.
    eta : float, default=0.0
        Share of the neighbours that may get another answer, in [0, 1]. The bounds of
        this package are for 0.

    Returns
    -------
    ndarray of bool, of the shape of `predictions`
        True where the classifier is robust. A row without neighbours is robust.

    Raises
    ------
    ValueError
        If the graph is not square or has another number of rows.

    See Also
    --------
    robust_sets : Robust mistakes and robust non-mistakes.

    References
    ----------
    .. [1] H. Lang, D. Sontag, A. Vijayaraghavan, "Theoretical Analysis of
       Weak-to-Strong Generalization", NeurIPS 2024.

    Examples
    --------
    A chain of four rows; the answer changes in the middle.

    >>> from overlapkit.theory import neighborhood_graph
    >>> from overlapkit.theory._expansion import robust_mask
    >>> graph = neighborhood_graph([[0], [1], [2], [3]], radius=1)
    >>> robust_mask(graph, [0, 0, 1, 1])
    array([ True, False, False,  True])
    >>> robust_mask(graph, [0, 0, 1, 1], eta=0.5)
    array([ True,  True,  True,  True])
    """
    predictions = np.asarray(predictions)
    if predictions.ndim not in (1, 2):
        raise ValueError(
            "predictions must have shape (n_samples,) or (n_classifiers, n_samples), "
            f"got {predictions.shape}."
        )
    links = _check_graph(graph, predictions.shape[-1])
    degree = np.diff(links.indptr)
    rows = np.repeat(np.arange(len(degree)), degree)
    robust = np.empty(predictions.shape, dtype=bool)
    for prediction, out in zip(np.atleast_2d(predictions), np.atleast_2d(robust)):
        differs = prediction[links.indices] != prediction[rows]
        changed = np.bincount(rows[differs], minlength=len(degree))
        out[:] = changed <= eta * degree
    return robust


def robust_sets(
    graph: ArrayLike | sp.sparray | sp.spmatrix,
    predictions: ArrayLike,
    y_true: ArrayLike,
    *,
    mistakes: bool = True,
) -> np.ndarray:
    r"""Return the rows on which classifiers are robust and wrong, or robust and right.

    .. math::

        \{x : f(x) \ne y(x)\} \cap R(f) \qquad \text{or} \qquad
        \{x : f(x) = y(x)\} \cap R(f)

    These are the sets that have to expand, one for every classifier `f`. Retrain the
    student on resampled rows, with other seeds or settings, to get more of them.

    Parameters
    ----------
    graph : {array-like, sparse matrix} of shape (n_samples, n_samples)
        Neighbourhood graph, as in :func:`robust_mask`.
    predictions : array-like of shape (n_samples,) or (n_classifiers, n_samples)
        Predicted labels.
    y_true : array-like of shape (n_samples,)
        True labels.
    mistakes : bool, default=True
        Whether to return robust mistakes (True) or robust non-mistakes (False).

    Returns
    -------
    ndarray of bool, shape (n_classifiers, n_samples)
        One set of rows per classifier.

    Raises
    ------
    ValueError
        If numbers of rows disagree.

    See Also
    --------
    estimate_expansion : Takes the sets.

    References
    ----------
    .. [1] H. Lang, D. Sontag, A. Vijayaraghavan, "Theoretical Analysis of
       Weak-to-Strong Generalization", NeurIPS 2024.

    Examples
    --------
    >>> from overlapkit.theory import neighborhood_graph
    >>> from overlapkit.theory._expansion import robust_sets
    >>> graph = neighborhood_graph([[0], [1], [2], [3]], radius=1)
    >>> robust_sets(graph, [0, 0, 1, 1], [0, 0, 0, 0])
    array([[False, False, False,  True]])
    """
    predictions = np.atleast_2d(np.asarray(predictions))
    y_true = np.asarray(y_true)
    check_consistent_length(predictions=predictions.T, y_true=y_true)
    wrong = predictions != y_true
    return (wrong if mistakes else ~wrong) & robust_mask(graph, predictions)


@dataclass(frozen=True, eq=False)
class ExpansionEstimate:
    """Measured expansion of a family of sets.

    Parameters
    ----------
    c : float
        Smallest ratio over the sets that count; infinite when none does.
    q : float
        Share of B that a set has to exceed to count.
    ratios : ndarray of shape (n_sets,)
        Ratio of each set, NaN where it does not count.

    Attributes
    ----------
    n_sets : int
        Number of sets that count.

    See Also
    --------
    estimate_expansion : Computes it.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.theory._expansion import ExpansionEstimate
    >>> ExpansionEstimate(c=0.5, q=0.0, ratios=np.array([0.5, np.nan])).n_sets
    1
    """

    c: float
    q: float
    ratios: np.ndarray

    @property
    def n_sets(self) -> int:
        """Number of sets that count."""
        return int((~np.isnan(self.ratios)).sum())


@validate_params(
    {
        "graph": ["array-like", "sparse matrix"],
        "A": ["array-like"],
        "B": ["array-like"],
        "sets": ["array-like"],
        "q": [Interval(Real, 0, 1, closed="both")],
    },
    prefer_skip_nested_validation=True,
)
def estimate_expansion(
    graph: ArrayLike | sp.sparray | sp.spmatrix,
    A: ArrayLike,
    B: ArrayLike,
    sets: ArrayLike,
    *,
    q: float = 0.0,
) -> ExpansionEstimate:
    r"""Measure how far sets of rows in B reach into A.

    A family of sets expands by (c, q) from B to A when every set of the family that
    fills more than a share `q` of B has neighbours in more than `c` times that share
    of A. The estimate is the smallest ratio over the sets given:

    .. math::

        \hat c = \min_{U :\, P(U | B) > q} \frac{P(N(U) | A)}{P(U | B)},
        \qquad N(U) = \bigcup_{x \in U} N(x),

    with shares of rows for probabilities.

    Parameters
    ----------
    graph : {array-like, sparse matrix} of shape (n_samples, n_samples)
        Neighbourhood graph. The neighbours of a row are the columns stored in it.
    A : array-like of bool, shape (n_samples,)
        Rows that are reached, say covered rows of a class with a right weak label.
    B : array-like of bool, shape (n_samples,)
        Rows that reach, say uncovered rows of the class.
    sets : array-like of bool, shape (n_sets, n_samples)
        The sets U, cut down to B. For the bounds of this package they come from
        :func:`robust_sets`.
    q : float, default=0.0
        Sets that fill no more than this share of B do not count, in [0, 1].

    Returns
    -------
    ExpansionEstimate
        `c`, `q` and the ratio of every set. When no set counts, the requirement is
        empty and `c` is infinite.

    Raises
    ------
    ValueError
        If A or B is empty or not a mask, or shapes disagree.

    See Also
    --------
    robust_sets : The sets the bounds ask for.
    coverage_expansion_bound : Takes c and q.

    Notes
    -----
    *What is estimated*: the expansion of the listed sets on the rows at hand. On
    these rows, as a distribution of their own, it is exact, except that the
    definition asks for a strict inequality: it holds for every c below the minimum,
    and the bounds are continuous in c.

    *What is not*: the minimum over all sets that the hypothesis class could make,
    which is smaller or equal, so more classifiers can only lower the estimate
    (retraining a list of them is the heuristic of [1]_); and the expansion of the
    distribution the rows were drawn from, from which both shares deviate, most for
    small sets. Choosing `q` to get a good bound also chooses which mistakes are
    ignored: a bound is never below its q.

    References
    ----------
    .. [1] H. Lang, D. Sontag, A. Vijayaraghavan, "Theoretical Analysis of
       Weak-to-Strong Generalization", NeurIPS 2024.

    Examples
    --------
    Rows 0 to 3 are A, rows 4 and 5 are B. Row 4 has two neighbours in A, row 5 one.

    >>> import numpy as np
    >>> from overlapkit.theory._expansion import estimate_expansion
    >>> graph = np.zeros((6, 6), dtype=bool)
    >>> graph[4, [0, 1]] = graph[5, 2] = True
    >>> A = np.array([1, 1, 1, 1, 0, 0], dtype=bool)
    >>> sets = np.array([[0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 1, 1]], dtype=bool)
    >>> estimate = estimate_expansion(graph | graph.T, A, ~A, sets)
    >>> estimate.ratios  # (2 / 4) / (1 / 2) and (3 / 4) / (2 / 2)
    array([1.  , 0.75])
    >>> estimate.c
    0.75
    """
    links = _check_graph(graph)
    n_samples = links.shape[0]
    A, B = _check_mask(A, n_samples, "A"), _check_mask(B, n_samples, "B")
    for name, mask in (("A", A), ("B", B)):
        if not mask.any():
            raise ValueError(f"{name} has no row: shares of it are undefined.")
    sets = np.asarray(sets)
    if sets.dtype != bool or sets.ndim != 2 or sets.shape[1] != n_samples:
        raise ValueError(
            f"sets must be boolean with shape (n_sets, {n_samples}), got dtype "
            f"{sets.dtype} and shape {sets.shape}."
        )
    inside = sets[:, B]
    size = inside.mean(axis=1)
    # int32: a sum of booleans would be a logical or only by accident of dtype.
    reach = links[B][:, A].T.astype(np.int32) @ inside.T.astype(np.int32)
    ratios = np.full(len(sets), np.nan)
    counts = size > q
    ratios[counts] = (reach[:, counts] > 0).mean(axis=0) / size[counts]
    c = float(ratios[counts].min()) if counts.any() else np.inf
    return ExpansionEstimate(c, float(q), ratios)
