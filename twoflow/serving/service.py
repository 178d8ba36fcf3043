"""A model that answers requests: its predictor, workers, metrics and corrections, and whether it is ready."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from .. import __version__
from ..errors import UserError
from ..explaining import explain
from ..images.errors import ImageReadError
from ..images.sizes import read_sizes
from ..models.model_file import ModelFile
from ..predicting import Prediction, Predictor
from ..predicting.moderation import Rules
from ..report.explanations import make_entry
from .bodies import ExplanationBody, ModelBody
from .corrections import Corrections
from .describing import describe_explanation, describe_model
from .limits import Limits
from .metrics import ServiceMetrics
from .refusal import Refusal
from .uploads import Upload, Uploads
from .workers import Workers

#: The largest number of classes that a request may ask for.
MOST_TOP = 100

_COVERED = 64  # images that a worker scores at most to explain one, if the head is not linear


class Service:
    """Answers for images with the model of a model file, on worker threads.

    Parameters
    ----------
    model_file : ModelFile
    limits : Limits, optional
        By default those of `Limits`.
    rules : Rules, optional
        See `Predictor`.
    n_workers : int
        How many images are worked on at the same time. The default is 1.
    corrections : Corrections, optional
        Keeps what users correct. By default nothing is kept.
    needs_token : bool
        Whether the service asks for a token; it only says so. False by default.
    """

    def __init__(
        self, model_file: ModelFile, *, limits: Limits | None = None, rules: Rules | None = None, n_workers: int = 1,
        corrections: Corrections | None = None, needs_token: bool = False,
    ) -> None:
        self.model_file, self.card, self.digest = model_file, model_file.card, model_file.digest
        self.limits = limits or Limits()
        self.corrections, self.needs_token = corrections, needs_token
        most = max(len(target.classes) for target in self.card.targets)
        self._predictor = Predictor(model_file, top=min(most, MOST_TOP), rules=rules, n_jobs=1)
        self.workers = Workers(n_workers, self.limits.max_queue, self.limits.max_per_client)
        self.uploads = Uploads(self.limits)
        self.metrics = ServiceMetrics(self.card, self.digest, __version__)
        self.is_warm = self.is_stopping = self.is_draining = False
        self._n_explaining = 0

    @property
    def is_ready(self) -> bool:
        """Whether new work should be sent here."""
        return self.is_warm and not self.is_stopping

    async def warm_up(self) -> None:
        """Start the workers; each predicts a generated image, which loads the networks. Then the service is ready."""
        await self.workers.start(self._predict_generated)
        self.is_warm = True

    async def predict(self, images: Sequence[Upload], client: str) -> list[Prediction]:
        """Answer for the images of one request; raises `Refusal` if there is too much to do."""
        done = await self._run([partial(self._predict, image) for image in images], client)
        for prediction, seconds in done:
            self.metrics.image_seconds.observe(seconds)
            self.metrics.note(prediction)
        return [prediction for prediction, _ in done]

    async def explain(self, image: Upload, client: str) -> ExplanationBody:
        """Explain the answer for an image; raises `Refusal` if it cannot be read, or there is too much to do."""
        self.check_explanations()
        self._n_explaining += 1
        try:
            (body, seconds), = await self._run([partial(self._explain, image)], client)
        finally:
            self._n_explaining -= 1
        self.metrics.explanation_seconds.observe(seconds)
        return body

    def check_explanations(self) -> None:
        """Raise `Refusal` if no image could be explained now."""
        most = self.limits.max_explanations
        if self._n_explaining >= most:
            raise Refusal(503, f"expected at most {most:,} explanations in work, got another one; try again later")

    async def correct(self, image: Upload, target: str, label: str, client: str) -> str:
        """Keep a correction, and return the SHA-256 of its image; raises `Refusal` if it cannot be kept."""
        corrections = self.check_corrections()
        digest, = await self._run([partial(self._correct, corrections, image, target, label)], client)
        self.metrics.corrections.add()
        return digest

    def check_corrections(self) -> Corrections:
        """Return what keeps corrections; raise `Refusal` if nothing does."""
        if self.corrections is None:
            raise Refusal(404, "corrections are not kept here; start the service with --corrections FILE")
        return self.corrections

    def check_room(self, client: str) -> None:
        """Raise `Refusal` if no image could be taken now, so that no body is read in vain."""
        if not self.is_warm:
            raise Refusal(503, "the service is loading its model; try again later")
        self.workers.check_room(client)

    def describe(self) -> ModelBody:
        """Return what the model answers, and what the service takes."""
        return describe_model(
            self.card, self.digest, self.limits, self.model_file.examples,
            corrections=self.corrections is not None,
            new_labels=self.corrections is not None and self.corrections.allows_new, token=self.needs_token,
        )

    def metrics_text(self, n_requests: int) -> str:
        """Return all metrics as text for Prometheus; `n_requests` are in work."""
        return self.metrics.text({
            "twoflow_ready": ("1 if the service takes work.", int(self.is_ready)),
            "twoflow_requests_in_work": ("Requests that are in work.", n_requests),
            "twoflow_queue_images": ("Images that wait for a worker.", self.workers.n_waiting),
            "twoflow_upload_bytes": ("Bytes of the uploads in memory.", self.uploads.n_bytes),
        })

    async def _run(self, work: Sequence[Any], client: str) -> list[Any]:
        return await self.workers.run(work, client, self.limits.answer_seconds)

    def _predict(self, image: Upload) -> tuple[Prediction, float]:
        """Answer for one image, alone: among others its probabilities would be rounded in another way."""
        began = time.perf_counter()
        prediction = self._refuse_large(image) or self._predictor.predict([image.content], [image.name])[0]
        return prediction, time.perf_counter() - began

    def _explain(self, image: Upload) -> tuple[ExplanationBody, float]:
        began = time.perf_counter()
        too_large = self._check_pixels(image)
        if too_large is not None:
            raise Refusal(422, f"cannot read the image: {too_large}")
        try:
            found = explain(self.model_file, image.content, budget=_COVERED)
        except ImageReadError as error:
            raise Refusal(422, f"cannot read the image: {error.reason}") from None
        except UserError as error:
            raise Refusal(422, f"cannot explain this model: {error}") from None
        body = describe_explanation(make_entry(found), self.digest, image.name)
        return body, time.perf_counter() - began

    def _refuse_large(self, image: Upload) -> Prediction | None:
        found = self._check_pixels(image)
        return None if found is None else Prediction(image.name, (), None, found, 0)

    def _check_pixels(self, image: Upload) -> str | None:
        """Say that the image has too many pixels by its header; None if it has not, or cannot be read."""
        for width, height in read_sizes([image.content]).tolist():
            if width * height > self.limits.max_pixels:
                return (f"expected an image of at most {self.limits.max_pixels:,} pixels, got {width:,} x {height:,}; "
                        "send it with fewer pixels")
        return None

    def _correct(self, corrections: Corrections, image: Upload, target: str, label: str) -> str:
        too_large = self._check_pixels(image)
        if too_large is not None:
            raise Refusal(422, too_large)
        return corrections.add(image.content, target, label)

    def _predict_generated(self) -> None:
        pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
        content = BytesIO()
        Image.fromarray(pixels).resize((640, 480)).save(content, "JPEG")
        self._predictor.predict([content.getvalue()], ["generated"])
