"""Progress of a long fit, through scikit-learn's callbacks where it has them (1.9).

With an older scikit-learn the same calls do nothing. No callback is set by default.
The blocks of one long computation are counted apart, for who listens to them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:

    class _NoContext:
        """Takes the calls of a callback context and does nothing."""

        def call_on_fit_task_begin(self, **kwargs):
            return self

        def call_on_fit_task_end(self, **kwargs):
            return False

        def subcontext(self, **kwargs):
            return self

        @contextmanager
        def propagate_callback_context(self, sub_estimator):
            yield

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in for the mixin of scikit-learn 1.9."""

        def _init_callback_context(self, **kwargs):
            return _NoContext()


__all__ = ["CallbackSupportMixin", "block_done", "counting_blocks", "fit_task"]

_listener: ContextVar[Callable[[int, int], None] | None] = ContextVar(
    "listener", default=None
)


@contextmanager
def counting_blocks(listener: Callable[[int, int], None]) -> Iterator[None]:
    """Tell a function how many blocks are done, within a ``with`` block.

    Parameters
    ----------
    listener : callable
        Called with the number of blocks that are done, and of all.
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def block_done(done: int, total: int) -> None:
    """Tell who listens that another block of rows is done.

    Parameters
    ----------
    done, total : int
        Blocks that are done, and all.
    """
    listener = _listener.get()
    if listener is not None:
        listener(done, total)


@contextmanager
def fit_task(context, estimator, name, *, sub_estimator=None, **data) -> Iterator[Any]:
    """Report the body of a ``with`` block as one task of ``fit``.

    Parameters
    ----------
    context : callback context
        What ``estimator._init_callback_context`` returned.
    estimator : estimator
        The estimator being fitted.
    name : str
        Name of the task.
    sub_estimator : estimator, default=None
        An estimator fitted in this task, whose own tasks are shown below it.
    **data : dict
        ``X`` and ``y`` of the task, for callbacks that score.

    Yields
    ------
    context
        The context of the task.
    """
    task = context.subcontext(task_name=name)
    if sub_estimator is None:
        task.call_on_fit_task_begin(estimator=estimator, **data)
        yield task
        task.call_on_fit_task_end(estimator=estimator, **data)
        return
    with task.propagate_callback_context(sub_estimator):
        task.call_on_fit_task_begin(estimator=estimator, **data)
        yield task
        task.call_on_fit_task_end(estimator=estimator, **data)
