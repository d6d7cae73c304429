"""Values on their way to a worker: arrays in files go as the name of the file.

pickle writes all values of a memory map. Here, a map that can only be read is written
as the path of its file and where its values lie in it, however deep in a value it is;
the worker opens the file itself, which must have the same name there.
"""

import pickle
import socket
from io import BytesIO
from typing import Any

import numpy as np

from overlapkit._utils.memory_map import place_in_file

try:
    import cloudpickle
except ModuleNotFoundError:  # joblib before 1.6 has its own
    from joblib.externals import cloudpickle

__all__ = ["Packed", "packed", "unpacked"]


class Packed:
    """A value that is pickled with names of files in place of what lies in them.

    Parameters
    ----------
    value : object
        Whatever can be pickled.
    """

    def __init__(self, value) -> None:
        self.value = value

    def __reduce__(self):
        buffers: list[pickle.PickleBuffer] = []
        file = BytesIO()
        _Pickler(file, protocol=5, buffer_callback=buffers.append).dump(self.value)
        return _unpickle, (file.getvalue(), buffers)


def packed(value) -> Any:
    """The value as a `Packed` if arrays in files are part of it; else itself."""
    probe = _Probe(BytesIO(), protocol=5)
    probe.dump(value)
    return Packed(value) if probe.maps else value


def unpacked(value) -> Any:
    """What `packed` was given."""
    return value.value if isinstance(value, Packed) else value


def _unpickle(data, buffers) -> Packed:
    return Packed(pickle.loads(data, buffers=buffers))


class _Pickler(cloudpickle.CloudPickler):
    """Writes maps as files."""

    def reducer_override(self, obj):
        if isinstance(obj, np.ndarray) and (place := place_in_file(obj)) is not None:
            return _open, place
        return super().reducer_override(obj)


class _Probe(cloudpickle.CloudPickler):
    """Notes whether there are maps, and writes no array."""

    maps = False

    def reducer_override(self, obj):
        if isinstance(obj, np.ndarray) and obj.dtype != object:
            self.maps = self.maps or place_in_file(obj) is not None
            return int, ()
        return super().reducer_override(obj)


def _open(path, offset, shape, strides, dtype) -> np.ndarray:
    """The array that `place_in_file` describes."""
    length = sum((n - 1) * step for n, step in zip(shape, strides)) + dtype.itemsize
    try:
        bytes_ = np.memmap(path, mode="r", offset=offset, shape=(length,))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} cannot be read by the worker on {socket.gethostname()} ({error}). "
            "Rows in files are opened by each worker: keep them where all machines see "
            "them under the same name, or pass rows in memory (X[:])."
        ) from error
    return np.ndarray(shape, dtype, buffer=bytes_, strides=strides)
