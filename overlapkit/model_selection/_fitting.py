"""Fits of a report on one split: weak model, students, controls, ceiling."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from overlapkit._utils.labels import check_common_labels
from overlapkit._utils.sklearn_compat import _safe_indexing
from overlapkit.model_selection._students import fit_predict, seeded
from overlapkit.scorers._regions import REGION_NAMES
from overlapkit.students._controls import control_rows
from overlapkit.students._recipe import train_with_known
from overlapkit.students._training import default_strong_estimator
from overlapkit.weak import WeakLabeler
from overlapkit.weak._labeler import LABELER_CONSTRAINTS

__all__ = [
    "CONTROLS",
    "KNOWN_ALONE",
    "NO_WEAK",
    "RESERVED",
    "Fit",
    "describe_rows",
    "fit_split",
]

# the controls of a student's selection, each with as many rows
CONTROLS = ("random", "random non-hard", "most confident")
# the control of a student that corrects labels: the same from the known labels only
NO_WEAK = "without weak labels"
KNOWN_ALONE = "known labels alone"
RESERVED = ("weak model", "covered rows", "non-hard rows", KNOWN_ALONE, "ceiling")


class Fit(NamedTuple):
    """One model of a report on one split."""

    model: str
    n_train: int
    label_purity: float
    predicted: np.ndarray


class _Learnt:
    """A fitted student, the rows it was fitted on, and how to train others on them."""

    def __init__(self, student, X, y, X_test, seed) -> None:
        student = seeded(student, seed)
        if isinstance(student, Pipeline):
            if len(student) > 1:
                X = student[:-1].fit_transform(X, y)
                X_test = student[:-1].transform(X_test)
            student = student[-1]
        params = student.get_params(deep=False)
        self.labeler = WeakLabeler(
            **{name: params[name] for name in LABELER_CONSTRAINTS}
        )
        self.rows, self.known = self.labeler.fit_label(X, y)
        self.student = student.fit_rows(
            self.rows, known=self.known, labeler=self.labeler
        )
        self.weak_test = self.labeler.label(X_test)
        self.seed = seed
        self.predicted = self._predictions(self.student)
        self._trained = {}
        if self.corrected is None:
            self._trained[self.student.selected_.tobytes()] = self.predicted

    def _predictions(self, fitted) -> np.ndarray:
        return fitted.estimator_.predict(self.weak_test.strong)

    @property
    def include_labeled(self) -> bool:
        """Whether known labels are learnt in place of weak ones."""
        return self.student.include_labeled

    @property
    def corrected(self) -> np.ndarray | None:
        """Labels that the student learnt from, where it corrects them."""
        return getattr(self.student, "corrected_labels_", None)

    def chosen(self) -> int:
        """Number of rows that the selector chose, without those of known labels."""
        student = self.student
        chosen = student.selected_ & self.rows.covered
        support = getattr(student.selector_, "support_", None)
        if not self.include_labeled:
            return int(chosen.sum())
        if student.budget is not None:
            return max(1, round(student.budget * int(self.rows.covered.sum())))
        if support is None:
            return int((chosen & ~self.known.known).sum())
        return int((support & self.rows.covered).sum())

    def labels_learnt(self) -> np.ndarray:
        """Label that each row has for students of given rows."""
        learnt = self.rows.labels.astype(object)
        if self.include_labeled:
            learnt[self.known.rows] = self.known.labels
        return learnt

    def predict(self, keep) -> np.ndarray:
        """Predictions for the test rows by a student of the rows of `keep`."""
        if self.include_labeled:
            keep = keep | self.known.known
        key = keep.tobytes()
        if key not in self._trained:
            present = np.unique(self.labels_learnt()[keep].tolist())
            if len(present) == 1:
                predicted = np.full(len(self.weak_test), present[0])
            else:
                fitted = clone(self.student).fit_rows(
                    self.rows, known=self.known, keep=keep, labeler=self.labeler
                )
                predicted = self._predictions(fitted)
            self._trained[key] = predicted
        return self._trained[key]

    def _strong_model(self):
        if self.student.estimator is None:
            return default_strong_estimator(random_state=self.rows.seed)
        return clone(self.student.estimator)

    def predict_from(self, positions, labels) -> np.ndarray:
        """Predictions by the strong model trained on given labels of some rows."""
        return fit_predict(
            self._strong_model(),
            _safe_indexing(self.rows.strong, positions),
            labels,
            self.weak_test.strong,
        )

    def without_weak_labels(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows, labels and predictions of the same student without weak labels."""
        nowhere = np.zeros(len(self.rows), dtype=bool)
        rows = replace(self.rows, covered=nowhere, votes=None)
        made = train_with_known(self._strong_model(), rows, self.known, judge=False)
        labels = rows.classes[made.correction.codes]
        return made.selected, labels, made.estimator.predict(self.weak_test.strong)

    def controls(self, size) -> dict[str, np.ndarray]:
        """Rows of the controls of a selection of `size` rows."""
        kind = getattr(self.student.selector_, "confidence", "margin")
        return control_rows(self.rows, size, seed=self.seed, confidence=kind)


def fit_split(students, X, y, truth, X_test, y_test, seed) -> list[Fit]:
    """Predictions of every model of a report for the test rows of one split.

    Parameters
    ----------
    students : dict of str to WeakToStrongClassifier or Pipeline
        Students.
    X, y : array-like
        Rows to learn from, and labels for the weak model.
    truth : ndarray of shape (n_samples,) of object
        True labels, None where unknown: for the ceiling and the label purity.
    X_test, y_test : array-like
        Rows to test on; their labels are compared with the classes only.
    seed : int
        Of the models and controls.

    Returns
    -------
    fits : list of Fit
        In the order of the report.
    """
    has_truth = np.array([value is not None for value in truth], dtype=bool)
    fits: list[Fit] = []
    first: Any = None
    for name, student in students.items():
        learnt = _Learnt(student, X, y, X_test, seed)
        classes = learnt.rows.classes
        what = "The weak model knows the classes {first}, "
        known_truth = truth[has_truth].tolist()
        check_common_labels(classes, known_truth, what + "the true labels are {second}")
        check_common_labels(classes, y_test, what + "y_test holds {second}")

        def trained(label, keep, learnt=learnt):
            if learnt.include_labeled:
                keep = keep | learnt.known.known
            labels = learnt.labels_learnt()
            fits.append(_fit_of(label, keep, labels, truth, learnt.predict(keep)))

        if first is None:
            first, first_trained = learnt, trained
            fits.append(Fit("weak model", 0, np.nan, learnt.weak_test.labels))
        labels = learnt.corrected
        labels = learnt.labels_learnt() if labels is None else labels
        fits.append(
            _fit_of(name, learnt.student.selected_, labels, truth, learnt.predicted)
        )
        if learnt.student.selector is not None:
            masks = learnt.controls(learnt.chosen())
            for control in CONTROLS:
                trained(f"{name}, {control}", masks[control])
        if learnt.corrected is not None:
            keep, labels, predicted = learnt.without_weak_labels()
            fits.append(_fit_of(f"{name}, {NO_WEAK}", keep, labels, truth, predicted))
    masks = first.controls(1)
    first_trained("covered rows", masks["covered rows"])
    first_trained("non-hard rows", masks["non-hard rows"])
    known = first.known
    if 0 < len(known) < len(truth) and len(np.unique(known.labels)) > 1:
        labels = np.full(len(truth), None)
        labels[known.rows] = known.labels
        predicted = first.predict_from(known.rows, known.labels)
        fits.append(_fit_of(KNOWN_ALONE, known.known, labels, truth, predicted))
    if has_truth.all():
        everything = np.arange(len(truth))
        predicted = first.predict_from(everything, np.asarray(truth.tolist()))
        fits.append(Fit("ceiling", len(truth), 1.0, predicted))
    return fits


def _fit_of(name, keep, labels, truth, predicted) -> Fit:
    """A model, with the share of right labels among those it learnt from."""
    judged = keep & np.array([value is not None for value in truth], dtype=bool)
    right = labels[judged].astype(object) == truth[judged]
    purity = float(np.mean(right)) if judged.any() else np.nan
    return Fit(name, int(keep.sum()), purity, predicted)


def describe_rows(student, X, y, seed) -> pd.DataFrame:
    """What a student fitted on all rows makes of each of them.

    Parameters
    ----------
    student : WeakToStrongClassifier or Pipeline
        The student.
    X, y : array-like
        Rows to learn from, and labels for the weak model.
    seed : int
        As in `fit_split`.

    Returns
    -------
    rows : DataFrame
        ``id`` (index of a frame, else position), ``weak_label``, ``corrected_label``
        (of a student that corrects labels), ``confidence``, ``score``, ``region``,
        ``selected`` and ``why``.
    """
    learnt = _Learnt(student, X, y, _safe_indexing(X, [0]), seed)
    rows, student = learnt.rows, learnt.student
    selector, selected = student.selector_, student.selected_
    scores = getattr(selector, "scores_", None)
    regions = getattr(selector, "labels_", None)
    n = len(rows)
    names = np.full(n, "", dtype=object)
    if regions is not None:
        names = REGION_NAMES.astype(object)[regions]
    chosen = np.where(selected, "chosen by its score", "not chosen by its score")
    why = chosen.astype(object)
    if selector is None:
        why[:] = "every row with a weak label is chosen"
    if learnt.corrected is not None:
        why[selected] = "neighbours agree with the corrected label"
        why[~selected] = "too few neighbours agree with the corrected label"
    for region, text in _WHY.items():
        why[names == region] = text
        odd = (names == region) & (selected != (region == "overlap"))
        why[odd] += "; class quotas or a budget decided"
    if learnt.corrected is None:
        why[~rows.covered] = "no weak label"
    if student.include_labeled or learnt.corrected is not None:
        why[learnt.known.rows] = "its label is known"
    weak_labels = rows.labels.astype(object)
    weak_labels[~rows.covered] = None
    table = pd.DataFrame(
        {
            "id": X.index if isinstance(X, pd.DataFrame) else np.arange(n),
            "weak_label": weak_labels,
            "confidence": rows.confidence(),
            "score": np.full(n, np.nan) if scores is None else scores,
            "region": names,
            "selected": selected,
            "why": why,
        }
    )
    if learnt.corrected is not None:
        table.insert(2, "corrected_label", learnt.corrected)
    return table


_WHY = {
    "easy": "confident weak label, not similar to hard rows",
    "overlap": "confident weak label, and similar to hard rows",
    "hard": "weak label of low confidence",
}
