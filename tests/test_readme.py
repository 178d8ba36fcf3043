"""README.md is short, and holds the two commands that are tried from nothing; test_guide.py runs its blocks."""

import re

from twoflow.models.recipes import RECIPES

from .pages import README


def test_it_is_short():
    assert len(README.read_text("utf-8")) <= 8_000


def test_the_two_commands():
    commands = re.findall(r"^pip install .*&& python -m.*$", README.read_text("utf-8"), re.MULTILINE)
    assert commands == ["pip install . && python -m twoflow.cv", 'pip install -e ".[test]" && python -m pytest']


def test_recipes_are_explained():
    assert all(f"| `{name}` |" in README.read_text("utf-8") for name in RECIPES)
