import pytest

from twoflow.networks.bottlenecks import Step, find_bottlenecks


def steps(*texts):
    """Parse steps such as "a b > c d": the values that are read, and those that are computed."""
    return [Step(*(set(side.split()) for side in reversed(text.split(">")))) for text in texts]


@pytest.mark.parametrize("graph, expected", [
    (["x > a", "a > b", "b > out"], [2, 1, 0]),
    (["x > a", "a > gate", "a gate > b", "b > out"], [3, 2, 0]),
    (["x > a", "x a > out"], [1]),
    (["x > a", "x > b", "a b > c", "c > out"], [3, 2]),
    (["x > a", "> weight", "a weight > b", "b > out", "b > more"], [3, 2, 0]),
    (["x > a b", "a > c", "b > d", "c d > out"], [3, 0]),
    (["> a", "a > out"], []),
    (["x > a"], []),
])
def test_every_path_passes_through_the_bottlenecks(graph, expected):
    assert list(find_bottlenecks(steps(*graph), "x", "out")) == expected


def test_a_long_graph():
    """The time must not grow with the square of the length: 20,000 gates, one after the other."""
    graph = [text for i in range(20_000) for text in (f"m{i} > s{i}", f"m{i} s{i} > m{i + 1}")]
    assert len(list(find_bottlenecks(steps(*graph), "m0", "m20000"))) == 20_000
