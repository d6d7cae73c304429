import joblib
import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student_t
from scipy.stats import ttest_rel
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.datasets import make_overlap_classification
from overlapkit.label_models import MajorityVote
from overlapkit.metrics import performance_gap_recovered_score
from overlapkit.model_selection import weak_to_strong_report, weak_to_strong_summary
from overlapkit.model_selection._intervals import mean_interval, ratio_interval

PGR = ["pgr_weak", "pgr_weak_low", "pgr_weak_high"]
CONTROLS = ["overlap, random", "overlap, confident"]
ROWS = ["weak model", "overlap", *CONTROLS, "all rows", "non-hard rows"]


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
def report(data):
    return weak_to_strong_report(
        {"overlap": make_student()}, data.X, data.y, n_repeats=4, random_state=0
    )


def test_teacher_controls_and_ceiling_are_always_there(report):
    summary, runs = report.summary, report.runs
    assert summary.index.tolist() == [*ROWS, "ceiling"]
    assert len(runs) == 7 * 4
    sizes = runs.pivot(index="seed", columns="model", values="n_train")
    # the control of the selector has its size
    for control in CONTROLS:
        assert (sizes["overlap"] == sizes[control]).all()
    assert (sizes["all rows"] == sizes["ceiling"]).all()
    assert (sizes["non-hard rows"] < sizes["all rows"]).all()
    purity = runs.pivot(index="seed", columns="model", values="label_purity")
    assert (purity["ceiling"] == 1).all()
    assert (purity["overlap, random"] > purity["all rows"]).all()
    assert purity["weak model"].isna().all()


def test_summary_is_that_of_the_runs(report):
    summary = report.summary
    scores = report.runs.pivot(index="seed", columns="model", values="accuracy")
    np.testing.assert_allclose(
        summary["mean"], [scores[name].mean() for name in summary.index]
    )
    for control in ("random", "confident"):
        gain = scores["overlap"] - scores[f"overlap, {control}"]
        assert summary.loc["overlap", f"gain_{control}"] == pytest.approx(gain.mean())
    others = summary.drop(index="overlap")
    assert others["gain_random"].isna().all()
    pgr = performance_gap_recovered_score(
        scores["overlap"].mean(),
        anchor=scores["weak model"].mean(),
        ceiling=scores["ceiling"].mean(),
    )
    assert summary.loc["overlap", "pgr_weak"] == pytest.approx(pgr)
    # the corrected interval is wider than the naive one: splits share rows
    naive = ttest_rel(scores["overlap"], scores["weak model"]).confidence_interval()
    width = summary.loc["overlap", "gain_weak_high"] - naive.low
    assert width > naive.high - naive.low


def test_on_known_truth_the_student_beats_its_teacher(report):
    summary = report.summary
    assert summary.loc["overlap", "gain_weak_low"] > 0
    assert summary.loc["overlap", "pgr_weak"] > 0.5
    # and so do random rows that are not hard: the reason why they are reported
    assert summary.loc["overlap, random", "pgr_weak"] > 0.5


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
    with pytest.raises(ValueError, match="give y_true, or a test set"):
        weak_to_strong_report(student, data.X, some, n_repeats=1)


def test_votes_and_a_labelled_test_set_are_enough(data):
    # what a user of labelling functions has: no true label of any training row
    rng = np.random.RandomState(0)
    votes = np.where(rng.rand(450, 4) < 0.8, data.y[:, None], 1 - data.y[:, None])
    X = np.hstack([data.X, votes])
    student = make_student(
        weak_estimator=MajorityVote(),
        strong_columns=slice(0, 40),
        weak_columns=slice(40, 44),
    )
    params = {"n_repeats": 2, "random_state": 0}
    report = weak_to_strong_report(student, X, X_test=X, y_test=data.y, **params)
    assert "ceiling" not in report.summary.index
    assert report.runs["label_purity"].isna().all()
    assert report.summary.loc["student", "mean"] > 0.8


def test_known_labels_do_not_count_as_chosen(data):
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
        {"overlap": student}, data.X, y, X_test=data.X, y_test=data.y, **params
    ).runs.set_index("model")
    n_known, n_chosen = known.sum(), chosen.sum()
    expected = n_known + n_chosen * (1 - n_known / len(y))
    for name in ("overlap", *CONTROLS):
        assert runs.loc[name, "n_train"] == pytest.approx(expected, rel=0.1)
    everything = make_student(missing_label=-1, include_labeled=True, selector=None)
    weak = everything.fit(data.X, y).weak_labels_
    right = np.where(known, True, weak == data.y)
    assert runs.loc["all rows", "label_purity"] == pytest.approx(right.mean(), abs=0.02)


def test_labels_of_another_problem_are_refused(data):
    names = np.array(["a", "b"])[data.y]
    with pytest.raises(ValueError, match=r"classes \[0, 1\], y_test holds \['a"):
        weak_to_strong_report(
            make_student(), data.X, data.y, X_test=data.X, y_test=names
        )
    with pytest.raises(ValueError, match=r"classes \[0, 1\], the true labels are \['a"):
        weak_to_strong_report(make_student(), data.X, data.y, y_true=names, n_repeats=1)


def test_label_spaces_are_compared_without_the_truth_of_the_rows_too(data):
    student = make_student(
        weak_estimator=FrozenEstimator(LogisticRegression().fit(data.X[:, :20], data.y))
    )
    names = np.array(["a", "b"])[data.y]
    with pytest.raises(ValueError, match=r"classes \[0, 1\], y_test holds \['a"):
        weak_to_strong_report(student, data.X, X_test=data.X, y_test=names)


@pytest.mark.parametrize("unknown", [np.nan, -1])
def test_unknown_labels_to_test_on_are_refused(data, unknown):
    y_test = np.where(np.arange(450) < 7, unknown, data.y)
    student = make_student(missing_label=unknown)
    with pytest.raises(ValueError, match="7 labels in y_test are unknown"):
        weak_to_strong_report(student, data.X, data.y, X_test=data.X, y_test=y_test)


@pytest.mark.parametrize("unknown", [np.nan, None])
def test_truth_unknown_in_part_needs_no_marker_of_the_students(data, unknown):
    truth = [unknown if k % 3 else int(v) for k, v in enumerate(data.y)]
    report = weak_to_strong_report(
        make_student(),
        data.X,
        data.y,
        y_true=truth,
        X_test=data.X,
        y_test=data.y,
        n_repeats=1,
    )
    assert "ceiling" not in report.summary.index
    assert report.runs["label_purity"].drop(0).between(0.5, 1).all()


def test_label_purity_is_of_the_labels_that_were_learnt_from(data):
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
        student, data.X, y, y_true=data.y, X_test=data.X, y_test=data.y, n_repeats=1
    ).runs.set_index("model")
    assert runs.loc["student", "label_purity"] == pytest.approx(right.mean())


def test_equal_repeats_have_no_interval(data):
    """A frozen teacher and a student without chance: nothing varies."""
    weak = LogisticRegression().fit(data.X[:, :20], data.y)
    student = make_student(weak_estimator=FrozenEstimator(weak))
    summary = weak_to_strong_report(
        student, data.X, data.y, X_test=data.X, y_test=data.y, n_repeats=3
    ).summary
    assert summary.loc["student", "sd"] == pytest.approx(0)
    assert np.isnan(summary.loc["student", "gain_weak_low"])
    assert np.isnan(summary.loc["student", "pgr_weak_high"])
    assert not np.isnan(summary.loc["student", "pgr_weak"])


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
        ({"all rows": make_student()}, r"No student can be called \['all rows'\]"),
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
