import json

import numpy as np
import pandas as pd
import pytest

LINE = (
    "sources --batches b --state s.json --sources forum mail --votes lf_* "
    "--classes no yes --rounds 6 --reference-rounds 2"
)


def batch(source, seed):
    """Rows of a source; forum has rows with both patterns."""
    rng = np.random.default_rng([seed, len(source)])
    n = 60
    kind = rng.choice(3, n, p=[0.4, 0.2, 0.4] if source == "forum" else [0.7, 0.3, 0])
    sign = rng.choice([-1, 1], n)
    easy, hard = (kind != 1) * sign, (kind != 0) * sign
    frame = pd.DataFrame(rng.normal(size=(n, 6)), columns=list("abcdef"))
    frame[["a", "b", "c"]] += 3 * hard[:, None]
    for j in range(4):
        vote = np.where(rng.random(n) < 0.9, easy, -easy)
        frame[f"lf_{j}"] = pd.Series(vote).map({-1: "no", 1: "yes"})
    return frame


def save(folder, source, seed):
    path = folder / "b" / source / f"{seed:03d}.csv"
    path.parent.mkdir(exist_ok=True, parents=True)
    batch(source, seed).to_csv(path, index=False)


def test_a_run_of_batches_and_its_end(command, here):
    (here / "b").mkdir()
    asked = []
    for seed in range(6):
        code, out, _ = command(LINE)
        assert code == 0
        asked.append(out.splitlines()[-1])
        save(here, asked[-1], seed)
    assert set(asked[:2]) == {"forum", "mail"}
    code, out, _ = command(LINE)
    assert code == 0
    assert "all rounds were played" in out
    state = json.loads((here / "s.json").read_text())
    assert [entry["source"] for entry in state["batches"]] == asked


def test_columns_of_labels_are_no_features(command, here):
    for seed, source in enumerate(["forum", "mail"]):
        save(here, source, seed)
    _, expected, _ = command(LINE)
    for path in sorted((here / "b").glob("*/*.csv")):
        rows = pd.read_csv(path)
        rows["y"] = rows["a"] > 0
        rows["weak_label"] = np.where(rows["b"] > 0, "yes", "no")
        rows["confidence"] = 0.75
        rows["proba_no"], rows["proba_yes"] = 0.25, 0.75
        rows.to_csv(path, index=False)
    (here / "s.json").unlink()
    code, out, _ = command(LINE + " --label y")
    assert code == 0
    assert out == expected


def test_text_and_dates_are_features(command, here):
    rng = np.random.default_rng(0)
    for seed, source in enumerate(["forum", "mail", "forum"]):
        rows = batch(source, seed)
        words = np.where(rows["a"] > 0, "win a prize", "see you at home")
        rows["text"] = [f"{word} {k}" for word, k in zip(words, rng.random(len(rows)))]
        rows.loc[0, "text"] = None
        rows["day"] = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(
            seed + rng.random(len(rows)), unit="D"
        )
        rows["name"] = [f"{source}{seed}-{k}" for k in range(len(rows))]
        path = here / "b" / source / f"{seed}.parquet"
        path.parent.mkdir(exist_ok=True, parents=True)
        rows.to_parquet(path)
    code, out, err = command(LINE)
    assert code == 0
    assert err.count("note: column 'name' is left out") == 1
    assert "'text'" not in err
    (here / "s.json").unlink()
    assert command(LINE)[1] == out  # the reduction of text is seeded
    rows["a"] = rows["a"].map("{:.2f} m".format)
    rows.to_parquet(here / "b" / "mail" / "9.parquet")
    code, _, err = command(LINE)
    assert code == 1
    assert "9.parquet: column 'a' held numbers before" in err


def test_without_a_new_batch_nothing_changes(command, here):
    save(here, "forum", 0)
    save(here, "mail", 1)
    _, first, _ = command(LINE)
    state = (here / "s.json").read_bytes()
    _, again, err = command(LINE)
    assert again == first
    assert "warning" not in err  # said when the batch was new
    assert (here / "s.json").read_bytes() == state


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda f: (f / "b/forum/000.csv").unlink(), "does not exist"),
        (lambda f: save(f, "forum", 0) or batch("mail", 9).to_csv(
            f / "b/forum/000.csv"), "was changed"),
        (lambda f: (f / "s.json").write_text("{}"), "no state file"),
        (lambda f: save(f, "paper", 0), "none of the --sources"),
        (lambda f: batch("mail", 3).drop(columns="a").to_csv(f / "b/mail/003.csv"),
         "003.csv"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_and_changes_nothing(
    command, here, spoil, expected
):
    save(here, "forum", 0)
    save(here, "mail", 1)
    assert command(LINE)[0] == 0
    spoil(here)
    state = (here / "s.json").read_bytes()
    code, _, err = command(LINE)
    assert code == 1
    assert expected in err
    assert (here / "s.json").read_bytes() == state


def test_strings_and_empty_cells_are_features(command, here):
    for seed, source in enumerate(["forum", "mail", "forum"]):
        path = here / "b" / source / f"{seed}.csv"
        path.parent.mkdir(exist_ok=True, parents=True)
        frame = batch(source, seed)
        frame["day"] = np.random.default_rng(seed).choice(["Monday", "Friday"], 60)
        frame.loc[:3, ["a", "day"]] = None
        frame.to_csv(path)
    code, out, _ = command(LINE)
    assert code == 0
    assert out.splitlines()[-1] in ("forum", "mail")


def test_other_parameters_need_another_state(command, here):
    save(here, "forum", 0)
    assert command(LINE)[0] == 0
    code, _, err = command(LINE.replace("--rounds 6", "--rounds 9"))
    assert code == 1
    assert "rounds (6)" in err
