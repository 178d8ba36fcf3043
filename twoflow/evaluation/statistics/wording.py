"""The words that the sentences of results have in common."""

from __future__ import annotations


def finding(p_value: float, confidence: float) -> str:
    """What the test found at the level that the interval's confidence leaves."""
    return "a difference" if p_value < 1 - confidence else "no difference that can be told from chance"


def direction(mean_difference: float) -> str:
    """Which of the two is higher, and by how much, to four digits."""
    if round(mean_difference, 4) == 0:
        return "the two are level"
    return f"the first is {abs(mean_difference):.4f} {'higher' if mean_difference > 0 else 'lower'}"


def interval(ends: tuple[float, float], confidence: float) -> str:
    """A confidence interval of a difference."""
    return f"{percent(confidence)} interval {ends[0]:+.4f} to {ends[1]:+.4f}"


def p(value: float) -> str:
    """A p-value to four digits, which is never said to be nothing."""
    return "p < 0.0001" if value < 0.0001 else f"p = {value:.4f}"


def percent(share: float) -> str:
    """A share in per cent, with the digits it needs: 95%, 99.9%."""
    return f"{100 * share:.6g}%"
