"""A run of source selection: names and readings in, decisions out."""

import copy
import operator
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any

import numpy as np
import pandas as pd

from overlapkit.policies import SourceState, choose_source
from overlapkit.sources._checks import check_names, plain, prices_of
from overlapkit.sources._rules import (
    Reading,
    Rules,
    changes_of,
    pack_readings,
    rules_as_texts,
    unpack_readings,
)
from overlapkit.sources._totals import Totals, history_frame, per_source_frame

__all__ = ["Reading", "Rules", "SourceRun"]


@dataclass(frozen=True, eq=False)
class _Decision:
    """The next source, the index it was chosen by, and the generator afterwards."""

    source: int | None
    index: np.ndarray | None
    rng: np.random.RandomState


def _on_a_copy(method):
    """Let a method change a copy of its run, and return that."""

    @wraps(method)
    def changed(self, *args, **kwargs):
        run = copy.copy(self)
        method(run, *args, **kwargs)
        return run

    return changed


class SourceRun:
    """Counts per source, one line per round, and the decision on the next source.

    A run does not change: every method that takes something in returns a new run, so a
    batch that is refused half way leaves the old one as it was. Rows are none of its
    business; it is given readings of batches.

    Parameters
    ----------
    names : list
        Names of the sources.
    rules : Rules
        Parameters of the decisions.
    seed : int
        Seed of the decisions. The generator belongs to the run alone and is pickled
        with it, so that a saved run continues with the same decisions.
    ready : bool, default=False
        Whether batches can be read from the first round on. Before they can, sources
        are queried in turn.
    closed : bool, default=True
        Whether `names` are all sources; if not, others can join with a batch.

    Attributes
    ----------
    names : list
        Names of the sources, in the order in which they are counted.
    next : object
        Name of the source to query next; None if no further round is to be played.
    t : int
        Number of rounds played.
    spent : float
        Cost so far; the number of rows if there are no prices.
    sources, sizes, readings : list
        Position of the source, number of rows and reading (or None) of each round.
    totals : Totals
        Totals of each source.
    exhausted : ndarray of shape (n_sources,) of bool
        Sources that have no rows left.
    history : DataFrame
        One line per round, as documented in
        :class:`~overlapkit.UCBSourceSelector`.
    """

    def __init__(self, names, rules, seed, *, ready=False, closed=True):
        self.names, self.rules = list(names), rules
        self.ready, self.closed = ready, closed
        self.classes = np.empty(0)
        self.exhausted = np.zeros(len(self.names), dtype=bool)
        self.withdrawn = np.zeros(len(self.names), dtype=bool)
        self.sources, self.sizes, self.readings = [], [], []
        self._indices, self._costs = [], []
        self._events, self._told = [], rules
        self._known_prices = None, None
        self._rng = np.random.RandomState(seed)
        self._check()
        self._count_all()
        self._decide()

    def __getstate__(self):
        """Copy and pickle a run without its table, which its rounds give."""
        tables = "history", "sources_frame"
        return {k: v for k, v in vars(self).items() if k not in tables}

    def __setstate__(self, state):
        """Take lists and arrays as copies, so that a copied run shares none."""
        for name, value in state.items():
            shared = isinstance(value, list | np.ndarray | Totals)
            setattr(self, name, value.copy() if shared else value)

    # -- what is known ---------------------------------------------------------------
    @property
    def next(self) -> Any:
        """Name of the source to query next, or None."""
        k = self._decision.source
        return None if k is None else self.names[k]

    @property
    def t(self) -> int:
        """Number of rounds played."""
        return len(self.sources)

    @property
    def spent(self) -> float:
        """Cost so far."""
        return self._costs[-1] if self._costs else 0.0

    def rows_of(self, name) -> int:
        """Number of rows received from a source."""
        return int(self.totals.n_rows[self.names.index(name)])

    def queried_all(self, name) -> bool:
        """Whether every source was queried or is exhausted, once `name` was queried."""
        done = (self.totals.rounds > 0) | self.exhausted | self.withdrawn
        return all(d or n == name for d, n in zip(done, self.names))

    @property
    def overlap(self) -> np.ndarray:
        """Whether each row so far was detected as overlap."""
        return np.concatenate([reading.overlap for reading in self.readings])

    # -- what comes in ---------------------------------------------------------------
    @_on_a_copy
    def with_rules(self, rules):
        """The run under other rules, which hold from the next decision on."""
        before, self.rules = self.rules, rules
        if rules.source_names != before.source_names:
            self._steer_sources(rules.source_names)
        self._check()
        self._decide()

    @_on_a_copy
    def with_batch(self, name, n_rows, reading=None):
        """The run after a batch of `n_rows` rows of source `name`."""
        self._enter(name, n_rows)
        self.readings.append(reading)
        self.totals.add(self.sources[-1], n_rows, reading)
        self._decide()

    @_on_a_copy
    def with_readings(self, readings, classes):
        """The run once a detector was fitted (again): new readings of all batches."""
        self._read_all(readings, classes)

    @_on_a_copy
    def with_batch_and_readings(self, name, n_rows, readings, classes):
        """The run after a batch with which a detector was fitted (again).

        `readings` are those of all batches, the new one included.
        """
        self._enter(name, n_rows)
        self._read_all(readings, classes)

    @_on_a_copy
    def without(self, name):
        """The run once a source has no rows left."""
        self._rng = self._decision.rng
        self.exhausted[self.names.index(name)] = True
        self._events.append((self.t, f"{name!r} has no rows left"))
        self._decide()

    def name_of(self, sources, n_rows) -> Any:
        """Name of the one source a batch came from.

        Parameters
        ----------
        sources : object, array-like of shape (n_rows,) or None
            The name, the name for each row, or None: the source queried last.
        n_rows : int
            Number of rows of the batch.

        Returns
        -------
        object
            The name.
        """
        if sources is None:
            if self.next is not None:
                return self.next
            if len(self.names) <= 1:
                return self.names[0] if self.names else 0
            raise ValueError(
                "No source was asked for this batch: all rounds were played, the "
                "budget is used up, or no source has rows left. Give the source of "
                "the batch: sources=..."
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
                "source. To choose among rows of many sources, use fit."
            )
        if names[0] in self.names:
            if self.withdrawn[self.names.index(names[0])]:
                raise ValueError(
                    f"Source {names[0]!r} was withdrawn: source_names no longer has "
                    "it. To query it again, add it to source_names."
                )
        elif self.closed:
            raise ValueError(
                f"Source {names[0]!r} is not in source_names={self.names}."
            )
        return names[0]

    # -- inside ----------------------------------------------------------------------
    def _check(self):
        """Raise if names, prices or least shares do not suit each other."""
        check_names(self.names)
        self._prices()
        for parameter, n, what in (
            ("min_source_share", len(self.names), "sources"),
            ("min_class_share", len(self.classes), "classes"),
        ):
            share = getattr(self.rules, parameter)
            if share * n > 1 + 1e-9:
                raise ValueError(
                    f"{parameter}={share} for {n} {what}: the shares of all cannot "
                    f"exceed 1, so at most {1 / n:.4g} is possible."
                )

    def _prices(self) -> np.ndarray:
        """Price of a row of each source in the next round."""
        prices = self.rules.prices
        # ten thousand sources need not be looked up in every round
        key = prices, len(self.names), self.t if callable(prices) else None
        known, values = self._known_prices
        if known is None or known[0] is not prices or known[1:] != key[1:]:
            values = prices_of(prices, self.names, self.t + 1, self.withdrawn)
            self._known_prices = key, values
        return values

    def _changes(self) -> list:
        """Rules that are others than in the last round, as events."""
        return [(self.t, text) for text in changes_of(self._told, self.rules)]

    def _steer_sources(self, names):
        """Let new sources join, and withdraw those that are no longer named."""
        self.closed, self._known_prices = names is not None, (None, None)
        names = self.names if names is None else list(names)
        check_names(names)
        new = [name for name in names if name not in self.names]
        self.names = [*self.names, *new]
        more = np.zeros(len(new), dtype=bool)
        self.exhausted = np.append(self.exhausted, more)
        before = np.append(self.withdrawn, more)
        self.withdrawn = ~np.array([n in names for n in self.names], dtype=bool)
        for k, name in enumerate(self.names):
            if name in new:
                self._events.append((self.t, f"{name!r} added"))
            elif self.withdrawn[k] != before[k]:
                what = "withdrawn" if self.withdrawn[k] else "added again"
                self._events.append((self.t, f"{name!r} {what}"))
        if new:
            self._count_all()

    def _enter(self, name, n_rows):
        """Enter a batch that is neither read nor counted yet."""
        if name not in self.names:
            self.names.append(name)
            self.exhausted = np.append(self.exhausted, False)
            self.withdrawn = np.append(self.withdrawn, False)
            self._check()
            self._count_all()
        k = self.names.index(name)
        price = self._prices()[k]
        self._costs.append(self.spent + n_rows * price)
        self._indices.append(self._decision.index)
        self._events += self._changes()
        self._told = self.rules
        self._rng = self._decision.rng
        self.exhausted[k] = False
        self.sources.append(k)
        self.sizes.append(n_rows)

    def _read_all(self, readings, classes):
        """Replace the readings of all batches."""
        self.readings, self.classes, self.ready = list(readings), classes, True
        self._check()
        self._count_all()
        self._decide()

    def _count_all(self):
        """Totals of all rounds, after readings, names or classes changed."""
        self.totals = Totals(len(self.names), len(self.classes))
        for played in zip(self.sources, self.sizes, self.readings):
            self.totals.add(*played)

    @property
    def next_rows(self) -> int | None:
        """Number of rows to ask the next source for, or None for no limit."""
        k = self._decision.source
        if k is None:
            return None
        return self.rules.affordable_rows(self._prices()[k], self.spent)

    def _worth_it(self, prices):
        """Sources whose reward may pay their price."""
        if not self.ready:
            return np.ones(len(prices), dtype=bool)
        return self.rules.worth_it(prices, self.totals)

    def _decide(self):
        """Choose the next source.

        Draws come from a copy of the generator that replaces it when the batch is
        there, so that a decision can be made again, under other rules, and be the same
        however often it was looked at.
        """
        rules, totals = self.rules, self.totals
        rng, prices = copy.deepcopy(self._rng), self._prices()
        available = ~self.exhausted & ~self.withdrawn & self._worth_it(prices)
        available &= rules.affordable(prices, self.spent)
        source = index = None
        if self.t < rules.n_rounds and available.any():
            state = SourceState(
                totals.rewards,
                totals.n_rewards,
                totals.rounds,
                t=self.t,
                horizon=rules.n_rounds,
                available=available,
                prices=prices,
                log=totals.log if self.ready else None,
            )
            unseen = (available & (totals.rounds == 0)).any()
            lacking = None if unseen else rules.lacking(totals.class_rows)
            floor = 0.0
            if not self.ready:
                values = -totals.rounds  # in turn
            elif lacking is not None:
                values = lacking
            else:
                values = index = np.array(rules.policy.index(state, rng), dtype=float)
                floor = rules.min_source_share
            source = choose_source(values, state, rng, floor=floor)
            if index is not None:
                index = np.where(available, index, np.nan)
        self._decision = _Decision(source, index, rng)

    @cached_property
    def history(self) -> pd.DataFrame:
        """One line per round."""
        return history_frame(
            self.names,
            self.classes,
            np.array(self.sources, dtype=np.intp),
            self.sizes,
            self.totals.lines,
            indices=self._indices,
            costs=self._costs,
            events=[*self._events, *self._changes()],
        )

    @cached_property
    def sources_frame(self) -> pd.DataFrame:
        """One line per source, as documented in UCBSourceSelector."""
        prices, decided = self._prices(), self._decision
        index = decided.index
        if index is None:
            index = next((i for i in self._indices[::-1] if i is not None), [])
        state = np.full(len(self.names), "open", dtype=object)
        state[~self._worth_it(prices)] = "not worth its price"
        state[~self.rules.affordable(prices, self.spent)] = "too dear"
        state[self.exhausted] = "exhausted"
        state[self.withdrawn] = "withdrawn"
        if decided.source is not None:
            state[decided.source] = "next"
        return per_source_frame(
            self.names,
            self.totals,
            spent=np.bincount(
                np.array(self.sources, dtype=np.intp),
                np.diff(self._costs, prepend=0.0),
                minlength=len(self.names),
            ),
            index=index,
            state=state,
        )

    # -- state without pickle --------------------------------------------------------
    def to_dict(self) -> tuple[dict, dict]:
        """The run as lists of numbers and texts, and as a dict of arrays."""
        for name in self.names:
            if not isinstance(name, bool | int | float | str):
                raise ValueError(
                    f"Source {name!r} is a {type(name).__name__}, and the state holds "
                    "numbers and texts only. Save the estimator with joblib instead."
                )
        kind, keys, *numbers = self._rng.get_state(legacy=True)
        read = self.readings if self.ready else []
        classes = np.asarray(self.classes)
        lines = {
            "names": list(self.names),
            "classes": classes.tolist(),
            "classes_dtype": str(classes.dtype),
            "ready": self.ready,
            "closed": self.closed,
            "rng": [kind, *numbers],
            "decided": [i is not None and len(i) for i in self._indices],
            "events": [list(event) for event in self._events],
            "rules": rules_as_texts(self._told),
        }
        flat = [i for i in self._indices if i is not None]
        arrays = {
            "run_keys": keys,
            "run_exhausted": self.exhausted,
            "run_withdrawn": self.withdrawn,
            "run_sources": np.array(self.sources, dtype=np.int64),
            "run_sizes": np.array(self.sizes, dtype=np.int64),
            "run_costs": np.array(self._costs, dtype=float),
            "run_indices": np.concatenate([np.empty(0), *flat]),
            **pack_readings(read, len(classes)),
        }
        return lines, arrays

    @_on_a_copy
    def with_state(self, lines, arrays, rules):
        """The run that :meth:`to_dict` described, under these rules."""
        self.names, self.ready, self.closed = lines["names"], lines["ready"], True
        classes = np.array(lines["classes"], dtype=object)
        self.classes = classes.astype(lines["classes_dtype"])
        self.exhausted = np.array(arrays["run_exhausted"], dtype=bool)
        self.withdrawn = np.array(arrays["run_withdrawn"], dtype=bool)
        self.sources = np.asarray(arrays["run_sources"]).tolist()
        self.sizes = np.asarray(arrays["run_sizes"]).tolist()
        costs, flat = (np.asarray(arrays[f"run_{k}"]) for k in ("costs", "indices"))
        self._costs, position = costs.tolist(), 0
        for size in lines["decided"]:
            some = flat[position : position + size] if size else None
            self._indices.append(some)
            position += size or 0
        self.readings = unpack_readings(arrays, self.sizes)
        kind, position, *others = lines["rng"]
        keys = np.asarray(arrays["run_keys"])
        # NumPy reads memory at any position that it is given
        if kind != "MT19937" or not 0 <= operator.index(position) <= len(keys):
            raise IndexError(f"a random state {kind!r} at {position!r}")
        self._rng.set_state((kind, keys, position, *others))
        self._events = [tuple(event) for event in lines["events"]]
        self._told = dict(lines["rules"])
        self.closed = lines["closed"]
        withdrawn = self.withdrawn
        self.rules = rules
        if rules.source_names is not None:
            self._steer_sources(rules.source_names)
        else:
            self.withdrawn = withdrawn if self.closed else np.zeros_like(withdrawn)
        self._check()
        self._count_all()
        self._decide()
