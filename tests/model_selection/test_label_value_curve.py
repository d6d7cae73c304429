"""label_value_curve: what the weak labels are worth, where the answer is known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from overlapkit import OverlapDetector, WeakToStrongClassifier
from overlapkit.exceptions import UncoveredRowsWarning
from overlapkit.label_models import DawidSkene, MajorityVote
from overlapkit.model_selection import label_value_curve

N_STRONG, N_VOTES = 8, 3
METHODS = ["labels alone", "weak labels alone", "both", "self-cut"]


def draw(n, seed, *, right=0.7):
    """Rows with an easy linear pattern and votes that are right by chance."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n, N_STRONG))
    y = (X[:, :2].sum(axis=1) + 0.5 * rng.normal(size=n) > 0).astype(int)
    votes = np.where(rng.uniform(size=(n, N_VOTES)) < right, y[:, None], 1 - y[:, None])
    return np.hstack([X, votes]), y


def student(estimator=None, **params):
    views = {
        "weak_estimator": MajorityVote(),
        "strong_columns": slice(0, N_STRONG),
        "weak_columns": slice(N_STRONG, N_STRONG + N_VOTES),
        "selector": "auto",
    }
    estimator = LogisticRegression() if estimator is None else estimator
    return WeakToStrongClassifier(estimator, **{**views, **params})


def means(result):
    table = result.curve.pivot_table(
        index="n_labels", columns="method", values="accuracy"
    )
    return table[METHODS]


class Scripted(ClassifierMixin, BaseEstimator):
    """Right in a share of the rows that depends on the number of training rows only.

    Column 0 is the place of a test row in [0, 1), column 1 its true class.
    """

    def __init__(self, accuracies=None):
        self.accuracies = accuracies

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.accuracy_ = self.accuracies.get(len(y), 0.5)
        return self

    def predict(self, X):
        right = X[:, 0] < self.accuracy_
        return np.where(right, X[:, 1], 1 - X[:, 1]).astype(int)


def scripted_curve(alone, weak, sizes, **params):
    n, n_test = 200, 100
    rng = np.random.RandomState(0)
    X, X_test = rng.uniform(size=(n, 4)), rng.uniform(size=(n_test, 4))
    y, y_test = np.arange(n) % 2, np.arange(n_test) % 2
    X_test[:, 0], X_test[:, 1] = (np.arange(n_test) + 0.5) / n_test, y_test
    X[:, 2:], X_test[:, 2:] = np.eye(2)[y], np.eye(2)[y_test]
    model = WeakToStrongClassifier(
        Scripted({n: weak, **dict(zip(sizes, alone))}),
        weak_estimator="precomputed",
        strong_columns=[0, 1],
        weak_columns=[2, 3],
        selector="auto",
    )
    given = {"X_test": X_test, "y_test": y_test, "n_labels": sizes, "random_state": 0}
    return label_value_curve(model, X, y, **{**given, "n_repeats": 1, **params})


def oracle(sizes, alone, target):
    """Isotonic regression, then interpolation over the logarithms."""
    rising = IsotonicRegression().fit_transform(np.arange(len(sizes)), alone)
    if rising[0] > target + 1e-9:
        return 0.0
    for k, value in enumerate(rising):
        if value >= target - 1e-9:
            if k == 0:
                return float(sizes[0])
            x = np.interp(target, rising[k - 1 : k + 1], np.log(sizes[k - 1 : k + 1]))
            return float(np.exp(x))
    return np.inf


def test_worth_is_interpolated_on_the_logarithms_of_the_numbers_of_labels():
    # halfway from .6 to .8, so the geometric mean of 20 and 80
    result = scripted_curve([0.6, 0.8], 0.7, [20, 80])
    assert result.worth.n_labels == pytest.approx(40)
    assert result.worth.low <= 40 <= result.worth.high
    assert result.verdict.startswith("Your weak labels are worth about 40 true labels")
    table = means(result)
    np.testing.assert_allclose(table["labels alone"], [0.6, 0.8])
    np.testing.assert_allclose(table["weak labels alone"], 0.7)


hundredths = st.integers(50, 100).map(lambda k: k / 100)


# the rule is of means alone, whatever the curve looks like: also where it falls
@settings(max_examples=25, deadline=None)
@given(alone=st.lists(hundredths, min_size=4, max_size=4), weak=hundredths)
def test_worth_is_what_the_formula_says_for_any_curve(alone, weak):
    sizes = [10, 25, 50, 100]
    result = scripted_curve(alone, weak, sizes)
    assert result.worth.n_labels == pytest.approx(oracle(sizes, alone, weak))
    assert result.worth.low <= result.worth.n_labels <= result.worth.high
    for line in result.needed.itertuples():
        expected = oracle(sizes, alone, line.accuracy)
        assert line.needed == pytest.approx(expected)
        assert line.more == pytest.approx(expected - line.n_labels)
        assert line.needed_low <= line.needed <= line.needed_high


@pytest.mark.parametrize(
    ("weak", "n", "words"),
    [
        (0.5, 0.0, "fewer than 20 true labels (95 % interval: fewer than 20"),
        (1.0, np.inf, "more than 80 true labels (95 % interval: more than 80"),
    ],
)
def test_a_number_outside_the_range_is_said_and_not_extrapolated(weak, n, words):
    result = scripted_curve([0.7, 0.8], weak, [20, 80])
    assert result.worth.n_labels == n
    assert f"Your weak labels are worth {words}" in result.verdict
    assert "at both ends" in result.verdict.split(".")[0]


def test_the_interval_is_narrower_with_a_lower_confidence():
    wide, narrow = (
        scripted_curve([0.6, 0.8], 0.7, [20, 80], confidence_level=level)
        for level in (0.95, 0.5)
    )
    assert wide.worth.low < narrow.worth.low < narrow.worth.high < wide.worth.high
    assert "50 % interval" in narrow.verdict


def test_methods_are_what_a_user_would_fit_with_these_labels():
    X, y = draw(400, 0)
    X_test, y_test = draw(3000, 1)
    known = np.where(np.arange(400) % 7 == 0, y, -1)
    model = student(missing_label=-1, random_state=3)
    result = label_value_curve(
        model,
        X,
        known,
        X_test=X_test,
        y_test=y_test,
        n_labels=[int((known >= 0).sum())],
        n_repeats=1,
        random_state=0,
    )
    rows, few = X[:, :N_STRONG], known >= 0
    weak = np.where(X[:, N_STRONG:].sum(axis=1) > N_VOTES / 2, 1, 0)
    alone = LogisticRegression().fit(rows[few], y[few])
    by_weak = LogisticRegression().fit(rows, weak)
    accuracy = means(result).iloc[0]
    new = X_test[:, :N_STRONG]
    assert accuracy["labels alone"] == alone.score(new, y_test)
    assert accuracy["weak labels alone"] == by_weak.score(new, y_test)
    assert accuracy["both"] == model.fit(X, known).score(X_test, y_test)
    assert accuracy["self-cut"] != accuracy["both"]


def test_self_cut_and_labels_alone_do_not_depend_on_the_votes():
    X, y = draw(400, 0)
    other = X.copy()
    other[:, N_STRONG:] = np.random.RandomState(0).permutation(other[:, N_STRONG:])
    params = {"n_labels": [30, 100], "n_repeats": 2, "random_state": 0}
    one, two = (means(label_value_curve(student(), Z, y, **params)) for Z in (X, other))
    free = ["labels alone", "self-cut"]
    pd.testing.assert_frame_equal(one[free], two[free])
    assert not one["both"].equals(two["both"])


def test_more_labels_are_no_worse_on_average():
    X, y = draw(1500, 0)
    X_test, y_test = draw(2000, 1)
    result = label_value_curve(
        student(), X, y, X_test=X_test, y_test=y_test, n_repeats=8, random_state=0
    )
    assert means(result).index.tolist() == [25, 50, 100, 250, 500, 1000]
    # 2,000 rows and 8 draws: noise of the differences is well below a point
    steps = np.diff(means(result)["labels alone"])
    assert (steps > -0.01).all()
    assert steps.sum() > 0.03


def test_permuted_votes_are_worth_nothing_and_perfect_ones_all_labels():
    X, y = draw(800, 0)
    params = {"n_repeats": 3, "n_labels": [25, 50, 100], "random_state": 0}
    permuted = X.copy()
    permuted[:, N_STRONG:] = np.random.RandomState(0).permutation(X[:, N_STRONG:])
    result = label_value_curve(student(), permuted, y, **params)
    assert result.worth.n_labels == 0
    assert result.verdict.startswith("Your weak labels are worth fewer than 25 true")
    perfect, y = draw(800, 0, right=1.0)
    result = label_value_curve(student(), perfect, y, **params)
    assert result.worth.n_labels > 50
    assert result.worth.high == np.inf


def test_interval_holds_the_number_where_it_is_known():
    # weak labels of a model of 60 labels, and both curves by 20,000 test rows
    X, y = draw(1200, 0)
    X_test, y_test = draw(1500, 1)
    X_big, y_big = draw(20_000, 2)
    X_teacher, y_teacher = draw(60, 3)
    strong = slice(0, N_STRONG)
    teacher = LogisticRegression().fit(X_teacher[:, strong], y_teacher)

    def with_proba(X):
        return np.hstack([X[:, strong], teacher.predict_proba(X[:, strong])])

    sizes = [15, 30, 60, 120, 240]
    result = label_value_curve(
        student(
            weak_estimator="precomputed", weak_columns=slice(N_STRONG, N_STRONG + 2)
        ),
        with_proba(X),
        y,
        X_test=with_proba(X_test),
        y_test=y_test,
        n_labels=sizes,
        n_repeats=10,
        random_state=0,
    )

    def accuracy(rows, labels):
        fitted = LogisticRegression().fit(X[rows][:, strong], labels)
        return fitted.score(X_big[:, strong], y_big)

    order = [np.random.RandomState(seed).permutation(1200) for seed in range(40)]
    alone = [np.mean([accuracy(o[:n], y[o[:n]]) for o in order]) for n in sizes]
    weak = accuracy(np.arange(1200), teacher.predict(X[:, strong]))
    truth = oracle(sizes, alone, weak)
    assert 15 < truth < 240
    assert result.worth.low <= truth <= result.worth.high
    # an interval of everything would hold it as well
    assert result.worth.low > 15 or result.worth.high < 240


def test_held_out_rows_are_learnt_from_by_no_method():
    # labels are noise: whoever remembers a row of the test is right too often
    X, _ = draw(600, 0)
    y = np.random.RandomState(1).randint(0, 2, size=600)
    result = label_value_curve(
        student(KNeighborsClassifier(1)), X, y, n_repeats=3, random_state=0
    )
    assert means(result).index.tolist() == [25, 50, 100, 250, 450]
    assert means(result).to_numpy().max() < 0.6


def test_unknown_rows_are_learnt_from_and_only_known_ones_tested_on():
    X, y = draw(900, 0)
    known = np.where(np.arange(900) % 3 == 0, y, -1)
    result = label_value_curve(
        student(missing_label=-1), X, known, n_repeats=2, random_state=0
    )
    # of 300 known labels, 75 are held out
    assert means(result).index.tolist() == [25, 50, 100, 225]
    assert set((result.curve["accuracy"] * 75 % 1).round(6)) <= {0.0, 1.0}
    assert "With 50 true labels" in result.verdict


def test_the_table_has_a_row_for_each_number_method_and_repeat():
    X, y = draw(300, 0)
    result = label_value_curve(
        student(), X, y, n_labels=[40, 20], n_repeats=2, random_state=0
    )
    names = ["n_labels", "method", "repeat", "accuracy", "low", "high"]
    assert result.curve.columns.tolist() == names
    assert len(result.curve) == 2 * 4 * 2
    assert result.curve["method"].unique().tolist() == METHODS
    assert not result.curve.duplicated(["n_labels", "method", "repeat"]).any()
    mean = result.curve.groupby(["method", "n_labels"])["accuracy"].transform("mean")
    assert result.curve["low"].le(mean).all()
    assert result.curve["high"].between(mean, 1).all()
    with pytest.raises(AttributeError):
        result.verdict = "better"


@pytest.mark.usefixtures("threads")
def test_results_do_not_depend_on_jobs_names_of_classes_or_kind_of_table():
    X, y = draw(400, 0)
    params = {"n_labels": [30, 90], "n_repeats": 2, "random_state": 0}
    first = label_value_curve(student(), X, y, **params)
    again = label_value_curve(student(), X, y, n_jobs=2, **params)
    pd.testing.assert_frame_equal(first.curve, again.curve)
    assert first.worth == again.worth
    assert first.verdict == again.verdict
    named = np.array(["ham", "spam"])[y]
    third = label_value_curve(
        student(classes=["ham", "spam"]), pd.DataFrame(X), named, **params
    )
    pd.testing.assert_frame_equal(first.curve, third.curve)


def test_steps_of_a_pipeline_see_no_label_and_are_applied_to_both_parts():
    X, y = draw(400, 0)
    X_test, y_test = draw(200, 1)
    scale = ColumnTransformer(
        [("scale", StandardScaler(), slice(0, N_STRONG))], remainder="passthrough"
    )
    params = {"n_labels": [50], "n_repeats": 2, "random_state": 0, "y_test": y_test}
    piped = label_value_curve(
        make_pipeline(scale, student()), X, y, X_test=X_test, **params
    )
    fitted = clone(scale).fit(X)
    plain = label_value_curve(
        student(), fitted.transform(X), y, X_test=fitted.transform(X_test), **params
    )
    pd.testing.assert_frame_equal(piped.curve, plain.curve)
    supervised = make_pipeline(SelectKBest(k=N_STRONG + N_VOTES), student())
    with pytest.raises((TypeError, ValueError), match="y"):
        label_value_curve(supervised, X, y, X_test=X_test, **params)


def test_missing_values_and_rows_without_votes_are_taken():
    X, y = draw(400, 0)
    X[::5, 0] = np.nan
    X[::7, N_STRONG:] = -1
    model = student(make_pipeline(SimpleImputer(), LogisticRegression()))
    with pytest.warns(UncoveredRowsWarning):
        result = label_value_curve(
            model, X, y, n_labels=[50], n_repeats=1, random_state=0
        )
    assert means(result)["labels alone"].iloc[0] > 0.6


def test_a_label_model_that_could_learn_from_labels_is_given_none():
    X, y = draw(400, 0)
    params = {"n_labels": [50], "n_repeats": 1, "random_state": 0}
    unaware = label_value_curve(student(weak_estimator=DawidSkene()), X, y, **params)
    aware = label_value_curve(
        student(weak_estimator=DawidSkene(missing_label=-1)),
        X,
        y,
        **params,
    )
    weak = "weak labels alone"
    assert means(aware)[weak].equals(means(unaware)[weak])


def test_labels_are_drawn_of_every_class():
    X, y = draw(600, 0)
    y[:12] = 2
    model = student(weak_estimator=MajorityVote(), classes=[0, 1, 2])
    result = label_value_curve(
        model, X, y, n_labels=[6, 100], n_repeats=2, random_state=0
    )
    assert means(result).loc[6, "labels alone"] > 0.4
    with pytest.raises(ValueError, match="n_labels must lie between 6"):
        label_value_curve(model, X, y, n_labels=[5], random_state=0)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"selector": OverlapDetector()}, "the student has selector=OverlapDetector"),
        ({"budget": 0.5}, "The student has budget=0.5"),
        ({"label_use": "soft"}, "The student has label_use='soft'"),
        ({"include_labeled": True}, "The student has include_labeled=True"),
        ({"weak_estimator": None}, "weak_estimator=None learns from true labels"),
        (
            {"weak_estimator": LogisticRegression()},
            "weak_estimator=LogisticRegression\\(\\) learns from true labels",
        ),
        ({"estimator": Ridge()}, "must be a classifier, got the regressor Ridge"),
        ({"classes": [0, 1, 2]}, "No label of the classes \\[2\\] is known"),
    ],
)
def test_students_that_say_otherwise_are_refused(params, message):
    X, y = draw(200, 0)
    with pytest.raises(ValueError, match=message):
        label_value_curve(student(**params), X, y, random_state=0)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_labels": [25, 500]}, "n_labels must lie between 4 .* and 150"),
        ({"n_labels": [2]}, "n_labels must lie between 4 "),
        ({"n_labels": [25.5]}, "n_labels must be whole numbers"),
        ({"n_labels": []}, "n_labels must be whole numbers"),
        ({"n_at_hand": 60}, r"n_at_hand=60 must be one of n_labels, \[25, 50, 100"),
        ({"n_repeats": 0}, "n_repeats"),
        ({"test_size": 1.0}, "test_size"),
        ({"X_test": np.zeros((3, N_STRONG + N_VOTES))}, "Give both X_test and y_test"),
    ],
)
def test_bad_parameters_are_refused(params, message):
    X, y = draw(200, 0)
    with pytest.raises(ValueError, match=message):
        label_value_curve(student(), X, y, random_state=0, **params)


def test_bad_labels_and_test_rows_are_refused():
    X, y = draw(200, 0)
    model = student(missing_label=-1)
    with pytest.raises(ValueError, match="of 1 known labels of 1 class"):
        label_value_curve(model, X, np.where(np.arange(200) == 3, y, -1))
    with pytest.raises(ValueError, match="of 0 known labels of 0 class"):
        label_value_curve(model, X, np.full(200, -1))
    few = np.where(np.arange(200) < 20, y, -1)
    with pytest.raises(ValueError, match="There are 15 known labels to learn from"):
        label_value_curve(model, X, few)
    with pytest.raises(ValueError, match="y is None"):
        label_value_curve(model, X, None)
    with pytest.raises(ValueError, match="rows"):
        label_value_curve(student(), X, y, X_test=X[:50], y_test=y[:50])
    X_test, _ = draw(50, 1)
    with pytest.raises(ValueError, match="no label in common"):
        label_value_curve(student(), X, y, X_test=X_test, y_test=np.full(50, 7))
    with pytest.raises(TypeError, match="student"):
        label_value_curve(LogisticRegression(), X, y)
