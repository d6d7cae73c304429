"""vote_summary: the numbers of each function, and what is said of it."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.stats import norm

from overlapkit.label_models import DawidSkene, MajorityVote, vote_summary

L = np.array(
    [
        [0, 0, -1, -1, 0],
        [1, 0, -1, -1, 1],
        [1, 1, -1, -1, 1],
        [0, -1, -1, -1, 0],
        [-1, -1, 1, -1, -1],
        [-1, -1, -1, -1, -1],
    ]
)
NAMES = ["a", "b", "lonely", "silent", "copy"]


@pytest.fixture(scope="module")
def summary():
    y = np.array([0, 1, 0, -1, 1, -1])
    return vote_summary(pd.DataFrame(L, columns=NAMES), y, missing_label=-1)


def test_counts_are_those_of_the_votes(summary):
    assert_array_equal(summary.index, NAMES)
    assert summary["polarity"].tolist() == [(0, 1), (0, 1), (1,), (), (0, 1)]
    assert_allclose(summary["coverage"] * 6, [4, 3, 1, 0, 4])
    assert_allclose(summary["overlaps"] * 6, [4, 3, 0, 0, 4])
    assert_allclose(summary["conflicts"] * 6, [1, 1, 0, 0, 1])
    assert_array_equal(summary["n_votes"], [4, 3, 1, 0, 4])


def test_empirical_accuracy_has_its_wilson_interval(summary):
    assert_array_equal(summary["n_labelled"], [3, 3, 1, 0, 3])
    assert_allclose(summary["empirical_accuracy"], [2 / 3, 1 / 3, 1, np.nan, 2 / 3])
    z, n, p = norm.ppf(0.975), 3, 2 / 3
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert_allclose(summary.loc["a", "accuracy_low"], middle - half)
    assert_allclose(summary.loc["a", "accuracy_high"], middle + half)
    wide = vote_summary(L, [0, 1, 0, 0, 1, 0], confidence_level=0.5)
    assert wide.loc[0, "accuracy_low"] > summary.loc["a", "accuracy_low"]


def test_notes_and_neighbours(summary):
    assert summary["note"].tolist() == [
        "copy of copy",
        "",
        "never overlaps",
        "never votes",
        "copy of a",
    ]
    assert summary.loc["b", "nearest"] == "a"
    # Equal on rows 0 and 2; one of the two votes on rows 0 to 3.
    assert_allclose(summary.loc["b", "similarity"], 2 / 4)
    assert summary.loc["lonely", "nearest"] is None


def test_wrong_functions_are_named():
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=2000)
    votes = np.column_stack(
        [np.where(rng.random(2000) < 0.8, y, rng.integers(3, size=2000)) for _ in "abc"]
        + [(y + 1) % 3]
    )
    near = np.where(rng.random(2000) < 0.97, votes[:, 0], (votes[:, 0] + 1) % 3)
    table = vote_summary(np.column_stack([votes, near]), y)
    assert table.loc[3, "note"] == (
        "votes against the majority; worse than chance on labelled rows"
    )
    assert table.loc[4, "note"] == "nearly a copy of 0"
    assert table.loc[[1, 2], "note"].tolist() == ["", ""]
    assert table.loc[3, "learnt_accuracy"] < table.loc[1, "learnt_accuracy"]


@pytest.mark.parametrize("label_model", [MajorityVote(), DawidSkene()])
def test_other_label_models_and_sparse_votes(label_model):
    dense = vote_summary(L, label_model=label_model, classes=["no", "yes"])
    kept = vote_summary(
        sparse.csr_matrix(L + 1), label_model=label_model, classes=["no", "yes"]
    )
    pd.testing.assert_frame_equal(dense, kept, rtol=1e-6)
    assert dense.loc[2, "polarity"] == ("yes",)
    assert not hasattr(label_model, "classes_")


def test_majority_vote_learns_the_share_of_agreeing_votes():
    table = vote_summary(L, label_model=MajorityVote())
    # Function 1 votes on rows 0 to 2; the shares of its votes are 1, 1/3 and 1.
    assert_allclose(table.loc[1, "learnt_accuracy"], (1 + 1 / 3 + 1) / 3)


def test_bad_arguments():
    with pytest.raises(ValueError, match="confidence_level"):
        vote_summary(L, confidence_level=1.5)
    with pytest.raises(ValueError, match="label_model"):
        vote_summary(L, label_model="majority")
    with pytest.raises(ValueError, match="not in `classes`"):
        vote_summary(L, [0, 1, 2, 0, 1, 0], classes=[0, 1])


def test_the_label_model_says_what_labels_mean():
    y = np.array([0, 1, -1, -1, -1, -1])
    model = MajorityVote(classes=[0, 1], missing_label=-1)
    table = vote_summary(L, y, label_model=model)
    given = vote_summary(
        L, y, label_model=MajorityVote(), classes=[0, 1], missing_label=-1
    )
    pd.testing.assert_frame_equal(table, given)
    assert (table["n_labelled"] <= 2).all()


@pytest.mark.parametrize("params", [{"classes": ["a", "b"]}, {"missing_label": -7}])
def test_what_is_said_twice_must_agree(params):
    model = MajorityVote(classes=["no", "yes"], missing_label="?")
    with pytest.raises(ValueError, match=f"{next(iter(params))}.*differ: give one"):
        vote_summary(L, label_model=model, **params)


def test_rows_that_a_function_alone_votes_on_do_not_speak_for_it():
    votes = np.full((400, 4), -1)
    votes[:100, 0], votes[:100, 1:] = 1, 0
    votes[100:, 0] = 1
    notes = vote_summary(votes)["note"]
    assert "votes against the majority" in notes.iloc[0]
    assert "votes against the majority" not in notes.iloc[1]
