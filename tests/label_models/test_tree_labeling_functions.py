import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from overlapkit.datasets import load_mushroom, load_spambase
from overlapkit.label_models import TreeLabelingFunctions


@pytest.fixture(scope="module")
def spam():
    """A frame, names as classes, and a tenth of the rows as labelled ones."""
    X, y = load_spambase(return_X_y=True, as_frame=True)
    y = np.array(["ham", "spam"])[y]
    rows = np.random.RandomState(0).permutation(len(X))[:460]
    return X, y, rows


@pytest.fixture(scope="module")
def fitted(spam):
    X, y, rows = spam
    return TreeLabelingFunctions(random_state=0).fit(X.iloc[rows], y[rows])


@parametrize_with_checks([TreeLabelingFunctions()])
def test_scikit_learn_compatible(estimator, check):
    check(estimator)


def test_votes_are_int8_class_indices_or_abstentions(spam, fitted):
    votes = fitted.transform(spam[0])
    assert votes.dtype == np.int8
    assert votes.shape == (len(spam[0]), len(fitted.rules_))
    for column, index in zip(votes.T, fitted.rule_classes_):
        assert set(column) == {-1, index}
    assert fitted.classes_.tolist() == ["ham", "spam"]


def _vote_by_text(rule, X, classes):
    """Votes of a rule, from its text alone."""
    conditions, name = rule.split(" => ")
    holds = np.ones(len(X), dtype=bool)
    for condition in conditions.split(" and "):
        column, operator, threshold = condition.split(" ")
        below = X[column] <= float(threshold)
        holds &= below if operator == "<=" else ~below
    return np.where(holds, classes.index(name), -1)


def test_rules_read_as_text_vote_as_transform_does(spam, fitted):
    # so a reader of rules_ is not misled: the text is the whole rule
    X, _, _ = spam
    votes = fitted.transform(X)
    for rule, column in zip(fitted.rules_, votes.T):
        np.testing.assert_array_equal(_vote_by_text(rule, X, ["ham", "spam"]), column)


@pytest.mark.parametrize("offset", [0.0, 1e6, -3e4])
def test_text_is_the_rule_whatever_the_scale(offset):
    # half-way thresholds need more digits than six far from zero
    rng = np.random.RandomState(0)
    X = offset + rng.randint(0, 40, size=(300, 3)).astype(float)
    y = (X[:, 0] + X[:, 1] > 2 * offset + 40).astype(int)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    lfs = TreeLabelingFunctions(random_state=0).fit(frame, y)
    votes = lfs.transform(frame)
    for rule, column in zip(lfs.rules_, votes.T):
        np.testing.assert_array_equal(_vote_by_text(rule, frame, ["0", "1"]), column)
    assert np.mean((votes == y[:, None])[votes >= 0]) > 0.8


def test_threshold_between_neighbouring_float32_keeps_them_apart():
    # above 2**24 the neighbours are far enough apart for a tree to split them
    values = np.float32(2**27) + np.arange(3, dtype=np.float32) * 16
    for pair in (values[:2], values[1:]):
        X = np.tile(pair, 20)[:, None]
        y = np.tile([0, 1], 20)
        lfs = TreeLabelingFunctions(random_state=0).fit(X, y)
        assert lfs.precision_.tolist() == [1.0, 1.0]


def test_rules_use_x0_names_without_feature_names(spam):
    X, y, rows = spam
    lfs = TreeLabelingFunctions(random_state=0).fit(X.iloc[rows].to_numpy(), y[rows])
    assert all(rule.startswith("x") for rule in lfs.rules_)
    assert not hasattr(lfs, "feature_names_in_")


def test_each_rule_is_a_deepest_path_of_its_tree(spam, fitted):
    # the forest with the same seed is the oracle: the rows a rule covers are the
    # rows of one leaf, and no leaf of the tree lies deeper
    X, y, rows = spam
    forest = RandomForestClassifier(
        20, max_depth=3, class_weight="balanced", random_state=0
    ).fit(X.iloc[rows], np.unique(y[rows], return_inverse=True)[1])
    leaves = forest.apply(X.iloc[rows])
    votes = fitted.transform(X.iloc[rows])
    assert votes.shape[1] == 20
    for column, leaf, tree in zip(votes.T, leaves.T, forest.estimators_):
        covered = set(leaf[column >= 0])
        assert len(covered) == 1
        assert np.array_equal(np.isin(leaf, list(covered)), column >= 0)
        indicator = tree.decision_path(X.iloc[rows].to_numpy(np.float32))
        depth = np.asarray(indicator.sum(axis=1)).ravel() - 1
        assert set(depth[column >= 0]) == {tree.get_depth()}


def test_coverage_and_precision_are_those_of_the_fit_rows(spam, fitted):
    X, y, rows = spam
    votes = fitted.transform(X.iloc[rows])
    truth = np.searchsorted(fitted.classes_, y[rows])
    for j, column in enumerate(votes.T):
        assert fitted.coverage_[j] == np.mean(column >= 0)
        assert fitted.precision_[j] == np.mean((column == truth)[column >= 0])


def test_both_classes_get_rules_better_than_chance_on_other_rows(spam, fitted):
    X, y, rows = spam
    other = np.setdiff1d(np.arange(len(X)), rows)
    votes = fitted.transform(X.iloc[other])
    truth = np.searchsorted(fitted.classes_, y[other])
    assert np.bincount(fitted.rule_classes_).min() >= 5
    margin = (votes == 1).sum(axis=1) - (votes == 0).sum(axis=1)
    decided = margin != 0
    # an independent draw of the recipe decides 83 % of the rows, 83 % of them rightly
    assert decided.mean() > 0.8
    assert np.mean((margin > 0) == truth, where=decided) > 0.83


def test_balanced_weights_find_rules_for_a_rare_class(spam):
    X, y, _ = spam
    rows = np.r_[np.flatnonzero(y == "ham")[:500], np.flatnonzero(y == "spam")[:25]]
    n_rare = {}
    for class_weight in ("balanced", None):
        lfs = TreeLabelingFunctions(class_weight=class_weight, random_state=0)
        n_rare[class_weight] = lfs.fit(X.iloc[rows], y[rows]).rule_classes_.sum()
    assert n_rare["balanced"] >= 8
    assert n_rare["balanced"] > n_rare[None]


def test_same_seed_same_rules_other_seed_other_rules(spam):
    X, y, rows = spam
    lfs = [
        TreeLabelingFunctions(random_state=seed).fit(X.iloc[rows], y[rows]).rules_
        for seed in (0, 0, 1)
    ]
    assert lfs[0] == lfs[1] != lfs[2]


def test_number_and_depth_of_rules(spam):
    X, y, rows = spam
    lfs = TreeLabelingFunctions(7, max_depth=2, max_features=5, random_state=0)
    lfs.fit(X.iloc[rows], y[rows])
    assert len(lfs.rules_) == 7
    assert {len(conditions) for conditions in lfs.conditions_} <= {1, 2}


def test_conditions_on_one_feature_are_merged_to_the_tighter():
    # one feature, one class in the middle: a path tests the feature again and again
    x = np.linspace(0, 1, 200)[:, None]
    y = (abs(x[:, 0] - 0.5) < 0.2).astype(int)
    lfs = TreeLabelingFunctions(30, max_depth=4, random_state=0).fit(x, y)
    for conditions in lfs.conditions_:
        keys = [(feature, operator) for feature, operator, _ in conditions]
        assert len(keys) == len(set(keys)) <= 2
    votes = lfs.transform(x)
    assert ((votes == 1).any(axis=1) <= (y == 1)).mean() > 0.95


def test_equal_columns_are_dropped():
    # one binary feature decides: all trees find one of two rules
    x = np.tile([[0.0], [1.0]], (20, 1))
    lfs = TreeLabelingFunctions(15, random_state=0).fit(x, x[:, 0].astype(int))
    assert sorted(lfs.rules_) == ["x0 <= 0.5 => 0", "x0 > 0.5 => 1"]
    assert lfs.precision_.tolist() == [1.0, 1.0]
    assert lfs.coverage_.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("limit", ["min_coverage", "min_precision"])
def test_filters_drop_exactly_the_rules_below_the_limit(spam, fitted, limit):
    X, y, rows = spam
    value = getattr(fitted, limit.replace("min", "")[1:] + "_")
    threshold = np.median(value)
    lfs = clone(fitted).set_params(**{limit: threshold}).fit(X.iloc[rows], y[rows])
    keep = np.flatnonzero(value >= threshold)
    assert 0 < len(keep) < len(value)
    assert lfs.rules_ == [fitted.rules_[j] for j in keep]
    np.testing.assert_array_equal(lfs.coverage_, fitted.coverage_[keep])
    np.testing.assert_array_equal(lfs.precision_, fitted.precision_[keep])
    np.testing.assert_array_equal(lfs.transform(X), fitted.transform(X)[:, keep])


def test_several_classes_all_get_rules():
    rng = np.random.RandomState(0)
    y = rng.randint(4, size=400)
    X = rng.normal(size=(400, 6)) + np.eye(6)[y] * 3
    lfs = TreeLabelingFunctions(24, random_state=0).fit(X, y)
    assert set(lfs.rule_classes_) == {0, 1, 2, 3}
    votes = lfs.transform(X)
    assert np.mean((votes == y[:, None])[votes >= 0]) > 0.7


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_array])
def test_sparse_rows_vote_as_dense_ones(spam, container):
    # the rules may differ from those of a dense fit, as scikit-learn's trees may (one
    # rule of 20 does with 1.8); the votes of one fit may not
    X, y, rows = spam
    X = X.to_numpy()
    lfs = TreeLabelingFunctions(random_state=0).fit(container(X[rows]), y[rows])
    votes = lfs.transform(container(X))
    np.testing.assert_array_equal(votes, lfs.transform(X))
    np.testing.assert_array_equal(lfs.coverage_, (votes[rows] >= 0).mean(axis=0))


def test_rows_vote_alone(spam, fitted):
    X, _, _ = spam
    whole = fitted.transform(X.iloc[:50])
    one_by_one = [fitted.transform(X.iloc[[i]])[0] for i in range(50)]
    np.testing.assert_array_equal(whole, one_by_one)


def test_pandas_output_keeps_int8_index_and_names(spam, fitted):
    X, _, rows = spam
    out = clone(fitted).set_output(transform="pandas").fit(X.iloc[rows], spam[1][rows])
    votes = out.transform(X.iloc[rows])
    assert isinstance(votes, pd.DataFrame)
    assert (votes.dtypes == np.int8).all()
    assert votes.index.equals(X.iloc[rows].index)
    assert votes.columns.tolist() == out.get_feature_names_out().tolist()
    assert votes.columns[0] == "treelabelingfunctions0"


def test_inside_a_pipeline_on_categorical_codes():
    X, y = load_mushroom(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), TreeLabelingFunctions(random_state=0))
    votes = pipeline.fit(X[::10], y[::10]).transform(X)
    assert set(np.unique(votes)) == {-1, 0, 1}


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.eye(6), np.zeros(6), r"y has 1 class\(es\), expected 2 to 128"),
        (
            np.eye(390),
            np.arange(390) % 130,
            r"y has 130 class\(es\), expected 2 to 128",
        ),
        (np.ones((6, 2)), [0, 1] * 3, "no rule is left of 0 found in 20 trees"),
        (np.eye(6), np.linspace(0, 1, 6), "Unknown label type"),
        (np.full((6, 2), np.nan), [0, 1] * 3, "Input X contains NaN"),
    ],
)
def test_unusable_rows_are_refused(X, y, message):
    with pytest.raises(ValueError, match=message):
        TreeLabelingFunctions().fit(X, y)


def test_filters_that_leave_nothing_say_so(spam):
    X, y, rows = spam
    lfs = TreeLabelingFunctions(min_coverage=1.0, random_state=0)
    with pytest.raises(ValueError, match=r"min_coverage=1.0.*lower the limits"):
        lfs.fit(X.iloc[rows], y[rows])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_estimators", 0),
        ("max_depth", 0),
        ("max_features", "all"),
        ("class_weight", {0: 1}),
        ("min_coverage", 1.5),
        ("min_precision", -0.1),
        ("random_state", "seed"),
    ],
)
def test_parameters_are_checked_in_fit(name, value):
    lfs = TreeLabelingFunctions(**{name: value})
    with pytest.raises(ValueError, match=f"The '{name}' parameter"):
        lfs.fit(np.eye(4), [0, 1, 0, 1])


def test_one_tree_of_one_split_is_enough():
    X = np.linspace(0, 1, 40)[:, None]
    y = (X[:, 0] > 0.5).astype(int)
    functions = TreeLabelingFunctions(1, max_depth=1, random_state=0).fit(X, y)
    assert len(functions.rules_) == 1
    votes = functions.transform(X)[:, 0]
    assert (votes[votes >= 0] == y[votes >= 0]).mean() > 0.9
