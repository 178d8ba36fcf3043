"""Decide on images by rules of moderation: approved, denied or review."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..heads.hierarchy.decisions import reaches
from .answers import Answer, Decision

#: What a rule can decide. The last one is also the decision on an image that no rule fits.
DECISIONS = APPROVED, DENIED, REVIEW = ("approved", "denied", "review")


@dataclass(frozen=True)
class Rule:
    """One rule, with its threshold.

    Attributes
    ----------
    decision : {"approved", "denied", "review"}
    target : str
        The target that the rule is about.
    condition : str
        What an answer must be, in words.
    fitting : mapping of str to frozenset
        The labels that fit, by `Answer.level`.
    threshold : float or None
        The least confidence of an answer that fits. None: every confidence fits, and so does NaN.
    promise : str
        What is promised about the images that the rule decides on; "" if nothing is. "" by default.
    n_decided, n_wrong, n_held_out : int
        How many held-out answers the rule decides on, how many of them are wrong, and how many there are. 0 by default:
        nothing was held out, or the rule is about images whose answer is unknown.
    """

    decision: str
    target: str
    condition: str
    fitting: Mapping[str, frozenset]
    threshold: float | None
    promise: str = ""
    n_decided: int = 0
    n_wrong: int = 0
    n_held_out: int = 0

    def __str__(self) -> str:
        """Describe the rule in one line."""
        line = f"{self.decision}: {self.condition}{self.promise}"
        if not self.n_held_out:
            return line
        wrong = f", {self.n_wrong / self.n_decided:.1%} of them wrong" if self.n_decided else ""
        return f"{line}. Held out: {self.n_decided / self.n_held_out:.1%} of {self.n_held_out:,} answers{wrong}"

    def fits(self, answer: Answer) -> bool:
        """Return whether an answer for the rule's target fits."""
        is_certain = self.threshold is None or reaches(answer.confidence, self.threshold)
        return bool(is_certain) and answer.label in self.fitting.get(answer.level, ())

    def covers(self, other: Rule) -> bool:
        """Return whether every answer that fits another rule fits this one too."""
        return (
            self.target == other.target
            and (self.threshold is None or other.threshold is not None and self.threshold <= other.threshold)
            and all(labels <= self.fitting.get(level, frozenset()) for level, labels in other.fitting.items())
        )


@dataclass(frozen=True)
class Rules:
    """Rules of moderation; `read_rules` reads them from a file.

    Attributes
    ----------
    name : str
        The path of the file.
    rules : tuple of Rule
        The first rule that fits decides.
    digest : str
        SHA-256 of the file; "", the default, for rules that are in no file.
    """

    name: str
    rules: tuple[Rule, ...]
    digest: str = ""

    def __str__(self) -> str:
        """List the rules with their thresholds, what they promise, and what they decide on held-out answers."""
        lines = [f"{number}. {rule}" for number, rule in enumerate(self.rules, start=1)]
        first = f"{self.name}: the first rule that fits decides."
        return "\n".join([first, *lines, f"Otherwise {REVIEW}.{self._rest()}"])

    @property
    def needs_probabilities(self) -> bool:
        """Whether a rule asks for a confidence, which a model without probabilities does not have."""
        return any(rule.threshold is not None for rule in self.rules)

    def decide(self, answers: Sequence[Answer]) -> Decision:
        """Decide on one image.

        Parameters
        ----------
        answers : sequence of Answer
            One for each target of the model.

        Returns
        -------
        Decision
            That of the first rule that fits; "review" if none does.
        """
        by_target = {answer.target: answer for answer in answers}
        for number, rule in enumerate(self.rules, start=1):
            if rule.fits(by_target[rule.target]):
                return Decision(rule.decision, f"rule {number}: {rule.condition}")
        return Decision(REVIEW, "no rule fits")

    def _rest(self) -> str:
        """Say how many held-out answers no rule decides on. With rules about several targets, nothing says it."""
        n_held_out = max((rule.n_held_out for rule in self.rules), default=0)
        if not n_held_out or len({rule.target for rule in self.rules}) > 1:
            return ""
        rest = n_held_out - sum(rule.n_decided for rule in self.rules)
        return f" Held out: {rest / n_held_out:.1%} of {n_held_out:,} answers"
