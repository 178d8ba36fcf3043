"""Train a pretrained network further on the images of a shop, with a linear head for each target."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._files import expand
from ..errors import InputError
from ..flows import CNNEmbedding
from ..heads.class_balance import ClassWeight, check_balance, complete_class_weights, weigh_classes
from ..heads.inner_folds import draw_held_out
from ..heads.partial_labels import read_partial_labels
from ..heads.targets import TargetsTags
from ..images.tags import ImageTags, extend_tags
from ..images.targets import all_right, default_names
from ..models.fitted_parts import FittedParts, fitted_parts
from ..models.inputs import check_inputs, given_names, has_several_targets
from ..networks.carried import CarriedNetwork
from ..networks.trained_on import digest_images
from .backbones import describe_backbone
from .extra import require
from .fine_tuning import TrainingPlan
from .fine_tuning.augmentation import make_augmentation
from .fitted_pixels import read_fitted_pixels
from .linear_heads import linear_head, linear_heads
from .trained_network import carry_trunk


@dataclass
class FineTuningTags(TargetsTags, ImageTags):
    """The tags of a classifier of images that learns several targets together."""


class FineTunedClassifier(ClassifierMixin, BaseEstimator):
    """Classify images by a pretrained network that is trained further on them.

    First a linear head is fitted on the embeddings of the pretrained network, then head and network are trained
    together (Kumar, Raghunathan, Jones, Ma & Liang, ICLR 2022, https://arxiv.org/abs/2202.10054). Several targets share
    the network and have a head each; their losses are added, as for the two levels of the hierarchy in
    `HierarchicalClassifier` with ``strategy="levels"``. Only `fit` needs the extra: ``pip install "twoflow[torch]"``.

    Parameters
    ----------
    backbone : str, default="efficientnet-lite0"
        The pretrained network: a name in `twoflow.deep.BACKBONES`, or for other networks of transformers a name on the
        Hugging Face hub or the path of a folder. Larger networks are often better, and slower.
    train : {"head", "whole"} or int, default="whole"
        What is trained besides the heads: all of the network, its last `train` stages, or with "head" nothing. Fewer
        stages are faster, and less likely to overfit few images.
    pretrained : bool, default=True
        Start from the pretrained weights. False starts from random weights, which needs many more images.
    input_size : (int, int), optional
        Width and height in pixels of the images that enter the network. Default: the size that the network was trained
        with. Smaller images are faster; larger ones show more detail.
    augment : {"standard", "strong", "color-safe", "mirror"} or None, default="standard"
        How each training image is changed at random in each epoch. "standard" is a mild resized crop, mirroring, a
        small rotation and slightly changed colors; "strong" has larger changes; "color-safe" changes no colors, for
        targets that are colors; "mirror" only mirrors half of the images. None shows the images as they are, which is
        faster and overfits sooner.
    max_epochs : int, default=30
        The largest number of passes over the training images.
    batch_size : int, default=32
        The number of images in each step of the training. More of them need more memory.
    learning_rate : float, default=1e-3
        The learning rate of Adam for the heads. It is halved after 3 epochs in a row without a smaller loss.
    backbone_rate : float, default=0.1
        The learning rate of the network as a share of that of the heads. Smaller values change the network less.
    weight_decay : float, default=1e-2
        How strongly weights are pulled to 0; 0 does not pull them.
    label_smoothing : float in [0, 1), default=0.1
        The share of the probability that the loss gives to all classes alike, so that answers are less sure.
    class_weight : "balanced", dict, list of dict, or None, default="balanced"
        The weight of each class in the loss. "balanced" is the inverse of its frequency among the training images, by
        target. A dict has weights by label, 1 for labels that it lacks; for several targets it has the labels of all of
        them, or a list has a dict for each. None weighs all images alike.
    patience : int or None, default=8
        Stop after this many epochs in a row without a smaller loss on held-out images, and keep the weights of the best
        epoch. None holds no images out, and trains for `max_epochs`.
    validation_fraction : float in (0, 1), default=0.1
        The share of each class's images (or groups) to hold out, at least one in each class that has two. Of several
        targets, the classes are those of the finest. The images are taken from those that `fit` is given, so test
        images have no influence. It has no effect if `patience` is None.
    precision : {"auto", "float32", "mixed"}, default="auto"
        "mixed" computes most of the network with 16 bits, which is faster on a GPU. "auto" is "mixed" on a GPU and
        "float32" on the CPU.
    checkpoint : path, optional
        A folder that the state of the training is written to after each epoch. A training that was killed goes on from
        there if images, labels and parameters are the same, and ends with the same weights. Default: nothing is
        written.
    device : str, default="auto"
        "auto" is a GPU if torch finds one, otherwise the CPU. Any other value is torch's name of a device.
    random_state : int, RandomState or None, default=None
        Draws the held-out images, the augmentation and the order of the images. On a CPU the same seed gives the same
        weights, whatever `n_jobs`. With None each fit draws others.
    n_jobs : int, optional
        How many images are read at the same time, and how many threads train on a CPU. Default: 1, unless a
        ``joblib.parallel_config`` says otherwise. -1 is all cores.
    verbose : bool, default=False
        Show progress on stderr: a bar on a terminal or in a notebook, elsewhere a line now and then.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or list of k such arrays for several targets
    target_names_ : tuple of str
        The names of the targets: those of the collection or of the columns of y, else "class", or "target 1",
        "target 2", ...
    network_ : CarriedNetwork
        The trained network as an ONNX graph with its card.
    flow_ : CNNEmbedding
        The fitted flow of this network, which computes the embedding of an image.
    head_ : classifier
        The trained head, which decides on embeddings: a `LogisticRegression`; for several targets a
        `MultiTargetClassifier` of those.
    history_ : list of dict
        For each epoch "epoch", "train_loss", "train_accuracy" and "seconds", and if images were held out also
        "valid_loss" and "valid_accuracy". Epoch 0 is the linear head on the pretrained network. Losses are weighted and
        smoothed cross-entropies, summed over the targets; accuracies are means over the targets.
    epochs_ : int
        How many epochs were trained, those after the best one included.
    train_accuracy_ : float
        The accuracy on the training images, without held-out ones; the mean over the targets.
    held_out_ : ndarray of bool and shape (n,), or None
        Which of the images were held out; None if `patience` is None.

    Notes
    -----
    A fitted classifier contains no torch objects. It answers by `flow_` and `head_`, through onnxruntime, about three
    times as fast as torch. So a model file of it is served, exported and explained where torch is not installed.

    For several targets some labels may be missing: None, NaN or blank text. They have no part in the loss. A class
    with a single image (or group) is trained on, and not held out.

    Examples
    --------
    >>> from twoflow.deep import FineTunedClassifier
    >>> FineTunedClassifier(train="head", random_state=0)
    FineTunedClassifier(random_state=0, train='head')
    """

    _parameter_constraints: ClassVar[dict] = {
        "backbone": [str, os.PathLike],
        "train": [StrOptions({"head", "whole"}), Interval(Integral, 1, None, closed="left")],
        "pretrained": ["boolean"],
        "input_size": [tuple, None],
        "augment": [str, None],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "backbone_rate": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [StrOptions({"balanced"}), Mapping, list, None],
        "patience": [Interval(Integral, 1, None, closed="left"), None],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "precision": [StrOptions({"auto", "float32", "mixed"})],
        "checkpoint": [str, os.PathLike, None],
        "device": [str],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["boolean"],
    }

    def __init__(
        self,
        backbone: str | os.PathLike = "efficientnet-lite0",
        *,
        train: str | int = "whole",
        pretrained: bool = True,
        input_size: tuple[int, int] | None = None,
        augment: str | None = "standard",
        max_epochs: int = 30,
        batch_size: int = 32,
        learning_rate: float = 1e-3,
        backbone_rate: float = 0.1,
        weight_decay: float = 1e-2,
        label_smoothing: float = 0.1,
        class_weight: ClassWeight | Sequence[Mapping[Any, float]] = "balanced",
        patience: int | None = 8,
        validation_fraction: float = 0.1,
        precision: str = "auto",
        checkpoint: str | os.PathLike | None = None,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: bool = False,
    ) -> None:
        self.backbone = backbone
        self.train = train
        self.pretrained = pretrained
        self.input_size = input_size
        self.augment = augment
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.backbone_rate = backbone_rate
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.precision = precision
        self.checkpoint = checkpoint
        self.device = device
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Read the images and train.

        Parameters
        ----------
        X : sequence of n images, ImageCollection, one-column DataFrame or array of shape (n, H, W, C)
        y : array-like of shape (n,) or (n, k), optional
            Classes; at least two in each target. Of several targets, labels may be missing. Default: the labels of the
            collection.
        groups : array-like of shape (n,), optional
            Images of one group, such as photos of one item, are held out together. Default: the groups of the
            collection, or no groups.

        Returns
        -------
        self

        Raises
        ------
        ImageReadError
            For the first image that cannot be read.
        ValueError
            If a parameter is wrong, a target has no label or one class only, nothing can be held out because no class
            has two images or groups, or the training fails.
        ModuleNotFoundError
            If torch or another package of the extra is not installed.
        """
        self.check_parameters()
        names = given_names(X, y)
        several = has_several_targets(X, y)
        images, y, groups = check_inputs(X, y, groups, several=several, may_be_missing=several)
        targets = _encode_several(y, names) if several else _encode_one(y, names)
        rng = check_random_state(self.random_state)
        held_out = self._draw_held_out(targets.codes, groups, rng)
        weights = self._weigh(targets)

        require(type(self).__name__)
        from .backbones.loading import load_trunk
        from .fine_tuning.training import fine_tune

        plan = self._plan(int(rng.randint(np.iinfo(np.int32).max)))
        trunk = load_trunk(
            str(self.backbone), pretrained=self.pretrained, input_size=self.input_size, seed=plan.seed
        )
        pixels = read_fitted_pixels(images, trunk.info.fitting, self.n_jobs, self.verbose)
        trained = fine_tune(
            trunk, pixels, targets.codes, [len(each) for each in targets.classes], weights, held_out, plan, groups
        )
        del pixels  # the memory that the export needs may be theirs
        network = carry_trunk(trunk, digest_images(images, self.n_jobs))
        self.flow_ = CNNEmbedding(network, n_jobs=self.n_jobs, verbose=self.verbose).fit(images[:1])
        heads = [linear_head(*head, classes) for head, classes in zip(trained.heads, targets.classes)]
        self.head_ = linear_heads(heads, targets.names, targets.codes >= 0) if several else heads[0]
        self.classes_ = targets.classes if several else targets.classes[0]
        self.target_names_ = targets.names
        self.history_ = trained.history
        self.epochs_ = trained.epochs
        self.train_accuracy_ = trained.train_accuracy
        self.held_out_ = held_out if self.patience is not None else None
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the likeliest class of each image, of shape (n,), or (n, k) for several targets."""
        check_is_fitted(self)
        return self.head_.predict(self.flow_.transform(X))

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class, in the order of `classes_`.

        Returns
        -------
        ndarray of shape (n, n_classes), or list of k such arrays for several targets
        """
        check_is_fitted(self)
        return self.head_.predict_proba(self.flow_.transform(X))

    @property
    def network_(self) -> CarriedNetwork:
        """The trained network."""
        check_is_fitted(self)
        network = self.flow_.network
        assert isinstance(network, CarriedNetwork)
        return network

    def split_targets(self) -> list[FineTunedClassifier]:
        """Return a fitted classifier of one target for each target. They share `flow_`."""
        check_is_fitted(self)
        if not isinstance(self.classes_, list):
            return [self]
        parts = []
        for name, head in zip(self.target_names_, self.head_.estimators_):
            part = copy(self)
            part.head_, part.classes_, part.target_names_ = head, head.classes_, (name,)
            parts.append(part)
        return parts

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of images that are right; of several targets, whose targets are all right.

        Parameters
        ----------
        X : sequence of n images
        y : array-like of shape (n,) or (n, k)
            No label may be missing.
        sample_weight : array-like of shape (n,), optional
            By default all images count the same.

        Returns
        -------
        float
        """
        return float(np.average(all_right(np.asarray(y), self.predict(X)), weights=sample_weight))

    def check_parameters(self) -> None:
        """Raise ValueError if a parameter is wrong, before images are read."""
        self._validate_params()
        weights: Any = self.class_weight if isinstance(self.class_weight, list) else [self.class_weight]
        for weight in weights:
            check_balance(weight, None)
        make_augmentation(self.augment)
        info = describe_backbone(str(self.backbone), self.input_size, pretrained=self.pretrained)
        info.count_frozen(self.train)

    def _plan(self, seed: int) -> TrainingPlan:
        given = {field.name: getattr(self, field.name) for field in fields(TrainingPlan) if field.name != "seed"}
        given["checkpoint"] = None if self.checkpoint is None else str(expand(self.checkpoint))
        return TrainingPlan(**given, seed=seed)

    def _draw_held_out(
        self, codes: np.ndarray, groups: np.ndarray | None, rng: np.random.RandomState
    ) -> np.ndarray:
        """Draw the images that decide when training stops; every class keeps an image to train on."""
        if self.patience is None:
            return np.zeros(len(codes), dtype=bool)
        n_classes = codes.max(axis=0)
        finest = max(range(len(n_classes)), key=lambda position: (n_classes[position], position))
        held_out = draw_held_out(codes[:, finest], groups, self.validation_fraction, rng)
        units = np.arange(len(codes)) if groups is None else np.unique(groups, return_inverse=True)[1]
        for column in codes.T:
            lost = np.isin(column, np.setdiff1d(column, column[~held_out]))
            held_out &= ~np.isin(units, units[lost])
        if not held_out.any():
            unit = "images" if groups is None else "groups"
            raise InputError(f"expected a class with at least 2 {unit} to stop early, got 1; set patience=None")
        return held_out

    def _weigh(self, targets: _Targets) -> list[np.ndarray]:
        """Return the weight of each class, by target."""
        given = self.class_weight
        if isinstance(given, list):
            if len(given) != len(targets.classes):
                raise InputError(
                    f"class_weight: expected a dict for each of {len(targets.classes)} targets, got {len(given)}; give "
                    "one for each"
                )
            by_target = given
        else:
            given = complete_class_weights(self, targets.labels).class_weight
            by_target = [given] * len(targets.classes)
        return [
            weigh_classes(weight, classes, classes[column[column >= 0]])
            for weight, classes, column in zip(by_target, targets.classes, targets.codes.T)
        ]

    def __sklearn_tags__(self) -> FineTuningTags:
        tags = extend_tags(super().__sklearn_tags__(), FineTuningTags)
        tags.target_tags.multi_output = True
        tags.learns_targets_together = True
        tags.non_deterministic = self.random_state is None
        tags.trains_flow = True
        tags.any_n_jobs = True
        return tags


class _Targets(NamedTuple):
    """The classes of k targets.

    `labels` are those that were given, of shape (n,) or (n, k); `codes` the positions in `classes`, int64 of shape
    (n, k), -1 for a missing label.
    """

    names: tuple[str, ...]
    labels: np.ndarray
    classes: list[np.ndarray]
    codes: np.ndarray


def _encode_one(y: np.ndarray, names: Sequence[str] | None) -> _Targets:
    classes, positions = np.unique(y, return_inverse=True)
    return _Targets(tuple(names or default_names(1)), y, [classes], positions.reshape(-1, 1).astype(np.int64))


def _encode_several(y: np.ndarray, names: Sequence[str] | None) -> _Targets:
    targets = read_partial_labels(y, names)
    return _Targets(targets.names, y, targets.classes, targets.codes.astype(np.int64))


@fitted_parts.register
def _(model: FineTunedClassifier) -> FittedParts:
    check_is_fitted(model)
    return FittedParts(model.flow_, model.head_)
