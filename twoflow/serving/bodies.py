"""The JSON bodies of the service, as its OpenAPI document describes them."""

from __future__ import annotations

from typing import Any, TypeAlias

from pydantic import BaseModel, Field

Label: TypeAlias = str | int | float | bool


class ErrorBody(BaseModel):
    """Why a request was not answered."""

    error: str = Field(description="What was expected, what came, and what to do.")


class Likely(BaseModel):
    """One of the likeliest classes."""

    label: Label
    confidence: float | None = Field(description="Its probability; null for a model without probabilities.")
    position: int = Field(description="Its position among the target's classes, for /examples.")


class StepBody(BaseModel):
    """The likeliest class of one level of a tree."""

    level: str
    path: list[Label] = Field(description="The labels from the broadest level to this class.")
    confidence: float | None = Field(description="Its probability.")
    answered: bool = Field(description="Whether it is part of the answer.")


class ScopeBody(BaseModel):
    """How much an image looks like those that the model knows."""

    score: float | None = Field(description="Higher for an image that looks more like the training images.")
    threshold: float = Field(description="Below it, the answer is unknown.")


class AnswerBody(BaseModel):
    """The answer for one target."""

    target: str
    label: Label = Field(description='A class, a broader class, or "unknown"; with a tree, a path joined with "/".')
    level: str = Field(description='The target for a class; the name of the broader level; "" for unknown.')
    confidence: float | None
    reason: str = Field(description='Why the label is not a class of the target; "" if it is.')
    top: list[Likely]
    path: list[Label] = Field(description="With a tree, the labels from the broadest level to the answer; else empty.")
    steps: list[StepBody] = Field(
        description="With a tree, the likeliest class of each level, the broadest first; else empty.")
    scope: ScopeBody | None = Field(description="Null for a model that does not look for images that are out of scope.")


class DecisionBody(BaseModel):
    """What the rules of moderation say."""

    name: str
    rule: str


class PredictionBody(BaseModel):
    """What the model says about one image."""

    name: str = Field(description="The name of the uploaded file.")
    answers: list[AnswerBody] = Field(description="One for each target; empty if the image cannot be read.")
    decision: DecisionBody | None
    error: str | None = Field(description="Why the image cannot be read.")


#: What the OpenAPI document shows as an answer: that of a model of two targets.
EXAMPLE: dict[str, Any] = {
    "model": "ab12" * 16,
    "predictions": [{
        "name": "shirt.jpg",
        "answers": [
            {
                "target": "type", "label": "hoodie", "level": "type", "confidence": 0.97, "reason": "",
                "top": [{"label": "hoodie", "confidence": 0.97, "position": 0},
                        {"label": "T-shirt", "confidence": 0.03, "position": 1}],
                "path": [], "steps": [], "scope": None,
            },
            {
                "target": "color", "label": "unknown", "level": "", "confidence": 0.55,
                "reason": "no class reaches 0.70: the likeliest, blue, has 0.55",
                "top": [{"label": "blue", "confidence": 0.55, "position": 1},
                        {"label": "black", "confidence": 0.41, "position": 0}],
                "path": [], "steps": [], "scope": None,
            },
        ],
        "decision": None, "error": None,
    }],
}


class Predictions(BaseModel):
    """The answer to a request, in the order of its images."""

    model: str = Field(description="SHA-256 of the model file.")
    predictions: list[PredictionBody]


class NothingReadable(Predictions):
    """The answer to a request whose images all cannot be read."""

    error: str


class MapBody(BaseModel):
    """How much each place of an image spoke for a class, or against it."""

    strongest: float = Field(description="The largest contribution, for or against: the end of the scale of the image.")
    image: str = Field(description="A transparent PNG to lie over the image, as a data URI: orange is for the class, "
                                   "blue against it.")


class FlowBody(BaseModel):
    """What a flow adds to the score."""

    name: str
    share: float
    without_place: float = Field(description="The part of it that is not on the map.")


class NearBody(BaseModel):
    """A training image that spoke for a class, or against it."""

    label: Label
    term: float = Field(description="What it adds to the score.")
    similarity: float | None
    thumbnail: str | None = Field(description="A small JPEG as a data URI.")


class NeighborsBody(BaseModel):
    """The training images that spoke most for a class, and most against it."""

    for_it: list[NearBody]
    against_it: list[NearBody]
    rest: float = Field(description="What all other training images add together.")
    constant: float = Field(description="The score of the mean training image.")
    is_exact: bool = Field(description="Whether the sum of all terms is the score.")


class ReasonBody(BaseModel):
    """Why one target of an image has its likeliest class."""

    target: str = Field(description="With a tree, the level.")
    label: Label = Field(description="The likeliest class, which is explained even if the answer is a broader class or "
                                     "unknown.")
    confidence: float | None
    score: float = Field(description="Before it becomes a probability.")
    constant: float = Field(description="The part of the score that is the same for every image.")
    method: str = Field(description='"exact": all parts add up to the score; "occlusion": places were covered.')
    map: MapBody | None = Field(description="Null for a model whose flows do not know the places of their features.")
    flows: list[FlowBody]
    neighbors: NeighborsBody | None = Field(description="Null for a model file without training images.")
    sentences: list[str] = Field(description="The same in words.")


class ExplanationBody(BaseModel):
    """The reasons for the answer to one image."""

    model: str = Field(description="SHA-256 of the model file.")
    name: str = Field(description="The name of the uploaded file.")
    image: str = Field(description="The image as the model reads it, upright and small: a JPEG as a data URI.")
    reasons: list[ReasonBody] = Field(description="One for each target; with a tree, one for each level.")


class Accuracy(BaseModel):
    """The share of right answers to expect for new images."""

    accuracy: float
    interval: tuple[float | None, float | None]
    confidence: float
    source: str


class TreeBody(BaseModel):
    """The tree of the classes."""

    levels: list[str] = Field(description="The names of the levels, the broadest first.")
    nodes: list[list[Label]] = Field(
        description="The path of each class, from the broadest level to its own; by level, then sorted.")


class TargetBody(BaseModel):
    """One target of the model."""

    name: str
    classes: list[Label]
    levels: dict[str, list[Label]] = Field(description="For each broader level, the broader class of each class.")
    tree: TreeBody | None = Field(description="Null for a model without a tree of classes.")
    accuracy: Accuracy | None
    n_labeled: int | None = Field(
        description="How many training images have a label of it; null with a tree, or if it is not known.")
    has_examples: bool


class LimitsBody(BaseModel):
    """What a request may hold."""

    max_images: int
    max_bytes: int
    max_pixels: int


class ModelBody(BaseModel):
    """What the model answers, and what the service takes."""

    title: str
    digest: str
    created: str
    n_images: int | None = Field(description="The number of training images; null if it is not known.")
    targets: list[TargetBody]
    exact_match: Accuracy | None = Field(
        description="Of several targets: the share of images to expect that are right in all; else null.")
    threshold: float | None
    limits: LimitsBody
    corrections: bool = Field(description="Whether POST /corrections keeps corrections.")
    new_labels: bool = Field(description="Whether a correction may name a class that the model does not have.")
    token: bool = Field(description="Whether a token is needed.")


class HealthBody(BaseModel):
    """The process lives."""

    status: str
    model: str = Field(description="SHA-256 of the model file.")
    version: str = Field(description="The version of twoflow.")


class ReadyBody(BaseModel):
    """The service takes work."""

    ready: bool


class CorrectionBody(BaseModel):
    """A correction was kept."""

    image: str = Field(description="SHA-256 of the image.")
    target: str
    label: str
