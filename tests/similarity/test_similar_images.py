"""Search a gallery by a fitted model."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import RidgeClassifier

from twoflow import (
    HierarchicalClassifier,
    ImageCollection,
    MultiTargetClassifier,
    SimilarImages,
    make_model,
    open_model_file,
    save,
)
from twoflow.errors import UserError
from twoflow.images.reading import UnreadableImagesWarning
from twoflow.models.search_space import N_COMPONENTS, to_vectors

from .conftest import FLOWS

GOLDEN = [0.060623, 0.042825, -0.000134, 0.014504, 0.0]


@pytest.fixture(scope="module")
def index(model, shop):
    return SimilarImages(model).fit(shop)


def test_an_image_finds_itself_and_then_its_class(index, shop):
    found = index.nearest(shop[:3].images, k=4)
    assert found.positions[:, 0].tolist() == [0, 1, 2] and np.allclose(found.similarities[:, 0], 1, atol=1e-5)
    assert (found.labels[:, :2] == "tee/01").all() and found.names[0][0] == "image 1"
    assert (np.diff(found.similarities, axis=1) <= 0).all()


def test_images_of_the_gallery_are_not_their_own_neighbors(index):
    positions = index.nearest(k=3).positions
    assert positions.shape == (24, 3) and not (positions == np.arange(24)[:, None]).any()


def test_one_query_finds_what_it_finds_among_many(index, shop):
    whole = index.nearest(shop.images, k=5)
    for row in (0, 13):
        alone = index.nearest(shop.images[row:row + 1], k=5)
        assert np.array_equal(alone.positions[0], whole.positions[row])
        assert np.allclose(alone.similarities[0], whole.similarities[row], atol=2e-6)


def test_labels_groups_and_positions_restrict_the_search(index, shop):
    found = index.nearest(shop[:1].images, k=4, where={"class": "tee/03"}, unique=True)
    assert (found.labels == "tee/03").all() and len(set(shop.groups[found.positions[0]])) == 4
    assert index.nearest(shop[:1].images, k=1, without=[0]).positions[0, 0] != 0


def test_a_gallery_without_labels_has_the_answers_of_the_model(model, shop):
    index = SimilarImages(model).fit(shop.images)
    assert index.are_predicted_ and np.array_equal(index.labels_, model.predict(shop))
    assert index.target_names_ == ("class",) and index.groups_ is None


def test_a_gallery_without_labels_has_the_targets_of_the_model(shop):
    labels = np.column_stack([np.where(shop.labels == "tee/03", "other", "tee"), shop.labels])
    levels = ImageCollection(shop.images, labels, target_names=["kind", "item"], are_levels=True)
    hierarchy = HierarchicalClassifier(make_model(FLOWS, RidgeClassifier()), random_state=0).fit(levels)
    index = SimilarImages(hierarchy).fit(shop.images)
    assert index.target_names_ == ("kind", "item") and index.labels_.shape == (24, 2)
    both = ImageCollection(shop.images, labels, target_names=["kind", "item"])
    index = SimilarImages(MultiTargetClassifier(make_model(FLOWS, RidgeClassifier())).fit(both)).fit(shop.images)
    assert index.target_names_ == ("kind", "item") and index.labels_.shape == (24, 2)


def test_unreadable_images_are_named(model, shop, tmp_path):
    gallery = [*shop.images[:3], str(tmp_path / "none.jpg"), shop.images[3]]
    with pytest.raises(UserError, match="none.jpg"):
        SimilarImages(model).fit(gallery)
    with pytest.warns(UnreadableImagesWarning, match="left out of the gallery"):
        index = SimilarImages(model, on_error="nan").fit(gallery)
    assert index.rows_.tolist() == [0, 1, 2, 4] and "none.jpg" in index.unreadable_[0].name
    with pytest.warns(UnreadableImagesWarning, match="find nothing"):
        found = index.nearest(gallery[2:4], k=2)
    assert found.positions[0, 0] == 2 and found.positions[1].tolist() == [-1, -1]
    assert list(found.errors) == [1] and found.names[1] == []


@pytest.mark.parametrize("options, message", [
    ({"k": 25}, "from 1 to 24"),
    ({"k": 0}, "from 1 to 24"),
    ({"where": {"size": 3}}, "targets among class, got 'size'; choose one"),
    ({"where": {"class": "boot"}}, "a label of 'class' in the gallery"),
    ({"k": 13, "unique": True}, "12 groups"),
])
def test_what_the_gallery_does_not_have(index, shop, options, message):
    with pytest.raises(UserError, match=message):
        index.nearest(shop[:1].images, **options)


def test_how_many_can_be_found(index, shop):
    where = {"class": index.labels_[0]}
    assert index.count() == 24 and index.count(unique=True) == 12
    assert index.count(where) == (index.labels_ == index.labels_[0]).sum()


def test_a_model_that_is_not_made_of_flows(shop):
    with pytest.raises(UserError, match="made of flows"):
        SimilarImages(RidgeClassifier()).fit(shop)


def test_parameters(model):
    index = SimilarImages(model, on_error="nan")
    assert clone(index, safe=False).get_params(deep=False)["on_error"] == "nan"


def test_several_targets_and_a_head_without_probabilities(shop):
    labels = np.column_stack([shop.labels, np.where(np.arange(24) % 2, "even", "odd")])
    both = ImageCollection(shop.images, labels, target_names=["class", "parity"])
    model = MultiTargetClassifier(make_model(FLOWS, "kernel-ridge")).fit(both)
    found = SimilarImages(model).fit(both).nearest(both[:2].images, k=2, where={"class": "tee/01", "parity": "odd"})
    assert found.labels.shape == (2, 2, 2) and (found.labels[:, :, 1] == "odd").all()
    plain = make_model(FLOWS, RidgeClassifier()).fit(shop)
    assert SimilarImages(plain).fit(shop).nearest(shop[:2].images, k=1).positions.ravel().tolist() == [0, 1]


def test_dot_products_are_nearly_kept():
    rows = np.random.RandomState(0).randn(40, 3000) + 1
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    vectors, norms = to_vectors(RidgeClassifier(), rows)
    assert vectors.shape == (40, N_COMPONENTS) and np.allclose(norms, 1, atol=0.2)
    assert np.abs(vectors @ vectors.T - rows @ rows.T).max() < 0.25


def test_the_projection_never_changes():
    """Or galleries of old model files would be searched with other vectors."""
    vectors, _ = to_vectors(RidgeClassifier(), np.linspace(-1, 1, 500)[None] ** 3)
    assert vectors[0, [0, 1, 2, 383, 384]].tolist() == pytest.approx(GOLDEN, abs=1e-5)


def test_the_gallery_of_a_model_file(index, model, shop, tmp_path):
    path = tmp_path / "shop.twoflow"
    save(model, path, collection=shop, gallery=True)
    opened = open_model_file(path)
    again = SimilarImages.of_model_file(opened)
    assert np.allclose(again.vectors_, index.vectors_, atol=1e-3) and again.labels_.tolist() == shop.labels.tolist()
    queries = shop.images[4:6]
    assert np.array_equal(again.nearest(queries, k=1).positions, [[4], [5]])
    assert again.nearest(queries, k=12, unique=True).positions.shape == (2, 12)
    assert opened.gallery.thumbnail(3).startswith(b"\xff\xd8\xff")
    save(model, path, collection=shop, overwrite=True)
    with pytest.raises(UserError, match="without --no-examples"):
        SimilarImages.of_model_file(open_model_file(path))
    with pytest.raises(UserError, match="pass collection too"):
        save(model, path, gallery=True, overwrite=True)
