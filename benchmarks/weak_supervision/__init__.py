"""Weak supervision on every set at hand: the source paper's protocol and an honest one.

The paper's protocol trains networks on mixtures of detected overlap rows and the
others, and is put beside the figures that its authors published. The honest protocol is
that of the main job: every student beside as many random, random non-hard and most
confident rows, beside all covered rows, the known labels alone, and the known labels
cut in the same way without any weak label.

Writes into --out: authors.csv, rises.csv, runs.csv, models.csv, gains.csv and
report.html. Finished cells are kept in --out/cells and not computed again, as long as
data, code, parameters and versions are the same. Without --data, on the shipped tables.
"""

from benchmarks import cells, common
from benchmarks.job.data import Unusable, available, read
from benchmarks.job.experiment import LABEL_MODELS
from benchmarks.job.experiment import run as run_job
from benchmarks.weak_supervision import authors, summary

SUMMARY = "the weak-supervision sets: the paper's protocol beside its figures, controls"
SEEDS, FULL_SEEDS = 5, 25
CHOICES = {
    "protocol": ["both", "authors", "honest"],
    "strong": ["mlp", "logistic", "lightgbm"],
    "label_model": list(LABEL_MODELS),
}
FOLDERS = ("job", "weak_supervision/authors.py", "weak_supervision/networks.py")


def parse(argv):
    """Options of the command line."""
    options = common.parse(
        "weak-supervision",
        __doc__,
        argv,
        seeds=SEEDS,
        full_seeds=FULL_SEEDS,
        full="as in the paper",
        data="environment",
        out="weak_supervision",
        datasets={"nargs": "+", "metavar": "NAME", "help": "default: all there are"},
        **{
            name: {"choices": choices, "default": summary.DEFAULTS[name]}
            for name, choices in CHOICES.items()
        },
    )
    known = available(options.data)
    unknown = sorted(set(options.datasets or ()) - set(known))
    if unknown:
        options.error(
            f"no data set {', '.join(unknown)}; there are: {', '.join(known)}"
        )
    options.chosen = options.datasets is not None
    options.datasets = options.datasets or known
    return options


def main(argv=None):
    """Compute the cells that are missing, then print and write everything."""
    options = parse(argv)
    data = {name: _digest(name, options.data) for name in options.datasets}
    paper, honest, skipped = {}, {}, {}
    # seeds outermost: a job that is stopped has something of every set
    pairs = [(name, seed) for seed in range(options.seeds) for name in data]
    if options.protocol != "honest":
        keys = {
            n: cells.key_of(d, {"protocol": "paper"}, *FOLDERS) for n, d in data.items()
        }
        settings = {(n, "paper", s): _setting(n, s, options) for n, s in pairs}
        paper, skipped = cells.compute(
            authors.run, settings, keys, options.out, options.n_jobs
        )
    if options.protocol != "authors":
        chosen = {"strong": options.strong, "label_model": options.label_model}
        keys = {n: cells.key_of(d, chosen, "job") for n, d in data.items()}
        settings = {
            (n, options.strong, options.label_model, s): _setting(n, s, options)
            | chosen
            for n, s in pairs
        }
        honest, more = cells.compute(
            _honest, settings, keys, options.out, options.n_jobs
        )
        skipped |= more
    cells.say_skipped(skipped, [*paper, *honest])
    if not paper and not honest:
        print("Nothing to report.")
        return 1
    summary.write_all(paper, honest, skipped, options)
    return 0


def _setting(name, seed, options):
    return {"name": name, "seed": seed, "data_dir": options.data}


def _honest(**setting):
    """Rows of the main job for one set and seed."""
    return run_job(**setting)["rows"]


def _digest(name, data_dir):
    try:
        return cells.digest(*read(name, data_dir))
    except Unusable:  # is said when the cell fails
        return ""
