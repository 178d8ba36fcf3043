"""The paper's convolutional network on raw pixels, trained from nothing."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from .._jobs import threads_per_task
from ..errors import InputError
from ..flows import RawPixels
from ..flows.engine.extraction import extract
from ..heads.inner_folds import draw_held_out
from ..images import LoadedImage, check_images
from ..images.reading import Source
from ..images.tags import ImageTags, extend_tags
from ..models.inputs import check_inputs
from .allocation import kept_memory
from .extra import require

_LEAST_SIDE = 16  # four poolings halve it to 1


class ConvNetClassifier(ClassifierMixin, BaseEstimator):
    """Classify images by a small convolutional network that is trained on them alone.

    The first row of Table 1 of Iliukovich-Strakovskaia, Dral & Dral (2016), "Convolution NN on raw pixels", with which
    they show what a network makes of a few thousand images when it has seen no others: 0.54 of the training images
    right, 0.40 of the test images. They did not tune theirs, and this one is not tuned either: four blocks of a 3 x 3
    convolution (32, 64, 128, 256 channels), batch norm, ReLU and 2 x 2 max pooling, the mean over positions, one dense
    layer; Adam, its rate falling along half a cosine; no augmentation. Needs the extra:
    ``pip install "twoflow[torch]"``.

    Parameters
    ----------
    size : (int, int)
        Width and height in pixels that images are stretched to; at least 16 each.
    max_epochs : int
        How often to go through the training images, at most. The learning rate falls to nothing by then.
    batch_size : int
        Images a step.
    learning_rate : float
        Of Adam, in the first epoch.
    patience : int, optional
        Stop after this many epochs in a row without a smaller loss on images held out, and keep the weights of the
        best epoch. None holds no images out and trains for `max_epochs`.
    validation_fraction : float in (0, 1)
        Share of the images of each class to hold out, at least one of each class that has two. They are taken from
        what `fit` is given, so that test images have no say; which images show the same item is not known here.
    device : str
        "auto", a GPU if torch finds one and else the CPU; or torch's name of a device.
    random_state : int, RandomState or None
        Draws the images held out, the first weights and the order of the images. On a CPU the same seed gives the
        same predictions, with the same number of threads.
    n_jobs : int, optional
        Images read at the same time, and threads of torch on a CPU. ``None`` is 1 unless a ``joblib.parallel_config``
        says otherwise, -1 is all cores.
    verbose : bool
        Show progress on stderr when that is a terminal.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    history_ : list of dict
        Of each epoch: "epoch" (from 1), "train_loss" and "seconds", and if images were held out "valid_loss" and
        "valid_accuracy". Losses are mean cross-entropies; that of training is the mean over the epoch's steps.
    train_accuracy_ : float
        The share of right answers, in the end, among the images that were trained on, without those held out.
    weights_ : dict of str to ndarray
        The trained network, by torch's names.

    Notes
    -----
    Images are decoded once and kept as bytes, ``3 * width * height`` each; a batch at a time becomes floating-point
    numbers. Neither torch's global random state nor NumPy's is touched. A fitted classifier holds arrays and no torch
    objects, so one trained on a GPU works without.

    Examples
    --------
    >>> from twoflow.deep import ConvNetClassifier
    >>> ConvNetClassifier(max_epochs=5, random_state=0)
    ConvNetClassifier(max_epochs=5, random_state=0)
    """

    _parameter_constraints: ClassVar[dict] = {
        "size": [tuple, list],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "patience": [Interval(Integral, 1, None, closed="left"), None],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "device": [str],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["boolean"],
    }

    def __init__(
        self,
        size: tuple[int, int] = (64, 64),
        *,
        max_epochs: int = 20,
        batch_size: int = 32,
        learning_rate: float = 1e-3,
        patience: int | None = 8,
        validation_fraction: float = 0.1,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: bool = False,
    ) -> None:
        self.size = size
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.device = device
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Read the images and train the network.

        Parameters
        ----------
        X : sequence of n images, ImageCollection, one-column DataFrame or array of shape (n, H, W, C)
        y : array-like of shape (n,), optional
            Classes; at least two. Default: the labels of the collection.
        groups : array-like of shape (n,), optional
            Images of one group, such as photos of one item, are held out together to stop early by. Default: the groups
            of the collection, or each image by itself.

        Returns
        -------
        self

        Raises
        ------
        ImageReadError
            For the first image that cannot be read.
        ModuleNotFoundError
            If torch or skorch is not installed.
        """
        self.check_parameters()
        images, y, groups = check_inputs(X, y, groups, several=False)
        classes, positions = np.unique(y, return_inverse=True)
        rng = check_random_state(self.random_state)
        held_out = None
        if self.patience is not None:
            held_out = draw_held_out(positions, groups, self.validation_fraction, rng)
            if not held_out.any():
                unit = "images" if groups is None else "groups"
                raise InputError(f"expected a class with 2 {unit} or more to stop early by, got 1; set patience=None")

        require(type(self).__name__)
        from .network import Network, pick_device, probabilities, threads
        from .training import train

        device = pick_device(self.device)
        pixels = read_pixels(images, self.size, self.n_jobs, self.verbose)
        seeds = rng.randint(np.iinfo(np.int32).max, size=2).tolist()
        network = Network(len(classes), seeds[0])
        with threads(threads_per_task(self.n_jobs, 1)), kept_memory():
            history = train(
                network, pixels, positions, held_out,
                max_epochs=self.max_epochs, batch_size=self.batch_size, learning_rate=self.learning_rate,
                patience=self.patience, device=device, seed=seeds[1], verbose=self.verbose,
            )
            answers = probabilities(network, pixels, self.batch_size, device).argmax(axis=1)
        right = answers == positions
        self.classes_ = classes
        self.history_ = history
        self.train_accuracy_ = float((right if held_out is None else right[~held_out]).mean())
        self.weights_ = {name: value.cpu().numpy().copy() for name, value in network.state_dict().items()}
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The class of each image, of shape (n,)."""
        answers = self.predict_proba(X).argmax(axis=1)
        return self.classes_[answers]

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, of shape (n, n_classes) and dtype float32, in the order of `classes_`."""
        check_is_fitted(self)
        images = check_images(X)
        require(type(self).__name__)
        import torch

        from .network import Network, pick_device, probabilities, threads

        pixels = read_pixels(images, self.size, self.n_jobs, self.verbose)
        network = Network(len(self.classes_))
        network.load_state_dict({name: torch.from_numpy(value) for name, value in self.weights_.items()})
        with threads(threads_per_task(self.n_jobs, 1)):
            return probabilities(network, pixels, self.batch_size, pick_device(self.device))

    def check_parameters(self) -> None:
        """Raise ValueError if a parameter is wrong, before images are read."""
        self._validate_params()
        RawPixels(self.size).check_parameters()
        if min(self.size) < _LEAST_SIDE:
            least = f"{_LEAST_SIDE} x {_LEAST_SIDE}"
            raise InputError(f"size must be at least {least} for four poolings, got {self.size!r}")

    def __sklearn_tags__(self) -> ImageTags:
        tags = extend_tags(super().__sklearn_tags__(), ImageTags)
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.non_deterministic = self.random_state is None
        tags.image_size = self.size
        return tags


class _PixelBytes(RawPixels):
    """Raw pixels as they are kept: a byte a value, from 0 to 255."""

    features_dtype = np.uint8

    def extract(self, image: LoadedImage, n_threads: int) -> np.ndarray:
        return image.resized(self.size).ravel()


def read_pixels(
    images: Sequence[Source], size: tuple[int, int], n_jobs: int | None = None, verbose: bool = False
) -> np.ndarray:
    """Decode images and stretch them to one size.

    Parameters
    ----------
    images : sequence of n images
    size : (int, int)
        Width and height.
    n_jobs, verbose
        See `Flow`.

    Returns
    -------
    ndarray of shape (n, height, width, 3) and dtype uint8
        Its rows are images themselves; stretched to the same size again they are unchanged.

    Raises
    ------
    ImageReadError
        For the first image that cannot be read.
    """
    flow = _PixelBytes(size, n_jobs=n_jobs, verbose=verbose)
    width, height = size
    return extract(flow, images).features.reshape(len(images), height, width, 3)
