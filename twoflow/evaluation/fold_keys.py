"""Keys of finished folds: equal, on any day, only for folds with the same results."""

from __future__ import annotations

import hashlib
import os
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from ..flows.contract import FlowContract
from ..flows.engine.dependencies import Dependencies
from ..flows.engine.fingerprint import digest_sources, versions
from ..flows.engine.origins import PACKAGE, find_origin
from ..flows.engine.values import UnnamedDependencyError, may_be_path
from ..images import ImageCollection
from ..images.tags import read_tag
from ..images.targets import classes_of, split_targets
from ..models import Parts
from .folds import Fold
from .tested import Targets

#: What the results of a fold depend on, besides what features depend on.
_ROOMS = ("images", "networks", "flows", "heads", "models", "deep", "evaluation")
_PACKAGES = (
    "numpy", "scipy", "scikit-learn", "joblib", "threadpoolctl", "pillow", "cykooz-resizer", "onnxruntime",
    "opencv-python-headless", "scikit-image", "mxnet", "torch", "skorch", "transformers",
)
#: Parameters that say how an estimator is run, not what it computes; and such a parameter of our own classes.
_RUNNING = ("n_jobs", "verbose", "store")
_RUNNING_OURS = (*_RUNNING, "checkpoint")
#: Packages whose objects are what their class and their attributes are.
_PLAIN_PACKAGES = ("sklearn", PACKAGE)


class FoldKeys:
    """Make the keys of the folds of a comparison.

    A key covers: the content and the order of the images to train on and to test, their labels and groups, the names
    of the targets, all classes, the tree of levels, the code of twoflow, the versions of the packages that compute, and
    the method; see `describe_method`.

    Parameters
    ----------
    collection : ImageCollection
    digests : sequence of bytes
        The digest of each image's content.
    """

    def __init__(self, collection: ImageCollection, digests: Sequence[bytes]) -> None:
        self._rows: list[np.ndarray] = [np.frombuffer(b"".join(digests), np.uint8).reshape(len(digests), -1)]
        self._whole = hashlib.sha256()
        _note(self._whole, _code(), repr(versions(_PACKAGES)), *collection.target_names)
        tree = Targets.of(collection).tree
        _note(self._whole, repr(None if tree is None else tree.nodes))  # it says which images are partly labeled
        for values in [*split_targets(collection.labels), *([] if collection.groups is None else [collection.groups])]:
            distinct = classes_of(values)
            position = {value: code for code, value in enumerate(distinct.tolist())}
            self._rows.append(np.array([[position.get(value, -1)] for value in values.tolist()]))  # -1: no label
            _note(self._whole, str(distinct.dtype), repr(distinct.tolist()))
        self._names = [os.fspath(image) if isinstance(image, (str, Path)) else "" for image in collection.images]

    def make(self, method: str, fold: Fold, sees_sources: bool) -> str:
        """Return the key of a method on a fold.

        Parameters
        ----------
        method : str
            What `describe_method` returned.
        fold : Fold
        sees_sources : bool
            Whether the method is given the images as they are in the collection, and so could look at their paths.
        """
        digest = self._whole.copy()
        _note(digest, method)
        for side in (fold.train, fold.test):
            _note(digest, *(np.ascontiguousarray(rows[side]).tobytes() for rows in self._rows))
            _note(digest, *(self._names[i] for i in side if sees_sources))
        return digest.hexdigest()


def describe_method(parts: Parts) -> str:
    """Return a digest of everything that a method computes with.

    It covers the flows with their cache keys (so the networks' digests), the selectors and the head with all their
    parameters, and their classes. Of a user's own class it covers the code with all that it uses, as the store does for
    flows; see `fingerprint`.

    Raises
    ------
    UnnamedDependencyError
        If the results depend on anything else: an object with a state of its own, a folder, or chance without a seed.
    """
    digest = _MethodDigest()
    digest.add_method(parts)
    return digest.hexdigest()


def sees_sources(parts: Parts) -> bool:
    """Return whether a method is given the images as they are in the collection, rather than features or pixels."""
    return not parts.steps and read_tag(parts.head, "image_size", None) is None


class _MethodDigest(Dependencies):
    """A digest that takes estimators too: by their classes, parameters and other attributes."""

    def __init__(self) -> None:
        super().__init__()
        self._is_users = True  # whether a text may name a folder that the user's code reads
        self._is_seeded = False

    def add_method(self, parts: Parts) -> None:
        with self._inside_of(is_users=False, is_seeded=False):
            for step in parts.steps:
                self._note("step", str(len(step.flows)))
                for name, flow in step.flows:
                    self._note("flow", name)
                    self.add(flow, f"flow {name}")
                self.add(step.selector, f"the selector of {step.name}")
            self.add(parts.head, "the classifier")

    def add_class(self, kind: type) -> None:
        with self._inside_of(is_users=True, is_seeded=self._is_seeded):
            super().add_class(kind)

    def _add_function(self, function: types.FunctionType, what: str) -> None:
        with self._inside_of(is_users=True, is_seeded=self._is_seeded):
            super()._add_function(function, what)

    def _add_other(self, value: Any, what: str) -> None:
        if isinstance(value, BaseEstimator):
            self._add_estimator(value)
        elif type(value).__module__.partition(".")[0] in _PLAIN_PACKAGES and hasattr(value, "__dict__"):
            self.add_class(type(value))
            self._add_dict(vars(value), what)
        else:
            super()._add_other(value, what)

    def _add_estimator(self, value: Any) -> None:
        kind = type(value)
        is_users = find_origin(kind.__module__).is_users
        params = value.get_params(deep=False)
        if params.get("random_state", 0) is None and not self._is_seeded:
            raise UnnamedDependencyError(f"{kind.__qualname__} draws at random without a seed; set its random_state")
        self.add_exchanged(kind)
        with self._inside_of(is_users=is_users, is_seeded=self._is_seeded or "random_state" in params):
            if isinstance(value, FlowContract):
                self.add_flow(value)
                return
            self.add_class(kind)
            for name, each in sorted({**vars(value), **params}.items()):
                if name not in (_RUNNING if is_users else _RUNNING_OURS):
                    self._note("attribute", name)
                    self.add(each, f"{name} of {kind.__qualname__}")

    def _add_text(self, text: str, what: str) -> None:
        """Add a text. A parameter of a package's class names no folder; there a text that does, such as a class
        label, is only a text.
        """
        if self._is_users:
            super()._add_text(text, what)
            return
        self._note("text", text)
        if may_be_path(text) and os.path.isfile(os.path.expanduser(text)):
            self._add_file(os.path.expanduser(text), what)

    @contextmanager
    def _inside_of(self, is_users: bool, is_seeded: bool) -> Iterator[None]:
        before = self._is_users, self._is_seeded
        self._is_users, self._is_seeded = is_users, is_seeded
        try:
            yield
        finally:
            self._is_users, self._is_seeded = before


_MethodDigest._methods = {
    **Dependencies._methods, str: _MethodDigest._add_text, types.FunctionType: _MethodDigest._add_function,
}


@lru_cache(maxsize=1)
def _code() -> str:
    """Return the digest of all source files in this package that the results of a fold depend on."""
    package = Path(__file__).parents[1]
    return digest_sources(package / room for room in _ROOMS)


def _note(digest: Any, *parts: str | bytes) -> None:
    for part in parts:
        content = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        digest.update(f"{len(content)} ".encode() + content)
