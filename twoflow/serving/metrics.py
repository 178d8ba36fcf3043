"""What the service counts and measures, for ``/metrics``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from ..models.model_file import ModelCard
from ..predicting import UNKNOWN, Answer, Prediction
from .drift import Drift
from .prometheus import Counter, Histogram, write

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_CONFIDENCES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


class ServiceMetrics:
    """The metrics of one service; only its event loop changes them.

    The values of a label are bounded: by the routes and statuses of the service, and by the classes of the model.

    Parameters
    ----------
    card : ModelCard
    digest, version : str
        The digest of the model file, and the version of twoflow.
    """

    def __init__(self, card: ModelCard, digest: str, version: str) -> None:
        self._digest, self._version, self._title = digest, version, card.title
        self.requests = Counter("twoflow_requests_total", "Requests by their answer.", ("method", "path", "status"))
        self.request_seconds = Histogram(
            "twoflow_request_seconds", "Seconds from the headers of a request to the end of its answer.", _SECONDS,
            ("path",))
        self.image_seconds = Histogram(
            "twoflow_image_seconds", "Seconds that a worker took for an image, without waiting.", _SECONDS)
        self.explanation_seconds = Histogram(
            "twoflow_explanation_seconds", "Seconds that a worker took to explain an image, without waiting.", _SECONDS)
        self._images = Counter(
            "twoflow_images_total", "Images by what became of them: answered or unreadable.", ("outcome",))
        self._answers = Counter(
            "twoflow_answers_total", "Answers by level and label. The level is empty for the label unknown.",
            ("target", "level", "label"))
        self._unknown = Counter("twoflow_unknown_total", "Answers that are unknown.", ("target",))
        self._out_of_scope = Counter(
            "twoflow_out_of_scope_total", "Answers that are unknown because the image is out of scope.", ("target",))
        self._confidence = Histogram(
            "twoflow_confidence", "Probability of the likeliest class.", _CONFIDENCES, ("target",))
        self.corrections = Counter("twoflow_corrections_total", "Corrections that were kept.")
        self._drifts = {target.name: Drift(target) for target in card.targets}
        self._positions = {
            target.name: {label: position for position, label in enumerate(target.classes)} for target in card.targets
        }
        for target in card.targets:
            self._unknown.add(target.name, by=0)

    def note(self, prediction: Prediction) -> None:
        """Count the prediction of an image."""
        self._images.add("unreadable" if prediction.error else "answered")
        for answer in prediction.answers:
            self._answers.add(answer.target, answer.level, str(answer.label))
            if answer.label == UNKNOWN and not answer.level:
                self._unknown.add(answer.target)
            if answer.scope is not None:
                self._out_of_scope.add(answer.target, by=answer.scope.score < answer.scope.threshold)
            self._note_likeliest(answer)

    def _note_likeliest(self, answer: Answer) -> None:
        label, confidence = answer.top[0]
        if confidence == confidence:  # a model without probabilities has NaN
            self._confidence.observe(confidence, answer.target)
        self._drifts[answer.target].add(self._positions[answer.target][label], confidence)

    def text(self, gauges: dict[str, tuple[str, float]]) -> str:
        """Write all metrics.

        Parameters
        ----------
        gauges : dict of str to (str, float)
            What is measured now: name to text and value.
        """
        kept = (self.requests, self.request_seconds, self.image_seconds, self.explanation_seconds, self._images,
                self._answers, self._unknown, self._out_of_scope, self._confidence, self.corrections)
        lines = chain(
            write("twoflow_model_info", "gauge", "The model and the version of twoflow.",
                  [({"digest": self._digest, "title": self._title, "version": self._version}, 1)]),
            *(write(name, "gauge", text, [({}, value)]) for name, (text, value) in gauges.items()),
            *(each.lines() for each in kept),
            self._drift_lines(),
        )
        return "".join(f"{line}\n" for line in lines)

    def _drift_lines(self) -> Iterator[str]:
        measures: dict[str, Callable[[Drift], float]] = {
            "confidence": Drift.of_confidences, "class": Drift.of_classes
        }
        yield from write(
            "twoflow_drift_index", "gauge",
            "Population stability index of the last 1,000 answers against held-out training images; 0 is no drift.",
            (({"target": name, "of": of}, measure(drift)) for name, drift in self._drifts.items()
             for of, measure in measures.items()),
        )
        yield from write(
            "twoflow_drift_answers", "gauge", "How many answers the drift index compares.",
            (({"target": name}, drift.n_answers) for name, drift in self._drifts.items()),
        )
