import pytest

from .fuzz import HEADS, MAX_MB, outcomes, peak_mb


@pytest.mark.parametrize("kind", HEADS)
def test_damaged_files_give_a_model_or_an_error_of_one_line(kind, tmp_path):
    """A sample of `python -m tests.models.model_file.fuzz`."""
    before = peak_mb()
    found = dict(outcomes(kind, range(150), tmp_path))
    assert {number: outcome for number, outcome in found.items() if outcome.startswith("FAULT")} == {}
    assert len(found) == 150 and {"model", "error"} <= set(found.values()) and peak_mb() - before < MAX_MB
