"""Several flows side by side, with each image decoded once."""

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
from ..store import StoreLike
from .base import Flow
from .contract import RUN_PARAMETERS, FeatureKind, FlowContract, FlowTags, feature_kind, learns_from_data
from .engine.extraction import compute


class FlowUnion(Flow, _BaseComposition):
    """Compute the features of several flows, side by side.

    The features are those of `sklearn.pipeline.FeatureUnion`, but the work is shared. However many flows look at an
    image, it is decoded once, resized once for each size, and passed once through each network for each view.

    Parameters
    ----------
    flows : list of (str, Flow)
        Names and flows. They are cloned, and the clones are fitted. Their own `n_jobs`, `on_error`, `verbose` and
        `store` have no effect here: the union's are used instead.
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
        """Put flows that are fitted already side by side, without cloning them; `options` are those of `Flow`."""
        union = cls(list(flows.items()), **options)
        union.flows_ = list(flows.items())
        return union

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; with ``deep``, also the flows by name and theirs as ``name__parameter``."""
        return self._get_params("flows", deep=deep)

    def set_params(self, **params: Any) -> Self:
        """Set parameters. ``name`` replaces a flow; ``name__parameter`` sets a parameter of one."""
        return self._set_params("flows", **params)

    def slices(self) -> dict[str, slice]:
        """Return the columns of each flow, by name. They follow from the parameters, so `fit` is not needed."""
        ends = np.cumsum([flow.n_features_out for _, flow in self._flows]).tolist()
        return {name: slice(start, end) for (name, _), start, end in zip(self._flows, [0, *ends], ends)}

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return names such as ``cnn__cnn_0000``: the name of the flow, then the flow's own name of the feature."""
        check_is_fitted(self)
        names = [f"{name}__{feature}" for name, flow in self.flows_ for feature in flow.get_feature_names_out()]
        return np.asarray(names, dtype=object)

    @property
    def _flows(self) -> Sequence[tuple[str, Flow]]:
        """The fitted flows, which find what lies outside them from any folder; before `fit`, the parameters."""
        return getattr(self, "flows_", self.flows)

    def check_parameters(self) -> None:
        if not self.flows:
            raise InputError("expected at least one flow in a FlowUnion, got none; add one to flows")
        self._validate_names([name for name, _ in self.flows])
        for name, flow in self.flows:
            if not isinstance(flow, Flow):
                raise InputTypeError(
                    f"expected {name!r} to be a flow, got a {type(flow).__name__}; use sklearn.pipeline.FeatureUnion "
                    "for other transformers"
                )
        for _, flow in self._flows:
            flow._validate_params()
            flow.check_parameters()

    def learn(self, images: Sequence[Source], y: Any, groups: Any) -> None:
        # The union's own settings hold too where a member reads images to learn from them.
        running = {name: getattr(self, name) for name in RUN_PARAMETERS}
        self.flows_ = [(name, clone(flow).set_params(**running).fit(images, y, groups)) for name, flow in self.flows]

    def training_features(self, images: Sequence[Source], y: Any, groups: Any) -> np.ndarray | None:
        """Put the training features of the flows that have some into the table of all features."""
        found = self.training_columns(images, y, groups)
        if not found:
            return None
        features = self._compute(images)
        for columns, own in found:
            features[:, columns] = own
        return features

    def training_columns(self, images: Sequence[Source], y: Any, groups: Any) -> list[tuple[slice, np.ndarray]]:
        """Return the columns and the training features of each flow whose `training_features` are not None."""
        found = zip(self.slices().values(), (flow.training_features(images, y, groups) for _, flow in self.flows_))
        return [(columns, own) for columns, own in found if own is not None]

    def bind(self) -> FlowUnion:
        bound = copy(self)
        bound.flows_ = [(name, flow.bind()) for name, flow in self.flows_]
        return bound

    def extract(self, image: LoadedImage, n_threads: int) -> np.ndarray:
        return np.concatenate(compute(self.members(), image, n_threads))

    def named_members(self, name: str) -> list[tuple[str, FlowContract]]:
        return [member for own, flow in self.flows for member in flow.named_members(own)]

    def members(self) -> list[FlowContract]:
        return [member for _, flow in self.flows_ for member in flow.members()]

    @property
    def n_features_out(self) -> int:
        return sum(flow.n_features_out for _, flow in self._flows)

    def __sklearn_tags__(self) -> FlowTags:
        tags = super().__sklearn_tags__()
        flows = [flow for _, flow in self.flows]
        tags.learns_from_data = any(map(learns_from_data, flows))
        tags.feature_kind = _common_kind(flows)
        return tags


def _common_kind(flows: Sequence[Flow]) -> FeatureKind:
    """Return the kind of all flows; "dense" if they differ. Several "unit" flows have another norm, so are "dense"."""
    kinds = set(map(feature_kind, flows))
    if len(kinds) > 1 or kinds == {"unit"} and len(flows) > 1:
        return "dense"
    return kinds.pop() if kinds else "dense"
