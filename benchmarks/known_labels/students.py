"""Students with the hyperparameters that a user would tune."""

import warnings

import numpy as np
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, ParameterGrid, StratifiedKFold
from sklearn.neural_network import MLPClassifier

__all__ = ["STUDENTS", "tuned_on_known", "tuned_on_weak"]


def students(seed):
    """Name -> (estimator, grid); grids start with the strongest regularisation."""
    return {
        "logistic": (
            LogisticRegression(max_iter=300),
            {"C": [0.001, 0.01, 0.1, 1.0]},
        ),
        "lightgbm": (
            LGBMClassifier(
                n_estimators=100,
                verbosity=-1,
                n_jobs=1,
                deterministic=True,
                random_state=seed,
            ),
            {"min_child_samples": [20, 5], "num_leaves": [7, 31]},
        ),
        "mlp": (
            MLPClassifier((64,), max_iter=60, random_state=seed),
            {"alpha": [10.0, 1.0, 0.01]},
        ),
    }


STUDENTS = tuple(students(0))


def tuned_on_known(estimator, grid, X, y, seed):
    """Best parameters by cross-validation on the known labels, fitted on them."""
    n_splits = max(2, min(5, np.bincount(y)[np.unique(y)].min()))
    folds = StratifiedKFold(n_splits, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return GridSearchCV(estimator, grid, cv=folds).fit(X, y).best_estimator_


def tuned_on_weak(estimator, grid, X, labels, X_known, y_known):
    """Fitted on weak labels with the parameters that suit the known labels best."""
    best, best_score = None, -1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for params in ParameterGrid(grid):
            model = clone(estimator).set_params(**params).fit(X, labels)
            score = accuracy_score(y_known, model.predict(X_known))
            if score > best_score:
                best, best_score = model, score
    return best
