"""The flow of local shapes: SIFT descriptors, each counted as the visual word that is nearest to it."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Hashable, Sequence
from functools import lru_cache
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from joblib import effective_n_jobs
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from threadpoolctl import threadpool_limits

from ..errors import InputError
from ..images import LoadedImage
from ..images.reading import Source, warn_unreadable
from ..store import StoreLike
from .base import Flow
from .contract import FlowTags
from .engine.extraction import extract
from .gray import to_gray

_WIDTH = 128  # values of a SIFT descriptor: 4 x 4 cells, 8 directions
_PATCH_PER_SIZE = 6  # OpenCV describes 4 cells of 1.5 times the keypoint's size each way


class SIFTBagOfWords(Flow):
    """Count visual words: how often each typical local shape occurs.

    SIFT descriptors (Lowe 2004) are taken from the image, and each is replaced by the nearest "word" of a vocabulary
    (Sivic & Zisserman 2003). The vocabulary is learned in `fit`, so a cross-validation must fit it inside each fold. A
    patch of one color has no descriptor and no word. An image without any word is a row of zeros.

    Parameters
    ----------
    n_words : int
        The size of the vocabulary. The default is 256.
    detector : {"dense", "keypoints"}
        Where descriptors are taken. "dense", the default, takes upright patches on a regular grid. "keypoints" takes
        the scale-space extrema that Lowe's detector finds, each at its own size and turned to its main direction.
    step, patch_size : int
        Distance and side of the patches on the grid, in pixels. The defaults are 8 and 24. They have no effect with
        "keypoints".
    weighting : {"tf-idf", "l1"}
        "tf-idf", the default, gives a word less weight the more training images have it, and divides by the Euclidean
        norm. "l1" counts words and divides by their sum.
    size : int
        The side, in pixels, of the square that images are stretched to first. The default is 256.
    max_images, max_descriptors : int
        The vocabulary is learned from at most so many descriptors of at most so many training images, drawn at random.
        They bound time and memory: a descriptor takes 512 bytes. The defaults are 1000 and 50,000.
    random_state : int, RandomState or None
        Draws the sample and starts the clustering, in `fit`. An integer gives the same vocabulary every time; None, the
        default, gives another.
    n_jobs, on_error, verbose, store
        See `Flow`. ``on_error="nan"`` leaves unreadable training images out, with one warning.

    Attributes
    ----------
    vocabulary_ : ndarray of shape (n_words, 128) and dtype float32
        The words. They are whole numbers like the descriptors, so sums of their products are exact in float32, and a
        descriptor has the same nearest word on every machine and with any number of threads.
    idf_ : ndarray of shape (n_words,) and dtype float32
        The weight of each word: ``log((1 + n) / (1 + n_with_word)) + 1`` over the n training images of the sample. The
        ones keep words that every image has, or none. With "l1", all weights are 1.

    Notes
    -----
    In this process, OpenCV is set to use one thread for each call, since images are computed in parallel already.

    References
    ----------
    J. Sivic, A. Zisserman: Video Google: A Text Retrieval Approach to Object Matching in Videos. ICCV 2003,
    https://doi.org/10.1109/ICCV.2003.1238663.

    D. G. Lowe: Distinctive Image Features from Scale-Invariant Keypoints. International Journal of Computer Vision 60,
    2004, https://doi.org/10.1023/B:VISI.0000029664.99615.94.

    Examples
    --------
    >>> from twoflow import SIFTBagOfWords, make_shop
    >>> shop = make_shop(n_classes=2, n_per_class=2, random_state=0)
    >>> SIFTBagOfWords(n_words=16, random_state=0).fit_transform(shop).shape
    (4, 16)
    """

    _parameter_constraints: ClassVar[dict] = {
        **Flow._parameter_constraints,
        "n_words": [Interval(Integral, 1, None, closed="left")],
        "detector": [StrOptions({"dense", "keypoints"})],
        "step": [Interval(Integral, 1, None, closed="left")],
        "patch_size": [Interval(Integral, 4, None, closed="left")],
        "weighting": [StrOptions({"tf-idf", "l1"})],
        "size": [Interval(Integral, 1, None, closed="left")],
        "max_images": [Interval(Integral, 1, None, closed="left")],
        "max_descriptors": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }
    feature_prefix = "sift"

    def __init__(
        self,
        n_words: int = 256,
        detector: str = "dense",
        *,
        step: int = 8,
        patch_size: int = 24,
        weighting: str = "tf-idf",
        size: int = 256,
        max_images: int = 1000,
        max_descriptors: int = 50_000,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        on_error: str = "raise",
        verbose: bool = False,
        store: StoreLike = None,
    ) -> None:
        super().__init__(n_jobs=n_jobs, on_error=on_error, verbose=verbose, store=store)
        self.n_words = n_words
        self.detector = detector
        self.step = step
        self.patch_size = patch_size
        self.weighting = weighting
        self.size = size
        self.max_images = max_images
        self.max_descriptors = max_descriptors
        self.random_state = random_state

    def check_parameters(self) -> None:
        if self.detector == "dense" and self.step > self.size:
            raise InputError(f"step={self.step} leaves no patch in size={self.size} pixels; lower it or raise size")
        if self.max_descriptors < self.n_words:
            raise InputError(f"n_words={self.n_words} cannot be learned from max_descriptors={self.max_descriptors}")

    def learn(self, images: Sequence[Source], y: Any, groups: Any) -> None:
        """Learn the words from a sample of descriptors, then their weights from all words in the sampled images."""
        from sklearn.cluster import MiniBatchKMeans  # late: only `fit` needs it, and its import takes long

        rng = check_random_state(self.random_state)
        positions = np.sort(rng.permutation(len(images))[:self.max_images]).tolist()
        sampler = _DescriptorSample(self, max(1, self.max_descriptors // len(positions)), rng.randint(2**31))
        rows, errors, *_ = extract(sampler, images, positions)
        if errors:
            warn_unreadable([error for _, error in errors], len(positions), "left out of the vocabulary")
        descriptors = rows.reshape(-1, _WIDTH)
        descriptors = descriptors[~np.isnan(descriptors[:, 0])]
        if len(descriptors) < self.n_words:
            raise InputError(
                f"n_words={self.n_words}, but the {len(positions)} training images read give only {len(descriptors)} "
                "descriptors; lower n_words" + (" or use detector='dense'" if self.detector == "keypoints" else "")
            )
        # With no stopping rule and a single start, no choice depends on sums whose rounding varies with the threads.
        clustering = MiniBatchKMeans(self.n_words, n_init=1, max_iter=10, max_no_improvement=None, random_state=rng)
        with threadpool_limits(effective_n_jobs(self.n_jobs)):
            self.vocabulary_ = np.rint(clustering.fit(descriptors).cluster_centers_)
        self.idf_ = np.ones(self.n_words, dtype=np.float32)
        if self.weighting == "tf-idf":
            read = np.setdiff1d(positions, [position for position, _ in errors]).tolist()
            n_with_word = np.count_nonzero(extract(self, images, read).features, axis=0)
            self.idf_ = (np.log((1 + len(read)) / (1 + n_with_word)) + 1).astype(np.float32)

    def extract(self, image: LoadedImage, n_threads: int) -> np.ndarray:
        return self._count(self._describe(image))

    def shared_pass(self) -> Hashable:
        return self.detector, self.step, self.patch_size, self.size

    @classmethod
    def extract_together(cls, flows: Sequence[SIFTBagOfWords], image: LoadedImage, n_threads: int) -> list[np.ndarray]:
        """Describe the image once: that takes ten times as long as counting its words in one vocabulary."""
        descriptors = flows[0]._describe(image)
        return [flow._count(descriptors) for flow in flows]

    def _count(self, descriptors: np.ndarray) -> np.ndarray:
        counts = bag_of_words(descriptors, self.vocabulary_) * self.idf_
        norm = np.linalg.norm(counts, ord=1 if self.weighting == "l1" else 2)
        return counts / max(norm, np.float32(1))  # zeros stay zeros; the norm of any other row is at least 1

    def _describe(self, image: LoadedImage) -> np.ndarray:
        return sift_descriptors(image.resized((self.size, self.size)), self.detector, self.step, self.patch_size)

    @property
    def n_features_out(self) -> int:
        return self.n_words

    def __sklearn_tags__(self) -> FlowTags:
        tags = super().__sklearn_tags__()
        tags.feature_kind = "histogram"
        return tags


def sift_descriptors(
    pixels: np.ndarray, detector: str = "dense", step: int = 8, patch_size: int = 24
) -> np.ndarray:
    """Compute the SIFT descriptors of one image.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3) and dtype uint8
        RGB.
    detector, step, patch_size
        See `SIFTBagOfWords`.

    Returns
    -------
    ndarray of shape (n_descriptors, 128) and dtype float32
        Whole numbers from 0 to 255. Patches of one color are left out, so there may be no descriptor at all.
    """
    height, width = pixels.shape[:2]
    gray, sift = to_gray(pixels), _open_sift()
    if detector == "dense":
        _, descriptors = sift.compute(gray, _grid_of_keypoints(height, width, step, patch_size))
    else:
        _, descriptors = sift.detectAndCompute(gray, None)
    if descriptors is None:
        return np.zeros((0, _WIDTH), dtype=np.float32)
    return descriptors[descriptors.any(axis=1)]


def bag_of_words(descriptors: np.ndarray, vocabulary: np.ndarray) -> np.ndarray:
    """Count the descriptors that are nearest to each word.

    Parameters
    ----------
    descriptors : ndarray of shape (n_descriptors, 128) and dtype float32
    vocabulary : ndarray of shape (n_words, 128) and dtype float32

    Returns
    -------
    ndarray of shape (n_words,) and dtype float32
        If several words are equally near, the first is counted.
    """
    # |d - w|^2 / 2 without |d|^2, which is the same for all words.
    distances = (vocabulary**2).sum(axis=1) / 2 - descriptors @ vocabulary.T
    return np.bincount(distances.argmin(axis=1), minlength=len(vocabulary)).astype(np.float32)


class _DescriptorSample(Flow):
    """Draw some descriptors of each image. As a flow, it shares the reading, errors and workers of every flow.

    An image with fewer descriptors is filled up with NaN. The draw depends on the seed and the descriptors alone, not
    on the order of the images or the number of workers.
    """

    def __init__(self, flow: SIFTBagOfWords, n_descriptors: int, seed: int) -> None:
        super().__init__(n_jobs=flow.n_jobs, on_error=flow.on_error, verbose=flow.verbose)
        self.flow = flow
        self.n_descriptors = n_descriptors
        self.seed = seed

    def extract(self, image: LoadedImage, n_threads: int) -> np.ndarray:
        descriptors = self.flow._describe(image)
        rng = np.random.default_rng([self.seed, zlib.crc32(descriptors.tobytes())])
        sample = np.full((self.n_descriptors, _WIDTH), np.nan, dtype=np.float32)
        chosen = descriptors[rng.permutation(len(descriptors))[:self.n_descriptors]]
        sample[:len(chosen)] = chosen
        return sample.ravel()

    @property
    def n_features_out(self) -> int:
        return self.n_descriptors * _WIDTH


_of_this_thread = threading.local()  # OpenCV does not promise that threads can share a SIFT, and it cannot be pickled


def _open_sift() -> Any:
    if not hasattr(_of_this_thread, "sift"):
        import cv2

        cv2.setNumThreads(1)
        _of_this_thread.sift = cv2.SIFT.create()
    return _of_this_thread.sift


@lru_cache(maxsize=8)
def _grid_of_keypoints(height: int, width: int, step: int, patch_size: int) -> tuple:
    """Put keypoints in the middle of grid cells, with equal margins, so that a mirrored grid is the same."""
    import cv2

    y, x = (step * (np.arange(side // step) + 0.5) + (side % step - 1) / 2 for side in (height, width))
    return tuple(cv2.KeyPoint(i, j, patch_size / _PATCH_PER_SIZE, 0) for j in y.tolist() for i in x.tolist())
