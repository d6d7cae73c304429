"""The weak-supervision sets: the paper's protocol, its figures, both tables."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest

from benchmarks.__main__ import main
from benchmarks.job.data import Unusable, load_task
from benchmarks.weak_supervision import parse, reference
from benchmarks.weak_supervision.authors import SHARES, regions, weak_labels
from benchmarks.weak_supervision.summary import TOLERANCE, authors_table, rises_table
from overlapkit.exceptions import VoteWarning


def test_regions_follow_the_papers_code():
    # the break of the confidences is at row 10: hard are all up to the value there
    confidence = np.concatenate([np.linspace(0, 0.1, 10), np.linspace(0.9, 1, 20)])
    angle = np.zeros(30)
    angle[:11] = 1.5  # hard rows point upwards
    angle[11:20] = 0.1
    angle[20:] = 1.4
    rows = np.column_stack([np.cos(angle), np.sin(angle)])
    found = regions(confidence, rows)
    # of nine low and ten high similarities the break, at a multiple of 5, is the 10th
    assert found[20:].sum() == 10 or found[20:].sum() == 9
    assert not found[:11].any()
    # a negative multiple has the same absolute cosine
    np.testing.assert_array_equal(regions(confidence, -rows), found)


def test_ties_make_every_row_hard_as_in_the_papers_code():
    confidence = np.repeat([0.0, 1.0], 10)
    with pytest.raises(Unusable, match="every row is hard"):
        regions(confidence, np.ones((20, 2)))


def test_too_few_rows_that_are_not_hard_are_said():
    confidence = np.concatenate([np.linspace(0, 0.1, 25), np.linspace(0.9, 1, 5)])
    with pytest.raises(Unusable, match="only 4 rows are not hard"):
        regions(confidence, np.ones((30, 2)))


def test_the_published_figures():
    table = reference.load().set_index(["data", "figure"])
    assert len(table.index.levels[0]) == 11
    assert (table["seeds"] == 25).all()
    # of the table in the notes on the paper's result file
    for data, figure, mean, sd in (
        ("youtube", "label model", 72.9, 2.5),
        ("sms", "all weak labels", 70.4, 5.6),
        ("basketball", "1.0", 27.9, 32.3),
        ("spambase", "overlap labels", 88.6, 0.9),
        ("tennis", "true labels", 87.8, 1.8),
    ):
        line = table.loc[data, figure]
        assert line["mean"] == pytest.approx(mean, abs=0.051)
        assert line["sd"] == pytest.approx(sd, abs=0.051)
    rise = table.xs("rise", level="figure")["mean"]
    assert set(rise.index[rise < 0]) == {"basketball", "mushroom"}


@pytest.mark.data
def test_the_published_figures_are_those_of_the_authors_file(real_data):
    path = real_data / "authors_wrench_results.csv"
    if not path.exists():
        pytest.skip("the authors' result file is not there")
    made = reference.summarize(path)
    pd.testing.assert_frame_equal(made, reference.load(), check_dtype=False)


@pytest.mark.data
@pytest.mark.parametrize("name", ["youtube", "sms"])
def test_the_label_model_is_the_authors_where_rows_and_votes_are(real_data, name):
    accuracy = []
    for seed in range(25):
        task = load_task(name, seed, real_data)
        with warnings.catch_warnings():
            # the paper's label model is known to turn functions round
            warnings.simplefilter("ignore", VoteWarning)
            labels, _ = weak_labels(task, seed)
        accuracy.append(100 * np.mean(labels == task.y[task.student]))
    published = reference.load().set_index(["data", "figure"])["mean"]
    difference = np.mean(accuracy) - published[name, "label model"]
    assert abs(difference) <= TOLERANCE


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A small set under a name of the published table, and one without votes."""
    pytest.importorskip("matplotlib")
    rng = np.random.RandomState(0)
    n = 500
    y = rng.randint(2, size=n)
    X = rng.normal(size=(n, 5)) + 1.5 * (y[:, None] - 0.5)
    right = rng.uniform(size=(n, 6)) < np.linspace(0.6, 0.9, 6)
    votes = np.where(right, y[:, None], 1 - y[:, None])
    votes[rng.uniform(size=votes.shape) < 0.5] = -1
    data, out = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("results")
    shared = {
        "y": y.astype(np.int8),
        "X_strong": X.astype(np.float16),
        "class_names": np.array(["no", "yes"]),
        "train_idx": np.arange(300),
        "valid_idx": np.arange(300, 350),
        "test_idx": np.arange(350, 500),
    }
    for name in ("youtube", "bare"):
        (data / name).mkdir()
        extra = {"L": votes.astype(np.int8)} if name == "youtube" else {}
        np.savez(data / name / f"{name}.npz", **shared, **extra)
    options = ["weak-supervision", "--data", str(data), "--datasets", "youtube", "bare"]
    options += ["--seeds", "2", "--strong", "logistic", "--n-jobs", "1"]
    options += ["--out", str(out)]
    assert main(options) == 0
    return out, options


def test_every_figure_stands_beside_the_published_one(finished):
    table = pd.read_csv(finished[0] / "authors.csv", dtype={"figure": str})
    assert set(table["data"]) == {"youtube"}
    assert {f"{share:.1f}" for share in SHARES} < set(table["figure"])
    assert (table["ours_seeds"] == 2).all()
    np.testing.assert_allclose(
        table["difference"], table["ours"] - table["authors"], atol=1e-3
    )


def test_every_student_has_its_controls(finished):
    runs = pd.read_csv(finished[0] / "runs.csv")
    assert {"overlap, random non-hard", "known labels alone", "auto"} <= set(
        runs["model"]
    )
    models = pd.read_csv(finished[0] / "models.csv")
    assert set(models["value"]) == {
        "Accuracy",
        "Balanced accuracy",
        "Share of right labels",
    }


def test_the_page_names_what_was_left_out(finished):
    page = (finished[0] / "report.html").read_text()
    assert "bare" in page
    assert page.count("data:image/png;base64,") == 1


def test_a_second_call_computes_nothing(finished, monkeypatch, capsys):
    out, options = finished
    before = (out / "authors.csv").read_text()

    def never(name, **setting):
        assert name == "bare", "a finished cell was computed again"
        raise Unusable("it has no votes")

    monkeypatch.setattr("benchmarks.weak_supervision.run_job", never)
    assert main(options) == 0
    text = capsys.readouterr().out
    # the set without votes fails anew, the other is found
    assert text.count("2 of 4 cells found") == 2
    assert (out / "authors.csv").read_text() == before


def made_up(data, ends, purity, true_rise, largest=0.5):
    """Results of four seeds of one set."""
    results = {}
    for seed in range(4):
        values = np.linspace(*ends, len(SHARES)) + 0.001 * seed
        figures = {f"{share:.1f}": v for share, v in zip(SHARES, values)}
        figures |= {"label model": 0.7, "overlap labels": 0.6 + purity}
        figures |= {"other labels": 0.6}
        results[data, "paper", seed] = {
            "figures": figures,
            "n_train": 50,
            "overlap": 0.3,
            "rise, true labels": true_rise,
            "largest class, overlap": largest,
            "largest class, all": 0.5,
        }
    return results


def test_the_rise_is_held_against_the_published_sign():
    results = made_up("youtube", (0.6, 0.8), 0.2, 0.0)
    results |= made_up("sms", (0.8, 0.6), 0.1, -0.2, largest=0.9)
    results |= made_up("spambase", (0.8, 0.6), -0.1, 0.1)
    results |= made_up("nowhere", (0.5, 0.6), 0.1, 0.0)
    table = rises_table(results).set_index("data")
    np.testing.assert_allclose(table["rise"], [20, -20, -20, 10], atol=1e-9)
    assert table.loc["youtube", "sign"] == "the same"
    assert table.loc["nowhere", "sign"] == "not published"
    for word in ("true labels", "one class"):
        assert word in table.loc["sms", "sign"]
    assert "less pure" in table.loc["spambase", "sign"]
    ours = authors_table(results)
    assert ours.loc[ours["data"] == "nowhere", "authors"].isna().all()


def test_seeds_that_are_given_are_kept(capsys):
    assert parse([]).seeds == 5
    assert parse(["--full"]).seeds == 25
    assert parse(["--full", "--seeds", "10"]).seeds == 10
    assert parse(["--quick"]).seeds == 2
    with pytest.raises(SystemExit):
        parse(["--quick", "--full"])
    assert "contradict" in capsys.readouterr().err


def test_an_unknown_set_is_refused(capsys, tmp_path):
    with pytest.raises(SystemExit):
        main(["weak-supervision", "--data", str(tmp_path), "--datasets", "moon"])
    assert "no data set moon" in capsys.readouterr().err


def test_cells_say_what_they_depend_on(finished):
    names = sorted(path.name for path in (finished[0] / "cells").iterdir())
    assert names[0] == "youtube--logistic--label-model--0.json"
    content = json.loads((finished[0] / "cells" / names[0]).read_text())
    assert set(content["key"]) == {"data", "parameters", "code", "versions"}
