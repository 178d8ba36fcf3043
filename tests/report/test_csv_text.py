"""What a spreadsheet would take for a formula."""

import csv
import io

import pytest

from twoflow.report.csv_text import to_csv


@pytest.mark.parametrize("cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "\rx", "=HYPERLINK(\"x\")"])
def test_no_cell_is_a_formula(cell):
    (found,), = list(csv.reader(io.StringIO(to_csv(["name"], [[cell]]), newline="")))[1:]
    assert found == "'" + cell
    ((header,),) = csv.reader(io.StringIO(to_csv([cell], []), newline=""))
    assert header == "'" + cell


@pytest.mark.parametrize("cell", ["boot", "a=b", "-0.25", "+3", "-1e-9", "'quoted", "", "靴"])
def test_other_text_and_numbers_stay(cell):
    (found, number), = list(csv.reader(io.StringIO(to_csv(["name", "n"], [[cell, -0.1]]), newline="")))[1:]
    assert (found, number) == (cell, "-0.1")
