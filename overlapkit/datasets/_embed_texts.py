"""Features of texts by a sentence-transformers model."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from overlapkit._utils.checks import plain
from overlapkit._utils.sklearn_compat import HasMethods, Interval, validate_params

__all__ = ["embed_texts"]


@validate_params(
    {
        "texts": ["array-like"],
        "model": [str, HasMethods(["encode"])],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def embed_texts(
    texts: Sequence[str], model: Any, *, batch_size: int = 32
) -> np.ndarray:
    """Turn texts into features with a sentence-transformers model.

    A strong view needs features, and the JSON form of WRENCH has texts only. Any model
    with a method ``encode`` serves; a small one runs on a CPU.

    Parameters
    ----------
    texts : sequence of str of length n_samples
        The texts.
    model : str or object with a method `encode`
        Name or folder of a model, which needs the package `sentence-transformers`; or
        an object whose ``encode(texts, batch_size=..., convert_to_numpy=True,
        show_progress_bar=False)`` gives a row for each text, such as a
        ``sentence_transformers.SentenceTransformer``.
    batch_size : int, default=32
        Texts encoded at once.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features), float32
        The features, not scaled. A model that gives float64 keeps it.

    Raises
    ------
    ImportError
        If `model` is a name and `sentence-transformers` is not installed.
    ValueError
        If there is no text, or the model does not give one row of finite numbers for
        each text.
    TypeError
        If `texts` is no sequence, or an element of it is not a text.

    See Also
    --------
    fetch_wrench : Data sets with texts.
    stack_views : Puts two views into one X.

    Notes
    -----
    A model's name may be downloaded by `sentence-transformers`; the package is not an
    extra of this one, because its dependencies are large.

    Examples
    --------
    >>> import numpy as np
    >>> from overlapkit.datasets import embed_texts
    >>> class Lengths:
    ...     def encode(self, texts, **options):
    ...         return np.array([[len(t), t.count(" ")] for t in texts], np.float32)
    >>> embed_texts(["win a prize", "hello"], Lengths())
    array([[11.,  2.],
           [ 5.,  0.]], dtype=float32)
    """
    texts = list(texts)
    if not texts:
        raise ValueError("texts is empty, expected at least one text")
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"texts[{row}] is {plain(text)}, expected a text (str)")
    if isinstance(model, str):
        model = _named(model)
    X = model.encode(
        texts, batch_size=batch_size, convert_to_numpy=True, show_progress_bar=False
    )
    X = np.asarray(X)
    if X.dtype.kind not in "fiu" or X.ndim != 2 or len(X) != len(texts):
        raise ValueError(
            f"model gave an array of dtype {X.dtype} and shape {X.shape}, expected "
            f"numbers of shape ({len(texts)}, n_features)"
        )
    # half precision and integers become float32, as elsewhere in the package
    X = X.astype(X.dtype if X.dtype == np.float64 else np.float32, copy=False)
    bad = np.flatnonzero(~np.isfinite(X).all(axis=1))
    if len(bad):
        raise ValueError(
            f"model gave NaN or infinity for {len(bad)} text(s), first texts[{bad[0]}]"
        )
    return X


def _named(name):
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise ImportError(
            f"model={name!r} is a name, which needs sentence-transformers: pip install "
            "sentence-transformers, or give an object with a method encode."
        ) from error
    return SentenceTransformer(name)
