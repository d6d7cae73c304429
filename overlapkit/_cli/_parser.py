"""The arguments of the command, and what --help says."""

import argparse
from pathlib import Path

from overlapkit import __version__

__all__ = ["make_parser"]

_ABOUT = """\
From files to labels, regions and a verdict.

  label    votes of labelling functions -> a weak label and probabilities per row
  detect   embeddings and weak probabilities -> the region of each row
  report   a table or embeddings, weak and a few known labels -> do weak labels help?
  sources  batches of several data sources -> the source to query next
"""

_EPILOG = """\
overlapkit COMMAND --help shows an example with files.

Results go to stdout; progress, notes and warnings to stderr. Exit code: 0 done,
1 a file or its content is at fault, 2 the arguments are. Outputs are whole or absent:
a run that was stopped is started again by the same command, uses the parts it had
finished, and gives the same bytes. A file run.json says what an output was made from;
where an output exists that these inputs do not give, --force overwrites it.
"""

_LABEL = """\
Turn the votes of labelling functions into a weak label for each row.

A label model estimates the accuracy of each function from how often functions agree,
and from known labels where these are seen to help, and combines their votes into class
probabilities. An empty cell is no vote (so is -1 in columns of numbers).

example: votes.csv
    id,lf_link,lf_short,lf_money,label
    a1,spam,,spam,spam
    a2,,ham,,
    a3,spam,ham,,

  overlapkit label votes.csv --votes 'lf_*' --id id --label label --out weak.parquet

writes weak.parquet with a row for each row of votes.csv: id, weak_label, confidence,
and proba_ham, proba_spam (all but id are empty for a row without a vote), and prints
what each function does: how often it votes and is in conflict, how accurate it is
estimated to be, and whether it is a copy of another one.
"""

_DETECT = """\
Find the overlap rows: those that carry both an easy and a hard pattern.

A weak model gives class probabilities. Rows in which it has little confidence are
'hard'; confident rows that resemble the hard rows in the strong view (embeddings) are
'overlap'; the others are 'easy'. Thresholds are change points; the page 'Overlap' of
the documentation has the formulas.

example: 50,000 embeddings, and the probabilities that overlapkit label has written

  overlapkit detect --strong S.npy --weak-proba weak.parquet --out R.parquet

example: a weak view from which a weak model learns the known labels (y.csv: a column
'label', empty where unknown; rows are matched by the column 'id' where files have it)

  overlapkit detect --strong S.npy --weak W.npy --labels y.csv --out R.csv

writes a row for each row of S: id, region (easy, overlap, hard, uncovered),
weak_confidence (0 to 1) and overlap_score (similarity to the hard rows), and prints the
number of rows of each region. Matrices on disk are read in blocks.
"""

_REPORT = """\
Do weak labels and the choice of rows help on these rows? By how much, how sure?

A table holds features (numbers, strings, empty cells), votes of labelling functions,
and a few known labels. Models are trained on the same rows and tested on rows with a
known label that they have not seen (in folds): the weak model, the student that
corrects weak labels with the known ones and chooses rows, its controls with as many
random rows, and the model of the known labels alone.

example: table.csv
    id,words,domain,sender,lf_link,lf_short,label
    a1,12,example.org,Ann,spam,,spam
    a2,,example.com,Bob,,ham,

  overlapkit report table.csv --id id --label label --votes 'lf_*' --out report

prints the verdict in a sentence and writes report/report.html (open it in a browser),
report/summary.csv (a row for each model: accuracy and gains with their intervals) and
report/rows.csv (a row for each row of the table: labels, whether it was selected, why).
The exit code is 0 also if nothing helps.

All columns but the id, the label, the votes and those that overlapkit label writes are
features. Numbers: the median in place of empty cells, standardised. Strings with at
most 30 different values: a column of zeros and ones for each. Other strings: hashed
character 3- to 5-grams, reduced to 20 dimensions. Columns that are constant, empty or
name each row are left out, with a note.

example: embeddings, class probabilities from anywhere, and a file of known labels
(a column 'label', empty where unknown)

  overlapkit report --strong S.npy --weak-proba P.npy --labels y.csv --out report

Each of the three may also come from TABLE: features in place of --strong, votes (or one
column of weak labels) in place of --weak-proba, its column --label in place of
--labels. Rows are matched by the column 'id' where files have it, else by their number.
Probabilities should come from a model that has not learnt these labels, as the report
tests on them. Embeddings are taken as they are.
"""

_SOURCES = """\
Choose the data source to query next.

Rows come in batches from several sources; some have more overlap rows, from which a
student learns more. Each batch is evidence on its source; the UCB policy weighs the
sources that look best against those that are little known.

example: two sources; batches are files in a folder named by their source

  overlapkit sources --batches data --sources forum mail --votes 'lf_*' \\
      --state state.json                             prints: forum
  (get a batch from forum, save it as data/forum/001.csv)
  overlapkit sources --batches data --sources forum mail --votes 'lf_*' \\
      --state state.json                             prints: mail

prints the name of the source to query next on the last line, after a table of the
sources so far: batches, rows, and the share of overlap rows with its 95 % interval.
state.json records the batches in the order in which they were taken; it is text, and
running the command again without a new batch changes nothing. All columns but labels
and votes are the strong view, encoded as report does, by the first batches: numbers,
categories and text. Leave out what is no feature, such as ids.
"""


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the arguments."""
    parser = argparse.ArgumentParser(
        "overlapkit", description=_ABOUT, epilog=_EPILOG, formatter_class=_Formatter
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = _common()

    def add(name, text):
        return commands.add_parser(
            name,
            description=text,
            parents=[common],
            formatter_class=_Formatter,
            help=text.partition("\n")[0],
        )

    _add_label(add("label", _LABEL))
    _add_detect(add("detect", _DETECT))
    _add_report(add("report", _REPORT))
    _add_sources(add("sources", _SOURCES))
    return parser


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the layout of examples; options stand beside what they do."""

    def __init__(self, prog, **options):
        super().__init__(prog, max_help_position=26, width=88)


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    group = common.add_argument_group("messages")
    group.add_argument(
        "--progress",
        action=argparse.BooleanOptionalAction,
        help="show progress on stderr (default: on a terminal only)",
    )
    group.add_argument(
        "--debug", action="store_true", help="show where an error comes from"
    )
    return common


def _add_out(parser, text) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="PATH", help=text)
    parser.add_argument(
        "--force", action="store_true", help="overwrite what exists there"
    )
    parser.add_argument(
        "--random-state",
        type=_at_least(0),
        default=0,
        metavar="N",
        help="seed (default: 0)",
    )


def _add_votes(parser, group=None, *, default="") -> None:
    (parser if group is None else group).add_argument(
        "--votes",
        nargs="+",
        required=group is None and not default,
        metavar="PATTERN",
        help=f"names of the vote columns, with * and ? (in quotes){default}",
    )
    parser.add_argument(
        "--classes",
        nargs="+",
        metavar="NAME",
        help="sorted names of the classes that votes 0, 1, ... or columns without "
        "names stand for; needed where labels have names and votes are numbers",
    )
    parser.add_argument(
        "--label-model",
        choices=["label-model", "dawid-skene", "majority"],
        default="label-model",
        help="how votes are combined (default: label-model)",
    )


def _add_label(parser) -> None:
    parser.add_argument("table", type=Path, help="votes, as .csv, .csv.gz or .parquet")
    _add_votes(parser, default="; default: all other columns")
    parser.add_argument("--id", metavar="COLUMN", help="column of the ids")
    parser.add_argument(
        "--label",
        metavar="COLUMN",
        help="column of known labels, empty where unknown; used where they are seen to "
        "help",
    )
    _add_out(parser, "file to write, .csv or .parquet")


def _add_strong(parser, *, required) -> None:
    text = "strong view, such as embeddings"
    kinds = ".npy, .npz, .parquet, .safetensors, .csv or .csv.gz"
    where = "" if required else "; default: the columns of TABLE"
    parser.add_argument(
        "--strong",
        type=Path,
        required=required,
        metavar="FILE",
        help=f"{text}: {kinds}{where}",
    )
    parser.add_argument(
        "--strong-columns",
        nargs="+",
        metavar="PATTERN",
        help="columns or array of --strong, where they have names (default: all but "
        "the ids)",
    )
    parser.add_argument(
        "--ids",
        type=Path,
        metavar="FILE",
        help="ids of the rows of --strong, where that has none: a column 'id', or .npy",
    )


def _add_weak(group) -> None:
    group.add_argument(
        "--weak-proba",
        type=Path,
        metavar="FILE",
        help="class probabilities: a column for each class (columns proba_<class>, "
        "where columns have names); NaN in all of a row without a weak label",
    )
    group.add_argument(
        "--weak",
        type=Path,
        metavar="FILE",
        help="weak view, from which logistic regression learns the known labels",
    )


def _add_known_labels(parser, when) -> None:
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        help=f"{when}: known labels, a column that is empty where unknown; with ids, "
        "rows without a label need not be there",
    )
    parser.add_argument(
        "--label",
        default="label",
        metavar="COLUMN",
        help="name of the column of known labels (default: label)",
    )


def _add_detect(parser) -> None:
    _add_strong(parser, required=True)
    _add_weak(parser.add_mutually_exclusive_group(required=True))
    _add_known_labels(parser, "with --weak")
    parser.add_argument(
        "--id",
        metavar="COLUMN",
        help="name of the column of ids, in files that have one (default: id)",
    )
    parser.add_argument(
        "--standardize",
        action="store_true",
        help="standardise the columns of --strong, which may have different units; "
        "they are read into memory",
    )
    parser.add_argument(
        "--metric",
        choices=["cosine", "dot", "euclidean"],
        default="cosine",
        help="similarity of the strong view (default: cosine)",
    )
    parser.add_argument(
        "--aggregation",
        choices=["mean", "max"],
        default="mean",
        help="similarity to all hard rows: mean or largest (default: mean)",
    )
    parser.add_argument(
        "--max-landmarks",
        type=_at_least(1),
        metavar="N",
        help="compare with at most N hard rows, drawn at random: time is then linear "
        "in the number of rows (default: all)",
    )
    for option, text in (
        ("--hard-threshold", "weak confidence below which a row is hard"),
        ("--overlap-threshold", "score above which a row that is not hard is overlap"),
    ):
        parser.add_argument(
            option,
            type=float,
            metavar="NUMBER",
            help=f"{text} (default: the change point)",
        )
    _add_out(parser, "file to write, .csv or .parquet")


def _add_report(parser) -> None:
    parser.add_argument(
        "table",
        type=Path,
        nargs="?",
        metavar="TABLE",
        help="the table, .csv, .csv.gz or .parquet; not needed where the options name "
        "a file for everything",
    )
    weak = parser.add_mutually_exclusive_group(required=True)
    _add_votes(parser, weak)
    parser.set_defaults(label_model=None)  # so that it can be refused without votes
    _add_weak(weak)
    _add_strong(parser, required=False)
    _add_known_labels(parser, "where TABLE has none")
    parser.add_argument(
        "--id",
        metavar="COLUMN",
        help="column of the ids, by which rows of several files are matched (default: "
        "id, in those of several files that have it)",
    )
    parser.add_argument(
        "--leave-out",
        nargs="+",
        default=[],
        metavar="PATTERN",
        help="columns of TABLE that are no features",
    )
    parser.add_argument(
        "--strong-model",
        choices=["lightgbm", "logistic"],
        help="what learns from the strong view: LightGBM, or logistic regression on "
        "standardised columns (default: lightgbm for TABLE, logistic for --strong)",
    )
    parser.add_argument(
        "--selector",
        choices=["auto", "overlap", "both"],
        default="auto",
        help="the student: correct labels with the known ones (auto), train on overlap "
        "rows (overlap), or one of each; the verdict is on the first (default: auto)",
    )
    parser.add_argument(
        "--metric",
        choices=["accuracy", "balanced-accuracy"],
        default="accuracy",
        help="what the summary is about (default: accuracy)",
    )
    parser.add_argument(
        "--repeats",
        type=_at_least(1),
        default=3,
        metavar="N",
        help="how often the known labels are held out in folds (default: 3)",
    )
    parser.add_argument(
        "--jobs",
        type=_at_least(1),
        default=1,
        metavar="N",
        help="folds computed at once (default: 1)",
    )
    _add_out(parser, "folder to write to; made if there is none")


def _add_sources(parser) -> None:
    parser.add_argument(
        "--batches",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder with a folder for each source, of batches in .csv, .csv.gz or "
        ".parquet",
    )
    parser.add_argument(
        "--state",
        type=Path,
        required=True,
        metavar="FILE",
        help="state file (JSON); made if there is none",
    )
    parser.add_argument(
        "--sources",
        nargs="+",
        metavar="NAME",
        help="names of all sources (default: those that have a folder)",
    )
    _add_votes(parser)
    parser.add_argument(
        "--label", metavar="COLUMN", help="column of known labels; it is no feature"
    )
    parser.add_argument(
        "--leave-out",
        nargs="+",
        default=[],
        metavar="PATTERN",
        help="columns that are no features, such as ids",
    )
    parser.add_argument(
        "--rounds",
        type=_at_least(1),
        default=25,
        metavar="N",
        help="number of batches that are affordable (default: 25)",
    )
    parser.add_argument(
        "--reference-rounds",
        type=_at_least(1),
        default=5,
        metavar="N",
        help="number of first batches, which set the thresholds (default: 5)",
    )
    parser.add_argument(
        "--random-state",
        type=_at_least(0),
        default=0,
        metavar="N",
        help="seed (default: 0)",
    )


def _at_least(least):
    """Type of an option that is an integer of `least` or more."""

    def integer(text):
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(
                f"must be an integer of {least} or more, got {text!r}"
            )
        return value

    return integer
