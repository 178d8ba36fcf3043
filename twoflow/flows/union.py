"""Several flows side by side, each image decoded once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import check_is_fitted

from ..errors import InputError, InputTypeError
from ..images import LoadedImage
from ..images.reading import Source
from .contract import Flow, FlowTags, StoreLike
from .engine.extraction import compute


class FlowUnion(Flow, _BaseComposition):
    """The features of several flows, one after the other.

    What `sklearn.pipeline.FeatureUnion` would give, but each image is decoded once, resized once for each size, and
    passed once through each network, or once for each view of it, however many flows look at it.

    Parameters
    ----------
    flows : list of (str, Flow)
        Names and flows; they are cloned, and the clones fitted. Their own `n_jobs`, `on_error`, `verbose` and
        `store` have no effect here.
    n_jobs, on_error, verbose, store
        See `Flow`.

    Attributes
    ----------
    flows_ : list of (str, Flow)
        The fitted flows.

    Examples
    --------
    >>> from twoflow import FlowUnion, PixelProjection, RawPixels, make_shop
    >>> shop = make_shop(n_classes=2, n_per_class=2, random_state=0)
    >>> union = FlowUnion([("small", RawPixels((2, 2))), ("projection", PixelProjection(8, random_state=0))]).fit(shop)
    >>> union.transform(shop).shape
    (4, 20)
    >>> union.get_feature_names_out()[-1]
    'projection__projection_007'
    """

    _parameter_constraints: ClassVar[dict] = {**Flow._parameter_constraints, "flows": [list, tuple]}

    def __init__(
        self,
        flows: Sequence[tuple[str, Flow]],
        *,
        n_jobs: int | None = None,
        on_error: str = "raise",
        verbose: bool = False,
        store: StoreLike = None,
    ) -> None:
        super().__init__(n_jobs=n_jobs, on_error=on_error, verbose=verbose, store=store)
        self.flows = flows

    @classmethod
    def of_fitted(cls, flows: Mapping[str, Flow], **options: Any) -> Self:
        """Flows that are fitted already, side by side as they are; `options` are those of `Flow`."""
        union = cls(list(flows.items()), **options)
        union.flows_ = list(flows.items())
        return union

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters, with ``deep`` also the flows by name and theirs as ``name__parameter``."""
        return self._get_params("flows", deep=deep)

    def set_params(self, **params: Any) -> Self:
        """Set parameters; a flow is replaced by its name, a parameter of one set as ``name__parameter``."""
        return self._set_params("flows", **params)

    def slices(self) -> dict[str, slice]:
        """The columns of each flow, by name; known from the flows' parameters, so before `fit` too."""
        ends = np.cumsum([flow._n_features_out for _, flow in self.flows]).tolist()
        return {name: slice(start, end) for (name, _), start, end in zip(self.flows, [0, *ends], ends)}

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names such as ``cnn__cnn_0000``: the name of the flow, then the flow's own."""
        check_is_fitted(self)
        names = [f"{name}__{feature}" for name, flow in self.flows_ for feature in flow.get_feature_names_out()]
        return np.asarray(names, dtype=object)

    def _check(self) -> None:
        if not self.flows:
            raise InputError("a FlowUnion needs at least one flow")
        self._validate_names([name for name, _ in self.flows])
        for name, flow in self.flows:
            if not isinstance(flow, Flow):
                raise InputTypeError(
                    f"{name!r} is a {type(flow).__name__}, not a flow; FeatureUnion takes any transformer"
                )
            flow._validate_params()
            flow._check()

    def _fit(self, images: Sequence[Source], y: Any) -> None:
        # What is said of the union holds for its members' own reading too, where they learn from the images.
        running = {name: getattr(self, name) for name in Flow._parameter_constraints}
        self.flows_ = [(name, clone(flow).set_params(**running).fit(images, y)) for name, flow in self.flows]

    def _bind(self) -> FlowUnion:
        bound = copy(self)
        bound.flows_ = [(name, flow._bind()) for name, flow in self.flows_]
        return bound

    def _extract(self, image: LoadedImage, n_threads: int) -> np.ndarray:
        return np.concatenate(compute(self._parts, image, n_threads))

    @property
    def _parts(self) -> list[Flow]:
        return [part for _, flow in self.flows_ for part in flow._parts]

    def named_members(self, name: str) -> list[tuple[str, Flow]]:
        return [member for own, flow in self.flows for member in flow.named_members(own)]

    @property
    def _n_features_out(self) -> int:
        return sum(flow._n_features_out for _, flow in self.flows)

    def __sklearn_tags__(self) -> FlowTags:
        tags = super().__sklearn_tags__()
        tags.learns_from_data = any(flow.__sklearn_tags__().learns_from_data for _, flow in self.flows)
        return tags
