import pytest

from twoflow import SIFTBagOfWords, compare, make_shop
from twoflow.evaluation import EXTRA_ROWS, ROWS, left_out_rows, make_rows


def test_rows_are_those_of_the_paper(shop):
    rows = make_rows([*ROWS, "cnn:stage5"], random_state=4)
    unions = {name: row.split()[0] for name, row in rows.items()}
    low_level = 128 + 256 + 320 + 30
    assert {name: sum(flow._n_features_out for _, flow in union.flows) for name, union in unions.items()} == {
        "two-flow": 1408, "cnn": 1280, "projection": 128, "pixels": 9216, "pixels+cnn": 10496, "cnn:stage5": 112,
        "low-level": low_level, "low-level+cnn": low_level + 1280, "mid-level": low_level,
    }
    for name in ("two-flow", "projection"):
        assert rows[name].split()[0].get_params()["projection__random_state"] == 4


def test_low_level_rows_learn_their_words_once_a_fold(shop, monkeypatch):
    fits = []
    fit = SIFTBagOfWords._fit
    monkeypatch.setattr(SIFTBagOfWords, "_fit", lambda self, *args: fits.append(len(args[0])) or fit(self, *args))
    superclasses = {label: label.split("/")[0] for label in shop.labels}
    rows = make_rows(["low-level", "low-level+cnn", "mid-level"], superclasses=superclasses)
    found = compare(rows, shop, folds=2)
    assert fits == [16, 16]
    n_pairs = 2 + 1  # two kinds of two models each: a pair inside each kind, and the pair of kinds
    assert [row.n_features for row in found.rows][2] == n_pairs
    assert all(row.accuracy.mean() > 0.4 for row in found.rows[:2])


def test_all():
    rows = make_rows(["all"])
    assert [*rows][:len(ROWS)] == list(ROWS)
    extra = [name for name in EXTRA_ROWS if name not in left_out_rows(["all"])]
    assert [*rows][len(ROWS):] == [*extra, "cnn:stem", *(f"cnn:stage{i}" for i in range(1, 8))]


@pytest.mark.parametrize(
    "name, message",
    [
        ("two_flow", "no row 'two_flow'; did you mean two-flow"),
        ("", "no row ''"),
        ("cnn:stage9", "no layer 'stage9'"),
    ],
)
def test_bad_rows(name, message):
    with pytest.raises(ValueError, match=message):
        make_rows([name])
    with pytest.raises(ValueError, match="no network"):
        make_rows(["cnn:stage5"], network="none")


def test_the_generated_shop_tells_methods_apart():
    """Or the demonstration would show nothing: the forest on the network's features neither fails nor is perfect."""
    found = compare(make_rows(["cnn", "projection"]), make_shop(20, 12, random_state=0), folds=3, n_jobs=2)
    accuracy = {row.name: row.accuracy.mean() for row in found.rows}
    assert 0.5 < accuracy["cnn"] < 0.98 and 0.1 < accuracy["projection"] < accuracy["cnn"] - 0.1
