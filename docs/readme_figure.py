"""Write the figure of the README: ``python docs/readme_figure.py``.

It is the first figure of the first example of the gallery.
"""

import runpy
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")  # figures stay open, and `plt.show` does nothing
import matplotlib.pyplot as plt

DOCS = Path(__file__).resolve().parent


def main(target=DOCS / "images" / "overlap.png"):
    """Run the example and save its first figure."""
    runpy.run_path(str(DOCS.parent / "examples" / "plot_01_overlap.py"))
    plt.figure(plt.get_fignums()[0]).savefig(target, dpi=100)
    plt.close("all")


if __name__ == "__main__":
    main(*sys.argv[1:])
