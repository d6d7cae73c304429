"""What a selector has collected: rows, readings and decisions of one run."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from overlapkit._utils.labels import known_labels
from overlapkit._utils.sklearn_compat import _num_samples, _safe_indexing
from overlapkit.sources._batches import Batches
from overlapkit.sources._run import SourceRun
from overlapkit.sources._saved import (
    fingerprints,
    pack,
    pack_rows,
    unpack,
    unpack_rows,
)
from overlapkit.weak._rows import KnownLabels

__all__ = ["Collection"]

_FORMAT, _VERSION = "overlapkit.UCBSourceSelector", 1
_EXTRA = ("pool_size", "trained_batches", "classes", "collected_indices")
# what reading a state raises from which something was left out or changed
_DAMAGED = (KeyError, IndexError, TypeError, AttributeError, OverflowError)


@dataclass(frozen=True, eq=False)
class Collection:
    """Rows of a run with what was read of them, and the decision on the next source.

    A collection does not change: a batch gives a new one, so that a batch that is
    refused half way leaves the old one as it was.

    Parameters
    ----------
    run : SourceRun
        Counts and decisions.
    reader : Reader
        The fitted detector, and the reward with its state.
    seed : int
        Seed of decisions, detector and student.
    params : dict
        Parameters that the rounds depend on.
    asked : int or None, default=None
        Rows that a source is asked for where no batch size is given.
    batches : Batches or None, default=None
        The rows; None before the run has begun.
    """

    run: SourceRun
    reader: Any
    seed: int
    params: dict
    asked: int | None = None
    batches: Any = None

    # -- what comes in ---------------------------------------------------------------
    def begun(self, fitting, reference=None) -> "Collection":
        """Fit the detector on the reference, if there is one; no row is collected."""
        reader, run = self.reader.fresh(), self.run
        if reference is not None:
            detector = fitting.unfitted(reader, self.seed)
            reader = reader.with_reference(detector, *reference)
            run = run.with_readings([], reader.detector.classes_)
        return replace(self, run=run, reader=reader, batches=Batches())

    def with_rules(self, rules) -> "Collection":
        """Let other rules hold from the next decision on."""
        if rules == self.run.rules:
            return self
        return replace(self, run=self.run.with_rules(rules))

    def without(self, name) -> "Collection":
        """Enter that a source has no rows left."""
        return replace(self, run=self.run.without(name))

    def with_batch(self, X, y, known, name, fitting) -> "Collection":
        """Read a batch, enter it and choose the next source.

        Parameters
        ----------
        X : array or dataframe of shape (n_rows, n_features)
            The rows.
        y : ndarray of shape (n_rows,) or None
            Their labels.
        known : KnownLabels
            Those that are known.
        name : object
            The source.
        fitting : Fitting
            When and how the detector is fitted.

        Returns
        -------
        Collection
            With this batch.
        """
        run, reader = self.run, self.reader
        if reader.detector is None:
            fitting.check_readable(X)
        self.batches.check(X, y)
        batches = self.batches.with_batch(X, y)
        if self._is_fit_due(batches, name, fitting):
            detector = fitting.unfitted(reader, self.seed)
            readings, reader = reader.with_batches(detector, batches)
            run = run.with_batch_and_readings(
                name, len(X), readings, reader.detector.classes_
            )
        else:
            reading = None
            if reader.detector is not None:
                reading, reader = reader.read(X, known)
            run = run.with_batch(name, len(X), reading)
        return replace(self, run=run, reader=reader, batches=batches)

    def _is_fit_due(self, batches, name, fitting):
        """Whether the detector is to be fitted (again) after a batch."""
        if self.reader.detector is not None:
            return len(batches) in fitting.refit_rounds
        return (
            self.run.queried_all(name)
            and len(batches) >= min(fitting.first_rounds, self.run.rules.n_rounds)
            and fitting.can_learn(batches.y)
        )

    def fitted(self, fitting) -> "Collection":
        """Fit the detector on all rows, after the last round."""
        detector = fitting.unfitted(self.reader, self.seed)
        readings, reader = self.reader.with_batches(detector, self.batches)
        run = self.run.with_readings(readings, reader.detector.classes_)
        return replace(self, run=run, reader=reader)

    # -- what goes out ---------------------------------------------------------------
    @property
    def has_rows(self) -> bool:
        """Whether a batch was taken."""
        return self.batches is not None and len(self.batches) > 0

    def rows(self, n_batches=None) -> Batches:
        """Rows of all batches, or of the first ones."""
        if n_batches in (None, len(self.batches)):
            return self.batches
        return self.batches.first(n_batches)

    def table(self) -> Bunch:
        """All rows with source, round and whether each was detected as overlap."""
        run = self.run
        overlap = None if self.reader.detector is None else run.overlap
        return self.batches.table([run.names[k] for k in run.sources], overlap)

    # -- state without pickle --------------------------------------------------------
    def to_dict(
        self, *, trained_batches=None, classes=None, collected_indices=None
    ) -> dict:
        """Numbers, texts and arrays from which :meth:`from_dict` continues.

        Parameters
        ----------
        trained_batches : int, default=None
        classes, collected_indices : ndarray, default=None
            Kept as they are.

        Returns
        -------
        dict
            JSON-able, but for the values of ``"arrays"``.
        """
        lines, arrays = self.run.to_dict()
        detector = self.reader.detector
        state = {
            "format": _FORMAT,
            "version": _VERSION,
            "seed": self.seed,
            "params": fingerprints(_saved_params(self.params)),
            "fitted_batches": None if detector is None else self.reader.n_batches,
            "run": lines,
            "extra": {},
        }
        if self.has_rows:
            state["X"], values = pack_rows(self.batches.X)
            arrays.update(values)
            pack("y", self.batches.y, state, arrays)
        extra = (self.asked, trained_batches, classes, collected_indices)
        for name, value in zip(_EXTRA, extra):
            pack(name, value, state["extra"], arrays)
        return {**state, "arrays": arrays}

    @classmethod
    def from_dict(cls, state, *, rules, reader, params) -> tuple["Collection", dict]:
        """The collection of a saved state, checked against the parameters.

        Parameters
        ----------
        state : dict
            As :meth:`to_dict` gives it.
        rules : Rules
            Parameters of the next decision.
        reader : Reader
            With nothing fitted.
        params : dict
            Parameters that a run cannot change.

        Returns
        -------
        collection : Collection
            With this reader, for :meth:`read_again`.
        extra : dict
            What was kept as it was, and ``fitted_batches``.

        Raises
        ------
        ValueError
            If it is no such state, damaged, or saved with other parameters.
        """
        if not isinstance(state, dict) or state.get("format") != _FORMAT:
            raise ValueError(
                "This is no state of a UCBSourceSelector: expected the dict that its "
                "method to_dict returns."
            )
        if state.get("version") != _VERSION:
            raise ValueError(
                f"The state has version {state.get('version')!r}, this version of "
                f"overlapkit reads version {_VERSION}."
            )
        try:
            return cls._from_dict(state, rules, reader, params)
        except _DAMAGED as error:
            raise ValueError(
                f"The state is damaged ({type(error).__name__}: {error}): expected "
                "the dict that to_dict returns, with nothing left out or changed."
            ) from error

    @classmethod
    def _from_dict(cls, state, rules, reader, params):
        now, before = fingerprints(_saved_params(params)), state["params"]
        changed = sorted(k for k in {*now, *before} if now.get(k) != before.get(k))
        if changed:
            raise ValueError(
                f"{', '.join(changed)} differ from the parameters that the state was "
                "saved with, and its rounds depend on them. Use an estimator with the "
                "same parameters."
            )
        arrays, seed = state["arrays"], state["seed"]
        empty = SourceRun([], replace(rules, source_names=None, prices=None), seed)
        run = empty.with_state(state["run"], arrays, rules)
        batches = Batches()
        if "X" in state:
            X, y = unpack_rows(state["X"], arrays), unpack("y", state, arrays)
            cuts = np.cumsum(run.sizes)[:-1]
            labels: list = [None] * run.t if y is None else np.split(y, cuts)
            counts = {sum(run.sizes), _num_samples(X)}
            counts |= set() if y is None else {len(y)}
            if len(counts) > 1 or min(run.sizes, default=1) < 1:
                raise IndexError(
                    f"batches of {run.sizes[:9]} rows in {sorted(counts)} rows"
                )
            batches = Batches([X], labels, run.sizes)
        extra = {name: unpack(name, state["extra"], arrays) for name in _EXTRA}
        for name in ("classes", "collected_indices"):
            if np.ndim(extra[name]) != (extra[name] is not None):
                raise IndexError(f"{name} of shape {np.shape(extra[name])}")
        asked = extra.pop("pool_size")
        extra["fitted_batches"] = state["fitted_batches"]
        for count in (extra["fitted_batches"], extra["trained_batches"]):
            if count is not None and not 0 <= int(count) <= len(batches):
                raise IndexError(f"{count} of {len(batches)} batches")
        return cls(run, reader, seed, params, asked, batches), extra

    def read_again(self, fitting, reference, n_batches) -> "Collection":
        """Fit the detector as before saving, and read what came afterwards.

        Parameters
        ----------
        fitting : Fitting
            How the detector is fitted.
        reference : tuple (X, y) or None
            Rows that were given for the first fit.
        n_batches : int or None
            Number of batches it was fitted on; None: it was not fitted.

        Returns
        -------
        Collection
            The same rows and decisions, with a reader that continues.
        """
        reader = self.begun(fitting, reference).reader
        if n_batches:
            detector = fitting.unfitted(reader, self.seed)
            reader = reader.with_batches(detector, self.batches.first(n_batches))[1]
        if n_batches is not None and self.has_rows:
            X, y = self.batches.X, self.batches.y
            for first, last in self.batches.spans()[n_batches:]:
                batch = _safe_indexing(X, np.arange(first, last))
                labels = None if y is None else y[first:last]
                marker = fitting.missing_label
                known = KnownLabels(*known_labels(labels, marker, last - first))
                reader = reader.read(batch, known)[1]
        return replace(self, reader=reader)


def _saved_params(params) -> dict:
    """Parameters that a state depends on, but for those it holds itself."""
    own = {"random_state", "source_names"}
    return {k: v for k, v in params.items() if k.split("__")[0] not in own}
