"""What a flow is: the methods and tags that a class fills in, and that the rest of twoflow relies on.

To write a flow, derive a class from `Flow`; define `extract` and `n_features_out`. Everything else here has a default:

- for a flow that learns: `learn`, and for one that learns from labels `training_features`;
- for its parameters and names: `check_parameters`, `feature_prefix`, `features_dtype`;
- for tags: ``__sklearn_tags__``, which returns `FlowTags`;
- for speed and for the store: `bind`, `cache_key`, `pack`, `unpack`, `shared_pass`, `extract_together`;
- for a flow that is faster in batches: `batch_size`, `prepare`, `extract_batch`;
- for a flow that is made of others: `members`, `named_members`;
- for reports: `networks`;
- for explanations: `locate`, `locate_together`.

`Flow` adds scikit-learn's `fit`, `transform` and `get_feature_names_out`. They decode each image once, run on `n_jobs`
workers, keep row i for image i, and find features in the store.
"""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, TypeAlias, get_args

import numpy as np
from sklearn.base import BaseEstimator

from ..errors import InputError
from ..images import LoadedImage
from ..images.reading import Source
from ..images.tags import ImageTags, read_tag
from ..networks import NetworkRecord
from ..store import StoreLike
from .placing import Placed

FeatureKind: TypeAlias = Literal["dense", "histogram", "projection", "unit"]

#: The parameters that every flow has. They say how a flow is run, never what it computes.
RUN_PARAMETERS = ("n_jobs", "on_error", "verbose", "store")


@dataclass
class FlowTags(ImageTags):
    """What others must know of a flow, besides the tags of scikit-learn.

    Attributes
    ----------
    learns_from_data : bool
        Whether features depend on the images and labels that the flow was fitted on. If so, a comparison fits the flow
        inside each fold, and no store keeps its features. If not, features are computed once for all folds. `Flow`
        sets it to True for a class that defines `learn`; set it to False if `learn` does not look at the images.
    feature_kind : {"dense", "histogram", "projection", "unit"}
        What the features are, by which a head chooses how to select or scale them. "dense", the default, promises
        nothing. "histogram": shares or counts, never negative. "projection": a random projection; few of its columns
        are enough. "unit": rows that have unit norm already, such as a covariance pool.
    """

    learns_from_data: bool = False
    feature_kind: FeatureKind = "dense"


class FlowContract(BaseEstimator, metaclass=ABCMeta):
    """The hooks of a flow, with their defaults; derive from `Flow`, which can be fitted too.

    A hook that computes must be a function of its arguments and of the flow: it runs on several threads and in other
    processes.
    """

    n_jobs: int | None
    on_error: str
    verbose: bool
    store: StoreLike

    #: What the names of features begin with, as in ``edges_007``. None, the default, is the class's name in lower case.
    feature_prefix: ClassVar[str | None] = None
    #: The dtype of the table of features; a floating one, so that NaN can mark an image that cannot be read.
    features_dtype: ClassVar[Any] = np.float32

    @abstractmethod
    def extract(self, image: LoadedImage, n_threads: int) -> np.ndarray:
        """Compute the features of one image.

        The engine calls it once for each image, on any worker and in any order. An image that cannot be read raises
        `ImageReadError` when its pixels are asked for; leave that error to the engine.

        Parameters
        ----------
        image : LoadedImage
            The image; ``image.resized((width, height))`` gives its pixels. They are shared and read-only.
        n_threads : int
            How many threads this call may use: 1 when images are computed in parallel.

        Returns
        -------
        ndarray of shape (n_features_out,)
            Real numbers. They are stored as `features_dtype`.
        """

    @property
    @abstractmethod
    def n_features_out(self) -> int:
        """How many features an image gets: a property, or a class attribute if the number is always the same.

        It is asked before `fit` too, so it may depend on parameters but not on what the flow learns.
        """

    def check_parameters(self) -> None:
        """Raise ValueError if parameters do not fit each other.

        `fit` and `transform` call it before they read an image. By default, nothing is checked.
        """

    def learn(self, images: Sequence[Source], y: Any, groups: Any) -> None:
        """Learn from images, or draw at random, what `extract` needs.

        `fit` calls it once, after the parameters were checked. Store results in attributes whose names end in ``_``,
        such as ``vocabulary_``. By default, nothing is learned, and the flow needs no `fit`. A class that defines
        `learn` must be fitted, and is tagged ``learns_from_data=True``; see `FlowTags`.

        Parameters
        ----------
        images : sequence of n images
            Paths, URLs, arrays, PIL images or bytes; ``twoflow.images.LoadedImage(images[0])`` reads one.
        y : array-like of shape (n,) or (n, k), or None
            Labels, if `fit` was given any, or the collection has them.
        groups : array-like of shape (n,), or None
            Images that belong together, such as photos of the same item, if `fit` was given any, or the collection has
            them. A flow that holds images out while it learns must hold out whole groups.
        """

    def training_features(self, images: Sequence[Source], y: Any, groups: Any) -> np.ndarray | None:
        """Compute the features of the images that the flow was fitted on, by models that have not seen them.

        A flow that learns from labels recognizes the images that it was fitted on. Their features would be better than
        those of new images, and a head that is fitted on them would trust them too much. Such a flow overrides this
        hook: it fits copies of what it learns on a part of the images each, and uses each copy for the other images
        (cross-fitting, as `sklearn.preprocessing.TargetEncoder` does). `fit_transform` calls it once, right after
        `learn`, with the same arguments. What it computes is used for the rows that selectors and heads are fitted on,
        in models and in the folds of a comparison. So the training accuracy that a comparison reports for such a method
        comes from these features too, and is not that of a model that has seen the images.

        Parameters
        ----------
        images, y, groups
            See `learn`.

        Returns
        -------
        ndarray of shape (n, n_features_out), or None
            None, the default: the features are those that `transform` computes.
        """
        return None

    def cache_key(self) -> dict[str, Any]:
        """Name everything that the features of an image depend on, apart from the image and the flow's class.

        Flows of one class with equal values compute the same; a comparison then computes their features once, and a
        store finds them again. By default these are all parameters, but for those that every flow has, such as
        `n_jobs`. Add what lies outside the parameters, for example the digest of a file. The engine follows the code of
        the class by itself.

        Returns
        -------
        dict of str to object
            Values that can be hashed by `joblib.hash`.
        """
        return {name: value for name, value in self.get_params().items() if name not in RUN_PARAMETERS}

    def bind(self) -> Self:
        """Return a flow that has read everything outside it, for one run over many images.

        The engine calls it once before a run, and once in each task of a worker. Override it if features depend on a
        file that could change during the run: return a copy that holds the content. By default, it is the flow itself.
        """
        return self

    def pack(self, features: np.ndarray) -> np.ndarray:
        """Turn features into what the store keeps, for example fewer bytes a value.

        `unpack` must give back exactly the same features; rows where it does not are not stored.

        Parameters
        ----------
        features : ndarray of shape (n, n_features_out) and dtype `features_dtype`
            n may be 0.

        Returns
        -------
        ndarray of shape (n, any)
            By default, the features as they are.
        """
        return features

    def unpack(self, packed: np.ndarray) -> np.ndarray:
        """Turn rows of the store back into features; the inverse of `pack`."""
        return packed

    def shared_pass(self) -> Hashable:
        """Return a key, equal for the flows of this class that can compute an image together.

        The engine asks for it for each image, and calls `extract_together` with the flows whose keys are equal. By
        default it is None: the flow shares nothing.
        """
        return None

    @classmethod
    def extract_together(cls, flows: Sequence[Self], image: LoadedImage, n_threads: int) -> list[np.ndarray]:
        """Compute the features of one image for several flows whose `shared_pass` is the same.

        Override it together with `shared_pass`, to do the common work once. The engine calls it for single flows too.
        A class derived from one that overrides it must override it again: a new `extract` alone would not be called.
        By default, it calls `extract` of each flow.

        Parameters
        ----------
        flows : sequence of flows of this class
        image, n_threads
            See `extract`.

        Returns
        -------
        list of ndarray of shape (n_features_out,)
            One for each flow, in their order.
        """
        return [flow.extract(image, n_threads) for flow in flows]

    @property
    def batch_size(self) -> int:
        """How many images are computed at a time. By default 1: each image is computed before the next is read.

        If it is more, the engine calls `prepare` for each image of a batch, then `extract_batch`, and never
        `extract_together`. Flows that share a pass must have the same batch size.
        """
        return 1

    @classmethod
    def prepare(cls, flows: Sequence[Self], image: LoadedImage) -> Any:
        """Take from an image what `extract_batch` needs, so that the image itself need not stay in memory.

        By default, it is the image.

        Parameters
        ----------
        flows : sequence of flows of this class
        image
            See `extract`. An image that cannot be read raises `ImageReadError` here, and is left out of the batch.

        Returns
        -------
        object
        """
        return image

    @classmethod
    def extract_batch(cls, flows: Sequence[Self], prepared: Sequence[Any], n_threads: int) -> list[list[np.ndarray]]:
        """Compute the features of several images for several flows whose `shared_pass` is the same.

        The features of an image must not depend on the other images of the batch, nor on their number.

        Parameters
        ----------
        flows : sequence of flows of this class
        prepared : sequence of n objects
            What `prepare` returned for each image; n is at most `batch_size`.
        n_threads
            See `extract`.

        Returns
        -------
        list of n lists of ndarray of shape (n_features_out,)
            For each image, what `extract_together` returns.
        """
        return [cls.extract_together(flows, image, n_threads) for image in prepared]

    def members(self) -> Sequence[FlowContract]:
        """Return the flows that this one puts side by side, in the order of their columns.

        The engine computes and stores each member by itself. By default, a flow is its only member.
        """
        return [self]

    def named_members(self, name: str) -> list[tuple[str, FlowContract]]:
        """Return the flows that this one, which is called `name`, puts side by side, each with a name.

        Unlike `members` it works before `fit`. By default, a flow is its only member.
        """
        return [(name, self)]

    def networks(self) -> Sequence[NetworkRecord]:
        """Return the pretrained networks that the flow runs, for reports; by default there are none."""
        return ()

    def locate(self, image: LoadedImage, weights: np.ndarray, n_threads: int = 1) -> Sequence[Placed] | None:
        """Spread linear functions of the features of an image over the image.

        `twoflow.explain` calls it. By default it returns None: the features have no place.

        Parameters
        ----------
        image : LoadedImage
        weights : ndarray of shape (n_functions, n_features_out) and dtype float64
            For each function, the weight of each feature.
        n_threads : int
            How many threads this call may use; 1 by default.

        Returns
        -------
        sequence of Placed, or None
            For each function, the sum of all values is ``weights @ extract(image, n_threads)``. What is not linear in
            the parts of the image, such as a norm, is held fixed at its value for this image.
        """
        return None

    @classmethod
    def locate_together(
        cls, flows: Sequence[Self], image: LoadedImage, weights: Sequence[np.ndarray], n_threads: int = 1
    ) -> list[Sequence[Placed] | None]:
        """Spread functions of several flows whose `shared_pass` is the same; by default, it calls `locate` of each.

        Parameters
        ----------
        flows : sequence of flows of this class
        weights : sequence of ndarray
            One for each flow.
        image, n_threads
            See `locate`.

        Returns
        -------
        list
            For each flow, what `locate` returns.
        """
        return [flow.locate(image, own, n_threads) for flow, own in zip(flows, weights)]


def learns_from_data(flow: Any) -> bool:
    """Return whether a flow's features depend on what it was fitted on; see `FlowTags`."""
    return read_tag(flow, "learns_from_data", False)


def feature_kind(flow: Any) -> FeatureKind:
    """Return what a flow's features are; see `FlowTags`. "dense" if it has no such tag.

    Raises
    ------
    ValueError
        If the tag is none of the kinds.
    """
    kind = read_tag(flow, "feature_kind", "dense")
    kinds = get_args(FeatureKind)
    if kind not in kinds:
        raise InputError(
            f"expected the tag feature_kind of {type(flow).__name__} to be one of {', '.join(map(repr, kinds))}, got "
            f"{kind!r}; set one of these in __sklearn_tags__"
        )
    return kind
