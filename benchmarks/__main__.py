"""``python -m benchmarks [COMMAND] [OPTIONS]``; without a command, the main job."""

import importlib
import sys

COMMANDS = {
    "main": ("benchmarks.main_job", "does overlap selection help here? (default)"),
    "golden-synthetic": (
        "benchmarks.golden_synthetic",
        "the Gaussian setting of the source paper, 500 runs",
    ),
    "golden-detection": (
        "benchmarks.golden_detection",
        "detectors where the truth is known, against recorded values",
    ),
    "label-models": (
        "benchmarks.label_models",
        "accuracy and time of the label models on real votes",
    ),
    "speed": ("benchmarks.speed", "speed and memory against what one would write else"),
    "robustness": (
        "benchmarks.studies.robustness",
        "study 1: noise, outliers, heavy tails, imbalance, impure hard sets",
    ),
    "shared-features": (
        "benchmarks.studies.shared_features",
        "study 2: from disjoint to identical views",
    ),
    "ablation": (
        "benchmarks.studies.ablation",
        "study 3: density, size, hard rows, label purity: which carries the gain",
    ),
    "coverage": (
        "benchmarks.coverage",
        "how often the intervals of gains hold the true gain, simulated",
    ),
    "expansion": (
        "benchmarks.expansion",
        "bound of coverage expansion and actual error, side by side",
    ),
    "evidence": (
        "benchmarks.studies.evidence",
        "the test for two groups, and the detector, where the truth is known",
    ),
    "real-data": (
        "benchmarks.studies.real_data",
        "variants of the detector on real data",
    ),
    "landmarks": (
        "benchmarks.studies.landmarks",
        "regions with some of the hard rows against all of them",
    ),
    "neighbors": (
        "benchmarks.studies.neighbors",
        "approximate neighbours: time and agreement up to 200,000 rows",
    ),
    "regret": ("benchmarks.regret", "regret of source selection policies, simulated"),
    "sources": ("benchmarks.sources", "choosing among data sources"),
    "rebuild-data": ("benchmarks.rebuild_data", "make the shipped data files again"),
}


def main(argv):
    """Run a command; returns its exit code."""
    if argv and argv[0] in ("-h", "--help"):
        print(__doc__.strip(), "\n\ncommands:")
        for name, (_, summary) in COMMANDS.items():
            print(f"  {name:18s}{summary}")
        print("\n`python -m benchmarks COMMAND --help` lists the options of a command.")
        return 0
    if argv and argv[0] in COMMANDS:
        name, rest = argv[0], argv[1:]
    elif argv and not argv[0].startswith("-"):
        print(f"unknown command {argv[0]!r}; one of: {', '.join(COMMANDS)}")
        return 2
    else:
        name, rest = "main", argv
    return importlib.import_module(COMMANDS[name][0]).main(rest) or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
