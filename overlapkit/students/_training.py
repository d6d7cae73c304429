"""Fitting the strong model on weakly labelled rows."""

from typing import Any

import numpy as np
from joblib import effective_n_jobs

from overlapkit._utils.sklearn_compat import _routing_enabled, _safe_indexing
from overlapkit.weak._wrapped import takes_weights, weight_params

__all__ = ["StrongTrainer", "default_strong_estimator"]


def default_strong_estimator(n_jobs=None, random_state=None) -> Any:
    """LightGBM that says nothing and repeats itself."""
    # imported late: LightGBM brings in half of scikit-learn
    from lightgbm import LGBMClassifier

    model = LGBMClassifier(
        verbosity=-1,
        # it takes every core unless told; here None means one, as elsewhere
        n_jobs=effective_n_jobs(n_jobs),
        random_state=random_state,
        deterministic=True,
    )
    # nobody else could ask for the weights of a model that nobody passed
    return model.set_fit_request(sample_weight=True) if _routing_enabled() else model


class StrongTrainer:
    """Fits the strong estimator on some rows; shared by `fit` and the rule choice."""

    def __init__(self, owner, strong, weak, fit_params) -> None:
        self.owner, self.strong, self.weak = owner, strong, weak
        self.fit_params = fit_params

    def check_two_classes(self, known) -> None:
        """Raise unless weak labels that count are of two classes at least."""
        weight = self._row_weight(known if self.owner.include_labeled else None)
        given = self.fit_params.get("sample_weight")
        if given is not None:
            weight = weight * np.asarray(given)
        present = np.unique(self.weak.codes[weight > 0])
        if len(present) < 2:
            names = self.weak.classes[present].tolist()
            some = " with a weight above 0 (sample_weight, confidence)"
            raise ValueError(
                "The strong model cannot learn: the weak labels hold one class only "
                f"({names}) in all rows{'' if weight.all() else some}."
            )

    def _row_weight(self, known) -> np.ndarray:
        """Weight of each row's label; `known` rows, if any are, have a sure one."""
        if self.owner.label_use != "weighted":
            return np.ones(len(self.weak.codes))
        confidence = self.weak.confidence()
        return confidence if known is None else np.where(known, 1.0, confidence)

    def __call__(self, keep, y=None, known=None) -> Any:
        """Fit on the rows of `keep`; labels of `known` rows from `y` where given."""
        rows = np.flatnonzero(keep)
        weak = self.weak
        proba = weak.proba[rows]
        codes = weak.codes[rows]
        weight = self._row_weight(None if y is None else known)[rows]
        if y is not None:
            true = known[rows]
            codes = codes.copy()
            codes[true] = np.searchsorted(weak.classes, y[rows[true]])
            proba = np.where(true[:, None], np.eye(len(weak.classes))[codes], proba)
        if self.owner.label_use == "soft":
            position, codes = np.nonzero(proba > 0)
            weight, rows = proba[position, codes], rows[position]
        return self._fit(rows, codes, weight)

    def _fit(self, rows, codes, weight):
        owner = self.owner
        estimator = owner._strong_estimator()
        params = {
            name: values if np.isscalar(values) else _safe_indexing(values, rows)
            for name, values in self.fit_params.items()
        }
        given = params.pop("sample_weight", None)
        if owner.label_use != "hard":
            if not takes_weights(estimator):
                raise ValueError(
                    f"label_use={owner.label_use!r} needs a strong estimator whose fit "
                    f"takes sample_weight; {type(estimator).__name__} does not."
                )
            given = weight if given is None else weight * given
        if given is not None:
            params.update(weight_params(estimator, given))
        view = _safe_indexing(self.strong, rows)
        if getattr(view, "dtype", None) == np.float16:
            view = view.astype(np.float32)  # few estimators take half precision
        return estimator.fit(view, self.weak.classes[codes], **params)
