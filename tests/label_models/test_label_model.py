"""LabelModel: the objective, what it recovers, and Snorkel's accuracies."""

import tracemalloc
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import approx_fprime
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils.estimator_checks import parametrize_with_checks

from overlapkit.exceptions import VoteWarning, WeakLabelWarning
from overlapkit.label_models import LabelModel, MajorityVote, _votes
from overlapkit.label_models._moments import moment_objective
from tests.support import oracles_label_models as oracles
from tests.support.expected_failures import expected_failed_checks


@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.OverlapkitWarning")
@parametrize_with_checks([LabelModel()], expected_failed_checks=expected_failed_checks)
def test_sklearn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def three_classes():
    return oracles.independent_votes(6000, [0.9, 0.8, 0.7, 0.6, 0.5], 0.7, 3)


@pytest.mark.parametrize("block_bytes", [1, 100, 2**24])
def test_agreement_is_that_of_the_formula(monkeypatch, block_bytes):
    votes, _ = oracles.independent_votes(70, [0.8, 0.6, 0.7], 0.6, n_classes=3)
    monkeypatch.setattr(_votes, "_BLOCK_BYTES", block_bytes)
    assert_allclose(
        _votes.DenseVotes(votes, 3).pair_counts() / len(votes),
        oracles.agreement(votes, 3),
    )


def test_objective_and_gradient_are_those_of_the_formula():
    rng = np.random.default_rng(0)
    m, prior = 3, np.array([0.5, 0.2, 0.3])
    moments = rng.random((9, 9))
    moments += moments.T
    mu, start = rng.random((2, 9, 3))
    rates = moments.diagonal()
    others = moments * (np.kron(np.eye(m), np.ones((3, 3))) == 0)
    value, gradient = moment_objective(mu, others, rates, prior, m, start, 0.1)

    def slow(flat):
        return oracles.objective(flat.reshape(9, 3), moments, prior, m, start, 0.1)

    assert_allclose(value, slow(mu.ravel()))
    assert_allclose(gradient.ravel(), approx_fprime(mu.ravel(), slow), rtol=1e-4)


def test_posterior_is_naive_bayes_on_the_precisions(three_classes):
    votes, _ = three_classes
    prior = np.array([0.5, 0.3, 0.2])
    model = LabelModel(class_balance=prior).fit(votes)
    expected = oracles.posterior(votes[:200], model.precision_ / prior, prior)
    assert_allclose(model.predict_proba(votes[:200]), expected)
    assert_allclose(model.precision_.sum(axis=2), 1)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_recovers_the_accuracies(n_classes):
    accuracy = [0.9, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55]
    votes, y = oracles.independent_votes(20_000, accuracy, 0.7, n_classes)
    model = LabelModel().fit(votes)
    assert model.converged_
    assert_allclose(model.accuracy_, accuracy, atol=0.02)
    # Nothing beats Bayes' rule with the true tables; the model all but reaches it.
    table = np.empty((7, n_classes, n_classes))
    for j, right in enumerate(accuracy):
        table[j] = (1 - right) / max(n_classes - 1, 1)
        np.fill_diagonal(table[j], right)
    best = (oracles.posterior(votes, table, [1 / n_classes] * n_classes)).argmax(1)
    score = model.score(votes, y)
    assert score > (best == y).mean() - 0.005
    assert score > MajorityVote().fit(votes).score(votes, y) + 0.005


def test_class_balance_is_used():
    votes, y = oracles.independent_votes(20_000, [0.8, 0.7, 0.7, 0.6], 1.0)
    keep = (y == 0) | (np.arange(20_000) % 4 == 0)
    votes, y = votes[keep], y[keep]
    told = LabelModel(class_balance=[0.8, 0.2]).fit(votes)
    assert_allclose(told.accuracy_, [0.8, 0.7, 0.7, 0.6], atol=0.03)
    assert told.score(votes, y) > LabelModel().fit(votes).score(votes, y) + 0.05


def test_order_of_rows_and_functions_does_not_matter(three_classes):
    votes, _ = three_classes
    proba = LabelModel().fit(votes).predict_proba(votes)
    order = np.random.default_rng(0).permutation(len(votes))
    shuffled = LabelModel().fit(votes[order])
    assert_allclose(shuffled.predict_proba(votes), proba, atol=1e-5)
    columns = [3, 0, 4, 1, 2]
    swapped = LabelModel().fit(votes[:, columns]).predict_proba(votes[:, columns])
    assert_allclose(swapped, proba, atol=1e-5)


def test_renaming_the_classes_permutes_the_posterior(three_classes):
    votes, _ = three_classes
    new_code = np.array([2, 0, 1, -1])
    renamed = new_code[votes]
    balance = np.array([0.5, 0.3, 0.2])
    proba = LabelModel(class_balance=balance).fit(votes).predict_proba(votes)
    other = LabelModel(class_balance=balance[[1, 2, 0]]).fit(renamed)
    assert_allclose(other.predict_proba(renamed)[:, new_code[:3]], proba, atol=1e-5)


def test_replicated_rows_leave_the_fit_equal(three_classes):
    # The moments are means; nothing in the fit knows the number of rows.
    votes, _ = three_classes
    once, thrice = LabelModel().fit(votes), LabelModel().fit(np.tile(votes, (3, 1)))
    assert_allclose(thrice.mu_, once.mu_, atol=1e-6)
    assert_allclose(thrice.predict_proba(votes), once.predict_proba(votes), atol=1e-5)


def test_votes_unseen_in_fit_say_nothing():
    votes, _ = oracles.independent_votes(2000, [0.9, 0.8, 0.7, 0.7], 1.0)
    votes[:, 2] = np.where(votes[:, 2] == 1, -1, votes[:, 2])
    votes[:, 3] = -1
    model = LabelModel(class_balance=[0.6, 0.4]).fit(votes)
    proba = model.predict_proba(np.array([[-1, -1, 1, -1], [-1, -1, -1, 0]]))
    assert_allclose(proba, [[0.6, 0.4]] * 2)
    assert np.isnan(model.accuracy_[3])
    assert not np.isnan(model.accuracy_[:3]).any()


@pytest.mark.parametrize("m", [1, 2])
def test_fewer_than_three_functions_are_a_majority_vote(m):
    votes, _ = oracles.independent_votes(1000, [0.8, 0.7][:m], 0.7)
    with pytest.warns(WeakLabelWarning, match="it takes 3") as caught:
        model = LabelModel().fit(votes)
    assert caught[0].filename == __file__
    vote = MajorityVote().fit(votes).predict_proba(votes)
    clear = np.abs(vote[:, 0] - 0.5) > 0.1
    assert_array_equal(
        model.predict_proba(votes)[clear].argmax(axis=1), vote[clear].argmax(axis=1)
    )


def test_one_vote_is_no_veto(three_classes):
    # A function that looks perfect must not overrule what all others say.
    votes, y = three_classes
    votes = np.column_stack([votes, y])
    model = LabelModel().fit(votes)
    proba = model.predict_proba(np.array([[0, 0, 0, 0, 0, 1]]))
    assert (proba > 1e-6).all()


def test_too_few_iterations_warn(three_classes):
    with pytest.warns(ConvergenceWarning, match="after 2 iterations"):
        model = LabelModel(max_iter=2).fit(three_classes[0])
    assert not model.converged_


def test_memory_stays_below_that_of_the_one_hot_votes():
    rng = np.random.default_rng(0)
    votes = rng.integers(-1, 2, size=(200_000, 20), dtype=np.int8)
    tracemalloc.start()
    LabelModel().fit(votes).predict(votes)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < votes.size * 2 * 8 / 2


# Snorkel 0.10, 1,000 epochs, fitted on one half of the training rows and scored on
# the other, an undecided row counting one half; `python -m benchmarks label-models`.
SNORKEL = {
    "youtube": [0.7320, 0.7270, 0.7320, 0.7100, 0.7472],
    "sms": [0.6516, 0.6629, 0.6465],
}


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "seed"), [(name, s) for name in SNORKEL for s in range(len(SNORKEL[name]))]
)
def test_accuracy_is_that_of_snorkel(real_data, name, seed):
    with np.load(real_data / name / f"{name}.npz") as data:
        votes, y = data["L"][data["train_idx"]], data["y"][data["train_idx"]]
    fitted, held_out = train_test_split(
        np.arange(len(y)), test_size=0.5, random_state=seed
    )
    model = LabelModel(variant="metal").fit(votes[fitted])
    proba = model.predict_proba(votes[held_out])
    tied = np.isclose(proba, proba.max(axis=1, keepdims=True), rtol=1e-6, atol=0)
    y = y[held_out]
    accuracy = (tied[np.arange(len(y)), y] / tied.sum(axis=1)).mean()
    difference = accuracy - SNORKEL[name][seed]
    assert difference > -0.005
    if name == "youtube":
        assert difference < 0.005


def drawn_votes(cover, copies):
    """Eight functions right in three of four rows; some repeat the first, nearly."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 4000)
    votes = np.where(rng.random((4000, 8)) < 0.75, y[:, None], 1 - y[:, None])
    for j in range(1, copies + 1):
        votes[:, j] = np.where(rng.random(4000) < 0.05, 1 - votes[:, 0], votes[:, 0])
    votes[rng.random(votes.shape) > cover] = -1
    return votes, y


@pytest.mark.parametrize("cover", [1, 0.6, 0.2])
def test_independent_functions_show_no_dependence(cover):
    # agreement beyond what accuracies imply is what dependence is; where functions
    # abstain, rows without a vote take part in what they imply
    model = LabelModel(classes=[0, 1], random_state=0).fit(drawn_votes(cover, 0)[0])
    assert model.dependence_ < 2e-4
    assert model.ridge_ < 0.1


@pytest.mark.parametrize("cover", [1, 0.6])
def test_functions_that_repeat_another_one_raise_the_regularisation(cover):
    votes, y = drawn_votes(cover, 4)
    model = LabelModel(classes=[0, 1], random_state=0).fit(votes)
    assert model.dependence_ > 5e-4
    assert model.ridge_ > 0.5
    # five of eight votes are one opinion
    assert model.score(votes, y) > np.mean(votes[:, 0] == y) - 0.02


@pytest.mark.parametrize("n_functions", [2, 3])
def test_three_functions_are_enough_for_agreement(n_functions):
    votes, _ = oracles.independent_votes(2000, [0.8, 0.7, 0.7][:n_functions], 1.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        LabelModel(classes=[0, 1]).fit(votes)
    said = [str(w.message) for w in caught if w.category is WeakLabelWarning]
    assert [text.startswith("2 of 2 functions") for text in said] == [True] * (
        n_functions == 2
    )


@pytest.mark.parametrize("in_batches", [False, True])
def test_a_vote_for_a_rare_class_need_not_be_right_mostly(in_batches):
    # votes for class 1 are right in less than half of the rows, and yet raise it
    rng = np.random.default_rng(0)
    y = (rng.random(20_000) < 0.1).astype(int)
    seen = np.where(y == 1, 0.8, 0.15)[:, None]
    votes = (rng.random((20_000, 4)) < seen).astype(int)
    model = LabelModel(classes=[0, 1], class_balance=[0.9, 0.1])
    with warnings.catch_warnings():
        warnings.simplefilter("error", VoteWarning)
        model.partial_fit(votes) if in_batches else model.fit(votes)
    assert (model.precision_[:, 1, 1] < 0.5).all()
