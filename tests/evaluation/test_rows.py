import pytest

from twoflow import make_shop
from twoflow.evaluation import EXTRA_ROWS, ROWS, left_out_rows, make_rows


def test_rows_are_those_of_the_paper(shop):
    rows = make_rows([*ROWS, "cnn:stage5"], random_state=4)
    widths = {name: rows[name].split()[0].fit(shop).transform(shop[:1]).shape[1] for name in rows}
    assert widths == {
        "two-flow": 1408, "cnn": 1280, "projection": 128, "pixels": 9216, "pixels+cnn": 10496, "cnn:stage5": 112
    }
    for name in ("two-flow", "projection"):
        assert rows[name].split()[0].get_params()["projection__random_state"] == 4


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
    from twoflow import compare

    found = compare(make_rows(["cnn", "projection"]), make_shop(20, 12, random_state=0), folds=3, n_jobs=2)
    accuracy = {row.name: row.accuracy.mean() for row in found.rows}
    assert 0.5 < accuracy["cnn"] < 0.98 and 0.1 < accuracy["projection"] < accuracy["cnn"] - 0.1
