"""Progress through scikit-learn's callbacks; silence without them."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression

from overlapkit import UCBSourceSelector, WeakToStrongClassifier

callback = pytest.importorskip("sklearn.callback", reason="callbacks need 1.9")


class Recorder:
    """A callback that writes down what it is told."""

    def __init__(self):
        self.tasks = []

    def setup(self, estimator, context):
        self.tasks.append("setup")

    def teardown(self, estimator, context):
        self.tasks.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        self.tasks.append(context.task_name)


@pytest.fixture
def data():
    return make_classification(random_state=0)


def test_the_tasks_of_a_fit_are_reported_in_order(data):
    recorder = Recorder()
    model = WeakToStrongClassifier(LogisticRegression(), random_state=0)
    model.set_callbacks(recorder).fit(*data)
    assert recorder.tasks == [
        "setup",
        "label the rows",
        "choose the rows",
        "train the strong model",
        "fit",
        "teardown",
    ]


def test_every_round_of_a_source_selection_is_reported(data):
    recorder = Recorder()
    selector = UCBSourceSelector(LogisticRegression(), n_rounds=3, random_state=0)
    selector.set_callbacks(recorder).fit(*data)
    rounds = ["round"] * 3
    assert recorder.tasks == ["setup", *rounds, "train the student", "fit", "teardown"]


def test_callbacks_are_torn_down_when_fit_fails(data):
    recorder = Recorder()
    model = WeakToStrongClassifier(LogisticRegression()).set_callbacks(recorder)
    with pytest.raises(ValueError, match="one class"):
        model.fit(data[0], np.zeros(len(data[1])))
    assert recorder.tasks[-1] == "teardown"


def test_scoring_monitor_scores_the_fitted_classifier(data):
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = WeakToStrongClassifier(LogisticRegression(), random_state=0)
    model.set_callbacks(monitor).fit(*data)
    log = monitor.get_logs(select="most_recent").data_as_pandas
    assert log["accuracy"].iloc[-1] == pytest.approx(model.score(*data))


def test_no_bar_by_default(data, capsys):
    WeakToStrongClassifier(LogisticRegression()).fit(*data)
    written = capsys.readouterr()
    assert written.out == written.err == ""


def test_progress_bar_shows_something(data, capsys):
    model = WeakToStrongClassifier(LogisticRegression(), random_state=0)
    model.set_callbacks(callback.ProgressBar()).fit(*data)
    assert "WeakToStrongClassifier" in capsys.readouterr().out
