import os
from pathlib import Path

import joblib
import pytest
import scipy.linalg  # noqa: F401  (its BLAS has to be there to be limited)
import sklearn
from hypothesis import settings
from threadpoolctl import threadpool_limits

# HYPOTHESIS_PROFILE=ci or =long tries more examples in tests/test_properties.py
for _name, _examples in {"quick": 30, "ci": 200, "long": 5000}.items():
    settings.register_profile(
        _name, max_examples=_examples, deadline=None, derandomize=_name != "long"
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session", autouse=True)
def _one_blas_thread():
    """Test processes share the cores; BLAS threads would wait for each other."""
    with threadpool_limits(1):
        yield


@pytest.fixture(autouse=True)
def _restore_sklearn_config():
    """A test that switches routing or output on must not do so for the next one."""
    config = sklearn.get_config()
    yield
    sklearn.set_config(**config)


@pytest.fixture
def threads():
    """Two jobs as two threads: starting a process takes longer than most tests."""
    with joblib.parallel_config("threading"):
        yield


@pytest.fixture(scope="session")
def real_data():
    """Folder of the real data sets; the test is skipped where there is none."""
    named = os.environ.get("OVERLAPKIT_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(
            f"no real data: {folder} is not a folder "
            f"({'named by' if named else 'default without'} OVERLAPKIT_DATA)"
        )
    return folder
