"""Reader of weakly labelled data sets on disk."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from sklearn.utils import Bunch

from overlapkit._utils.sklearn_compat import StrOptions, validate_params
from overlapkit.datasets._wrench_format import (
    SPLITS,
    files_present,
    read_json,
    read_npz,
)

__all__ = ["load_wrench"]


@validate_params(
    {
        "path": [str, Path],
        "form": [StrOptions({"auto", "json", "npz"})],
        "splits": ["array-like"],
    },
    prefer_skip_nested_validation=True,
)
def load_wrench(
    path: str | Path,
    *,
    form: Literal["auto", "json", "npz"] = "auto",
    splits: Sequence[str] = SPLITS,
) -> Bunch:
    """Read a weakly labelled data set from disk: votes, labels and features.

    Two forms are read. The layout of the WRENCH benchmark [1]_ is a folder of JSON
    files, with texts or raw features; the npz form is one compressed file that also
    has a strong and a weak view (see Notes).

    Parameters
    ----------
    path : str or pathlib.Path
        A folder ``NAME``, or a file ``NAME.npz``.
    form : {"auto", "json", "npz"}, default="auto"
        What to read from a folder. ``"auto"`` takes ``NAME/NAME.npz`` if it is
        there, as it has the features, else the JSON files. ``"json"`` gives the
        texts.
    splits : sequence of {"train", "valid", "test"}, default=("train", "valid", "test")
        The splits to read. The others may be missing on disk.

    Returns
    -------
    :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the following attributes.

        train, valid, test : :class:`~sklearn.utils.Bunch` or None
            The splits. None for one that was not asked for, and for a validation
            split without rows.
        name : str
            Name of the folder or file.
        class_names : list of str
            Names of the classes, in the order of the votes.
        lf_names : list of str
            Names of the labelling functions; ``lf0``, ``lf1``, ... where the files
            name none.

        Each split has the attributes

        votes : ndarray of int8, shape (n_samples, n_lfs)
            Votes of the labelling functions, -1 for abstaining (int16 with more than
            128 classes).
        y : ndarray of int64, shape (n_samples,)
            True classes, -1 where unknown.
        X : ndarray of shape (n_samples, n_features) or None
            npz: the strong view. JSON: the features, float64.
        X_weak : ndarray of shape (n_samples, n_weak) or None
            npz: the weak view.
        texts : list of str or None
            JSON: the texts.
        ids : list of str or ndarray of int64, shape (n_samples,)
            JSON: the keys of the rows. npz: their row numbers in the file.
        extra : dict
            What else each row carries, such as its source, by name: arrays (npz) or
            lists (JSON).

    Raises
    ------
    MissingSplitError
        If a split is not there. It is a FileNotFoundError and a WrenchFormatError.
    WrenchFormatError
        If a vote or label names no class, rows have different lengths, features are
        not finite, train or test has no rows, indices of the splits overlap or leave
        the table, or a file needs pickle. It is a ValueError.
    FileNotFoundError
        If `path` does not exist, or has no npz when ``form="npz"``.

    See Also
    --------
    overlapkit.label_models.TreeLabelingFunctions : Makes votes.
    stack_views : Puts two views into one X.

    Notes
    -----
    *JSON*: ``train.json``, ``valid.json`` and ``test.json`` hold ``{id: {"label": 1,
    "weak_labels": [1, -1, ...], "data": {"text": ...}}}``, or ``{"feature": [...]}``
    as data; ``label.json`` holds ``{"0": name, "1": name, ...}``.

    *npz*: arrays ``L`` (votes), ``y``, ``class_names``, ``train_idx``, ``valid_idx``,
    ``test_idx`` (row numbers), and if there are any ``lf_names``, ``X_strong``,
    ``X_weak``. Half precision is turned into float32. Any other array with a row for
    each row of ``L`` is found in `extra`.

    Nothing is ever unpickled, as unpickling a file runs the code it contains: an npz
    with object arrays is refused, and the ``.pkl`` feature caches of WRENCH are not
    read.

    References
    ----------
    .. [1] J. Zhang, Y. Yu, Y. Li, Y. Wang, Y. Yang, M. Yang, A. Ratner. "WRENCH: A
       Comprehensive Benchmark for Weak Supervision". NeurIPS Datasets and Benchmarks,
       2021. https://arxiv.org/abs/2109.11377

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> from overlapkit.datasets import load_wrench
    >>> rows = {"0": {"label": 1, "weak_labels": [1, -1], "data": {"text": "win!"}}}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     folder = pathlib.Path(folder)
    ...     _ = (folder / "label.json").write_text('{"0": "ham", "1": "spam"}')
    ...     for split in ("train", "test"):
    ...         _ = (folder / f"{split}.json").write_text(json.dumps(rows))
    ...     dataset = load_wrench(folder, splits=("train", "test"))
    >>> dataset.train.votes, dataset.train.texts, dataset.class_names
    (array([[ 1, -1]], dtype=int8), ['win!'], ['ham', 'spam'])
    """
    path = Path(path)
    if not len(splits) or not set(splits) <= set(SPLITS):
        raise ValueError(f"splits is {splits!r}, expected some of {SPLITS}")
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    if path.is_dir():
        npz = path / f"{path.resolve().name}.npz"
        if form == "npz" and not npz.exists():
            raise FileNotFoundError(f"{path} has no {npz.name}; {files_present(path)}")
        use_npz = form != "json" and npz.exists()
    else:
        npz, use_npz = path, True
        if form == "json":
            raise ValueError(f'form="json" needs a folder, and {path} is a file')
    return read_npz(npz, splits) if use_npz else read_json(path, splits)
