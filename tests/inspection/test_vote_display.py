import numpy as np
import pandas as pd
import pytest

from overlapkit.inspection import VoteAgreementDisplay

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _close_figures():
    plt.switch_backend("agg")
    yield
    plt.close("all")


def slow_agreement(votes):
    m = votes.shape[1]
    out = np.full((m, m), np.nan)
    for j in range(m):
        for k in range(m):
            both = (votes[:, j] >= 0) & (votes[:, k] >= 0)
            if both.any():
                out[j, k] = np.mean(votes[both, j] == votes[both, k])
    return out


def test_cells_are_the_shares_of_equal_votes_where_both_vote():
    rng = np.random.default_rng(0)
    votes = rng.integers(-1, 3, size=(60, 5))
    votes[:30, 3] = votes[30:, 4] = -1  # these two never meet
    display = VoteAgreementDisplay.from_votes(votes)
    np.testing.assert_allclose(display.agreement, slow_agreement(votes))
    assert np.isnan(display.agreement[3, 4])
    assert len(display.texts_) == 25 - 2
    assert display.figure_ is display.ax_.figure


def test_names_are_those_of_the_columns_and_class_names_are_votes():
    frame = pd.DataFrame({"url": ["ham", "spam", None], "caps": ["ham", "ham", "spam"]})
    display = VoteAgreementDisplay.from_votes(frame, classes=["ham", "spam"])
    assert display.names == ["url", "caps"]
    assert display.agreement[0, 1] == 0.5
    assert [t.get_text() for t in display.ax_.get_xticklabels()] == ["url", "caps"]


def test_many_functions_have_no_numbers_in_the_cells():
    votes = np.random.default_rng(0).integers(0, 2, size=(40, 40))
    display = VoteAgreementDisplay.from_votes(votes, colorbar=False)
    assert display.texts_ == []
    assert len(display.ax_.get_xticks()) <= 20


def test_a_matrix_that_is_not_square_or_not_named_is_refused():
    with pytest.raises(ValueError, match="square matrix"):
        VoteAgreementDisplay([[1.0, 0.5]])
    with pytest.raises(ValueError, match="names has 1 entries"):
        VoteAgreementDisplay(np.eye(2), names=["a"])
