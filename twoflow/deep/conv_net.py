"""Train the paper's convolutional network on raw pixels, without pretrained weights."""

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
from ..heads.inner_folds import draw_held_out
from ..images import Fitting, check_images
from ..images.reading import Source
from ..images.tags import ImageTags, extend_tags
from ..models.inputs import check_inputs
from .allocation import kept_memory
from .extra import require
from .fitted_pixels import read_fitted_pixels

_LEAST_SIDE = 16  # four poolings halve it to 1


class ConvNetClassifier(ClassifierMixin, BaseEstimator):
    """Classify images by a small convolutional network that is trained only on them.

    This is "Convolution NN on raw pixels" in Table 1 of Iliukovich-Strakovskaia, Dral & Dral (2016). The paper uses it
    to show how well a network classifies without pretraining. It needs the extra: ``pip install "twoflow[torch]"``.

    Parameters
    ----------
    size : (int, int), default=(64, 64)
        Width and height in pixels that images are stretched to; at least 16 each.
    max_epochs : int, default=20
        The largest number of passes over the training images. The learning rate falls to zero over this many epochs.
    batch_size : int, default=32
        The number of images in each step of the training.
    learning_rate : float, default=1e-3
        The learning rate of Adam in the first epoch.
    patience : int or None, default=8
        Stop after this many epochs in a row without a smaller loss on held-out images, and keep the weights of the
        best epoch. None holds no images out, and trains for `max_epochs`.
    validation_fraction : float in (0, 1), default=0.1
        The share of each class's images (or groups) to hold out, at least one in each class that has two. They are
        taken from the images that `fit` is given, so test images have no influence. It has no effect if `patience` is
        None.
    device : str, default="auto"
        "auto" is a GPU if torch finds one, otherwise the CPU. Any other value is torch's name of a device.
    random_state : int, RandomState or None, default=None
        Draws the held-out images, the initial weights and the order of the images. On a CPU the same seed gives the
        same predictions, if the number of threads is the same. With None each fit draws others.
    n_jobs : int, optional
        How many images are read at the same time, and how many threads torch uses on a CPU. Default: 1, unless a
        ``joblib.parallel_config`` says otherwise. -1 is all cores.
    verbose : bool, default=False
        Show progress on stderr: a bar on a terminal or in a notebook, elsewhere a line now and then.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    history_ : list of dict
        For each epoch "epoch" (from 1), "train_loss" and "seconds", and if images were held out also "valid_loss" and
        "valid_accuracy". Losses are mean cross-entropies; the training loss is the mean over the steps of the epoch.
    train_accuracy_ : float
        The accuracy of the trained network on the training images, without held-out images.
    weights_ : dict of str to ndarray
        The weights of the trained network, by torch's names.

    Notes
    -----
    The paper reports an accuracy of 0.54 on its few thousand training images, and of 0.40 on its test images. Its
    network was not tuned, and neither is this one. It has four blocks of a 3 x 3 convolution (32, 64, 128 and 256
    channels), batch norm, ReLU and 2 x 2 max pooling. The mean over positions and one dense layer follow. It is trained
    by Adam, without augmentation; the learning rate falls along half a cosine.

    Images are decoded once, and kept as ``3 * width * height`` bytes each. Only one batch at a time is converted to
    floating-point numbers. The global random states of torch and NumPy are not changed. A fitted classifier contains
    arrays but no torch objects, so it can be trained on a GPU and used on a machine without one.

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
            Images of one group, such as photos of one item, are held out together. Default: the groups of the
            collection, or no groups.

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
                raise InputError(f"expected a class with at least 2 {unit} to stop early, got 1; set patience=None")

        require(type(self).__name__)
        from .device import pick_device, threads
        from .network import Network, probabilities
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
        """Return the class of each image, of shape (n,)."""
        answers = self.predict_proba(X).argmax(axis=1)
        return self.classes_[answers]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, float32 of shape (n, n_classes), in the order of `classes_`."""
        check_is_fitted(self)
        images = check_images(X)
        require(type(self).__name__)
        import torch

        from .device import pick_device, threads
        from .network import Network, probabilities

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
            raise InputError(f"size: expected at least {least} for four poolings, got {self.size!r}")

    def __sklearn_tags__(self) -> ImageTags:
        tags = extend_tags(super().__sklearn_tags__(), ImageTags)
        tags.non_deterministic = self.random_state is None
        tags.image_size = self.size
        return tags


def read_pixels(
    images: Sequence[Source], size: tuple[int, int], n_jobs: int | None = None, verbose: bool = False
) -> np.ndarray:
    """Decode images and stretch them to one size.

    Parameters
    ----------
    images : sequence of n images
    size : (int, int)
        Width and height in pixels.
    n_jobs, verbose
        See `Flow`.

    Returns
    -------
    ndarray of shape (n, height, width, 3) and dtype uint8
        Each row can be used as an image. Stretching it to the same size again does not change it.

    Raises
    ------
    ImageReadError
        For the first image that cannot be read.
    ValueError
        If the memory is too small for all of them.
    """
    return read_fitted_pixels(images, Fitting((size[0], size[1])), n_jobs, verbose)
