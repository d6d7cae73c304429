"""Compile kernels, with a cache where one can be written."""

import numba


def njit(**options):
    """As :func:`numba.njit`, without the cache where no folder can be written to.

    Numba raises already on import if neither the folder of the package nor the home
    of the user is writable; kernels are then compiled once per process.
    """

    def decorate(function):
        try:
            return numba.njit(**options)(function)
        except RuntimeError as error:
            if "cannot cache" not in str(error):
                raise
            return numba.njit(**{**options, "cache": False})(function)

    return decorate
