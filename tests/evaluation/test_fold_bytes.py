from typing import Any, NamedTuple, get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoflow.evaluation.fold_bytes import UnwritableError, from_bytes, to_bytes
from twoflow.evaluation.method_scores import Choice
from twoflow.evaluation.scoring import FoldScores


class Inner(NamedTuple):
    value: Any


class Outer(NamedTuple):
    first: Any
    second: list[Inner] | dict[str, Inner] | None = None


def assert_same(one, other):
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        for a, b in zip(one.values(), other.values()):
            assert_same(a, b)
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for a, b in zip(one, other):
            assert_same(a, b)
    elif isinstance(one, np.ndarray):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        np.testing.assert_array_equal(one, other)
    else:
        np.testing.assert_equal(one, other)


@pytest.mark.parametrize("value", [
    None, True, 3, 2**80, 0.1, float("nan"), float("-inf"), "tee/01 \N{CJK UNIFIED IDEOGRAPH-9774}", "\udce9", [], (),
    {}, [1, (2.5, None)], {"a": {"b": 1}, 3: "c", (1, 2): [True]}, np.float32(0.1), np.int64(7), np.str_("a"),
    np.zeros((0, 3), np.float32), np.array(["tee", "boot"]), np.array(["a", None, 1.5], dtype=object),
    np.array([["a", "b"]], dtype=object), np.array([True]), np.array(["2026-01-01"], dtype="datetime64[D]"),
    [np.eye(2), np.zeros(1)],
], ids=repr)
def test_a_value_comes_back_as_it_was(value):
    assert_same(from_bytes(to_bytes(Outer(value)), Outer), Outer(value))


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text() | st.integers(), inside),
)


@given(plain)
def test_plain_data_comes_back_as_it_was(value):
    assert_same(from_bytes(to_bytes(Outer(value)), Outer), Outer(value))


def test_named_tuples_in_a_field_that_is_declared_to_hold_them():
    for inside in ([Inner(1), Inner("a")], {"a": Inner(np.arange(2))}):
        assert_same(from_bytes(to_bytes(Outer(0, inside)), Outer), Outer(0, inside))


class Own:
    pass


@pytest.mark.parametrize(
    "value", [Own(), {1}, 1j, [Own()], {"a": Own()}, np.array([Own()], dtype=object)],
    ids=["own class", "set", "complex", "in a list", "in a dict", "in an array"],
)
def test_other_values_are_refused(value):
    with pytest.raises(UnwritableError, match="is neither plain data nor an array"):
        to_bytes(Outer(value))


@pytest.mark.parametrize("content", [
    b"", b"x" * 100, to_bytes(Inner(1)), to_bytes(Outer(np.eye(3)))[:-30], to_bytes(Choice("a", {})),
    to_bytes(Outer(np.eye(9))).replace(b"sequence", b"nonsense"),
])
def test_damaged_bytes_and_those_of_another_kind(content):
    assert from_bytes(content, Outer) is None


def test_every_field_of_a_fold_s_scores_is_declared_to_hold_what_can_come_back():
    """A named tuple in a field comes back because the field declares it; so no field may be declared as anything."""
    choice = Choice("lda", {"lda": 0.5, "stack": np.float64(0.25)})
    values = {name: None for name in FoldScores._fields}
    scores = FoldScores(**{**values, "choice": choice, "predicted": np.array(["a"]), "scores": {"accuracy": 0.5}})
    assert_same(from_bytes(to_bytes(scores), FoldScores), scores)
    assert Any not in get_type_hints(FoldScores).values()
