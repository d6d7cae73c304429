"""LabelCorrector: weak labels corrected with the help of some known ones."""

import importlib.util
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from overlapkit.exceptions import WeakLabelWarning
from overlapkit.label_models import MajorityVote
from overlapkit.students import LabelCorrector
from overlapkit.students._correction import known_folds
from overlapkit.students._learner import log_probabilities


def make_task(*, seed=0, n=600, n_known=60, n_classes=2, n_functions=6, spread=1.0):
    """Rows, votes of functions of different quality, and some known labels."""
    rng = np.random.RandomState(seed)
    truth = rng.randint(0, n_classes, size=n)
    centre = 1.5 * rng.normal(size=(n_classes, 8))
    X = centre[truth] + spread * 2 * rng.normal(size=(n, 8))
    quality = np.linspace(0.55, 0.9, n_functions)
    right = rng.uniform(size=(n, n_functions)) < quality
    other = (truth[:, None] + rng.randint(1, n_classes, (n, n_functions))) % n_classes
    votes = np.where(right, truth[:, None], other)
    votes[rng.uniform(size=votes.shape) < 0.5] = -1
    y = np.full(n, -1)
    y[:n_known] = truth[:n_known]
    return X, y, votes, truth


def corrector(estimator=None, **params):
    estimator = LogisticRegression() if estimator is None else estimator
    return LabelCorrector(
        estimator, **({"missing_label": -1, "random_state": 0} | params)
    )


def accuracy(fitted, y, truth):
    unknown = y < 0
    return np.mean(fitted.corrected_labels_[unknown] == truth[unknown])


@pytest.fixture(scope="module")
def oracle(real_data):
    path = real_data.parent / "recipe_oracle.py"
    if not path.is_file():
        pytest.skip(f"no oracle: {path} is not a file")
    spec = importlib.util.spec_from_file_location("recipe_oracle", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.data
@pytest.mark.parametrize("name", ["youtube", "sms", "spambase"])
def test_labels_are_those_of_the_oracle_on_real_data(name, real_data, oracle):
    with np.load(real_data / name / f"{name}.npz", allow_pickle=False) as file:
        rows = file["train_idx"]
        X = file["X_strong"][rows].astype(np.float32)
        votes, truth = file["L"][rows].astype(int), file["y"][rows].astype(int)
    y = np.full(len(truth), -1)
    known = np.random.RandomState(0).permutation(len(y))[:100]
    y[known] = truth[known]
    model = MajorityVote(classes=[0, 1], random_state=0).fit(votes)
    weak = np.where(model.covered(votes), model.predict(votes), -1)
    student = LogisticRegression(C=0.1, max_iter=1000)
    expected = oracle.correct_cut_train(student, X, votes, y, weak, seed=3)

    class Seed(np.random.RandomState):
        def randint(self, *args, **kwargs):
            return 3  # the oracle's folds

    fitted = corrector(student, random_state=Seed())
    fitted.fit(X, y, weak_labels=weak, votes=votes)
    assert np.mean(fitted.corrected_labels_ == expected.labels_) >= 0.995
    # and they are worth having
    assert accuracy(fitted, y, truth) > accuracy_of(weak, y, truth) - 0.01


def accuracy_of(labels, y, truth):
    unknown = y < 0
    return np.mean(labels[unknown] == truth[unknown])


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_corrected_labels_beat_both_sources(n_classes):
    X, y, votes, truth = make_task(n_classes=n_classes, n=1200, n_known=90, spread=1.5)
    fitted = corrector().fit(X, y, votes=votes)
    alone = fitted.known_estimator_.predict(X)
    weak = MajorityVote(random_state=0).fit(votes).predict(votes)
    assert accuracy(fitted, y, truth) > accuracy_of(alone, y, truth) + 0.02
    assert accuracy(fitted, y, truth) > accuracy_of(weak, y, truth) + 0.02
    assert fitted.coef_.shape == (3,)
    assert fitted.intercept_.shape == (n_classes,)
    assert fitted.lifts_.shape == (6, n_classes, n_classes)
    # the best function says more than the worst
    diagonal = fitted.lifts_[:, np.arange(n_classes), np.arange(n_classes)]
    assert diagonal[-1].mean() > 1.3 * diagonal[0].mean()


def test_known_labels_are_kept():
    X, y, votes, _ = make_task()
    fitted = corrector().fit(X, y, votes=votes)
    known = y >= 0
    np.testing.assert_array_equal(fitted.corrected_labels_[known], y[known])
    np.testing.assert_array_equal(fitted.corrected_proba_[known].max(axis=1), 1)
    np.testing.assert_allclose(fitted.corrected_proba_.sum(axis=1), 1)


def test_permuted_votes_are_switched_off():
    X, y, votes, truth = make_task(n=2000, n_known=150)
    helped = corrector().fit(X, y, votes=votes)
    order = np.random.RandomState(1).permutation(len(votes))
    fitted = corrector().fit(X, y, votes=votes[order])
    assert fitted.shares_[1:].sum() < 0.1 < 0.4 < helped.shares_[1:].sum()
    alone = fitted.known_estimator_.predict(X)
    assert accuracy_of(fitted.corrected_labels_, y, alone) > 0.97
    assert abs(accuracy(fitted, y, truth) - accuracy_of(alone, y, truth)) < 0.02


def test_flipped_votes_are_turned_round():
    X, y, votes, truth = make_task(n=2000, n_known=150)
    flipped = np.where(votes >= 0, 1 - votes, -1)
    straight = corrector().fit(X, y, votes=votes)
    fitted = corrector().fit(X, y, votes=flipped)
    assert fitted.coef_[1] == 0  # a student of wrong labels
    alone = fitted.known_estimator_.predict(X)
    assert accuracy(fitted, y, truth) > accuracy_of(alone, y, truth) + 0.03
    assert accuracy(fitted, y, truth) > accuracy(straight, y, truth) - 0.03


def test_what_it_says_of_the_weak_labels():
    X, y, votes, truth = make_task(n=2000, n_known=300, spread=0.7)
    assert "next to nothing" not in corrector().fit(X, y, votes=votes).summary_
    order = np.random.RandomState(1).permutation(len(votes))
    useless = corrector().fit(X, y, votes=votes[order])
    assert "weak labels and votes add next to nothing" in useless.summary_
    assert "known labels alone" in corrector().fit(X, y).summary_
    # votes that repeat the weak labels word for word add nothing to these
    weak = np.where(np.arange(len(y)) % 2, truth, -1)
    copied = corrector().fit(X, y, weak_labels=weak)
    assert copied.sources_ == ("known labels", "weak labels")
    assert "The weak labels" not in copied.summary_


def test_without_weak_labels_it_is_a_calibrated_model_of_the_known_ones():
    X, y, _, _ = make_task()
    fitted = corrector().fit(X, y)
    assert fitted.sources_ == ("known labels",)
    assert fitted.coef_.shape == (1,)
    assert fitted.lifts_ is None
    assert fitted.weak_estimator_ is None
    labels, proba = fitted.correct(X)
    unknown = y < 0
    np.testing.assert_array_equal(labels[unknown], fitted.corrected_labels_[unknown])
    np.testing.assert_allclose(proba[unknown], fitted.corrected_proba_[unknown])


def test_rows_without_a_vote_carry_no_weak_label():
    X, y, votes, _ = make_task()
    votes[::3] = -1
    weak = np.where((votes >= 0).any(axis=1), 1, -1)
    weak[votes.max(axis=1) == 0] = 0
    fitted = corrector().fit(X, y, weak_labels=weak, votes=votes)
    # a student that never sees them: their features may be anything
    other = X.copy()
    uncovered = (weak < 0) & (y < 0)
    other[uncovered] += 100
    again = corrector().fit(other, y, weak_labels=weak, votes=votes)
    np.testing.assert_allclose(
        again.weak_estimator_.coef_, fitted.weak_estimator_.coef_
    )


def test_majority_of_the_votes_is_the_weak_label_that_is_not_given():
    X, y, votes, _ = make_task(n_functions=7)
    covered = (votes >= 0).any(axis=1)
    counts = (votes[:, :, None] == np.arange(2)).sum(axis=1)
    votes[covered & (counts[:, 0] == counts[:, 1])] = -1  # no ties
    counts = (votes[:, :, None] == np.arange(2)).sum(axis=1)
    weak = np.where(counts.any(axis=1), counts.argmax(axis=1), -1)
    given = corrector().fit(X, y, weak_labels=weak, votes=votes)
    derived = corrector().fit(X, y, votes=votes)
    np.testing.assert_allclose(given.coef_, derived.coef_)


def test_names_of_classes_do_not_matter():
    X, y, votes, _ = make_task()
    fitted = corrector().fit(X, y, votes=votes)
    words = np.array(["", "a", "b"])[y + 1]
    named = corrector(missing_label="").fit(X, words, votes=votes)
    np.testing.assert_array_equal(
        named.corrected_labels_, np.array(["a", "b"])[fitted.corrected_labels_]
    )
    # with the classes the other way round, the codes of the votes are too
    words = np.array(["", "b", "a"])[y + 1]
    turned = np.where(votes >= 0, 1 - votes, -1)
    weak = np.array(["b", "a"])[fitted.classes_[_majority(votes)]]
    one = corrector().fit(X, y, votes=votes, weak_labels=_majority(votes))
    two = corrector(missing_label="").fit(X, words, votes=turned, weak_labels=weak)
    np.testing.assert_allclose(
        two.corrected_proba_[:, ::-1], one.corrected_proba_, atol=1e-4
    )


def _majority(votes):
    return MajorityVote(random_state=0).fit(votes).predict(votes)


def test_order_of_the_functions_does_not_matter():
    X, y, votes, _ = make_task()
    weak = _majority(votes)
    one = corrector().fit(X, y, weak_labels=weak, votes=votes)
    two = corrector().fit(X, y, weak_labels=weak, votes=votes[:, ::-1])
    np.testing.assert_allclose(two.corrected_proba_, one.corrected_proba_, atol=1e-6)
    np.testing.assert_allclose(two.lifts_[::-1], one.lifts_, atol=1e-6)


def test_new_rows():
    X, y, votes, truth = make_task(n=1200)
    fitted = corrector().fit(X[:600], y[:600], votes=votes[:600])
    labels, proba = fitted.correct(X[600:], votes=votes[600:])
    assert np.mean(labels == truth[600:]) > 0.8
    np.testing.assert_array_equal(fitted.predict(X[600:], votes=votes[600:]), labels)
    np.testing.assert_array_equal(
        fitted.predict_proba(X[600:], votes=votes[600:]), proba
    )
    # a row of fit whose label is not known gets the same answer again
    rows = y[:600] < 0
    again = fitted.correct(X[:600], votes=votes[:600])[1]
    np.testing.assert_allclose(again[rows], fitted.corrected_proba_[rows])
    with pytest.raises(ValueError, match="fit had votes and correct got none"):
        fitted.correct(X)
    with pytest.raises(ValueError, match="votes has 2 columns, fit had 6"):
        fitted.correct(X, votes=votes[:, :2])
    with pytest.raises(ValueError, match="fit had no votes and correct got some"):
        corrector().fit(X, y).correct(X, votes=votes)


@pytest.mark.usefixtures("threads")
def test_n_jobs_does_not_matter():
    X, y, votes, _ = make_task()
    one, two = (corrector(n_jobs=n).fit(X, y, votes=votes) for n in (1, 2))
    np.testing.assert_array_equal(one.corrected_proba_, two.corrected_proba_)


class OnlyPredicts(ClassifierMixin, BaseEstimator):
    """A classifier with neither probabilities, decision values nor weights."""

    def fit(self, X, y):
        self.model_ = KNeighborsClassifier(15).fit(X, y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        return self.model_.predict(X)


@pytest.mark.parametrize(
    "student",
    [
        OnlyPredicts(),
        RidgeClassifier(),
        SVC(decision_function_shape="ovo"),
        DecisionTreeClassifier(max_depth=3, random_state=0),
        make_pipeline(StandardScaler(), LogisticRegression()),
        GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=2),
    ],
    ids=lambda student: type(student).__name__,
)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_any_classifier_can_be_the_student(student, n_classes):
    X, y, votes, truth = make_task(n_classes=n_classes)
    fitted = corrector(student).fit(X, y, votes=votes)
    majority = MajorityVote(random_state=0).fit(votes).predict(votes)
    assert accuracy(fitted, y, truth) > accuracy_of(majority, y, truth)


def test_decision_values_and_predictions_in_place_of_probabilities():
    X, y, _, _ = make_task(n_classes=3)
    known, classes = y >= 0, np.arange(4)  # the model does not know class 3
    ridge = RidgeClassifier().fit(X[known], y[known])
    got = log_probabilities(ridge, X, classes)
    values = np.exp(ridge.decision_function(X))
    expected = values / values.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.exp(got[:, :3]), expected, rtol=1e-3)
    assert np.exp(got[:, 3]).max() < 1.01e-4
    one_hot = np.exp(
        log_probabilities(OnlyPredicts().fit(X[known], y[known]), X, classes)
    )
    np.testing.assert_array_equal(one_hot.argmax(axis=1), ridge_like(X, y, known))
    assert one_hot.max(axis=1).min() > 0.999


def ridge_like(X, y, known):
    return OnlyPredicts().fit(X[known], y[known]).predict(X)


def test_a_class_with_a_single_known_row():
    X, y, votes, truth = make_task(n_classes=3, n_known=60)
    y[(y == 2) & (np.cumsum(y == 2) > 1)] = -1
    assert np.sum(y == 2) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = corrector().fit(X, y, votes=votes)
    assert fitted.classes_.tolist() == [0, 1, 2]
    # votes know the class better than its one row does
    unknown = (y < 0) & (truth == 2)
    assert np.mean(fitted.corrected_labels_[unknown] == 2) > 0.4


def test_a_single_known_row_of_a_class_does_not_cost_its_weak_labels():
    """It cannot be held out, so nothing is known of how to weigh its class.

    The likelihood of the other class alone would push its intercept down, until no row
    is given the class that half of all rows and most of their votes have.
    """
    right = []
    for seed in range(3):
        X, _, votes, truth = make_task(seed=seed, n_functions=8)
        y = np.full(len(truth), -1)
        y[np.flatnonzero(truth == 0)[:40]] = 0
        y[np.flatnonzero(truth == 1)[0]] = 1
        fitted = corrector(cv=3).fit(X, y, votes=votes)
        right.append(accuracy(fitted, y, truth))
    assert np.mean(right) > 0.7


def test_one_known_row_of_each_class():
    X, y, votes, _ = make_task(n_known=0)
    _, _, _, truth = make_task(n_known=0)
    y[[np.argmax(truth == 0), np.argmax(truth == 1)]] = [0, 1]
    with pytest.warns(WeakLabelWarning, match="No known label can be held out"):
        fitted = corrector().fit(X, y, votes=votes)
    np.testing.assert_allclose(fitted.coef_, [0.6, 0.3, 0.3])


def test_groups_are_held_out_together():
    # ten copies of each known row: without groups a model is judged on what it saw
    X, y, votes, _ = make_task(n=400, n_known=30)
    rng = np.random.RandomState(0)
    noise = rng.normal(size=(30, 8))
    truth = rng.randint(0, 2, size=30)
    X, y = np.vstack([X] + [noise] * 10), np.r_[np.full(400, -1), np.tile(truth, 10)]
    votes = np.vstack([votes, np.full((300, 6), -1)])
    groups = np.r_[np.arange(400) + 30, np.tile(np.arange(30), 10)]
    student = KNeighborsClassifier(3)
    fooled = corrector(student).fit(X, y, votes=votes)
    told = corrector(student).fit(X, y, votes=votes, groups=groups)
    assert fooled.coef_[0] > 0.5
    assert told.coef_[0] < 0.1


def test_folds_of_groups_and_of_splitters():
    codes = np.tile([0, 1], 20)
    X, groups = np.arange(40.0)[:, None], np.arange(40) // 4
    for _, test in known_folds(X, codes, 3, 0, groups=groups):
        rest = np.setdiff1d(np.arange(40), test)
        assert not set(groups[test]) & set(groups[rest])
    halves = [(np.arange(20), np.arange(20, 40)), (np.arange(20, 40), np.arange(20))]
    assert len(known_folds(X, codes, halves, 0)) == 2
    with pytest.raises(ValueError, match="holds 20 of 40 known rows out"):
        known_folds(X, codes, halves[:1], 0)


def test_weights_are_used_or_refused():
    X, y, votes, truth = make_task(n_known=120)
    # known labels of the second half are wrong, and weigh nothing
    y[60:120] = 1 - y[60:120]
    weight = np.where((np.arange(600) >= 60) & (np.arange(600) < 120), 0.0, 1.0)
    weighted = corrector().fit(X, y, votes=votes, sample_weight=weight)
    plain = corrector().fit(X, y, votes=votes)
    assert accuracy(weighted, y, truth) > accuracy(plain, y, truth)
    assert weighted.coef_[0] > plain.coef_[0]
    with pytest.raises(ValueError, match="KNeighborsClassifier takes none"):
        corrector(KNeighborsClassifier()).fit(X, y, sample_weight=weight)


def test_frames():
    X, y, votes, _ = make_task()
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(8)])
    fitted = corrector().fit(frame, pd.Series(y), votes=pd.DataFrame(votes))
    assert fitted.feature_names_in_.tolist() == list(frame)
    again = corrector().fit(X, y, votes=votes)
    np.testing.assert_allclose(fitted.corrected_proba_, again.corrected_proba_)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.full(600, -1)}, "holds 0 known label"),
        ({"votes": np.full((600, 2), 2)}, "name none of the 2 classes"),
        ({"votes": np.full((600, 2), 0.5)}, "Votes must be integers"),
        ({"votes": np.zeros((599, 2))}, "inconsistent numbers of samples"),
        ({"sample_weight": np.full(600, -1.0)}, "finite and not negative; 600 of 600"),
        ({"sample_weight": np.full(600, np.nan)}, "finite and not negative"),
        ({"sample_weight": (np.arange(600) >= 60) * 1.0}, "zero for all 60 rows"),
        ({"weak_labels": np.full(600, 7)}, "classes of which no label is known: .7."),
        ({"weak_labels": np.zeros(599)}, "inconsistent numbers of samples"),
    ],
)
def test_what_is_wrong_is_said(change, message):
    X, y, votes, _ = make_task()
    given = {"y": y, "votes": votes} | change
    with pytest.raises(ValueError, match=message):
        corrector().fit(X, given.pop("y"), **given)


def test_votes_come_in_every_form_that_label_models_read():
    X, y, votes, _ = make_task()
    plain = corrector().fit(X, y, votes=votes)
    words = np.array(["ham", "spam", ""])[votes]
    forms = {
        "NaN": (np.where(votes < 0, np.nan, votes), y),
        "frame": (pd.DataFrame(votes), y),
        "sparse": (csr_array(votes + 1), y),
        "names": (words, np.array(["ham", "spam", -1], dtype=object)[y]),
    }
    for name, (given, labels) in forms.items():
        fitted = corrector().fit(X, labels, votes=given)
        np.testing.assert_allclose(fitted.coef_, plain.coef_, err_msg=name)
        new = given[:50] if name != "frame" else given.iloc[:50]
        np.testing.assert_allclose(
            fitted.predict_proba(X[:50], votes=new),
            plain.predict_proba(X[:50], votes=votes[:50]),
            err_msg=name,
        )
