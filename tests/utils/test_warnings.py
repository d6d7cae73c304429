"""Warnings name the line of the user, not one of the library."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline

import overlapkit
from overlapkit.exceptions import OverlapkitWarning, WeakLabelWarning
from overlapkit.label_models import LabelModel

X = np.array([[0, 1], [1, 1], [0, 0], [1, 0]] * 5)
Y = np.arange(20) % 2


@pytest.mark.parametrize(
    "call",
    [
        lambda: LabelModel().fit(X),
        lambda: make_pipeline(LabelModel()).fit(X),
        lambda: cross_val_predict(LabelModel(), X, Y, cv=2),
    ],
    ids=["fit", "pipeline", "cross validation"],
)
def test_warnings_point_at_the_line_of_the_caller(call):
    with pytest.warns(WeakLabelWarning) as caught:
        call()
    ours = [w for w in caught if issubclass(w.category, OverlapkitWarning)]
    assert {w.filename for w in ours} == {__file__}


def test_a_users_folder_may_begin_with_the_name_of_the_package():
    folder = Path(overlapkit.__file__).parent
    script = f"{folder}_study/run.py"
    code = compile("LabelModel().fit(X)", script, "exec")
    with pytest.warns(WeakLabelWarning) as caught:
        exec(code, {"LabelModel": LabelModel, "X": X})
    ours = [w for w in caught if issubclass(w.category, OverlapkitWarning)]
    assert {w.filename for w in ours} == {script}
