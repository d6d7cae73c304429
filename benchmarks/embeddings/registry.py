"""The data sets of the field by name: what they are, and where to get them.

Facts of WRENCH sets are those of its own list; those of the language-model list are
from the dataset cards on the Hugging Face hub. "unknown" means that the card does not
say, or that it could not be read.
"""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from overlapkit.datasets._fetch_wrench import REPOSITORY, ROWS

__all__ = ["LANGUAGE_MODEL", "WRENCH", "as_table", "held"]

UNKNOWN = "unknown"
HUB = "huggingface.co/datasets/"
WRENCH_HUB = HUB + REPOSITORY + ": fetch_wrench"
WRENCH_LICENCE = "Apache-2.0 (WRENCH); texts: see their sources"


class Entry(NamedTuple):
    """One data set.

    `classes` of the language-model list are those of the paper's tasks, all of which
    are posed as yes or no. `rows` are those of the parts learnt from and tested on.
    """

    name: str
    classes: int
    rows: str
    source: str
    licence: str
    functions: int | None = None


def _wrench(name, classes, functions):
    rows = " / ".join(map(str, ROWS[name]))
    return Entry(name, classes, rows, WRENCH_HUB, WRENCH_LICENCE, functions)


def _hub(name, where, licence=UNKNOWN, rows=UNKNOWN):
    return Entry(name, 2, rows, HUB + where, licence)


# name, classes, labelling functions
WRENCH = (
    _wrench("census", 2, 83),
    _wrench("youtube", 2, 10),
    _wrench("sms", 2, 73),
    _wrench("imdb", 2, 8),
    _wrench("yelp", 2, 8),
    _wrench("agnews", 4, 9),
    _wrench("trec", 6, 68),
    _wrench("spouse", 2, 9),
    _wrench("semeval", 9, 164),
    _wrench("cdr", 2, 33),
    _wrench("chemprot", 10, 26),
    _wrench("commercial", 2, 4),
    _wrench("tennis", 2, 6),
    _wrench("basketball", 2, 4),
)
LANGUAGE_MODEL = (
    _hub("anli-r2", "facebook/anli", "CC BY-NC 4.0"),
    _hub("cola", "nyu-mll/glue", "other", "8551 / 1043 / 1063"),
    _hub("dream", "dream"),
    _hub("mc_taco", "CogComp/mc_taco"),
    _hub("hellaswag", "Rowan/hellaswag"),
    _hub("multirc", "aps/super_glue", "other"),
    _hub("paws", "paws"),
    _hub("piqa", "piqa"),
    _hub("quail", "quail"),
    _hub("quartz", "allenai/quartz", "CC BY 4.0"),
    _hub("social_i_qa", "social_i_qa"),
    _hub("sst2", "stanfordnlp/sst2", UNKNOWN, "67349 / 872 / 1821"),
    _hub("wic", "aps/super_glue", "other"),
    _hub("twitter-sentiment", "EleutherAI/twitter-sentiment"),
    _hub("sciq", "allenai/sciq", "CC BY-NC 3.0", "13.7k in all"),
    _hub("anthropic_hh", "Anthropic/hh-rlhf", "MIT"),
    _hub("cosmos_qa", "allenai/cosmos_qa", "CC BY 4.0"),
    _hub("boolq", "google/boolq", "CC BY-SA 3.0", "9427 / 3270 / -"),
    _hub(
        "amazon_polarity", "fancyzhx/amazon_polarity", UNKNOWN, "3600000 / - / 400000"
    ),
)
# other tasks that stand in for one of the list
STAND_INS = {"twitter-sentiment": "tweet_sentiment"}


def held(name, folder):
    """What a folder holds of a data set: "npz", "json", both, or nothing."""
    if folder is None:
        return ""
    path = Path(folder) / name
    forms = [("npz", path / f"{name}.npz"), ("json", path / "train.json")]
    there = " + ".join(form for form, file in forms if file.is_file())
    other = STAND_INS.get(name)
    if not there and other and held(other, folder):
        return f"stand-in {other}"
    return there


def as_table(folder):
    """Both lists, with what the folder holds."""
    rows = [
        {
            "list": title,
            "name": entry.name,
            "classes": entry.classes,
            "functions": "-" if entry.functions is None else str(entry.functions),
            "rows (train / valid / test)": entry.rows,
            "licence": entry.licence,
            "where": entry.source,
            "here": held(entry.name, folder),
        }
        for title, entries in (("language model", LANGUAGE_MODEL), ("WRENCH", WRENCH))
        for entry in entries
    ]
    return pd.DataFrame(rows)
