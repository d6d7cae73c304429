"""MajorityVote, and what all label models inherit: votes, classes, ties."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.utils.estimator_checks import parametrize_with_checks

from overlapkit._kernels.ties import break_ties, hash_rows
from overlapkit.exceptions import VoteWarning
from overlapkit.label_models import DawidSkene, LabelModel, MajorityVote
from tests.support import oracles_label_models as oracles
from tests.support.expected_failures import expected_failed_checks

MODELS = [MajorityVote, DawidSkene, LabelModel]


@pytest.fixture(scope="module")
def votes():
    return oracles.independent_votes(300, [0.9, 0.7, 0.6, 0.8], 0.5)[0]


@pytest.mark.filterwarnings("ignore::overlapkit.exceptions.OverlapkitWarning")
@parametrize_with_checks(
    [MajorityVote()], expected_failed_checks=expected_failed_checks
)
def test_sklearn(estimator, check):
    check(estimator)


def test_shares_are_those_of_the_formula():
    votes, _ = oracles.independent_votes(200, [0.8, 0.6, 0.5], 0.4, n_classes=3)
    prior = np.array([0.5, 0.3, 0.2])
    model = MajorityVote(class_balance=prior).fit(votes)
    assert_allclose(model.predict_proba(votes), oracles.majority(votes, prior))


@pytest.mark.parametrize("Model", MODELS)
class TestVotes:
    def test_rows_without_a_vote_get_the_class_balance(self, Model, votes):
        model = Model(class_balance=[0.8, 0.2]).fit(votes)
        silent = np.full((3, votes.shape[1]), -1)
        assert_allclose(model.predict_proba(silent), [[0.8, 0.2]] * 3, rtol=1e-12)
        assert_array_equal(model.covered(silent), False)
        assert_array_equal(model.covered(votes), (votes >= 0).any(axis=1))

    def test_all_abstain_in_fit(self, Model):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = Model().fit(np.full((5, 3), -1))
        assert_array_equal(model.classes_, [0, 1])
        assert_allclose(model.predict_proba(np.full((2, 3), -1)), 0.5)
        # Votes nobody has seen must give probabilities, not NaN.
        proba = model.predict_proba(np.array([[0, 0, -1], [1, 1, 1]]))
        assert_allclose(proba.sum(axis=1), 1)

    @pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32, np.float64])
    def test_the_dtype_of_the_votes_does_not_matter(self, Model, votes, dtype):
        expected = Model(random_state=0).fit(votes)
        X = votes.astype(dtype)
        X.setflags(write=False)
        model = Model(random_state=0).fit(X)
        assert_allclose(model.predict_proba(X), expected.predict_proba(votes))
        assert_array_equal(model.predict(X), expected.predict(votes))

    def test_memory_map(self, Model, votes, tmp_path):
        np.save(tmp_path / "votes.npy", votes)
        X = np.load(tmp_path / "votes.npy", mmap_mode="r")
        expected = Model(random_state=0).fit(votes).predict_proba(votes)
        assert_allclose(Model(random_state=0).fit(X).predict_proba(X), expected)

    def test_pandas_columns_are_remembered(self, Model, votes):
        X = pd.DataFrame(votes, columns=list("abcd"))
        model = Model(random_state=0).fit(X)
        assert_array_equal(model.feature_names_in_, list("abcd"))
        expected = Model(random_state=0).fit(votes).predict_proba(votes)
        assert_allclose(model.predict_proba(X), expected)
        with pytest.raises(ValueError, match="feature names"):
            model.predict(X[list("dcba")])

    def test_inputs_are_not_changed(self, Model, votes):
        X = votes.copy()
        X[:5, 0] = 7
        before = X.copy()
        with pytest.warns(VoteWarning):
            Model().fit(X, np.arange(len(X)) % 2)
        assert_array_equal(X, before)

    def test_unknown_votes_abstain_and_warn_once(self, Model, votes):
        # Labels may lack a class, so that votes for it are no fault of the votes.
        wild = votes.copy()
        wild[::3, 1] = 5
        silent = votes.copy()
        silent[::3, 1] = -1
        y = np.where(np.arange(len(votes)) % 2, "a", "b")
        with pytest.warns(VoteWarning, match="votes go from 0 to 5") as caught:
            model = Model(random_state=0).fit(wild, y)
        assert sum(w.category is VoteWarning for w in caught) == 1
        expected = Model(random_state=0).fit(silent, y)
        with pytest.warns(VoteWarning) as caught:
            proba = model.predict_proba(wild)
        assert len(caught) == 1
        assert_allclose(proba, expected.predict_proba(silent))
        with pytest.warns(VoteWarning) as caught:
            labels = model.predict(wild)
        assert len(caught) == 1
        assert_array_equal(labels, expected.predict(silent))
        # The warning points at the caller's line, not into the library.
        assert caught[0].filename == __file__

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            (0.5, "must be integers"),
            (np.inf, "must be integers"),
            (-2, "-1 for no vote|name none of the 2 classes"),
            ({"a": 1}, "must be a string or a real number"),
            ("ham", "class names|no class"),
        ],
    )
    def test_bad_votes_are_refused_in_fit_and_predict(self, Model, value, message):
        X = np.array([[0, value], [value, 1]], dtype=object)
        X = X if isinstance(value, str | dict) else X.astype(float)
        with pytest.raises((ValueError, TypeError), match=message):
            Model().fit(X)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = Model().fit(np.array([[0, 1], [1, 1]]))
        for method in (model.predict, model.covered, model.codes):
            with pytest.raises((ValueError, TypeError), match=message):
                method(X)


@pytest.mark.parametrize("Model", MODELS)
class TestClasses:
    def test_y_names_the_classes_and_is_not_learnt_from(self, Model, votes):
        rng = np.random.default_rng(0)
        y = np.array(["ham", "spam"])[rng.integers(2, size=len(votes))]
        model = Model(random_state=0).fit(votes, y)
        assert_array_equal(model.classes_, ["ham", "spam"])
        other = Model(random_state=0).fit(votes, y[::-1])
        plain = Model(random_state=0).fit(votes)
        assert_array_equal(model.predict_proba(votes), other.predict_proba(votes))
        assert_array_equal(model.predict(votes), model.classes_[plain.predict(votes)])

    def test_without_y_the_largest_vote_counts_the_classes(self, Model, votes):
        assert_array_equal(Model().fit(votes).classes_, [0, 1])
        more = votes.astype(int)
        more[:3, 0] = [2, 3, 4]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert_array_equal(Model().fit(more).classes_, [0, 1, 2, 3, 4])

    def test_classes_win_over_a_y_that_lacks_one(self, Model, votes):
        # A fold without a class must not rename the vote codes.
        model = Model(classes=["a", "b"]).fit(votes, np.full(len(votes), "b"))
        assert_array_equal(model.classes_, ["a", "b"])

    def test_one_class(self, Model):
        X = np.zeros((6, 3), dtype=int)
        model = Model().fit(X, np.full(6, "only"))
        assert_array_equal(model.predict(X), "only")
        assert_allclose(model.predict_proba(X), 1)

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"classes": ["b", "a"]}, "sorted and distinct"),
            ({"classes": ["a", "a"]}, "sorted and distinct"),
            ({"classes": ["a", "c"]}, r"not in `classes`: \['b'\]"),
            ({"class_balance": [1.0]}, "1 entries, but there are 2"),
            ({"class_balance": [0.5, 0.6]}, "sum to 1"),
            ({"class_balance": [1.0, 0.0]}, "positive"),
        ],
    )
    def test_bad_parameters(self, Model, votes, parameters, message):
        y = np.where(np.arange(len(votes)) % 2, "a", "b")
        with pytest.raises(ValueError, match=message):
            Model(**parameters).fit(votes, y)


@pytest.mark.parametrize("Model", MODELS)
class TestTies:
    # Two functions, equally good by symmetry: every disagreement is a tie.
    X = np.array([[0, 1], [1, 0], [-1, -1], [0, 0], [1, 1]] * 20)

    def fit(self, Model, seed=0):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Model(random_state=seed).fit(self.X)

    def test_equal_rows_get_equal_labels_wherever_they_stand(self, Model):
        model = self.fit(Model)
        X = self.X[model.covered(self.X)]
        labels = model.predict(X)
        for row in X[:4]:
            same = (row == X).all(axis=1)
            assert len(np.unique(labels[same])) == 1
        order = np.random.default_rng(0).permutation(len(X))
        assert_array_equal(model.predict(X[order]), labels[order])
        one_by_one = [model.predict(row[None])[0] for row in X]
        assert_array_equal(one_by_one, labels)

    @pytest.mark.parametrize("policy", ["balance", "random"])
    @pytest.mark.parametrize("balance", [[0.5, 0.5], [0.8, 0.2]])
    def test_rows_without_a_vote_are_drawn_one_by_one(self, Model, policy, balance):
        X = np.vstack([self.X[:5], np.full((4000, 2), -1)])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = Model(class_balance=balance, tie_policy=policy, random_state=0)
            model.fit(X)
        drawn = model.predict(X)[5:]
        share = 0.5 if policy == "random" else balance[1]
        assert abs(drawn.mean() - share) < 4 * np.sqrt(0.25 / 4000)
        assert_array_equal(model.predict(X)[5:], drawn)
        assert_allclose(model.predict_proba(X)[5:], [balance] * 4000, rtol=1e-12)

    def test_random_draws_every_tied_row(self, Model):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = Model(tie_policy="random", random_state=0).fit(self.X)
        labels = model.predict(np.tile([[0, 1]], (2000, 1)))
        assert 0.4 < labels.mean() < 0.6
        assert_array_equal(model.predict([[0, 0], [1, 1]]), [0, 1])

    @pytest.mark.parametrize(
        ("classes", "missing"), [([0, 1], -1), (["a", "b"], ""), ([0, 1], "none")]
    )
    def test_abstain_gives_the_missing_label(self, Model, classes, missing):
        model = Model(
            classes=classes, tie_policy="abstain", missing_label=missing, random_state=0
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(self.X)
        expected = [missing, missing, missing, classes[0], classes[1]]
        assert model.predict(self.X[:5]).tolist() == expected

    def test_abstain_needs_a_missing_label(self, Model):
        with pytest.raises(ValueError, match="name a value that is no class"):
            Model(tie_policy="abstain").fit(self.X)

    def test_the_seed_decides_and_repeats(self, Model):
        tied = self.X[:3]
        by_seed = np.array([self.fit(Model, s).predict(tied) for s in range(30)])
        again = np.array([self.fit(Model, s).predict(tied) for s in range(30)])
        assert_array_equal(by_seed, again)
        share = by_seed.mean(axis=0)
        assert ((share > 0.1) & (share < 0.9)).all()

    def test_the_largest_column_is_the_predicted_one(self, Model):
        # scikit-learn's contract; scorers that threshold probabilities rely on it.
        model = self.fit(Model, 3)
        proba = model.predict_proba(self.X)
        assert_array_equal(proba.argmax(axis=1), model.predict(self.X))
        assert_allclose(proba[:3], 0.5, rtol=1e-9)


class TestBreakTies:
    def test_hash_is_that_of_the_formula(self):
        X = np.array([[0.5, -0.0, 3.0], [-1.0, 2.0, 1e300]])
        expected = [oracles.hash_row(row, 12345) for row in X]
        assert_array_equal(hash_rows(X, 12345), np.array(expected, dtype=np.uint64))

    def test_only_ties_are_decided_by_content(self):
        proba = np.array([[0.2, 0.8], [0.5 + 1e-8, 0.5 - 1e-8], [0.6, 0.4]])
        for seed in range(20):
            assert_array_equal(break_ties(proba, np.zeros((3, 1)), seed), [1, 0, 0])

    @pytest.mark.parametrize(
        ("dtype", "noise"), [(np.float64, 1e-13), (np.float32, 1.2e-7)]
    )
    def test_rounding_noise_does_not_decide(self, dtype, noise):
        content = np.arange(200)[:, None]
        clean = np.full((200, 2), 0.5, dtype=dtype)
        noisy = clean + np.array([0, noise / 2], dtype=dtype)
        expected = break_ties(clean, content, 1)
        assert_array_equal(break_ties(noisy, content, 1), expected)
        assert 60 < expected.sum() < 140

    def test_every_tied_column_gets_its_share(self):
        proba = np.tile([0.3, 0.1, 0.3, 0.3], (3000, 1))
        counts = np.bincount(break_ties(proba, np.arange(3000)[:, None], 0))
        assert counts[1] == 0
        assert (counts[[0, 2, 3]] > 900).all()

    def test_the_same_numbers_in_another_dtype_tie_the_same_way(self):
        votes = np.random.default_rng(0).integers(-1, 2, size=(100, 4))
        proba = np.full((100, 3), 1 / 3)
        expected = break_ties(proba, votes, 7)
        for dtype in (np.int8, np.float16, np.float32, np.float64):
            assert_array_equal(break_ties(proba, votes.astype(dtype), 7), expected)
        signed = np.where(votes == 0, -0.0, votes)
        assert_array_equal(break_ties(proba, signed, 7), expected)

    def test_integer_scores_and_no_rows(self):
        counts = np.array([[2, 3], [0, -1]])
        assert_array_equal(break_ties(counts, counts, 0), [1, 0])
        assert break_ties(np.empty((0, 2)), np.empty((0, 3)), 0).shape == (0,)
