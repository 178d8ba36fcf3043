"""Phrases that the sentences of several results share."""

from __future__ import annotations

import math


def finding(p_value: float, confidence: float) -> str:
    """Say whether p is below the significance level, which is 1 - confidence."""
    return "a significant difference" if p_value < 1 - confidence else "no significant difference"


def direction(mean_difference: float) -> str:
    """Say which of the two is higher and by how much, to four digits."""
    if round(mean_difference, 4) == 0:
        return "the two are equal"
    return f"the first is {abs(mean_difference):.4f} {'higher' if mean_difference > 0 else 'lower'}"


def interval(ends: tuple[float, float], confidence: float, kind: str) -> str:
    """Write the confidence interval of a difference, with the name of its method; NaN is no interval."""
    if math.isnan(ends[0]):
        return "without an interval"
    return f"{percent(confidence)} interval {ends[0]:+.4f} to {ends[1]:+.4f} ({kind})"


def no_spread(n_differences: int, mean_difference: float) -> str:
    """Say that all differences are equal, so that nothing can be judged."""
    if mean_difference == 0:
        return f"All {n_differences} pairs are equal; the test cannot judge."
    return f"All {n_differences} differences are {mean_difference:+.4f}; without any spread the test cannot judge."


def p(value: float) -> str:
    """Write a p-value to four digits; a smaller one is an upper bound, never 0."""
    return "p < 0.0001" if value < 0.0001 else f"p = {value:.4f}"


def percent(share: float) -> str:
    """Write a share in percent with as many digits as it needs: 95%, 99.9%."""
    return f"{100 * share:.6g}%"
