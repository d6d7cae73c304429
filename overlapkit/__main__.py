"""``python -m overlapkit`` is the ``overlapkit`` command."""

import sys

from overlapkit._cli import main

if __name__ == "__main__":
    sys.exit(main())
