"""DawidSkene: EM, its prior, and what it does when the model is wrong."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from overlapkit.exceptions import ClassCollapseWarning
from overlapkit.label_models import DawidSkene, MajorityVote, _votes
from tests.support import oracles_label_models as oracles
from tests.support.expected_failures import expected_failed_checks


@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.OverlapkitWarning")
@parametrize_with_checks(
    [DawidSkene(), DawidSkene(shrinkage=0.0, smoothing=5.0)],
    expected_failed_checks=expected_failed_checks,
)
def test_sklearn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def three_classes():
    return oracles.independent_votes(4000, [0.9, 0.8, 0.7, 0.6, 0.5], 0.7, 3)


def after_rounds(n_rounds):
    """A model stopped after so many rounds, its votes and its class balance."""
    votes, _ = oracles.independent_votes(80, [0.9, 0.7, 0.6], 0.6, n_classes=3)
    prior = np.array([0.5, 0.3, 0.2])
    model = DawidSkene(
        class_balance=prior,
        smoothing=0.5,
        prior_accuracy=0.8,
        shrinkage=0,
        max_iter=n_rounds,
        tol=0,
    ).fit(votes, np.arange(80) % 3)
    return model, votes, prior


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("n_rounds", [1, 3])
def test_rounds_are_those_of_the_formula(n_rounds):
    model, votes, prior = after_rounds(n_rounds)
    theta, q = oracles.dawid_skene(votes, prior, 0.5, 0.8, n_rounds)
    assert_allclose(model.confusion_, theta, rtol=1e-5)
    assert_allclose(model.predict_proba(votes)[model.covered(votes)], q, rtol=1e-5)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.ClassCollapseWarning")
@pytest.mark.parametrize("class_balance", [None, "estimate"])
def test_every_round_improves_the_objective(class_balance):
    # EM is an ascent method: a step down is a wrong E step or a wrong M step.
    votes, _ = oracles.independent_votes(500, [0.8, 0.7, 0.6, 0.6], 0.8)
    values = [
        DawidSkene(class_balance=class_balance, shrinkage=0, max_iter=k, tol=0)
        .fit(votes)
        .log_posterior_
        for k in range(1, 12)
    ]
    assert (np.diff(values) > -1e-9).all()
    assert values[-1] > values[0]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("n_rounds", [1, 4])
def test_the_objective_is_the_likelihood_and_the_prior(n_rounds):
    model, votes, prior = after_rounds(n_rounds)
    theta = model.confusion_  # the last outcome is no vote, as is the vote -1
    covered = votes[(votes >= 0).any(axis=1)]
    likelihood = prior * np.prod(theta[np.arange(3), covered], axis=1)
    silent = prior * np.prod(theta[:, -1], axis=0)
    value = np.log(likelihood.sum(axis=1) / (1 - silent.sum())).sum()
    right = np.full((3, 3), 0.1) + 0.7 * np.eye(3)
    for j in range(3):
        rates = np.array([np.mean(covered[:, j] == k) for k in range(3)])
        outcomes = np.vstack([3 * rates[:, None] * right, np.full(3, 1 - rates.sum())])
        outcomes /= outcomes.sum(axis=0)
        value += 0.5 * (outcomes * np.log(theta[j])).sum()
    assert model.log_posterior_ == pytest.approx(value, rel=1e-9)


def test_recovers_the_confusions(three_classes):
    votes, y = three_classes
    model = DawidSkene().fit(votes)
    assert_allclose(model.accuracy_, [0.9, 0.8, 0.7, 0.6, 0.5], atol=0.03)
    assert_allclose(model.confusion_[:, -1], 0.3, atol=0.05)
    assert_allclose(model.confusion_.sum(axis=1), 1)
    assert model.converged_
    assert model.score(votes, y) > MajorityVote().fit(votes).score(votes, y) + 0.01


def test_recovers_the_class_balance_of_independent_votes():
    votes, y = oracles.independent_votes(6000, [0.9, 0.8, 0.8, 0.7], 1.0)
    keep = (y == 1) | (np.arange(6000) % 3 == 0)
    model = DawidSkene(class_balance="estimate").fit(votes[keep])
    assert_allclose(model.class_prior_[1], y[keep].mean(), atol=0.03)


def test_order_of_rows_and_functions_does_not_matter(three_classes):
    votes, _ = three_classes
    proba = DawidSkene().fit(votes).predict_proba(votes)
    order = np.random.default_rng(0).permutation(len(votes))
    assert_allclose(DawidSkene().fit(votes[order]).predict_proba(votes), proba)
    columns = [3, 0, 4, 1, 2]
    swapped = DawidSkene().fit(votes[:, columns]).predict_proba(votes[:, columns])
    assert_allclose(swapped, proba, atol=1e-9)


def test_renaming_the_classes_permutes_the_posterior(three_classes):
    votes, _ = three_classes
    new_code = np.array([2, 0, 1, -1])
    renamed = new_code[votes]
    proba = DawidSkene().fit(votes).predict_proba(votes)
    assert_allclose(
        DawidSkene().fit(renamed).predict_proba(renamed)[:, new_code[:3]],
        proba,
        atol=1e-9,
    )


@pytest.mark.parametrize("shrinkage", [0.0, 0.5])
def test_replicated_rows_count_as_imaginary_ones_do(three_classes, shrinkage):
    # Three copies of the data and of the imaginary rows are the same statistics.
    votes, _ = three_classes
    once = DawidSkene(smoothing=2, shrinkage=shrinkage).fit(votes)
    thrice = DawidSkene(smoothing=6, shrinkage=shrinkage).fit(np.tile(votes, (3, 1)))
    assert_allclose(thrice.confusion_, once.confusion_)
    assert thrice.n_iter_ == once.n_iter_


def test_votes_unseen_in_fit_speak_for_their_class():
    votes, _ = oracles.independent_votes(500, [0.9, 0.8, 0.7], 1.0)
    votes[:, 2] = np.where(votes[:, 2] == 1, -1, votes[:, 2])
    proba = DawidSkene().fit(votes).predict_proba(np.array([[-1, -1, 1]]))
    assert 0.6 < proba[0, 1] < 0.95


@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.ClassCollapseWarning")
def test_one_function_is_the_majority_vote():
    votes, _ = oracles.independent_votes(200, [0.8], 0.7)
    labels = DawidSkene(random_state=0).fit(votes).predict(votes)
    expected = MajorityVote(random_state=0).fit(votes).predict(votes)
    assert_array_equal(labels, expected)


def test_a_class_that_is_never_predicted_warns():
    votes = np.random.default_rng(0).integers(2, size=(400, 3))
    votes[votes == 1] = 0
    with pytest.warns(ClassCollapseWarning, match=r"'spam': 0.00%") as caught:
        DawidSkene(classes=np.array(["ham", "spam"], dtype=object)).fit(votes)
    assert caught[0].filename == __file__


def test_too_few_rounds_warn(three_classes):
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        model = DawidSkene(max_iter=2).fit(three_classes[0])
    assert not model.converged_
    assert model.n_iter_ == 2


def test_distinct_rows_survive_a_hash_collision(monkeypatch):
    votes = np.array([[0, 1], [1, -1], [0, 1], [1, 1]], dtype=np.int8)
    patterns, counts = _votes.distinct_rows(votes)
    assert dict(zip(map(tuple, patterns), counts)) == {(0, 1): 2, (1, -1): 1, (1, 1): 1}

    def collide(content, seed):
        return np.zeros(len(content), np.uint64)

    monkeypatch.setattr(_votes, "hash_rows", collide)
    again, again_counts = _votes.distinct_rows(votes)
    assert dict(zip(map(tuple, again), again_counts)) == dict(
        zip(map(tuple, patterns), counts)
    )


@pytest.mark.data
def test_a_fixed_prior_keeps_the_classes_that_a_free_one_loses(real_data):
    # Printed by `python -m benchmarks label-models`.
    with np.load(real_data / "spambase" / "spambase.npz") as data:
        votes, y = data["L"][data["train_idx"]], data["y"][data["train_idx"]]
    votes, y = votes[(votes >= 0).any(axis=1)], y[(votes >= 0).any(axis=1)]
    assert DawidSkene().fit(votes).score(votes, y) > 0.78
    with pytest.warns(ClassCollapseWarning):
        free = DawidSkene(class_balance="estimate").fit(votes)
    assert free.score(votes, y) < 0.6
