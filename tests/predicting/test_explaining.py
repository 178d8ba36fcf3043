"""What is said beside reasons for another class than the answer."""

import pytest

from twoflow.predicting import Answer
from twoflow.predicting.explaining import note_on_answer


@pytest.mark.parametrize("answer, target, said", [
    (Answer("model", "tee/01", "model", 0.9, "", ()), "model", ""),
    (Answer("model", "tee/01", "model", 0.9, "", ()), "kind", ""),
    (Answer("model", "tee", "kind", 0.9, "it is not sure", ()), "kind", ""),
    (Answer("model", "tee", "kind", 0.9, "it is not sure", ()), "model", "The answer is tee: it is not sure."),
    (Answer("model", "unknown", "", 0.3, "it is not sure", ()), "kind", "The answer is unknown: it is not sure."),
])
def test_a_broader_answer_is_said_unless_the_reasons_are_those_of_its_level(answer, target, said):
    note = note_on_answer(answer, target)
    assert note == (f"{said} The reasons are those of the likeliest class." if said else "")
