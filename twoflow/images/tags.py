"""Tags that an estimator of images adds to those of scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, TypeVar

from sklearn.utils import Tags, get_tags

_T = TypeVar("_T", bound=Tags)


@dataclass
class ImageTags(Tags):
    """The tags of scikit-learn and what others must know of any estimator that takes images.

    Attributes
    ----------
    image_size : (int, int) or None
        Width and height in pixels, if the estimator stretches every image to this one size and does nothing else with
        it. Images can then be decoded once, at that size, for all fits. None, the default, promises nothing.
    any_n_jobs : bool
        Whether `n_jobs` has no effect on the results. A comparison with fewer fits than cores then lets each fit use
        several. The default, False, promises nothing.
    trains_flow : bool
        Whether `fit` trains a flow: the fitted classifier then has `flow_`, the fitted flow, and `head_`, the fitted
        classifier of its features. The default is False.

    Examples
    --------
    >>> from sklearn.base import BaseEstimator
    >>> from twoflow.images.tags import ImageTags, extend_tags, read_tag
    >>> class Thumbnails(BaseEstimator):
    ...     def __sklearn_tags__(self):
    ...         tags = extend_tags(super().__sklearn_tags__(), ImageTags)
    ...         tags.image_size = (32, 32)
    ...         return tags
    >>> read_tag(Thumbnails(), "image_size", None)
    (32, 32)
    """

    image_size: tuple[int, int] | None = None
    any_n_jobs: bool = False
    trains_flow: bool = False


def extend_tags(tags: Tags, kind: type[_T]) -> _T:
    """Copy tags into a class with more fields, which keep their defaults, and say that the estimator takes images."""
    extended = kind(**{field.name: getattr(tags, field.name) for field in fields(tags)})
    extended.input_tags.two_d_array = False
    extended.input_tags.string = True  # paths and URLs
    return extended


def read_tag(estimator: Any, name: str, default: Any) -> Any:
    """Return a tag of any object, or the default if the object has no tags or not this one."""
    if not hasattr(estimator, "__sklearn_tags__"):
        return default
    return getattr(get_tags(estimator), name, default)
