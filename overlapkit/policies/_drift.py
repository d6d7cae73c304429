"""A policy for sources that change over time."""

from dataclasses import dataclass

import numpy as np

from overlapkit.policies._state import (
    SourceState,
    check_field,
    check_state,
    unseen_first,
)


@dataclass(frozen=True)
class DiscountedUCB:
    r"""Rank sources by an upper confidence bound in which old batches count less.

    The D-UCB policy of [1]_. A batch that is `a` rounds old has the weight
    :math:`\gamma^a`. With the source :math:`s_\tau` of round :math:`\tau`, its
    :math:`m_\tau` rows and the sum :math:`X_\tau` of their rewards,

    .. math::

        N(s) = \sum_{\tau=1}^{t} \gamma^{t-\tau} m_\tau \mathbf{1}[s_\tau = s],
        \qquad
        \mathrm{index}(s) = \frac{1}{N(s)} \sum_{\tau=1}^{t} \gamma^{t-\tau} X_\tau
        \mathbf{1}[s_\tau = s]
        + 2 \sqrt{\frac{\xi \log \sum_{s'} N(s')}{N(s)}}.

    Parameters
    ----------
    discount : float, default=0.9
        The discount :math:`\gamma` per round, in (0, 1]. With 1 nothing is forgotten.
    exploration : float, default=0.6
        The factor :math:`\xi` in the bonus, at least 0; [1]_ needs more than 1/2.

    Raises
    ------
    ValueError
        If a parameter is out of range, or (in `index`) if the state has no ``log``.

    See Also
    --------
    UCB : For sources that do not change.

    Notes
    -----
    The bonus of a source that is not queried grows, so that it is tried again from time
    to time. That costs rounds where sources do not change.

    References
    ----------
    .. [1] A. Garivier, E. Moulines, "On Upper-Confidence Bound Policies for Switching
       Bandit Problems", ALT 2011.

    Examples
    --------
    The first source had 10 of 10 rows, then 0 of 10:

    >>> from overlapkit.policies import DiscountedUCB, SourceState
    >>> log = [0, 1, 0], [10, 6, 0], [10, 10, 10]
    >>> state = SourceState(
    ...     successes=[10, 6], samples=[20, 10], rounds=[2, 1], log=log)
    >>> DiscountedUCB(discount=0.5, exploration=0).index(state)
    array([0.2, 0.6])
    """

    discount: float = 0.9
    exploration: float = 0.6

    def __post_init__(self) -> None:
        check_field(self, "discount", 0, 1)
        check_field(self, "exploration", 0)
        if self.discount == 0:
            raise ValueError("DiscountedUCB: discount must be larger than 0, got 0.")

    def index(self, state: SourceState, rng: object = None) -> np.ndarray:
        """Return the upper confidence bound of each source.

        Parameters
        ----------
        state : SourceState
            Counts of the run so far, with the rounds one by one in ``log``.
        rng : object, default=None
            Not used.

        Returns
        -------
        ndarray of shape (n_sources,)
            Upper confidence bounds divided by price; infinite without a row.

        Raises
        ------
        ValueError
            If the state has no ``log``.
        """
        check_state(state)
        if state.log is None:
            raise ValueError(
                "DiscountedUCB needs the rounds one by one, and this state has totals "
                "only: give SourceState(log=(sources, rewards, rows))."
            )
        sources, rewards, rows = (np.asarray(part) for part in state.log)
        weights = self.discount ** np.arange(len(sources) - 1, -1, -1.0)
        n = state.n_sources
        chosen = sources.astype(np.intp)
        total = np.bincount(chosen, weights * rewards, minlength=n)
        count = np.bincount(chosen, weights * rows, minlength=n)
        seen = count > 0
        safe = np.where(seen, count, 1.0)
        log_rows = np.log(max(count.sum(), 1.0))
        value = total / safe + 2 * np.sqrt(self.exploration * log_rows / safe)
        return unseen_first(np.where(seen, value, np.inf) / state.prices, state)
