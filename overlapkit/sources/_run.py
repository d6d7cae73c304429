"""A run of source selection: one code path for pool and live mode."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils import Bunch

from overlapkit._utils.labels import is_missing, known_labels, same_marker
from overlapkit._utils.progress import fit_task
from overlapkit._utils.sklearn_compat import _num_samples, _safe_indexing
from overlapkit.exceptions import (
    ShortBatchWarning,
    SourceExhaustedWarning,
    WeakLabelWarning,
)
from overlapkit.scorers._overlap_detector import OverlapDetector
from overlapkit.sources._checks import (
    check_class_floor,
    check_names,
    check_one_kind,
    check_relations,
    check_y,
    labels_of,
    new_ledger,
    plain,
)
from overlapkit.sources._reading import (
    can_learn,
    check_stackable,
    fit_detector,
    frozen_weak_model,
    part,
    read,
    stack,
    value,
)
from overlapkit.sources._rewards import OverlapDensity
from overlapkit.students._weak_to_strong import WeakToStrongClassifier
from overlapkit.weak._model import align_columns
from overlapkit.weak._views import (
    check_features,
    check_strong,
    resolve_columns,
    select_columns,
)

__all__ = ["SourceRun"]


class SourceRun:
    """Rounds, batches and students of :class:`~overlapkit.UCBSourceSelector`."""

    # -- start -----------------------------------------------------------------------
    def _begin(self, names, batch_size, reference):
        """Forget an earlier run; fit the detector if there is a reference."""
        for name in ("estimator_", "collected_indices_"):
            if name in vars(self):
                delattr(self, name)
        # where next_source_ was asked before the first batch, a seed is drawn already
        state = vars(self).pop("_first_seed", None)
        if self.random_state is not None:
            state = self.random_state
        self._seed, ledger = new_ledger(self, names, batch_size, state)
        self.batch_size_ = batch_size
        self._batches, self._refit = [], {int(t) for t in self.refit_rounds}
        self._reward = OverlapDensity() if self.reward is None else self.reward
        self.detector_, self._memory, self._reference = None, None, None
        self.classes_ = None
        if isinstance(reference, tuple):
            if len(reference) != 2:
                raise ValueError(
                    f"reference is a tuple of {len(reference)}, expected (X, y)."
                )
            X, y = reference
            X = check_features(self, X, reset="n_features_in_" not in vars(self))
            self._reference = X, check_y(X, y, self._marker())
            detector = self._base_detector()
            rows = fit_detector(detector, *self._reference)
            check_class_floor(self, detector.classes_)
            weak = rows.weak
            self._reference_weak = weak.proba, weak.classes, weak.covered
            self._memory = self._reward.start(rows)
            self.detector_ = detector
            self._add_classes(detector.classes_)
            ledger.reread([], detector.classes_)
        self._ledger = ledger
        ledger.choose(ready=self.detector_ is not None)

    def _names_of(self, sources):
        """Names of the sources in a pool, in their order."""
        check_names(plain(pd.unique(sources)))
        found = np.unique(sources).tolist()
        if self.source_names is None:
            return found
        names = plain(self.source_names)
        unknown = sorted(set(found) - set(names), key=str)
        if unknown:
            raise ValueError(
                f"sources holds {unknown}, which source_names={names} does not."
            )
        return names

    def _base_detector(self):
        """The detector to fit, with what it leaves open taken from here."""
        detector = OverlapDetector()
        if self.detector is not None:
            detector = clone(self.detector)
        own = {
            "missing_label": self._marker(),
            "n_jobs": self.n_jobs,
            "random_state": self._seed,
        }
        unset = {k: v for k, v in own.items() if getattr(detector, k) is None}
        return detector.set_params(**unset)

    def _marker(self):
        """What stands for an unknown label, wherever it was said."""
        owners = {"": self, "detector.": self.detector}
        if isinstance(self.estimator, WeakToStrongClassifier):
            owners["estimator."] = self.estimator
        said = {
            f"{owner}missing_label": part.missing_label
            for owner, part in owners.items()
            if part is not None and part.missing_label is not None
        }
        markers = list(said.values())
        if not all(same_marker(markers[0], other) for other in markers[1:]):
            raise ValueError(f"Different labels stand for an unknown one: {said}.")
        return markers[0] if markers else None

    # -- pool mode -------------------------------------------------------------------
    def _set_labeled_aside(self, X, y):
        """Numbers of the other rows, and the labelled rows as a reference."""
        known = np.zeros(_num_samples(X), dtype=bool)
        if y is not None:
            known = ~is_missing(y, self._marker())
        if known.all() or not known.any():
            raise ValueError(
                f"reference='labeled' sets the labelled rows aside, and {known.sum()} "
                f"of {len(known)} rows are labelled: there must be some of either "
                "kind. Is missing_label set?"
            )
        self.reference_indices_ = np.flatnonzero(known)
        reference = _safe_indexing(X, self.reference_indices_), y[known]
        return np.flatnonzero(~known), reference

    def _play_pool(self, X, y, piles, context):
        """Draw from `piles`, row numbers per source, until the rounds are over."""
        ledger, size, taken = self._ledger, self.batch_size_, []
        while ledger.next is not None:
            k = ledger.next
            draw, piles[k] = piles[k][:size], piles[k][size:]
            if len(draw) == 0:
                self._retire(k, silent=len(piles) == 1)
                continue
            batch = _safe_indexing(X, draw), None if y is None else y[draw]
            if len(draw) < size and len(piles) > 1:
                self._warn_short(k, len(draw))
            with fit_task(context, self, "round"):
                self._receive(*batch, k)
            taken.append(draw)
        if not taken:
            raise ValueError(
                f"No batch was drawn: budget={self.budget} does not buy {size} rows of "
                "any source."
            )
        self.collected_indices_ = np.concatenate(taken)
        if self.detector_ is None:
            self._install(self._fit_detector(self._batches))
        with fit_task(context, self, "train the student"):
            self._train()

    # -- live mode -------------------------------------------------------------------
    def _take_batch(self, X, y, sources, classes):
        if "_ledger" not in vars(self):
            names = [] if self.source_names is None else plain(self.source_names)
            self._begin(names, self.batch_size, self.reference)
        ledger = self._ledger
        n_rows = _num_samples(X)
        name = self._name_of(sources, n_rows)
        k = ledger.names.index(name) if name in ledger.names else None
        if n_rows == 0:
            if k is not None:
                self._retire(k)
            return
        # what a refused first batch looked like must not bind the next one
        fresh = not self._batches and self._reference is None
        X = check_features(self, X, reset=fresh)
        y = self._like_before(check_y(X, y, self._marker()), n_rows)
        known = known_labels(y, self._marker(), n_rows)[1]
        check_one_kind([self.classes_, classes, known])
        if self.batch_size_ is not None and n_rows < self.batch_size_:
            self._warn_short(name, n_rows, named=True)
        self._receive(X, y, k, name)
        # rows of a pool have numbers in it; those of a batch have none
        vars(self).pop("collected_indices_", None)
        self._add_classes(classes)
        self._add_classes(known)
        due = self.train_every is not None and ledger.t % self.train_every == 0
        if due or ledger.next is None:
            self._train_after_batch()

    def _train_after_batch(self):
        """Train the student; too few rows or classes are no error but in the end."""
        vars(self).pop("estimator_", None)
        try:
            self._train()
        except Exception as error:
            # the batch is paid for and entered: sending it again would count twice
            error.add_note("The batch is kept, in `collected_`: do not send it again.")
            if self._ledger.next is None or not isinstance(error, ValueError):
                raise
            warnings.warn(
                f"The student could not be trained after round {self._ledger.t}; its "
                f"batch is kept. {error}",
                WeakLabelWarning,
                stacklevel=5,
            )

    def _name_of(self, sources, n_rows):
        """The one source a batch came from."""
        ledger = self._ledger
        if sources is None:
            if ledger.next is not None:
                return ledger.names[ledger.next]
            if len(ledger.names) <= 1:
                return ledger.names[0] if ledger.names else 0
            raise ValueError(
                "No source was asked: the rounds or the budget are used up, or all "
                "sources are dry. Say where this batch came from: sources=..."
            )
        if np.ndim(sources) == 0:
            names = plain([sources])
        else:
            names = list(dict.fromkeys(plain(sources)))
            if len(sources) != n_rows:
                raise ValueError(
                    f"sources has {len(sources)} entries for {n_rows} rows."
                )
        check_names(names)
        if len(names) != 1:
            raise ValueError(
                f"A batch comes from one source, got {names}; send one batch per "
                "source. For rows of many sources that are there already, use fit."
            )
        if self.source_names is not None and names[0] not in ledger.names:
            raise ValueError(
                f"Source {names[0]!r} is not in source_names={ledger.names}."
            )
        if names[0] not in ledger.names:
            check_names([*ledger.names, *names])
            check_relations(self, len(ledger.names) + 1)
        return names[0]

    def _like_before(self, y, n_rows):
        """Labels of a batch in the form of those of earlier batches."""
        if y is None and self._marker() is not None:
            y = np.full(n_rows, self._marker())
        if self._batches and (y is None) != (self._batches[0][1] is None):
            raise ValueError(
                "Batches either all come with labels or all without; for rows without "
                "a label among others, set missing_label."
            )
        return y

    # -- a round ---------------------------------------------------------------------
    def _receive(self, X, y, k, name=None):
        """Read a batch of source `k` (None: a new one), enter it, choose the next."""
        # first all that can fail, then all that changes the state
        batches = [*self._batches, (X, y)]
        detector = self._base_detector()
        if detector.representation is None:
            columns = resolve_columns(X, detector.strong_columns, name="strong_columns")
            check_strong(select_columns(X, columns))
        if self._batches:
            check_stackable(self._batches[0][0], X)
        fitted = reading = None
        memory = self._memory
        if self.detector_ is None:
            if self._reference_complete(batches, k):
                fitted = self._fit_detector(batches)
        elif len(batches) in self._refit:
            fitted = self._fit_detector(batches)
        else:
            batch = read(self.detector_, X, y, self._marker())
            reading, memory = value(self._reward, batch, memory)
        ledger = self._ledger
        if k is None:
            k = ledger.add(name)
        self._batches, self._memory = batches, memory
        ledger.dry[k] = False
        ledger.record(k, len(X), reading)
        if fitted is not None:
            self._install(fitted)
        ledger.choose(ready=self.detector_ is not None)

    def _reference_complete(self, batches, k):
        ledger = self._ledger
        asked = (ledger.rounds > 0) | ledger.dry
        asked[k if k is not None else slice(0)] = True
        rounds = min(self.n_reference_rounds, self.n_rounds)
        y = labels_of(batches)
        return (
            asked.all()
            and len(batches) >= rounds
            and can_learn(self._base_detector().weak_estimator, y, self._marker())
        )

    def _fit_detector(self, batches):
        """Fit the detector on all batches and read them; nothing is changed yet."""
        detector = self._base_detector()
        if self._reference is not None:
            detector = frozen_weak_model(detector, self.detector_)
        rows = fit_detector(
            detector, stack([X for X, _ in batches]), labels_of(batches)
        )
        check_class_floor(self, detector.classes_)
        start = rows
        if self._reference is not None:
            start = read(detector, *self._reference, self._marker())
            # its weak labels are out of fold; the frozen model was fitted on its rows
            proba, classes, covered = self._reference_weak
            proba = align_columns(proba, classes, start.weak.classes)
            weak = replace(start.weak, proba=proba, covered=covered)
            start = replace(start, weak=weak)
            rows = replace(rows, rows=None)  # the reward starts on other rows
        memory = self._reward.start(start)
        readings, stop = [], 0
        for X, _ in batches:
            begin, stop = stop, stop + len(X)
            reading, memory = value(self._reward, part(rows, begin, stop), memory)
            readings.append(reading)
        return detector, memory, readings

    def _install(self, fitted):
        self.detector_, self._memory, readings = fitted
        self._ledger.reread(readings, self.detector_.classes_)

    def _retire(self, k, silent=False):
        ledger = self._ledger
        ledger.dry[k] = True
        if not silent:
            left = [n for n, dry in zip(ledger.names, ledger.dry) if not dry]
            warnings.warn(
                f"Source {ledger.names[k]!r} has run dry after {ledger.n_rows[k]:.0f} "
                f"rows, {ledger.t} of {ledger.n_rounds} rounds played; left: {left}.",
                SourceExhaustedWarning,
                stacklevel=5,
            )
        ledger.choose(ready=self.detector_ is not None)

    def _warn_short(self, source, n_rows, named=False):
        name = source if named else self._ledger.names[source]
        warnings.warn(
            f"Source {name!r} returned {n_rows} rows, {self.batch_size_} were asked "
            "for. They are kept, and the round counts.",
            ShortBatchWarning,
            stacklevel=5,
        )

    # -- what there is to see --------------------------------------------------------
    def _of_run(self, name):
        if "_ledger" not in vars(self):
            raise AttributeError(f"{name} is there once a batch has been taken in.")
        return self._ledger

    @property
    def sources_(self) -> list:
        """Names of the sources."""
        return list(self._of_run("sources_").names)

    @property
    def history_(self):
        """A row per round."""
        ledger = self._of_run("history_")
        densities = self.densities
        if densities is not None:
            densities = np.asarray(densities, dtype=np.float64)
        return ledger.history(densities)

    @property
    def collected_(self):
        """All rows collected."""
        ledger = self._of_run("collected_")
        if not self._batches:
            raise AttributeError("collected_ is there once a batch has been taken in.")
        names = _as_array([ledger.names[k] for k in ledger.sources])
        return Bunch(
            X=stack([X for X, _ in self._batches]),
            y=labels_of(self._batches),
            source=np.repeat(names, ledger.rows),
            round=np.repeat(np.arange(1, ledger.t + 1), ledger.rows),
            overlap=None if self.detector_ is None else self._overlap(),
        )


def _as_array(names):
    """Names in an array that does not turn numbers into strings."""
    if len({isinstance(name, str) for name in names}) > 1:
        return np.array(names, dtype=object)
    return np.array(names)
