"""HiddenLayerRepresentation: the last hidden layer of a small network."""

import warnings
from numbers import Integral

import numpy as np
from sklearn.base import (
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.utils.validation import check_is_fitted

from overlapkit._utils.base import LinkedEstimator
from overlapkit._utils.checks import validate_data
from overlapkit._utils.labels import complete_labels
from overlapkit._utils.sklearn_compat import Interval, _fit_context

__all__ = ["HiddenLayerRepresentation"]


class HiddenLayerRepresentation(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, LinkedEstimator
):
    r"""Last hidden layer of a small network trained on the (weak) labels.

    Raw table columns have no scale in which angles mean much. A network trained on
    the weak labels has one: what its last hidden layer computes. This is the strong
    representation that the source paper's code uses on weak-supervision tables.

    With ReLU layers :math:`h_0 = x` and
    :math:`h_l = \max(0, h_{l-1} W_l + b_l)`, ``transform`` returns the last
    :math:`h_l`.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default=(32, 32, 32)
        Units of each hidden layer; the last one is the width of the result.
    max_iter : int, default=10
        Passes over the data.
    batch_size : int, default=32
        Rows per step.
    random_state : int, RandomState instance or None, default=None
        Initial weights and order of rows.

    Attributes
    ----------
    network_ : MLPClassifier
        The fitted network.
    n_iter_ : int
        Passes made over the data.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, where it has names.

    Raises
    ------
    ValueError
        If X holds missing or infinite values.

    References
    ----------
    .. [1] C. Shin, J. Cooper, F. Sala, "Weak-to-Strong Generalization Through the
       Data-Centric Lens", ICLR 2025, arXiv:2412.03881.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from overlapkit.representation import HiddenLayerRepresentation
    >>> X, y = make_classification(random_state=0)
    >>> HiddenLayerRepresentation(random_state=0).fit_transform(X, y).shape
    (100, 32)
    """

    _parameter_constraints: dict = {
        "hidden_layer_sizes": [tuple, list],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        hidden_layer_sizes=(32, 32, 32),
        *,
        max_iter=10,
        batch_size=32,
        random_state=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The strong view.
        y : array-like of shape (n_samples,)
            Labels, usually weak ones.

        Returns
        -------
        self : object
            The fitted transformer.
        """
        y = None if y is None else complete_labels(y, "y")
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32])
        network = MLPClassifier(
            self.hidden_layer_sizes,
            max_iter=self.max_iter,
            batch_size=min(self.batch_size, len(X)),
            random_state=self.random_state,
        )
        with warnings.catch_warnings():
            # few passes are the point: a memorised weak label is no representation
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.network_ = network.fit(X, y)
        self.n_iter_ = self.network_.n_iter_
        self._n_features_out = self.network_.coefs_[-1].shape[0]
        return self

    def transform(self, X):
        """Activations of the last hidden layer.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The strong view.

        Returns
        -------
        X_out : ndarray of shape (n_samples, n_units)
            Non-negative activations; a row can be all zero.
        """
        check_is_fitted(self)
        hidden = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        layers = list(zip(self.network_.coefs_, self.network_.intercepts_))
        for weights, offsets in layers[:-1]:
            hidden = np.maximum(hidden @ weights + offsets, 0)
        return hidden.astype(self.network_.coefs_[0].dtype, copy=False)

    def __sklearn_tags__(self):
        """Labels are needed; float32 in, float32 out."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
