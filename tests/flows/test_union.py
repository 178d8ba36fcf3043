import numpy as np
import pytest

from twoflow import CNNEmbedding, FlowUnion, PixelProjection, RawPixels
from twoflow.images import loaded_image
from twoflow.networks.session import Session


def members():
    return [
        ("cnn", CNNEmbedding()),
        ("projection", PixelProjection(random_state=0)),
        ("stage5", CNNEmbedding(layer="stage5")),
        ("pixels", RawPixels((640, 480))),
    ]


def test_it_is_its_members_side_by_side(shop):
    union = FlowUnion(members()).fit(shop)
    together = union.transform(shop)
    for name, flow in members():
        assert (together[:, union.slices()[name]] == flow.fit_transform(shop)).all(), name
    names = union.get_feature_names_out()
    assert names[union.slices()["stage5"]][0] == "stage5__cnn_000"


def test_each_image_is_decoded_once_and_passed_once_through_a_network(shop, monkeypatch):
    decoded, passed = [], []
    open_reduced, run = loaded_image.open_reduced, Session.run_many
    monkeypatch.setattr(loaded_image, "open_reduced", lambda *args: decoded.append(1) or open_reduced(*args))
    monkeypatch.setattr(Session, "run_many", lambda *args: passed.extend(args[1]) or run(*args))
    FlowUnion(members()).fit(shop).transform(shop)
    assert len(decoded) == len(passed) == len(shop)


def test_each_image_is_resized_once_a_size(shop, monkeypatch):
    sizes = []
    resize = loaded_image.resize
    monkeypatch.setattr(
        loaded_image, "resize", lambda image, size, *more: sizes.append(size) or resize(image, size, *more)
    )
    FlowUnion(members()).fit(shop).transform(shop[:1])
    assert sorted(sizes) == [(224, 224), (640, 480)]


def test_parameters_by_name(shop):
    union = FlowUnion(members()).set_params(pixels__size=(2, 2), cnn=RawPixels((3, 3)))
    assert union.fit_transform(shop).shape == (len(shop), 27 + 128 + 112 + 12)


@pytest.mark.parametrize(
    "flows, error, message",
    [
        ([], ValueError, "at least one"),
        ([("a", RawPixels()), ("a", RawPixels())], ValueError, "unique"),
        ([("a__b", RawPixels())], ValueError, "__"),
        ([("a", np.log)], TypeError, "expected 'a' to be a flow, got a ufunc; use"),
        ([("a", RawPixels((0, 0)))], ValueError, "size must be"),
        ([("a", CNNEmbedding(layer="none"))], ValueError, "no layer"),
        (3, ValueError, "'flows' parameter"),
    ],
)
def test_bad_unions(flows, error, message, shop):
    with pytest.raises(error, match=message):
        FlowUnion(flows).fit(shop)
