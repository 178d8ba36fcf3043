"""Reads and runs the blocks of code of README.md and of the pages of experiments/guide.

The first line of a block says what the tests do with it:

- ``python``: run, all blocks of one page in one namespace, in order.
- ``python not-run``: only compiled; for what needs a package that the tests do without.
- ``sh``: run, each line as a command, in the same process.
- ``sh not-run``: only the arguments are checked; for a cluster, a web server, and what takes minutes.
- ``text``: compared with the output of the block before it; ``...`` matches any text.
- ``json``: read.

``needs=EXTRA`` after ``python`` or ``sh`` names an extra of setup.cfg that the block needs. Anything else is an error.

A page runs in a folder of its own. `make_folder` says what it holds.
"""

from __future__ import annotations

import csv
import doctest
import importlib
import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from configparser import ConfigParser
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import __main__ as benchmarks
from twoflow import __main__ as program
from twoflow import make_shop
from twoflow.commands import cv
from twoflow.commands.program import run

from .networks.onnx import nets

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
GUIDE = tuple(sorted((ROOT / "experiments/guide").glob("*.md")))

_FENCE = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
_MARKERS = {"python": {"needs", "not-run"}, "sh": {"needs", "not-run"}, "text": set(), "json": set()}
_COMPARED = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Block(NamedTuple):
    """A block of code: its language, its markers, its text, and the line of the page before the text."""

    language: str
    markers: dict[str, str]
    text: str
    line: int


def read_blocks(page: Path) -> list[Block]:
    """The blocks of a page; ValueError for a language or a marker that there is not."""
    content = page.read_text("utf-8")
    blocks = []
    for found in _FENCE.finditer(content):
        line = content.count("\n", 0, found.start()) + 1
        language, *words = found[1].split() or [""]
        markers = {name: value for name, _, value in (word.partition("=") for word in words)}
        if not markers.keys() <= _MARKERS.get(language, set()) or language not in _MARKERS:
            raise ValueError(f"{page.name}, line {line}: there is no block of the kind {found[1]!r}")
        if markers.get("needs", "dask") not in extras():
            raise ValueError(f"{page.name}, line {line}: setup.cfg has no extra {markers['needs']!r}")
        blocks.append(Block(language, markers, found[2], line))
    if len(re.findall("^```", content, re.MULTILINE)) != 2 * len(blocks):
        raise ValueError(f"{page.name}: a block is not closed")
    return blocks


def needs(page: Path) -> list[str]:
    """The extras that blocks of a page need, each once."""
    return list(dict.fromkeys(block.markers["needs"] for block in read_blocks(page) if "needs" in block.markers))


def extras() -> dict[str, str]:
    """The extras of the package, each with what it requires."""
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg", "utf-8")
    return dict(parser["options.extras_require"])


def make_folder(folder: Path) -> None:
    """Make what the pages work on: ``shoes/``, its table, two loose images and a network in a file.

    The shop has four classes of six images, in folders in folders, and two photos that repeat others. Its table
    has the columns path, kind, class, color, group and split.
    """
    shop = make_shop(n_classes=4, n_per_class=6, n_duplicates=2, folder=folder / "shoes", random_state=0)
    with open(folder / "shoes/labels.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with open(folder / "shoes/labels.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*rows[0], "split"])
        writer.writeheader()
        writer.writerows({**row, "split": "test" if int(row["group"]) % 4 == 0 else "train"} for row in rows)
    (folder / "new.jpg").write_bytes(Path(shop.paths[0]).read_bytes())
    (folder / "models").mkdir()
    nets.plain(folder / "models/own.onnx")


def run_page(page: Path) -> None:
    """Run the blocks of a page that need no extra, in the working folder."""
    _run_blocks(page, [block for block in read_blocks(page) if "needs" not in block.markers])


def run_extra_blocks(page: Path, need: str, replace: Callable[[str], str] = str) -> None:
    """Run the blocks of a page that need an extra, and before them the Python that they may build on.

    Parameters
    ----------
    page : Path
    need : str
        The extra.
    replace : callable
        From the text of a block to the text that is run; by default the same.
    """
    chosen: list[Block] = []
    basis: list[Block] = []
    for block in read_blocks(page):
        if block.markers.get("needs") == need:
            chosen += [*basis, block._replace(text=replace(block.text))]
            basis = []
        elif block.language == "python" and "needs" not in block.markers:
            basis.append(block)
    _run_blocks(page, chosen)


def _run_blocks(page: Path, blocks: Sequence[Block]) -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    printed = ""
    with _own_modules():
        for block in blocks:
            printed = _RUNNERS[block.language](page, block, namespace, printed)


@contextmanager
def _own_modules() -> Iterator[None]:
    """Forget the modules that blocks import from the working folder: another page may have some of the same name."""
    path, known = sys.path[:], set(sys.modules)
    try:
        yield
    finally:
        sys.path[:] = path
        here = Path.cwd()
        for name in set(sys.modules) - known:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).resolve().is_relative_to(here):
                del sys.modules[name]
        importlib.invalidate_caches()


def _run_python(page: Path, block: Block, namespace: dict[str, Any], printed: str) -> str:
    code = compile("\n" * block.line + block.text, str(page), "exec")
    with redirect_stdout(StringIO()) as out:
        if "not-run" not in block.markers:
            exec(code, namespace)
    return out.getvalue()


def _run_sh(page: Path, block: Block, namespace: dict[str, Any], printed: str) -> str:
    with redirect_stdout(StringIO()) as out:
        for line in block.text.replace("\\\n", " ").splitlines():
            for command in line.split(" && "):
                words = shlex.split(command, comments=True)
                if words:
                    _run_command(words, "not-run" in block.markers)
    return out.getvalue()


def _run_command(words: Sequence[str], is_checked_only: bool) -> None:
    while re.fullmatch("[A-Z_]+=.*", words[0]):
        words = words[1:]
    name = next(name for name in _COMMANDS if words[:len(name.split())] == name.split())
    words = words[len(name.split()):]
    check, main = _COMMANDS[name]
    if is_checked_only:
        check(words)
    else:
        assert main is not None, f"{name} must be in a block that is not-run"
        assert run(main, words) == 0, f"{name} {shlex.join(words)} failed"


def _check_text(page: Path, block: Block, namespace: dict[str, Any], printed: str) -> str:
    checker = doctest.OutputChecker()
    if not checker.check_output(block.text, printed, _COMPARED):
        difference = checker.output_difference(doctest.Example("", block.text), printed, _COMPARED)
        raise AssertionError(f"{page.name}, line {block.line}: {difference}")
    return printed


def _check_json(page: Path, block: Block, namespace: dict[str, Any], printed: str) -> str:
    json.loads(block.text)
    return printed


def _check_program(words: Sequence[str]) -> None:
    parsed = program.make_parser().parse_args(words)
    importlib.import_module(f"twoflow.commands.{parsed.command}").make_parser().parse_args(parsed.arguments)


def _check_extras(words: Sequence[str]) -> None:
    named = re.findall(r"\[([a-z,]+)\]", " ".join(words))
    assert all(name in extras() for names in named for name in names.split(",")), words


def _check_paths(words: Sequence[str]) -> None:
    paths = [word.partition("::")[0] for word in words if word.startswith("tests/")]
    assert all(list(ROOT.glob(path)) for path in paths), words


def _check_script(words: Sequence[str]) -> None:
    module = words[0].removesuffix(".py").replace("/", ".")
    assert (ROOT / f"{module.replace('.', '/')}.py").is_file() or find_spec(module), words


#: By command: what checks its arguments, and what runs it, if the tests may.
_COMMANDS: dict[str, tuple[Callable[[Sequence[str]], Any], Callable[..., None] | None]] = {
    "twoflow": (_check_program, program.main),
    "python -m twoflow.cv": (lambda words: cv.make_parser().parse_args(words), cv.main),
    "python -m benchmarks": (lambda words: benchmarks.make_parser().parse_args(words), None),
    "python -m pytest": (_check_paths, None),
    "python -m": (_check_script, None),
    "python": (_check_script, None),
    "pip install": (_check_extras, None),
    "engine/bin/pip install": (_check_extras, None),
    # Programs of others.
    **{name: (lambda words: None, None) for name in ("curl", "dask", "export", "ray", "serve")},
}
_RUNNERS = {"python": _run_python, "sh": _run_sh, "text": _check_text, "json": _check_json}
