"""Known labels: what is learnt from them, when, and that they do no harm."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from overlapkit.exceptions import WeakLabelWarning
from overlapkit.label_models import DawidSkene, LabelModel, MajorityVote
from overlapkit.label_models._known import labels_help
from tests.support import oracles_label_models as oracles

LEARNERS = [LabelModel(random_state=0), DawidSkene(random_state=0)]
MODELS = [MajorityVote(random_state=0), *LEARNERS]


def misleading_votes(n=3000, seed=0):
    """Votes most of which are wrong together: without labels nobody can tell."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    shared = np.where(rng.random(n) < 0.4, y, 1 - y)
    X = np.column_stack(
        [np.where(rng.random(n) < 0.9, shared, 1 - shared) for _ in range(4)]
        + [np.where(rng.random(n) < 0.9, y, 1 - y) for _ in range(2)]
    )
    X[rng.random(X.shape) < 0.2] = -1
    return X, y


def some(y, n, missing=-1):
    given = np.full(len(y), missing, dtype=np.asarray(y).dtype)
    given[:n] = y[:n]
    return given


def quietly(fit, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit(*args)


@pytest.mark.parametrize("model", LEARNERS, ids=str)
def test_known_labels_correct_what_votes_cannot_tell(model):
    X, y = misleading_votes()
    model = clone(model).set_params(missing_label=-1)
    alone = quietly(clone(model).set_params(classes=[0, 1]).fit, X)
    told = quietly(clone(model).fit, X, some(y, 300))
    assert not alone.labels_used_
    rest = slice(300, None)
    if isinstance(model, LabelModel):
        assert told.labels_used_
        assert told.score(X[rest], y[rest]) > alone.score(X[rest], y[rest]) + 0.2
    else:  # 300 rows fixed among 3,000 need not turn EM round; they do no harm
        assert told.score(X[rest], y[rest]) > alone.score(X[rest], y[rest]) - 0.01


@pytest.mark.parametrize("model", MODELS, ids=str)
@pytest.mark.parametrize("missing", [-1, np.nan, ""])
def test_no_known_label_is_the_fit_without_y(model, missing):
    X, y = misleading_votes(500)
    nothing = np.full(len(y), missing)
    model = clone(model).set_params(missing_label=missing)
    plain = quietly(clone(model).fit, X)
    fitted = quietly(clone(model).fit, X, nothing)
    assert_array_equal(fitted.classes_, plain.classes_)
    assert_array_equal(fitted.predict_proba(X), plain.predict_proba(X))
    assert_array_equal(fitted.predict(X), plain.predict(X))


@pytest.mark.parametrize("model", LEARNERS, ids=str)
def test_without_missing_label_labels_only_name_the_classes(model):
    X, y = misleading_votes(500)
    plain = quietly(clone(model).fit, X)
    named = quietly(clone(model).fit, X, np.array(["ham", "spam"])[y])
    assert_array_equal(named.classes_, ["ham", "spam"])
    assert_array_equal(named.predict_proba(X), plain.predict_proba(X))


def test_corrected_precision_is_the_mean_that_is_stated():
    X, y = misleading_votes()
    model = LabelModel(missing_label=-1, label_strength=7.0)
    alone = quietly(clone(model).set_params(classes=[0, 1]).fit, X)
    told = quietly(clone(model).fit, X, some(y, 300))
    for j in range(X.shape[1]):
        for vote in range(2):
            truth = y[:300][X[:300, j] == vote]
            counted = np.array([np.sum(truth == 0), np.sum(truth == 1)])
            expected = 7.0 * alone.precision_[j, vote] + counted
            expected /= 7.0 + len(truth)
            assert_allclose(told.precision_[j, vote], expected)


@pytest.mark.parametrize("model", LEARNERS, ids=str)
def test_labels_of_one_class_are_not_used_and_said_so(model):
    # Whoever labels positives only has not shown how often a vote for them is wrong.
    X, y = misleading_votes()
    given = np.full(len(y), -1)
    positives = np.flatnonzero(y == 1)[:13]
    given[positives] = 1
    model = clone(model).set_params(missing_label=-1, classes=[0, 1])
    with pytest.warns(WeakLabelWarning, match="13 known labels .* all 1") as caught:
        fitted = clone(model).fit(X, given)
    assert caught[0].filename == __file__
    plain = quietly(clone(model).fit, X)
    assert_array_equal(fitted.predict_proba(X), plain.predict_proba(X))


@pytest.mark.parametrize("model", LEARNERS, ids=str)
@pytest.mark.parametrize("n", [20, 100])
def test_labels_do_no_harm_where_votes_suffice(model, n):
    X, y = oracles.independent_votes(2000, [0.9, 0.8, 0.8, 0.7, 0.6], 0.6)
    model = clone(model).set_params(missing_label=-1, classes=[0, 1])
    rest = slice(n, None)
    alone = quietly(clone(model).fit, X)
    gains = []
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(y))
        told = quietly(clone(model).fit, X[order], some(y[order], n))
        gains.append(
            told.score(X[order][rest], y[order][rest])
            - alone.score(X[order][rest], y[order][rest])
        )
    assert np.mean(gains) > -0.003


def test_missing_label_must_be_no_class():
    X, y = misleading_votes(100)
    with pytest.raises(ValueError, match="`missing_label` 1 is one of the classes"):
        LabelModel(missing_label=1, classes=[0, 1]).fit(X, y)


@pytest.mark.data
@pytest.mark.parametrize("n_labels", [50, 100, 300])
@pytest.mark.parametrize("name", ["sms", "youtube", "yelp"])
def test_known_labels_do_not_make_real_votes_worse(real_data, name, n_labels):
    # Printed for all sets by `python -m benchmarks label-models`. On sms 73 rules fire
    # seldom, and 100 labels hold about 13 positives.
    with np.load(real_data / name / f"{name}.npz") as data:
        X, y = data["L"][data["train_idx"]], data["y"][data["train_idx"]].astype(int)
    covered = (X >= 0).any(axis=1)
    model = LabelModel(missing_label=-1, classes=[0, 1], random_state=0)
    alone = quietly(clone(model).fit, X)
    gains = []
    for seed in range(10):
        known = np.random.default_rng(seed).choice(len(y), n_labels, replace=False)
        given = np.full(len(y), -1)
        given[known] = y[known]
        told = quietly(clone(model).fit, X, given)
        rows = covered & (given < 0)
        gains.append(told.score(X[rows], y[rows]) - alone.score(X[rows], y[rows]))
    error = np.std(gains, ddof=1) / np.sqrt(10)
    assert np.mean(gains) >= -error - 1e-12
    if name == "youtube" and n_labels == 300:
        assert np.mean(gains) > 0.03


@pytest.mark.data
def test_default_is_at_most_a_point_below_a_majority_vote(real_data):
    # Printed by `python -m benchmarks label-models`, where the choice is explained.
    gains = []
    for name in ("youtube", "sms", "spambase", "uci_sentiment", "chemprot", "yelp"):
        with np.load(real_data / name / f"{name}.npz") as data:
            X, y = data["L"][data["train_idx"]], data["y"][data["train_idx"]]
        rows = (X >= 0).any(axis=1)
        X, y = X[rows], y[rows].astype(int)
        scores = []
        for Model in (LabelModel, MajorityVote):
            model = Model(classes=np.arange(max(X.max(), y.max()) + 1))
            proba = quietly(model.fit, X).predict_proba(X)
            tied = np.isclose(proba, proba.max(axis=1, keepdims=True), rtol=1e-9)
            scores.append((tied[np.arange(len(y)), y] / tied.sum(axis=1)).mean())
        gains.append(scores[0] - scores[1])
    assert min(gains) > -0.01
    assert np.mean(gains) > 0


def test_labels_are_used_where_they_help_and_only_there():
    # three of five functions are misleading, which votes alone cannot tell
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 1500)
    shares = np.array([0.9, 0.85, 0.2, 0.25, 0.3])
    votes = np.where(rng.random((1500, 5)) < shares, y[:, None], 1 - y[:, None])
    some = np.where(np.arange(1500) < 100, y, -1)
    model = DawidSkene(missing_label=-1, classes=[0, 1], random_state=0)
    told = clone(model).fit(votes, some)
    assert told.labels_used_
    assert np.mean(told.predict(votes) == y) > 0.8
    # labels drawn at random say nothing about good functions
    good = np.where(rng.random((1500, 5)) < 0.85, y[:, None], 1 - y[:, None])
    noise = np.where(np.arange(1500) < 100, rng.integers(0, 2, 1500), -1)
    assert not clone(model).fit(good, noise).labels_used_


@pytest.mark.parametrize("meaning", ["name", "number"])
def test_known_labels_decide_whether_votes_are_names_or_numbers(meaning):
    # each vote, 1 or 2, is the number of a class and the name of another one
    rng = np.random.default_rng(0)
    truth = rng.integers(1, 4, 600)  # classes 1, 2, 3 have the numbers 0, 1, 2
    right = truth if meaning == "name" else truth - 1
    votes = np.where(rng.random((600, 4)) < 0.8, right[:, None], -1)
    votes[~np.isin(votes, [1, 2])] = -1
    some = np.where(np.arange(600) < 90, truth, -1)
    model = DawidSkene(missing_label=-1, random_state=0).fit(votes, some)
    covered = (votes >= 0).any(axis=1)
    assert np.mean(model.predict(votes)[covered] == truth[covered]) > 0.9


@pytest.mark.parametrize(
    ("better", "worse", "used"),
    [(5, 0, True), (8, 4, False), (24, 4, True), (2, 0, False), (1, 0, False)],
)
def test_labels_are_used_if_they_help_by_two_standard_errors(better, worse, used):
    gain = np.repeat([1, -1, 0], [better, worse, 100 - better - worse])
    error = np.sqrt(len(gain)) * np.std(gain, ddof=1)
    assert (gain.sum() >= 2 and gain.sum() > 2 * error) == used
    assert labels_help(gain, np.zeros(100)) == used
    assert not labels_help(gain[:1], [0])
    assert labels_help(np.ones(2), np.zeros(2))  # a gain without any spread
