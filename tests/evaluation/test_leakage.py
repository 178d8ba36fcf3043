import numpy as np
import pytest
from PIL import Image

from twoflow import CNNEmbedding, ImageCollection, RawPixels, compare, make_shop
from twoflow.evaluation import find_duplicates, leaks
from twoflow.evaluation.folds import Fold
from twoflow.models import TwoFlowClassifier
from twoflow.report import format_text, to_document

ROWS = {"pixels": TwoFlowClassifier([("pixels", RawPixels((8, 6)), "passthrough")]).set_params(
    classifier__n_estimators=10
)}


@pytest.fixture(scope="module")
def twice():
    """A shop with half of its pictures there again, smaller."""
    shop = make_shop(3, 8, random_state=0)
    again = [np.asarray(Image.fromarray(picture).resize((80, 80))) for picture in shop.pictures[::2]]
    return ImageCollection([*shop.pictures, *again], [*shop.labels, *shop.labels[::2]])


def fold(train, test):
    return Fold(0, 0, np.array(train), np.array(test))


def test_copies_of_copies_leak_too():
    """Three equal pictures are two pairs, both with the first; the second leaks into the third all the same."""
    pictures = [np.full((9, 9, 3), value, np.uint8) for value in (0, 0, 0, 200)]
    duplicates = find_duplicates(pictures)
    found = leaks([fold([1, 3], [2]), fold([3], [0, 1]), fold([0], [1, 2, 3])], duplicates)
    assert found.by_fold.tolist() == [1, 0, 2] and found.n_pictures == 2 and found.n_pairs == 2
    assert found and not leaks([fold([0, 1, 2], [3])], duplicates)


def test_without_duplicates_nothing_leaks(shop):
    found = leaks([fold(range(16), range(16, 32))], find_duplicates(shop))
    assert (found.n_pairs, found.n_pictures, found.by_fold.tolist()) == (0, 0, [0])


def test_a_comparison_counts_what_folds_tear_apart(twice):
    found = compare(ROWS, twice, folds=3, random_state=0)
    expected = leaks(found.folds, find_duplicates(twice))
    assert found.leaks.n_pictures == expected.n_pictures > 0
    assert f"{expected.n_pictures} pictures are tested after training on a duplicate" in format_text(found)
    assert to_document(found)["leaks"] == {
        "pairs": expected.n_pairs, "pictures": expected.n_pictures, "by_fold": expected.by_fold.tolist()
    }


def test_grouped_duplicates_are_never_torn(twice):
    found = compare(ROWS, twice, folds=3, group_duplicates=True)
    assert found.folds.kind == "stratified group k-fold" and not found.leaks
    assert len(np.unique(found.collection.groups)) == 24
    assert "tested after training" not in format_text(found)
    sellers = ImageCollection(twice.pictures, twice.labels, groups=np.arange(36) // 2)
    joined = compare(ROWS, sellers, folds=2, group_duplicates=True)
    for each in joined.folds:
        for groups in (sellers.groups, find_duplicates(twice).groups):
            assert not set(groups[each.train]) & set(groups[each.test])


def test_given_folds_cannot_be_redrawn(twice):
    with pytest.raises(ValueError, match="only in folds that are drawn"):
        compare(ROWS, twice, split_column="split", group_duplicates=True)


def test_scores_do_not_depend_on_the_sketches(shop):
    """A row with a single flow, beside one with another: the columns of the sketch are in neither."""
    alone = compare(ROWS, shop, folds=2).rows[0]
    rows = {**ROWS, "cnn": TwoFlowClassifier([("cnn", CNNEmbedding(layer="stage1"), "passthrough")])}
    beside = compare(rows, shop, folds=2).rows[0]
    assert alone.n_features == 144 and (alone.accuracy == beside.accuracy).all()
