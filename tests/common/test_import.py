"""What importing the package brings in."""

import subprocess
import sys


def test_importing_overlapkit_leaves_out_what_it_rarely_needs():
    # together these would add half to the time that the import takes
    late = ("lightgbm", "sklearn.linear_model", "sklearn.neighbors")
    code = (
        "import sys; from overlapkit import *; "
        f"print([m for m in {late} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_names_and_folders_of_the_package_are_there_once_asked_for():
    code = (
        "import overlapkit; overlapkit.OverlapDetector; overlapkit.datasets.open_rows; "
        "overlapkit.exceptions.SourceWarning; "
        "print({*overlapkit.__all__, 'datasets'} <= set(dir(overlapkit)), "
        "hasattr(overlapkit, 'nothing'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "False"]


def test_kernels_compile_where_no_cache_can_be_written(monkeypatch):
    # as with a read-only package and no writable home, where numba raises on import
    import numba.core.caching as caching

    from overlapkit._kernels.compiling import njit

    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])

    @njit(cache=True, nogil=True)
    def double(x):
        return 2 * x

    assert double(21) == 42
