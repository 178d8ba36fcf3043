"""Hand groups to every part of an estimator that tries on some rows what it has learned from others."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from inspect import signature
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingClassifier, StackingRegressor, VotingClassifier
from sklearn.feature_selection import SelectFromModel
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV, RandomizedSearchCV, StratifiedGroupKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, RegressorChain
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils.metadata_routing import MetadataRouter, get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from .drawing import InnerFolds, draw_inner_folds

# scikit-learn does not say of a meta-estimator what it does with rows and parameters of fit; these tables do.
#: They fit what is inside them on their own rows, in the same order.
_SAME_ROWS = (
    ColumnTransformer, FeatureUnion, FixedThresholdClassifier, MultiOutputClassifier, OneVsRestClassifier, Pipeline,
    SelectFromModel, VotingClassifier,
)
#: Without metadata routing, their `fit` hands its parameters on to `estimator.fit`, but for those named here.
_FORWARDED_BUT: dict[type, frozenset[str]] = {
    CalibratedClassifierCV: frozenset(),
    MultiOutputClassifier: frozenset(),
    SelectFromModel: frozenset(),
    GridSearchCV: frozenset({"groups"}),
    RandomizedSearchCV: frozenset({"groups"}),
}
#: With ``cv=None`` they do not cross-validate; others draw five folds, or leave out one row at a time.
_NONE_IS_NO_FOLDS = (ClassifierChain, RegressorChain)

#: They give the metadata of fit to their final estimator too, whether or not it has requested any.
_CANNOT_ROUTE = (StackingClassifier, StackingRegressor)

_N_SPLITS = 5  # what None means to scikit-learn
_MANY_ROWS = 10_000  # above these, early_stopping="auto" stops early


class GroupsNotUsedWarning(UserWarning):
    """There are groups, but a part of an estimator cannot keep them together when it tries itself on held-out rows.

    What that part finds best, such as a parameter or a calibration, may then rest on near copies of the rows that it
    was fitted on.
    """


@contextmanager
def handed_groups(
    estimator: Any, method: str, X: Any, y: np.ndarray, groups: np.ndarray | None
) -> Iterator[Mapping[str, Any]]:
    """Prepare an estimator for a fit with groups.

    Parameters
    ----------
    estimator : estimator
        Changed until the context ends, so give a clone: its ``cv`` is a list of folds meanwhile. Requests for
        metadata remain.
    method : {"fit", "fit_transform"}
        The method that is going to be called.
    X, y, groups
        What it is going to be called with; see `fit_clone`.

    Yields
    ------
    mapping of str to ndarray
        The further parameters of that method.
    """
    if groups is None:
        yield {}
        return
    handing = _Handing(X, y, groups)
    try:
        parameters = handing.prepare(estimator)
        # The user may have requested groups for a part that is not found here, such as a scorer.
        if handing.routing and not parameters and _is_router(estimator):
            wanted = get_routing_for_object(estimator).consumes(method, ["groups"])
            parameters = {"groups": groups} if wanted else {}
        yield parameters
    finally:
        handing.restore()


class _Handing:
    """Walks through an estimator, and prepares each part for a fit on the same rows."""

    def __init__(self, X: Any, y: np.ndarray, groups: np.ndarray) -> None:
        self.X, self.y, self.groups = X, y, groups
        self.routing = get_config()["enable_metadata_routing"]
        self._codes = np.unique(groups, return_inverse=True)[1]
        self._given: list[tuple[Any, Any]] = []

    def restore(self) -> None:
        """Set every ``cv`` back to what the user has given."""
        for estimator, cv in reversed(self._given):
            estimator.cv = cv

    def prepare(
        self, estimator: Any, owner: Any = None, same_rows: bool = True, routed: bool | None = None
    ) -> dict[str, np.ndarray]:
        """Prepare an estimator and all inside it.

        Parameters
        ----------
        estimator : estimator
        owner : estimator, optional
            The meta-estimator that it is in.
        same_rows : bool
            Whether it is going to be fitted on the rows that the groups are given for.
        routed : bool, optional
            Whether metadata routing reaches it; by default whether routing is switched on.

        Returns
        -------
        dict of str to ndarray
            The parameters that its `fit` needs so that groups reach it.
        """
        routed = self.routing if routed is None else routed
        if _takes_groups(estimator):
            return {"groups": self.groups} if not routed or _requests_groups(estimator) else {}
        parameters = estimator.get_params(deep=False)
        if isinstance(estimator, FrozenEstimator):
            return {}
        _tell_of_own_splits(estimator, parameters, len(self.groups))
        handed: dict[str, np.ndarray] = {}
        if "cv" in parameters:
            if isinstance(parameters["cv"], str):
                return {}  # "prefit": nothing is fitted
            handed = self._prepare_cv(estimator, owner, same_rows, routed)
        same_rows = same_rows and isinstance(estimator, _SAME_ROWS)
        routed = routed and _is_router(estimator)
        for name, part in _parts(parameters):
            handed |= self._forward(estimator, name, part, self.prepare(part, estimator, same_rows, routed))
        return handed

    def _forward(self, estimator: Any, name: str, part: Any, wanted: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the parameters by which an estimator hands a part what it wants; warn where it cannot."""
        if self.routing:
            passed = wanted if _is_router(estimator) else {}
        elif isinstance(estimator, Pipeline):
            passed = {f"{name}__{parameter}": values for parameter, values in wanted.items()}
        else:
            kept_back = _FORWARDED_BUT.get(type(estimator), frozenset(wanted))
            passed = {parameter: values for parameter, values in wanted.items() if parameter not in kept_back}
        if len(passed) < len(wanted):
            _tell_of_nesting(part, estimator)
        return passed

    def _prepare_cv(self, estimator: Any, owner: Any, same_rows: bool, routed: bool) -> dict[str, np.ndarray]:
        """Have an estimator cross-validate in folds that keep groups together."""
        cv = estimator.cv
        if cv is None and isinstance(estimator, _NONE_IS_NO_FOLDS):
            return {}
        if same_rows:
            self._set_cv(estimator, self._draw(cv) if cv is None or isinstance(cv, Real) else self._split(estimator))
        elif routed and (cv is None or isinstance(cv, Integral)):
            self._set_cv(estimator, StratifiedGroupKFold(_N_SPLITS if cv is None else int(cv)))
            return {"groups": self.groups}
        elif routed and hasattr(cv, "split") and get_routing_for_object(cv).consumes("split", ["groups"]):
            return {"groups": self.groups}
        else:
            _tell_of_nesting(estimator, owner)
        return {}

    def _set_cv(self, estimator: Any, cv: Any) -> None:
        self._given.append((estimator, estimator.cv))
        estimator.cv = cv

    def _draw(self, cv: Any) -> InnerFolds:
        """Draw as many folds as a number says, or one split for a share of rows to hold out."""
        # The folds are the same for all parts, and whatever their random state, as scikit-learn's own are.
        rng = np.random.RandomState(0)
        if cv is None or isinstance(cv, Integral):
            return draw_inner_folds(self.y, self.groups, _N_SPLITS if cv is None else int(cv), rng)
        return draw_inner_folds(self.y, self.groups, round(1 / cv), rng)[:1]

    def _split(self, estimator: Any) -> Any:
        """Return the folds of the user's own splitter or list; if they separate groups, warn and change nothing."""
        given = estimator.cv
        if hasattr(given, "split"):
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="The groups parameter is ignored", category=UserWarning)
                folds = list(given.split(self.X, self.y, self.groups))
        else:
            folds = given = list(given)
        if any(np.isin(self._codes[test], self._codes[train]).any() for train, test in folds):
            _tell(
                f"expected a cv that keeps groups together, got {_name(estimator.cv)} in {_name(estimator)}; set cv to "
                "an integer, or to a splitter such as StratifiedGroupKFold"
            )
            return given
        return folds


def _takes_groups(estimator: Any) -> bool:
    """Return whether an estimator keeps groups together itself: its `fit` has a parameter for them.

    `RFECV` has one in some versions of scikit-learn, but uses it only if its cv does; it offers no request for groups.
    """
    if not has_fit_parameter(estimator, "groups"):
        return False
    if not hasattr(estimator, "set_fit_request"):
        return not hasattr(estimator, "get_metadata_routing")
    return "groups" in signature(estimator.set_fit_request).parameters


def _requests_groups(estimator: Any) -> bool:
    """Have an estimator request groups, unless the user has declined that or has named them otherwise."""
    if not hasattr(estimator, "set_fit_request"):
        return True
    routing = get_routing_for_object(estimator)
    request = None if isinstance(routing, MetadataRouter) else routing.fit.requests.get("groups")
    if request is None:
        estimator.set_fit_request(groups=True)
    return request is None or request is True


def _is_router(estimator: Any) -> bool:
    """Return whether an estimator hands metadata on to what is inside it."""
    if isinstance(estimator, _CANNOT_ROUTE):
        return False
    try:
        return isinstance(get_routing_for_object(estimator), MetadataRouter)
    except NotImplementedError:  # as AdaBoostClassifier and a few others say
        return False


def _parts(parameters: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the estimators among the parameters, alone or in a list of tuples, with their names."""
    for name, value in parameters.items():
        for item in value if isinstance(value, (list, tuple)) else [(name, value)]:
            if isinstance(item, tuple) and len(item) > 1 and hasattr(item[1], "fit") and hasattr(item[1], "get_params"):
                yield item[0], item[1]


def _tell_of_own_splits(estimator: Any, parameters: Mapping[str, Any], n_rows: int) -> None:
    """Warn of an estimator that splits rows in its `fit` and has no cv to hand it the folds."""
    if parameters.get("validation_fraction") is not None:
        early = parameters.get("early_stopping", parameters.get("n_iter_no_change") is not None)
        if n_rows > _MANY_ROWS if early == "auto" else early:
            _tell(
                f"expected a fit that can keep groups together, got early stopping of {_name(estimator)} by rows that "
                "it holds out at random; switch early stopping off"
            )
    if parameters.get("probability") is True:
        _tell(
            f"expected a fit that can keep groups together, got probability=True in {_name(estimator)}, which "
            "calibrates in random folds; put it in CalibratedClassifierCV instead"
        )


def _tell_of_nesting(part: Any, owner: Any) -> None:
    _tell(
        f"expected a cross-validation that groups can reach, got {_name(part)} inside {_name(owner)}, which fits it on "
        "rows of its own choice; take it out of there, or call sklearn.set_config(enable_metadata_routing=True)"
    )


@cache
def _tell(message: str) -> None:
    """Warn once, however many folds have the same to say."""
    warnings.warn(message, GroupsNotUsedWarning, stacklevel=2)


def _name(value: Any) -> str:
    return type(value).__name__
