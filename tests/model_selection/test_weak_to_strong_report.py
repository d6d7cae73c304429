import html
import re

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student_t
from scipy.stats import ttest_rel
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.datasets import make_overlap_classification
from overlapkit.label_models import MajorityVote
from overlapkit.metrics import performance_gap_recovered_score
from overlapkit.model_selection import (
    gain_interval,
    weak_to_strong_report,
    weak_to_strong_summary,
)
from overlapkit.model_selection._intervals import mean_interval, ratio_interval

PGR = ["pgr_weak", "pgr_weak_low", "pgr_weak_high"]
CONTROLS = [
    f"overlap, {name}" for name in ("random", "random non-hard", "most confident")
]
ROWS = ["weak model", "overlap", *CONTROLS, "covered rows", "non-hard rows"]


@pytest.fixture(scope="module")
def data():
    return make_overlap_classification(
        n_easy=150, n_hard=150, n_overlap=150, random_state=0
    )


def make_student(**params):
    defaults = {
        "estimator": LogisticRegression(C=0.01),
        "weak_columns": slice(0, 20),
        "selector": OverlapDetector(),
    }
    return WeakToStrongClassifier(**{**defaults, **params})


@pytest.fixture(scope="module")
def new(data):
    """Other rows with the same patterns, to test on."""
    return make_overlap_classification(
        n_easy=150, n_hard=150, n_overlap=150, theta=data.theta, random_state=1
    )


@pytest.fixture(scope="module")
def report(data):
    return weak_to_strong_report(
        {"overlap": make_student()}, data.X, data.y, n_repeats=4, random_state=0
    )


def test_teacher_controls_and_ceiling_are_always_there(report):
    summary, runs = report.summary, report.runs
    assert summary.index.tolist() == [*ROWS, "ceiling"]
    assert len(runs) == 8 * 4
    sizes = runs.pivot(index="seed", columns="model", values="n_train")
    # the control of the selector has its size
    for control in CONTROLS:
        assert (sizes["overlap"] == sizes[control]).all()
    assert (sizes["covered rows"] == sizes["ceiling"]).all()
    assert (sizes["non-hard rows"] < sizes["covered rows"]).all()
    purity = runs.pivot(index="seed", columns="model", values="label_purity")
    assert (purity["ceiling"] == 1).all()
    assert (purity["overlap, random non-hard"] > purity["covered rows"]).all()
    assert purity["weak model"].isna().all()


def test_summary_is_that_of_the_runs(report):
    summary = report.summary
    scores = report.runs.pivot(index="seed", columns="model", values="accuracy")
    np.testing.assert_allclose(
        summary["mean"], [scores[name].mean() for name in summary.index]
    )
    for control in ("random", "random non-hard", "most confident"):
        gain = scores["overlap"] - scores[f"overlap, {control}"]
        column = "gain_" + control.replace(" ", "_").replace("-", "_")
        assert summary.loc["overlap", column] == pytest.approx(gain.mean())
    gain = scores["overlap"] - scores["covered rows"]
    assert summary.loc["overlap", "gain_covered_rows"] == pytest.approx(gain.mean())
    others = summary.drop(index="overlap")
    assert others["gain_random"].isna().all()
    pgr = performance_gap_recovered_score(
        scores["overlap"].mean(),
        anchor=scores["weak model"].mean(),
        ceiling=scores["ceiling"].mean(),
    )
    assert summary.loc["overlap", "pgr_weak"] == pytest.approx(pgr)


def test_on_known_truth_the_student_beats_its_teacher(report):
    summary = report.summary
    assert summary.loc["overlap", "gain_weak_low"] > 0
    assert summary.loc["overlap", "pgr_weak"] > 0.5
    # and so do random rows that are not hard: the reason why they are reported
    assert summary.loc["overlap, random non-hard", "pgr_weak"] > 0.2


def test_several_students_metric_and_anchors(data):
    students = {
        "soft": make_student(selector=None, label_use="soft"),
        "half": make_student(selector=OverlapDetector(), budget=0.5),
    }
    report = weak_to_strong_report(
        students,
        data.X,
        data.y,
        metric="balanced_accuracy",
        anchors={"guessing": 0.5},
        n_repeats=2,
        random_state=0,
    )
    assert "soft, random" not in report.summary.index
    sizes = report.runs.groupby("model")["n_train"].first()
    assert sizes["half"] == sizes["half, random"] == round(0.5 * sizes["ceiling"])
    mean = report.runs[report.runs["model"] == "half"]["balanced_accuracy"].mean()
    assert report.summary.loc["half", "mean"] == pytest.approx(mean)
    assert report.summary.loc["ceiling", "pgr_guessing"] == 1


def test_given_test_set_and_labels_unknown_to_the_teacher(data):
    test = make_overlap_classification(theta=data.theta, random_state=1)
    rng = np.random.RandomState(0)
    some = np.where(rng.uniform(size=len(data.y)) < 0.5, data.y, -1)
    params = {"X_test": test.X, "y_test": test.y, "n_repeats": 2, "random_state": 0}
    student = make_student(missing_label=-1)
    report = weak_to_strong_report(student, data.X, some, y_true=data.y, **params)
    assert "student, random" in report.summary.index
    partly = weak_to_strong_report(student, data.X, some, **params)
    # without the truth of every row there is no ceiling, and all else stays the same
    pd.testing.assert_frame_equal(
        partly.summary, report.summary.drop("ceiling").drop(columns=PGR)
    )
    purity = partly.runs.set_index("model")["label_purity"]
    assert 0.5 < purity["student"].mean() < 1


def test_votes_and_a_labelled_test_set_are_enough(data, new):
    # what a user of labelling functions has: no true label of any training row
    rng = np.random.RandomState(0)
    X, X_test = (
        np.hstack([rows.X, np.where(rng.rand(450, 4) < 0.8, y, 1 - y)])
        for rows in (data, new)
        for y in [rows.y[:, None]]
    )
    student = make_student(
        weak_estimator=MajorityVote(),
        strong_columns=slice(0, 40),
        weak_columns=slice(40, 44),
    )
    params = {"n_repeats": 2, "random_state": 0}
    report = weak_to_strong_report(student, X, X_test=X_test, y_test=new.y, **params)
    assert "ceiling" not in report.summary.index
    assert report.runs["label_purity"].isna().all()
    assert report.summary.loc["student", "mean"] > 0.8


def test_known_labels_do_not_count_as_chosen(data, new):
    # the selector picks as many rows for every arm; known rows come on top of those,
    # with their true label
    rng = np.random.RandomState(0)
    y = np.where(rng.uniform(size=len(data.y)) < 0.3, data.y, -1)
    student = make_student(missing_label=-1, include_labeled=True)
    fitted = student.fit(data.X, y)
    known = y != -1
    chosen = fitted.selector_.support_
    assert fitted.selected_.sum() == (chosen | known).sum()
    params = {"y_true": data.y, "n_repeats": 1, "random_state": 0}
    runs = weak_to_strong_report(
        {"overlap": student}, data.X, y, X_test=new.X, y_test=new.y, **params
    ).runs.set_index("model")
    n_known, n_chosen = known.sum(), chosen.sum()
    expected = n_known + n_chosen * (1 - n_known / len(y))
    for name in ("overlap", *CONTROLS):
        assert runs.loc[name, "n_train"] == pytest.approx(expected, rel=0.1)
    everything = make_student(missing_label=-1, include_labeled=True, selector=None)
    weak = everything.fit(data.X, y).weak_labels_
    right = np.where(known, True, weak == data.y)
    assert runs.loc["covered rows", "label_purity"] == pytest.approx(
        right.mean(), abs=0.02
    )


def test_labels_of_another_problem_are_refused(data, new):
    names = np.array(["a", "b"])[data.y]
    with pytest.raises(ValueError, match=r"classes \[0, 1\], y_test holds \['a"):
        weak_to_strong_report(
            make_student(), data.X, data.y, X_test=new.X, y_test=names
        )
    with pytest.raises(ValueError, match=r"classes \[0, 1\], the true labels are \['a"):
        weak_to_strong_report(make_student(), data.X, data.y, y_true=names, n_repeats=1)


def test_label_spaces_are_compared_without_the_truth_of_the_rows_too(data, new):
    student = make_student(
        weak_estimator=FrozenEstimator(LogisticRegression().fit(data.X[:, :20], data.y))
    )
    names = np.array(["a", "b"])[data.y]
    with pytest.raises(ValueError, match=r"classes \[0, 1\], y_test holds \['a"):
        weak_to_strong_report(student, data.X, X_test=new.X, y_test=names)


@pytest.mark.parametrize("unknown", [np.nan, -1])
def test_unknown_labels_to_test_on_are_refused(data, new, unknown):
    y_test = np.where(np.arange(450) < 7, unknown, data.y)
    student = make_student(missing_label=unknown)
    with pytest.raises(ValueError, match="7 labels in y_test are unknown"):
        weak_to_strong_report(student, data.X, data.y, X_test=new.X, y_test=y_test)


@pytest.mark.parametrize("unknown", [np.nan, None])
def test_truth_unknown_in_part_needs_no_marker_of_the_students(data, new, unknown):
    truth = [unknown if k % 3 else int(v) for k, v in enumerate(data.y)]
    report = weak_to_strong_report(
        make_student(),
        data.X,
        data.y,
        y_true=truth,
        X_test=new.X,
        y_test=new.y,
        n_repeats=1,
    )
    assert "ceiling" not in report.summary.index
    assert report.runs["label_purity"].drop(0).between(0.5, 1).all()


def test_label_purity_is_of_the_labels_that_were_learnt_from(data, new):
    # hand labels can be wrong as well
    y = np.full(450, -1)
    y[:100] = 1 - data.y[:100]
    y[100:200] = data.y[100:200]
    student = make_student(
        weak_estimator=FrozenEstimator(LogisticRegression().fit(data.X, data.y)),
        weak_columns=None,
        missing_label=-1,
        include_labeled=True,
        selector=None,
    )
    weak = student.fit(data.X, y).weak_labels_
    right = np.concatenate([np.zeros(100), np.ones(100), weak[200:] == data.y[200:]])
    runs = weak_to_strong_report(
        student, data.X, y, y_true=data.y, X_test=new.X, y_test=new.y, n_repeats=1
    ).runs.set_index("model")
    assert runs.loc["student", "label_purity"] == pytest.approx(right.mean())


def test_equal_repeats_have_the_interval_of_the_test_rows(data, new):
    """A frozen teacher and a student without chance: only the test rows vary."""
    weak = LogisticRegression().fit(data.X[:, :20], data.y)
    student = make_student(weak_estimator=FrozenEstimator(weak))
    params = {"X_test": new.X, "y_test": new.y}
    one, three = (
        weak_to_strong_report(student, data.X, data.y, **params, n_repeats=n).summary
        for n in (1, 3)
    )
    line = three.loc["student"]
    assert line["sd"] == pytest.approx(0)
    fitted = make_student(weak_estimator=FrozenEstimator(weak)).fit(data.X, data.y)
    right = fitted.predict(new.X) == new.y
    gain = right * 1.0 - (weak.predict(new.X[:, :20]) == new.y)
    columns = ["gain_weak", "gain_weak_low", "gain_weak_high"]
    np.testing.assert_allclose(line[columns].astype(float), gain_interval(gain[None]))
    np.testing.assert_allclose(one.loc["student", columns].astype(float), line[columns])
    assert line["pgr_weak_low"] < line["pgr_weak"] < line["pgr_weak_high"]


def test_rows_of_X_and_regressors_are_refused(data, new):
    with pytest.raises(ValueError, match="100 of the 100 rows in X_test are also rows"):
        weak_to_strong_report(
            make_student(), data.X, data.y, X_test=data.X[:100], y_test=data.y[:100]
        )
    params = {"X_test": new.X, "y_test": new.y}
    student = make_student(estimator=Ridge())
    with pytest.raises(ValueError, match="must be a classifier, got the regressor Rid"):
        weak_to_strong_report(student, data.X, data.y, **params)


def test_known_labels_alone_are_the_strong_model_on_known_labels(data, new):
    known = np.random.RandomState(0).permutation(450) < 80
    y = np.where(known, data.y, -1)
    params = {"X_test": new.X, "y_test": new.y, "n_repeats": 1, "random_state": 0}
    report = weak_to_strong_report(make_student(missing_label=-1), data.X, y, **params)
    alone = LogisticRegression(C=0.01).fit(data.X[known], data.y[known])
    line = report.runs.set_index("model").loc["known labels alone"]
    assert line["accuracy"] == pytest.approx(alone.score(new.X, new.y))
    assert line["n_train"] == 80
    assert "gain_known_labels" in report.summary
    assert "known labels alone" in report.verdict


@pytest.mark.parametrize("marker", [-1, np.nan])
def test_some_known_labels_without_a_test_set_are_cross_fitted(data, marker):
    known = np.random.RandomState(0).permutation(450) < 80
    y = np.where(known, data.y, marker)
    shown = []

    class Watcher(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            shown.append(X)
            return super().fit(X, y, sample_weight)

    student = make_student(estimator=Watcher(C=0.01), missing_label=marker)
    report = weak_to_strong_report(student, data.X, y, n_repeats=2, random_state=0)
    assert report.summary.loc["student", "mean"] > 0.55
    assert "80 rows with a known label, held out in 4 folds, 2 times" in report.design
    assert report.runs["seed"].nunique() == 2
    # 330 rows without a label, and three folds of those with one
    sizes = report.runs.set_index("model").loc["covered rows", "n_train"]
    assert (sizes == 430).all()
    # known labels alone: 60 of 80 in every split
    assert sum(len(X) == 60 for X in shown) == 2 * 4
    assert report.summary["gain_known_labels_low"].notna().any()
    with pytest.raises(ValueError, match="but no label is known"):
        weak_to_strong_report(student, data.X, np.full(450, marker), n_repeats=1)


def test_a_pipeline_is_the_student_behind_its_transformers(data, new):
    params = {"X_test": new.X, "y_test": new.y, "n_repeats": 1, "random_state": 0}
    pipeline = make_pipeline(StandardScaler(), make_student(random_state=0))
    report = weak_to_strong_report({"overlap": pipeline}, data.X, data.y, **params)
    fitted = clone(pipeline).fit(data.X, data.y)
    accuracy = report.runs.set_index("model")["accuracy"]
    assert accuracy["overlap"] == pytest.approx(fitted.score(new.X, new.y))
    with pytest.raises(ValueError, match="ends with one, got LogisticRegression"):
        weak_to_strong_report(make_pipeline(LogisticRegression()), data.X, data.y)


def test_a_student_that_corrects_labels_is_reported_as_it_predicts(data, new):
    known = np.random.RandomState(0).permutation(450) < 60
    y = np.where(known, data.y, -1)
    student = make_student(selector="auto", missing_label=-1, random_state=0)
    params = {"X_test": new.X, "y_test": new.y, "n_repeats": 1, "random_state": 0}
    report = weak_to_strong_report({"auto": student}, data.X, y, **params)
    fitted = clone(student).fit(data.X, y)
    accuracy = report.runs.set_index("model")["accuracy"]
    assert accuracy["auto"] == pytest.approx(fitted.score(new.X, new.y))
    # what stands beside it is the plain strong model
    alone = LogisticRegression(C=0.01).fit(data.X[known], data.y[known])
    assert accuracy["known labels alone"] == pytest.approx(alone.score(new.X, new.y))
    covered = make_student(selector=None, missing_label=-1, random_state=0)
    covered.fit(data.X, y)
    assert accuracy["covered rows"] == pytest.approx(covered.score(new.X, new.y))
    rows = report.rows
    assert (rows["corrected_label"] == fitted.corrected_labels_).all()
    assert (rows["selected"] == fitted.selected_).all()
    assert set(rows.loc[known, "why"]) == {"its label is known"}
    assert "correcting labels and choosing rows" in report.verdict


def test_what_weak_labels_add_is_not_what_known_labels_can_do_alone(new, data):
    # votes without meaning: the gain over the known labels is that of self-training
    rng = np.random.RandomState(0)
    votes = rng.randint(0, 2, size=(450, 3))
    known = rng.permutation(450) < 60
    student = WeakToStrongClassifier(
        LogisticRegression(C=0.01),
        weak_estimator=MajorityVote(classes=[0, 1]),
        strong_columns=slice(0, 40),
        weak_columns=slice(40, 43),
        selector="auto",
        missing_label=-1,
    )
    report = weak_to_strong_report(
        student,
        np.column_stack([data.X, votes]),
        np.where(known, data.y, -1),
        X_test=np.column_stack([new.X, rng.randint(0, 2, size=(450, 3))]),
        y_test=new.y,
        n_repeats=2,
        random_state=0,
    )
    without, student = (
        report.runs.set_index("model")["accuracy"].groupby("model").mean()[name]
        for name in ("student, without weak labels", "student")
    )
    line = report.summary.loc["student"]
    assert line["gain_without_weak_labels"] == pytest.approx(student - without)
    assert line["gain_without_weak_labels_low"] < 0
    assert "learning from weak labels helps" not in report.verdict
    said = f"learning from weak labels .* ({100 * (student - without):+.1f} points over"
    assert re.search(re.escape(said).replace(r"\.\*", ".*"), report.verdict)


def test_rows_of_a_list_are_numbered(data):
    student = make_student(selector=None)
    rows = weak_to_strong_report(
        student, data.X.tolist(), data.y.tolist(), n_repeats=1, random_state=0
    ).rows
    assert rows["id"].tolist() == list(range(450))


def test_students_must_agree_on_what_is_unknown(data):
    students = {
        "first": make_student(missing_label=-1),
        "second": make_student(),
    }
    y = np.where(np.arange(450) < 100, data.y, -1)
    with pytest.raises(ValueError, match="'second' has missing_label=None"):
        weak_to_strong_report(students, data.X, y)


def test_rows_tell_what_was_chosen_and_why(data, report):
    rows = report.rows
    assert rows.columns.tolist() == [
        "id",
        "weak_label",
        "confidence",
        "score",
        "region",
        "selected",
        "why",
    ]
    assert len(rows) == 450
    assert (rows["selected"] == (rows["region"] == "overlap")).all()
    hard, rest = (rows[(rows["region"] == "hard") == side] for side in (True, False))
    assert hard["confidence"].max() < rest["confidence"].min()
    assert set(hard["why"]) == {"weak label of low confidence"}
    frame = pd.DataFrame(data.X, index=[f"row {k}" for k in range(450)])
    frame.columns = [f"f{k}" for k in range(40)]
    student = make_student(weak_columns=[f"f{k}" for k in range(20)])
    by_name = weak_to_strong_report(student, frame, data.y, n_repeats=1).rows
    assert by_name["id"].tolist() == frame.index.tolist()


def test_the_verdict_says_what_helps_by_how_much_and_how_sure(report):
    line = report.summary.loc["overlap"]
    assert report.verdict.startswith(f"overlap: accuracy {line['mean']:.1%}; ")
    gain = f"({100 * line['gain_weak']:+.1f} points over the weak model, 95 % interval "
    assert f"the strong model helps {gain}" in report.verdict
    # the control is as good here, so the sentence must not say that choosing helps
    assert line["gain_random_non_hard_low"] < 0 < line["gain_random_non_hard_high"]
    assert "choosing these rows makes no clear difference" in report.verdict
    # nor may it keep quiet about a student that needs no selection at all
    whole = f"({100 * line['gain_covered_rows']:+.1f} points over every row with a weak"
    assert line["gain_covered_rows_low"] > 0
    assert f"selection as a whole helps {whole}" in report.verdict


def test_the_page_stands_alone_and_escapes_names(data, tmp_path):
    student = make_student()
    report = weak_to_strong_report(
        {"<b>x</b> & co": student}, data.X, data.y, n_repeats=2, random_state=0
    )
    report.to_html(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<b>" not in page
    assert "&lt;b&gt;x&lt;/b&gt; &amp; co" in page
    assert html.escape(report.verdict) in page
    # nothing is loaded from elsewhere, and narrow screens have their own width
    assert not re.search(r"(src|href)=|https?://|@import", page)
    assert "width=device-width" in page
    assert "The first 200 of 450 rows." in page


def test_names_with_dollar_signs_are_no_formulas(data, tmp_path):
    report = weak_to_strong_report(
        {r"$\bad$": make_student(selector=None)}, data.X, data.y, n_repeats=1
    )
    report.plot().figure.savefig(tmp_path / "figure.png")


def test_the_figure_shows_every_gain(report):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    ax = report.plot(gain="covered_rows")
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == report.summary.index.tolist()
    values = ax.lines[-1].get_xdata()
    np.testing.assert_allclose(values, 100 * report.summary["gain_covered_rows"])
    with pytest.raises(ValueError, match="gain is one of"):
        report.plot(gain="magic")
    plt.close("all")


def test_results_do_not_depend_on_n_jobs_and_repeat_with_the_seed(data):
    students = {"tree": make_student(estimator=DecisionTreeClassifier(max_features=3))}
    params = {"n_repeats": 2, "random_state": 5}
    one = weak_to_strong_report(students, data.X, data.y, **params)
    with joblib.parallel_config("threading"):
        two = weak_to_strong_report(students, data.X, data.y, **params, n_jobs=2)
    pd.testing.assert_frame_equal(one.runs, two.runs)
    pd.testing.assert_frame_equal(one.summary, two.summary)
    assert not hasattr(students["tree"], "estimator_")
    assert students["tree"].random_state is None


@pytest.mark.parametrize(
    ("students", "message"),
    [
        ({}, "There is no student"),
        ({"a": LogisticRegression()}, "'a' must be a WeakToStrongClassifier"),
        (
            {"covered rows": make_student()},
            r"No student can be called \['covered rows'\]",
        ),
        (
            {"a": make_student(), "a, random": make_student()},
            r"No student can be called \['a, random'\]",
        ),
    ],
)
def test_bad_students_are_refused(data, students, message):
    with pytest.raises(ValueError, match=message):
        weak_to_strong_report(students, data.X, data.y)


def test_summary_has_the_textbook_paired_interval():
    rng = np.random.RandomState(0)
    weak, student, ceiling = rng.normal([0.6, 0.7, 0.8], 0.05, size=(12, 3)).T
    summary = weak_to_strong_summary(
        weak, {"s": student, "t": weak}, ceiling, baseline="t", confidence_level=0.9
    )
    expected = ttest_rel(student, weak).confidence_interval(0.9)
    for against in ("weak", "t"):
        found = summary.loc["s", [f"gain_{against}_low", f"gain_{against}_high"]]
        np.testing.assert_allclose(found.astype(float), list(expected))
    assert summary.loc["s", "n_repeats"] == 12


def test_split_correction_has_the_formula_of_its_source():
    values = np.array([0.1, 0.2, 0.4])
    _, low, high = mean_interval(values, 0.95, inflation=1 + 3 * 0.25)
    half = student_t.ppf(0.975, 2) * values.std(ddof=1) * np.sqrt(1 / 3 + 0.25)
    assert (high - low) / 2 == pytest.approx(half)


@pytest.mark.parametrize("seed", range(5))
def test_ratio_interval_holds_the_ratios_a_t_test_does_not_reject(seed):
    """Fieller's bounds are where the t interval of a - r b touches 0."""
    rng = np.random.RandomState(seed)
    b = rng.normal(1.0, 0.3, size=8)
    a = 0.6 * b + rng.normal(0, 0.2, size=8)
    ratio, low, high = ratio_interval(a, b, 0.95)
    assert low < ratio < high
    assert ratio == pytest.approx(a.mean() / b.mean())
    for bound in (low, high):
        _, left, right = mean_interval(a - bound * b, 0.95)
        assert min(abs(left), abs(right)) < 1e-9


def test_ratio_interval_covers_as_often_as_it_says():
    rng = np.random.RandomState(0)
    covered = 0
    for _ in range(2000):
        b = rng.normal(0.2, 0.05, size=6)
        a = 0.5 * b + rng.normal(0, 0.03, size=6)
        _, low, high = ratio_interval(a, b, 0.9)
        covered += low <= 0.5 <= high
    # 5 standard errors of a share of 2000
    assert abs(covered / 2000 - 0.9) < 5 * np.sqrt(0.09 / 2000)


def test_without_a_ceiling_there_is_no_gap():
    summary = weak_to_strong_summary([0.5, 0.6], {"a": [0.6, 0.8]})
    assert summary.index.tolist() == ["weak model", "a"]
    assert summary.loc["a", "gain_weak"] == pytest.approx(0.15)
    assert not [name for name in summary if name.startswith("pgr")]
    with pytest.raises(ValueError, match="without a ceiling it has none"):
        weak_to_strong_summary([0.5, 0.6], {"a": [0.6, 0.8]}, anchors={"b": 0.4})
    with pytest.raises(ValueError, match="No baseline can be called 'weak'"):
        weak_to_strong_summary([0.5, 0.6], {"weak": [0.6, 0.8]}, baseline="weak")


def test_no_gap_no_recovery_and_a_doubtful_gap_no_bounds():
    assert np.isnan(ratio_interval(np.ones(3), -np.ones(3), 0.95)).all()
    doubtful = np.array([-1.0, 0.5, 1.0])
    ratio, low, high = ratio_interval(np.array([0.1, 0.2, 0.4]), doubtful, 0.95)
    assert np.isfinite(ratio)
    assert np.isnan([low, high]).all()
    summary = weak_to_strong_summary([0.8], {"s": [0.7]}, [0.8])
    assert np.isnan(summary.loc["s", "pgr_weak"])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"students": {"s": [0.5]}}, "s has 1 repeats, the weak model has 2"),
        ({"ceiling": [0.5, np.nan]}, "The scores of ceiling must be numbers"),
        ({"students": {"ceiling": [0.5, 0.6]}}, r"called \['ceiling'\]"),
        ({"baseline": "x"}, "There is no student 'x'"),
        ({"anchors": {"weak": 0.5}}, "No anchor can be called 'weak'"),
        ({"anchors": {"base": [1, 2, 3]}}, "anchor 'base' has 3 repeats"),
        ({"confidence_level": 1.0}, "The 'confidence_level' parameter"),
    ],
)
def test_bad_scores_are_refused(params, message):
    given = {"weak": [0.5, 0.6], "students": {"s": [0.6, 0.7]}, "ceiling": [0.8, 0.9]}
    with pytest.raises(ValueError, match=message):
        weak_to_strong_summary(**{**given, **params})
