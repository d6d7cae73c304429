"""The ``overlapkit`` command: from files to labels, regions, a verdict, a source.

Modules that are imported before the arguments are read import the standard library
only, so that ``--help`` answers at once.
"""

from overlapkit._cli._main import main

__all__ = ["main"]
