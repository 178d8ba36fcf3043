import pytest

from .fuzz import KINDS, MAX_MB, outcomes, peak_mb


@pytest.mark.parametrize("kind, n", [("onnx", 250), ("params", 400), ("pth", 1500)])
def test_damaged_files_give_an_error_of_one_line_or_a_network(tmp_path, kind, n):
    """A sample of `python -m tests.networks.fuzz`."""
    before = peak_mb()
    found = dict(outcomes(kind, range(n), tmp_path))
    assert kind in KINDS and len(found) == n
    assert {number: outcome for number, outcome in found.items() if outcome.startswith("FAULT")} == {}
    assert {"network", "error"} == set(found.values()) and peak_mb() - before < MAX_MB
