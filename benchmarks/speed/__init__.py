"""Speed of the kernels against what one would write without them.

``python -m benchmarks speed`` prints one table: each line names the work, our time,
the baseline's, their ratio, the target and whether it was reached. Timings of a line
are taken in turn and compared pair by pair.

To add lines, write ``@register("name")`` over a generator of results in a module
``benchmarks/speed/<topic>.py`` and name it in TOPICS.
"""

import datetime
import importlib
import sys

from benchmarks import common
from benchmarks.speed.harness import ROWS, Settings, machine, shortfalls, table

TOPICS = ("kernels", "end_to_end", "neighbors", "label_models", "protocol")
TOPICS += ("memmap", "sources")
SUMMARY = "speed and memory against what one would write else"
README = common.ROOT / "benchmarks" / "README.md"
BEGIN, END = "<!-- speed: begin -->", "<!-- speed: end -->"


def _report(results, command):
    lines = [
        f"`{command}`, {datetime.date.today():%Y-%m-%d}. {machine()}.",
        "",
        table(results),
        "",
    ]
    short = shortfalls(results)
    lines += [f"- {s}" for s in short] if short else ["Every target was reached."]
    return "\n".join(lines)


def _write(report):
    before, rest = README.read_text().split(BEGIN)
    README.write_text(f"{before}{BEGIN}\n{report}\n{END}{rest.split(END)[1]}")


def main(argv=None) -> int:
    """Run the benchmark; return 0 when every result agrees with its baseline."""
    # here and not above: a process of its own that measures memory imports one topic
    for topic in TOPICS:
        importlib.import_module(f"benchmarks.speed.{topic}")
    argv = sys.argv[1:] if argv is None else list(argv)
    options = common.parse(
        "speed",
        __doc__,
        argv,
        quick="smaller shapes, a minute",
        jobs=False,
        repeats={"type": int, "default": 5, "help": "timings per line"},
        only={"action": "append", "choices": sorted(ROWS), "help": "a row"},
        folder={"help": "for temporary files of up to 800 MB"},
        write={"action": "store_true", "help": "put the table into benchmarks/README"},
    )
    if options.repeats < 1:
        options.error("--repeats must be at least 1")
    settings = Settings(options.quick, options.repeats, options.folder)
    command = " ".join(["python -m benchmarks speed", *argv])
    results = []
    try:
        for name, rows in ROWS.items():
            if options.only is None or name in options.only:
                print(f"{name} ...", file=sys.stderr, flush=True)
                results += rows(settings)
    finally:  # minutes of results are not lost to a row that fails
        report = _report(results, command)
        print(report)
    if options.write:
        _write(report)
    return 0 if all(r.agrees for r in results) else 1
