"""The flow that trains a network inside the fold, with a classifier that trains a tiny one without torch."""

import numpy as np
import pytest
from sklearn.base import clone

from twoflow import CNNEmbedding, ColorHistogram, compare, explain, load, make_model, make_shop, save
from twoflow.deep import FineTunedClassifier, FineTunedFlow
from twoflow.evaluation.fold_keys import describe_method
from twoflow.flows.contract import feature_kind, learns_from_data
from twoflow.flows.engine.fingerprint import fingerprint, identity
from twoflow.heads.multi_target import MultiTargetClassifier
from twoflow.images import ImageCollection, UnreadableImagesWarning
from twoflow.models import BestOf, take_apart
from twoflow.models.onnx_export import compare as compare_graph
from twoflow.models.onnx_export import export_onnx
from twoflow.networks.trained_on import count_digests

from ..flows import flow_checks
from .stub_classifier import FITS, WIDTH, StubClassifier

CHECKS = [
    flow_checks.check_shape_and_dtype, flow_checks.check_batch_of_one, flow_checks.check_permutation,
    flow_checks.check_store, flow_checks.check_fit_twice, flow_checks.check_learns_from_data_as_tagged,
]


@pytest.fixture(scope="module")
def shop():
    """Eight images of each of three classes, in groups of two."""
    shop = make_shop(n_classes=3, n_per_class=8, random_state=0)
    return ImageCollection(shop.images, shop.labels, groups=np.arange(len(shop)) // 2)


@pytest.fixture(scope="module")
def fitted(shop):
    return FineTunedFlow(StubClassifier(random_state=0), ["head", "global_pool"], pooling="max").fit(shop)


@pytest.fixture(scope="module")
def model(shop):
    """With `best`'s weights."""
    flows = [("mine", FineTunedFlow(StubClassifier())), ("color", ColorHistogram())]
    inside = make_model(flows, "kernel-ridge")
    return BestOf([("both", inside)], weights="leave-out", random_state=0).fit(shop)


@pytest.fixture
def fits(monkeypatch):
    FITS.clear()
    return FITS


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_promises_what_every_flow_does(check, shop, tmp_path):
    folder = [tmp_path][: "folder" in check.__code__.co_varnames[: check.__code__.co_argcount]]
    check(FineTunedFlow(StubClassifier(random_state=0)), shop, *folder)


def test_features_of_training_images_come_from_networks_that_have_not_seen_them(shop, fits):
    flow = FineTunedFlow(StubClassifier(random_state=0), cv=2)
    features = flow.fit_transform(shop)
    (n, _, groups), *parts = fits
    assert n == len(shop) and groups == shop.groups.tolist() and [len(own) for _, own, _ in parts] == [12, 12]
    assert not set(parts[0][2]) & set(parts[1][2]), "a group is in both halves"
    for _, _, own in parts:  # the network of a half gives the features of the other half
        others = ~np.isin(shop.groups, own)
        trained = StubClassifier(random_state=0).fit(
            [image for image, other in zip(shop.images, others) if not other], shop.labels[~others]
        )
        expected = CNNEmbedding(trained.network_).fit_transform([shop.images[i] for i in np.flatnonzero(others)])
        assert (features[others] == expected).all()
    assert (features != flow.transform(shop)).any(axis=1).all()


def test_without_cross_fitting_the_network_itself_gives_them(shop, fits):
    flow = FineTunedFlow(StubClassifier(random_state=0))
    assert (flow.fit_transform(shop) == flow.transform(shop)).all() and len(fits) == 1


def test_layers_are_side_by_side(shop, fitted):
    network = fitted.flows_[0].network
    expected = [
        CNNEmbedding(network, "head", pooling="max").fit_transform(shop),
        CNNEmbedding(network, "global_pool").fit_transform(shop),
    ]
    assert (fitted.transform(shop) == np.hstack(expected)).all()
    assert fitted.n_features_out == clone(fitted).n_features_out == 2 * WIDTH
    assert fitted.get_feature_names_out()[0] == "fine_tuned_0000"
    assert fitted.history_ == [{"epoch": 1, "train_loss": 0.5}]


def test_batches_give_the_same_features(shop, fitted):
    prepared = [FineTunedFlow.prepare([fitted], flow_checks.LoadedImage(image)) for image in shop.images[:3]]
    found = FineTunedFlow.extract_batch([fitted], prepared, 1)
    np.testing.assert_allclose([vector for vector, in found], fitted.transform(shop.images[:3]), rtol=1e-6)
    assert fitted.batch_size == fitted.flows_[0].batch_size


@pytest.mark.parametrize("layers, pooling, kind", [
    (None, "mean", "dense"), (["stage3"], "covariance", "unit"), (["stage3", "stage4"], "covariance", "dense"),
])
def test_tags(layers, pooling, kind):
    flow = FineTunedFlow(StubClassifier(), layers, pooling=pooling)
    assert learns_from_data(flow) and feature_kind(flow) == kind
    assert fingerprint(flow) is None, "a store would keep features of this one training"
    networks = [CNNEmbedding(layer=layer, pooling=pooling).n_features_out for layer in layers or [None]]
    assert flow.n_features_out == sum(networks)


def test_parameters_of_the_classifier_are_its_own():
    flow = FineTunedFlow(FineTunedClassifier(max_epochs=3))
    assert flow.get_params()["classifier__max_epochs"] == 3
    other = clone(flow).set_params(classifier__max_epochs=4)
    assert identity(flow) != identity(other) and identity(flow) == identity(clone(flow).set_params(n_jobs=2))
    model = make_model([("mine", flow)], "lda", random_state=0)
    assert model.set_params(mine__classifier__max_epochs=5).get_params()["mine__classifier__max_epochs"] == 5


def test_the_key_of_a_finished_fold_depends_on_the_training():
    def key(**parameters):
        flow = FineTunedFlow(FineTunedClassifier(**parameters))
        return describe_method(take_apart(make_model([("mine", flow)], "lda", random_state=0)))

    assert key() == key() == key(verbose=True) != key(max_epochs=3)


def test_one_of_several_targets(shop, fits):
    colors = np.array(["red", "blue"] * 12)
    two = ImageCollection(shop.images, np.stack([shop.labels, colors], axis=1), target_names=["kind", "color"])
    for target in ("color", 1):
        FineTunedFlow(StubClassifier(random_state=0), target=target).fit(two)
    FineTunedFlow(StubClassifier(random_state=0), target="color", target_names=["kind", "color"]).fit(
        two.images, two.labels
    )
    assert [labels for _, labels, _ in fits] == [colors.tolist()] * 3
    fits.clear()
    inside = make_model([("mine", FineTunedFlow(StubClassifier(), target="color"))], "lda")
    compare({"both": MultiTargetClassifier(inside)}, two, folds=2)
    BestOf([("ridge", make_model(inside.flows, "kernel-ridge"))], random_state=0).fit(two)
    assert [set(labels) for _, labels, _ in fits] == [{"red", "blue"}] * 3
    fits.clear()
    FineTunedFlow(StubClassifier(random_state=0)).fit(two)
    assert np.array_equal(fits[0][1], two.labels)


def test_images_without_a_label_get_features_but_are_not_trained_on(shop, fits):
    labels = shop.labels.astype(object)
    labels[::4] = None
    features = FineTunedFlow(StubClassifier(random_state=0), cv=2).fit_transform(shop.images, labels)
    assert np.isfinite(features).all() and [n for n, _, _ in fits] == [18, 9, 9]
    assert all(label is not None for _, own, _ in fits for label in own)


def test_images_that_cannot_be_read(shop, fits):
    images = [*shop.images[:9], b"no image", *shop.images[10:]]
    flow = FineTunedFlow(StubClassifier(random_state=0), on_error="nan")
    with pytest.warns(UnreadableImagesWarning) as warned:
        features = flow.fit_transform(images, shop.labels)
    assert "left out of the training" in str(warned[0].message)
    assert np.flatnonzero(np.isnan(features).any(axis=1)).tolist() == [9] and [n for n, _, _ in fits][0] == 23


@pytest.mark.parametrize("parameters, message", [
    ({"layers": ["stage9"]}, "efficientnet-lite0 has no layer 'stage9'; its layers are"),
    ({"pooling": "covariance"}, "pooling: expected a layer that is a map, got only vectors"),
    ({"layers": ["stage3"], "pooling": "covariance", "n_channels": 999}, "n_channels=999 is more than"),
    ({"target": 2}, r"target: expected the position of one of 1 target, or its name \('class'\), got 2; correct it"),
    ({"target": "color"}, "target: expected .* got 'color'; correct it, or set target_names"),
    ({"cv": 1}, "The 'cv' parameter of FineTunedFlow must be"),
])
def test_wrong_parameters(shop, parameters, message, fits):
    with pytest.raises(ValueError, match=message):
        FineTunedFlow(StubClassifier(), **parameters).fit(shop)
    assert not fits


def test_it_needs_labels_of_two_classes(shop):
    flow = FineTunedFlow(StubClassifier(random_state=0))
    with pytest.raises(ValueError, match="requires y to be passed"):
        flow.fit(shop.images)
    with pytest.raises(ValueError, match="FineTunedFlow: expected at least two classes to train on, got fewer among"):
        flow.fit(shop.images, ["one"] * len(shop))
    with pytest.raises(ValueError, match="add images of other classes, or set cv=None"):
        flow.set_params(cv=2).fit_transform(shop.images[:4], ["one", "one", "one", "two"])


def test_best_weighs_it_by_features_of_networks_that_have_not_seen_the_images(shop, fits):
    flows = [("mine", FineTunedFlow(StubClassifier(), cv=2)), ("color", ColorHistogram())]
    model = BestOf([("both", make_model(flows, "kernel-ridge"))], weights="leave-out", random_state=0).fit(shop)
    assert [n for n, _, _ in fits] == [24, 12, 12] and model.predict(shop).shape == (24,)


def test_a_comparison_trains_it_on_the_training_images_of_each_fold(shop, fits):
    flows = [("mine", FineTunedFlow(StubClassifier(), cv=2)), ("color", ColorHistogram())]
    methods = {"ridge": make_model(flows, "kernel-ridge"), "logistic": make_model(flows, "logistic")}
    result = compare(methods, shop, folds=3)
    assert [n for n, _, _ in fits] == [16, 8, 8] * 3, "once for both methods"
    for fold, (_, _, groups) in zip(result.folds, fits[::3]):
        assert set(groups) == set(shop.groups[fold.train]) and not set(groups) & set(shop.groups[fold.test])
    assert result.networks[0].name == "efficientnet-lite0"
    for method in result.methods:  # those of the networks that are kept, not of those that cross-fit
        assert [[each.epochs for each in own] for own in method.trainings] == [[[{"epoch": 1, "train_loss": 0.5}]]] * 3


def test_a_method_has_the_trainings_of_its_own_flows_only(shop, fits):
    methods = {
        "color": make_model([("color", ColorHistogram())], "logistic"),
        "one": make_model([("one", FineTunedFlow(StubClassifier()))], "logistic"),
        "two": make_model(
            [(f"of {layer}", FineTunedFlow(StubClassifier(), [layer])) for layer in ("head", "global_pool")],
            "logistic",
        ),
    }
    found = {method.name: method.trainings for method in compare(methods, shop, folds=2).methods}
    assert found.pop("color") is None and len(fits) == 6
    assert {name: [len(own) for own in each] for name, each in found.items()} == {"one": [1, 1], "two": [2, 2]}


def test_images_may_enter_the_trained_network_another_way(shop, fits):
    other = {"fit": "crop", "filter": "bilinear"}
    flow = FineTunedFlow(StubClassifier(random_state=0), preprocessing=other).fit(shop)
    network = flow.flows_[0].network
    assert (flow.transform(shop) == CNNEmbedding(network, preprocessing=other).fit_transform(shop)).all()
    assert (flow.transform(shop) != CNNEmbedding(network).fit_transform(shop)).any()
    with pytest.raises(ValueError, match="size"):
        FineTunedFlow(StubClassifier(), preprocessing={"size": (48, 40)}).fit(shop)
    assert len(fits) == 1


def test_features_may_be_a_table(shop, fitted):
    table = clone(fitted).set_output(transform="pandas").fit(shop).transform(shop.images[:2])
    assert table.columns[0] == "fine_tuned_0000" and table.shape == (2, 2 * WIDTH)


def test_a_model_file_needs_no_training(shop, model, tmp_path, fits):
    save(model, tmp_path / "shop.twoflow", collection=shop)
    loaded = load(tmp_path / "shop.twoflow", trusted=[StubClassifier])
    assert (loaded.predict_proba(shop) == model.predict_proba(shop)).all() and not fits
    network, = (record for record in loaded.union_.flows_[0][1].networks())
    assert network.name == "stub" and count_digests(network.trained_on) == len(shop)


def test_explanations_and_graphs_go_through_the_trained_network(shop, fitted, tmp_path):
    flows = [("mine", FineTunedFlow(StubClassifier(), ["head", "global_pool"], pooling="max"))]
    model = make_model(flows, "logistic", random_state=0).fit(shop)
    reason, = explain(model, shop.images[0]).reasons
    assert reason.map.sum() != 0 and set(reason.shares) >= {"mine"}
    found = compare_graph(export_onnx(model), model, shop.images[:4])
    assert found.n_same == 4 and found.largest < 1e-4
