"""Time and memory of a long live run, measured in a process of its own."""

import resource
import sys
import time
import warnings

import numpy as np
from sklearn.linear_model import SGDClassifier

from overlapkit import OverlapDetector, UCBSourceSelector
from overlapkit.exceptions import OverlapkitWarning


def main(n_rounds):
    # noise has no groups, and says so
    warnings.simplefilter("ignore", OverlapkitWarning)
    rows, n_features, n_sources = 100, 384, 10
    rng = np.random.RandomState(0)
    direction = rng.normal(size=n_features).astype(np.float32)

    def draw(n, seed):
        X = np.random.default_rng(seed).standard_normal(
            (n, n_features), dtype=np.float32
        )
        return X, (X @ direction > 0).astype(int)

    X_reference, y_reference = draw(2000, 1)
    run = UCBSourceSelector(
        SGDClassifier(random_state=0),
        detector=OverlapDetector(weak_columns=slice(0, 32)),
        reference=(X_reference, y_reference),
        n_rounds=n_rounds,
        source_names=list(range(n_sources)),
        train_every=None,
        random_state=0,
    )
    start = time.perf_counter()
    for t in range(n_rounds):
        run.partial_fit(*draw(rows, 2 + t))
    seconds = time.perf_counter() - start
    assert len(run.history_) == n_rounds
    # kilobytes on Linux
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{seconds:.1f} {gigabytes:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
