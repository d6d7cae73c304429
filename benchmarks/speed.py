"""Speed of the kernels against what one would write without them.

``python -m benchmarks speed`` prints one table: each line names the work, our time,
the baseline's, their ratio, the target and whether it was reached. Timings of a line
are taken in turn and compared pair by pair.

To add lines, write ``@register("name")`` over a generator of results in a module
``benchmarks/_speed_<topic>.py`` and import that module below.
"""

import argparse
import datetime
import sys
from pathlib import Path

from . import (  # noqa: F401  (they register their rows)
    _speed_kernels,
    _speed_label_models,
    _speed_memmap,
    _speed_sources,
)
from ._speed_harness import ROWS, Settings, machine, shortfalls, table

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- speed: begin -->", "<!-- speed: end -->"


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks speed", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help="smaller shapes, a minute")
    parser.add_argument("--repeats", type=int, default=5, help="timings per line")
    parser.add_argument("--only", action="append", choices=sorted(ROWS), help="a row")
    parser.add_argument("--folder", help="for temporary files of up to 800 MB")
    parser.add_argument(
        "--write", action="store_true", help="put the table into benchmarks/README.md"
    )
    return parser


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
    text = README.read_text() if README.exists() else "# Benchmarks\n"
    section = f"{BEGIN}\n{report}\n{END}"
    if BEGIN in text and END in text:
        before, rest = text.split(BEGIN, 1)
        text = before + section + rest.split(END, 1)[1]
    else:
        text = f"{text.rstrip()}\n\n## Speed\n\n{section}\n"
    README.write_text(text)


def main(argv=None) -> int:
    """Run the benchmark; return 0 when every result agrees with its baseline."""
    argv = sys.argv[1:] if argv is None else list(argv)
    options = _parser().parse_args(argv)
    if options.repeats < 1:
        _parser().error("--repeats must be at least 1")
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


if __name__ == "__main__":
    sys.exit(main())
