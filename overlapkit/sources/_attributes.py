"""What a selector tells of its run, and how a run is saved."""

import numpy as np

from overlapkit._utils.sklearn_compat import _safe_indexing
from overlapkit.sources._checks import check_y
from overlapkit.sources._rewards import OverlapDensity
from overlapkit.sources._saved import loaded_state, saved_state
from overlapkit.weak._views import check_features

__all__ = ["RunAttributesMixin"]


class RunAttributesMixin:
    """Attributes of a run in progress, and its state without pickle."""

    def _begun(self, name):
        if "_batches" not in vars(self):
            raise AttributeError(f"{name} is defined once a batch was taken.")
        return self._run

    def _steered(self, name):
        """The run under the rules of now, whatever else was changed."""
        run = self._begun(name)
        size = self._pool_size if self.batch_size is None else self.batch_size
        rules = self._rules(size)
        return run if rules == run.rules else run.with_rules(rules)

    @property
    def next_source_(self):
        """Name of the source to query next, or None."""
        if "_run" not in vars(self) and self.source_names is None:
            raise AttributeError(
                "Before the first batch, next_source_ needs source_names."
            )
        return self._current_run().next

    @property
    def next_rows_(self):
        """Number of rows to ask the next source for, or None."""
        if "_run" not in vars(self) and self.source_names is None:
            raise AttributeError(
                "Before the first batch, next_rows_ needs source_names."
            )
        return self._current_run().next_rows

    @property
    def sources_(self):
        """Names of the sources."""
        return list(self._steered("sources_").names)

    @property
    def sources_frame_(self):
        """One line per source."""
        return self._steered("sources_frame_").sources_frame

    @property
    def history_(self):
        """One line per round."""
        return self._steered("history_").history

    @property
    def batch_size_(self):
        """Number of rows a source is asked for, or None."""
        return self._begun("batch_size_").rules.batch_size

    @property
    def collected_(self):
        """All rows collected."""
        run, batches = self._begun("collected_"), self._batches
        if not len(batches):
            raise AttributeError("collected_ is defined once a batch was taken.")
        overlap = None if self.detector_ is None else run.overlap
        return batches.table([run.names[k] for k in run.sources], overlap)

    def to_dict(self):
        """Return the state of the run without code, for a file of JSON and arrays.

        The state holds what was collected, measured and decided, and the state of the
        random generator. Detector and student are not in it: :meth:`from_dict` fits
        them again, from the same rows and seed. Nothing in it needs pickle.

        Returns
        -------
        state : dict
            JSON-able (numbers, texts, lists, None), but for the value of ``"arrays"``,
            a dict from name to an array that ``numpy.savez`` stores without pickle.
            ``state["version"]`` is the version of this layout.

        Raises
        ------
        ValueError
            If a source, class or row is no number or text, or the reference is that of
            a pool (``reference="labeled"``).
        """
        if isinstance(self.reference, str) and self.reference == "labeled":
            raise ValueError(
                "to_dict does not hold the reference of a pool. Give the labelled rows "
                "themselves, reference=(X, y), or save the estimator with joblib."
            )
        run = self._begun("to_dict")
        return saved_state(
            run,
            self._batches,
            self._reader,
            seed=self._seed,
            params=self._state_params(),
            pool_size=self._pool_size,
            trained_batches=vars(self).get("_trained_batches"),
            classes=self.classes_,
            collected_indices=vars(self).get("collected_indices_"),
        )

    def from_dict(self, state):
        """Continue the run of a saved state; the parameters are those of this object.

        An earlier run of this object is forgotten. The next decisions are those that
        the saved run would have made.

        Parameters
        ----------
        state : dict
            As :meth:`to_dict` returns it, ``"arrays"`` included.

        Returns
        -------
        self : object
            The selector, as it was after the last batch.

        Raises
        ------
        ValueError
            If this is no such state, it has another version, or parameters differ
            that its rounds depend on.
        """
        self._validate_params()
        reward = OverlapDensity() if self.reward is None else self.reward
        saved = loaded_state(
            state,
            rules=self._rules(self.batch_size),
            reward=reward,
            params=self._state_params(),
        )
        self._seed, self._pool_size = saved.seed, saved.pool_size
        if len(saved.batches):
            check_features(self, saved.batches.X, reset=True)
        self._begin(saved.run, self.reference)
        self._run, self._batches = saved.run, saved.batches
        self.classes_ = saved.classes
        fitted = saved.fitted_batches
        if fitted:
            self._reader = self._fit_reader(saved.batches.first(fitted))[1]
        if fitted is not None:
            self._read_again(fitted)
        self.detector_ = self._reader.detector
        if saved.collected_indices is not None:
            self.collected_indices_ = saved.collected_indices
        if saved.trained_batches:
            self._train(saved.trained_batches)
            self.classes_ = saved.classes
        return self

    def _read_again(self, start):
        """Bring the state of the reward up to the last batch, from batch `start` on."""
        X, y = self._batches.X, self._batches.y
        for first, last in self._batches.spans()[start:]:
            rows = np.arange(first, last)
            labels = None if y is None else y[rows]
            batch = _safe_indexing(X, rows)
            _, known = check_y(batch, labels, self._unknown_label())
            self._reader = self._reader.read(batch, known)[1]

    def _state_params(self):
        """Parameters that a state depends on, but for those it holds itself."""
        params = self._fixed_params()
        own = {"random_state", "source_names"}
        return {k: v for k, v in params.items() if k.split("__")[0] not in own}
