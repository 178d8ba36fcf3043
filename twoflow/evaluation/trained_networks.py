"""Make the methods that train a network on the images: from scratch, fine-tuned, or beside the flows of a recipe.

They need PyTorch, an extra.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

from .._text import listed
from ..deep import ConvNetClassifier, FineTunedClassifier, FineTunedFlow
from ..deep.extra import missing_reason
from ..errors import InputError, MissingExtraError
from ..models import BestOf, make_model, take_apart
from ..networks import NETWORKS
from .method_settings import Settings

#: The methods that need an extra; `make_trained` knows further names.
EXTRA_METHODS = ("convnet", "fine-tuned", "fine-tuned+fast", "fine-tuned+best")

#: Those that "all" includes where the extra is installed. Fine-tuning takes an hour where the others take minutes.
EXTRA_METHODS_IN_ALL = ("convnet",)

#: What a network is shown of an image, by the recipe that it is beside.
_VIEWS = {"fast": "whole", "best": "mirror"}

_FINE_TUNED = re.compile(rf"fine-tuned(?::(.+?))?(?:\+({'|'.join(_VIEWS)}))?")

#: The parameters of `FineTunedClassifier` that come from elsewhere, and from where.
_FROM_ELSEWHERE = {
    "backbone": "the name of the method, such as fine-tuned:resnet-18",
    "class_weight": "class_weight",
    "random_state": "random_state",
}


def find_left_out() -> dict[str, str]:
    """Find the methods that "all" leaves out because their extra is not installed, each with the reason."""
    reason = missing_reason()
    return {} if reason is None else dict.fromkeys(EXTRA_METHODS_IN_ALL, reason)


def is_fine_tuned(method: str) -> bool:
    """Return whether the name of a method, without strategy, is that of a network that is fine-tuned."""
    return _FINE_TUNED.fullmatch(method) is not None


def make_trained(name: str, settings: Settings) -> Any | None:
    """Make the model of a method that trains a network.

    Parameters
    ----------
    name : str
        One of `EXTRA_METHODS`, ``fine-tuned:BACKBONE``, ``fine-tuned+RECIPE`` or ``fine-tuned:BACKBONE+RECIPE``.
    settings : Settings

    Returns
    -------
    classifier or None
        None if this is not the name of such a method.

    Raises
    ------
    ValueError
        If there is no such backbone (the message gives similar names), or it does not take a setting.
    ModuleNotFoundError
        If the extra is not installed. The message says how to install it.
    """
    asked = _FINE_TUNED.fullmatch(name)
    if asked is None and name not in _FROM_SCRATCH:
        return None
    reason = missing_reason()
    if reason is not None:
        raise MissingExtraError(f"the method {name!r} {reason}")
    if settings.max_per_class is not None:
        raise InputError(
            f"max_per_class: expected methods whose head learns from features, got {name}, which trains a network on "
            "all images; leave this method out"
        )
    if asked is None:
        return _FROM_SCRATCH[name](settings)
    backbone, recipe = asked.groups()
    tuned = _make_fine_tuned(backbone, settings)
    return tuned if recipe is None else _stack(tuned, recipe, settings)


def _make_convnet(settings: Settings) -> ConvNetClassifier:
    if settings.class_weight is not None:
        raise InputError("class_weight: expected methods that take it, got convnet; leave this method out")
    return ConvNetClassifier(random_state=settings.seed)


_FROM_SCRATCH: dict[str, Callable[[Settings], Any]] = {"convnet": _make_convnet}


def _make_fine_tuned(backbone: str | None, settings: Settings) -> FineTunedClassifier:
    check_fine_tuning(settings.fine_tuning)
    named: dict[str, Any] = {} if backbone is None else {"backbone": backbone}
    model = FineTunedClassifier(
        **named, class_weight=settings.class_weight, random_state=settings.seed, **settings.fine_tuning
    )
    model.check_parameters()  # a wrong backbone must be an error now, not when images are read
    return model


def check_fine_tuning(fine_tuning: Mapping[str, Any]) -> None:
    """Raise ValueError for a parameter that `FineTunedClassifier` does not have, or that comes from elsewhere."""
    known = [name for name in signature(FineTunedClassifier).parameters if name not in _FROM_ELSEWHERE]
    for name in fine_tuning:
        if name in _FROM_ELSEWHERE:
            raise InputError(f"fine_tuning: expected no {name}, got one; give it by {_FROM_ELSEWHERE[name]}")
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.4) or known
            raise InputError(
                f"fine_tuning: expected parameters of FineTunedClassifier, got {name!r}; did you mean "
                f"{listed(near, ' or')}?"
            )


def _stack(tuned: FineTunedClassifier, recipe: str, settings: Settings) -> BestOf:
    """Make the model of a recipe with one more flow: late stages of the network that is fine-tuned in the fold.

    How much each flow counts is found on the training images; see `BestOf`.
    """
    frozen = make_model(recipe, network=settings.network, random_state=settings.seed)
    flows = [*take_apart(frozen).flows, ("fine_tuned", FineTunedFlow(tuned, **_late_stages(tuned.backbone, recipe)))]
    model = make_model(flows, "kernel-ridge", class_weight=settings.class_weight)
    return BestOf([("weighed", model)], weights="leave-out", random_state=settings.seed)


def _late_stages(backbone: Any, recipe: str) -> dict[str, Any]:
    """Return the parameters of a `FineTunedFlow` that takes what a recipe takes of a network.

    Covariances of late stages are better than the embedding, as they are in a network that stays as it is. Of a
    backbone without a catalog's card only the embedding can be taken.
    """
    if backbone not in NETWORKS:
        return {}
    flows = [flow for _, flow in take_apart(make_model("fast", network=backbone)).flows]
    same = {name: getattr(flows[0], name) for name in ("pooling", "n_channels", "center_prior")}
    # Of the network in a file that is trained only one size is known, so images are stretched to it.
    entrance = {field: size for field, size in (flows[0].preprocessing or {}).items() if field == "input_size"} or None
    return {"layers": [flow.layer for flow in flows], "views": _VIEWS[recipe], "preprocessing": entrance, **same}
