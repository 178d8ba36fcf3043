"""Every flow against what every flow promises."""

import inspect

import pytest
from sklearn.base import clone

from twoflow import flows
from twoflow.flows import (
    CNNEmbedding,
    ColorHistogram,
    Flow,
    FlowUnion,
    GISTDescriptor,
    LBPHistogram,
    PixelProjection,
    RawPixels,
    SIFTBagOfWords,
)

from ..sklearn_checks import REPLACED_FOR_FLOWS, sklearn_checks
from .flow_checks import FLOW_CHECKS

#: One of each flow, small enough to be checked often.
FLOWS = {
    "RawPixels": RawPixels(size=(10, 8)),
    "PixelProjection": PixelProjection(n_components=24, size=(64, 48), random_state=0),
    "CNNEmbedding": CNNEmbedding(layer="stage1"),
    "CNNEmbedding-max": CNNEmbedding(layer="stage2", pooling="max"),
    "CNNEmbedding-covariance": CNNEmbedding(
        layer="stage2", pooling="covariance", n_channels=9, grid=2, views="mirror",
        preprocessing={"input_size": (64, 48)},
    ),
    "CNNEmbedding-gem": CNNEmbedding(
        layer="stage1", pooling="gem", views="five-crop", preprocessing={"input_size": (48, 64)}
    ),
    "CNNEmbedding-int8": CNNEmbedding(layer="stage1", precision="int8"),
    "ColorHistogram": ColorHistogram("lab", bins=(4, 3, 3), grid=(2, 1), size=32),
    "GISTDescriptor": GISTDescriptor((4, 2), grid=2, size=32),
    "LBPHistogram": LBPHistogram((1, 2), size=48),
    "SIFTBagOfWords": SIFTBagOfWords(12, size=48, random_state=0),
    "SIFTBagOfWords-keypoints": SIFTBagOfWords(6, "keypoints", weighting="l1", size=96, random_state=0),
    "FlowUnion": FlowUnion([
        ("small", RawPixels((4, 3))),
        ("projection", PixelProjection(8, (32, 24), random_state=0)),
        ("stage1", CNNEmbedding(layer="stage1")),
        ("stage2", CNNEmbedding(layer="stage2")),
    ]),
}


@pytest.mark.parametrize("check", FLOW_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
def test_our_checks(flow, check, shop, tmp_path):
    extra = [tmp_path] if "folder" in inspect.signature(check).parameters else []
    check(clone(flow), shop, *extra)


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
def test_scikit_learns_checks(flow):
    names = set()
    for estimator, check in sklearn_checks(flow, REPLACED_FOR_FLOWS, FLOW_CHECKS):
        check(estimator)
        names.add(check.func.__name__)
    assert {"check_estimator_cloneable", "check_set_params", "check_parameters_default_constructible"} <= names


def test_the_table_has_every_flow():
    public = {name for name in flows.__all__ if issubclass(getattr(flows, name), Flow)} - {"Flow"}
    assert {type(flow).__name__ for flow in FLOWS.values()} == public


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
def test_fitted_attributes_are_documented(flow, shop):
    flow = clone(flow).fit(shop)
    fitted = {name for name in vars(flow) if name.endswith("_") and not name.startswith("_")}
    assert all(f"    {name} : " in type(flow).__doc__ for name in fitted)
    assert all(name in type(flow).__doc__ for name in flow.get_params(deep=False))
