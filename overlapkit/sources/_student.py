"""The student of a run and what it is trained on."""

import numpy as np
from sklearn.base import clone

from overlapkit.sources._checks import check_one_kind, labels_of
from overlapkit.sources._reading import GivenRows, frozen_weak_model, stack
from overlapkit.students._prediction import StudentMixin
from overlapkit.students._weak_to_strong import WeakToStrongClassifier

__all__ = ["SourceStudent"]


class SourceStudent(StudentMixin):
    """Training of the student of :class:`~overlapkit.UCBSourceSelector`."""

    def _train(self):
        """Train the student on what was collected."""
        X, y = stack([X for X, _ in self._batches]), labels_of(self._batches)
        detector = self._base_detector()
        if self._reference is not None:
            detector = frozen_weak_model(detector, self.detector_)
        if isinstance(self.estimator, WeakToStrongClassifier):
            student = clone(self.estimator)
        else:
            student = WeakToStrongClassifier(self.estimator, cv=detector.cv)
        names = ("weak_estimator", "strong_columns", "weak_columns", "missing_label")
        for name in (*names, "n_jobs", "random_state"):
            if getattr(student, name) is None:
                student.set_params(**{name: getattr(detector, name)})
        if self.train_on == "overlap" and self.detector_ is not None:
            student.set_params(selector=GivenRows(self._overlap()))
        self.estimator_ = student.fit(X, y)
        self._add_classes(student.classes_)

    def _overlap(self):
        return np.concatenate([r.overlap for r in self._ledger.readings])

    def _add_classes(self, classes):
        if classes is None or len(classes) == 0:
            return
        check_one_kind([self.classes_, classes])
        old = [] if self.classes_ is None else [self.classes_]
        self.classes_ = np.unique(np.concatenate([*old, np.asarray(classes)]))
