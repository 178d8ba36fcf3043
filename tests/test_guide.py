"""Every block of code of the guide runs, and every link of the project's pages leads somewhere."""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

import twoflow
from twoflow.evaluation import EXTRA_METHODS, METHODS
from twoflow.heads.table import HEADS
from twoflow.models.recipes import RECIPES

from .lanes import unavailable
from .pages import GUIDE, README, ROOT, extras, make_folder, needs, read_blocks, run_extra_blocks, run_page

#: The pages whose blocks are run or checked.
PAGES = (README, *GUIDE, *(ROOT / folder / "README.md" for folder in ("tests", "benchmarks")))
#: Other pages, whose links are tried too.
OTHERS = tuple(
    ROOT / name for name in (
        "CHANGELOG.md",
        "experiments/any-network/README.md",
        "experiments/beyond/README.md",
        "experiments/explanations/README.md",
        "experiments/fallback/README.md",
        "experiments/label_next/README.md",
        "experiments/moderation/README.md",
        "experiments/product_categories/README.md",
        "experiments/rare/README.md",
        "experiments/search/README.md",
        "experiments/sequential/README.md",
        "experiments/table1/README.md",
        "experiments/type_and_color/README.md",
        "twoflow/README.md",
    )
)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder of a page."""
    make_folder(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    return tmp_path


def require_extra(extra: str) -> None:
    """Skip, or fail in a lane, where a package of the extra is not installed."""
    for requirement in extras()[extra].split("\n")[1:]:
        name = re.match(r"[A-Za-z][\w.-]*", requirement)
        try:
            distribution(name[0])
        except PackageNotFoundError:
            unavailable(f"needs {name[0]}, of the extra {extra}")


@pytest.mark.parametrize("page", [page for page in PAGES if read_blocks(page)], ids=name_of)
def test_blocks(page, folder):
    run_page(page)


@pytest.mark.parametrize("page, need", [
    pytest.param(page, need, id=f"{name_of(page)}-{need}") for page in PAGES for need in needs(page)
])
# The exporter of torch calls what torch itself deprecates.
@pytest.mark.filterwarnings("ignore:.*LeafSpec.*:FutureWarning")
def test_blocks_that_need_an_extra(page, need, folder):
    require_extra(need)
    if need == "dask":
        from distributed import LocalCluster

        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs="CRITICAL") as own:
            run_extra_blocks(page, need, lambda text: text.replace("tcp://host:8786", own.scheduler_address))
    else:
        run_extra_blocks(page, need)


@pytest.mark.parametrize("opening", ["", "pyhton", "python skip", "sh needs=nothing", "text needs=torch"])
def test_a_block_of_another_kind_is_an_error(opening, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"```{opening}\n1\n```\n", "utf-8")
    with pytest.raises(ValueError, match="page.md, line 1: "):
        read_blocks(page)


def test_a_block_that_is_not_closed_is_an_error(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("Text\n\n```python\n1\n", "utf-8")
    with pytest.raises(ValueError, match="page.md: a block is not closed"):
        read_blocks(page)


def test_what_a_page_shows_is_compared(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(0.25)\n```\n\n```text\n0.2...\n```\n", "utf-8")
    run_page(page)
    page.write_text("```python\nprint(0.25)\n```\n\n```text\n0.3...\n```\n", "utf-8")
    with pytest.raises(AssertionError, match="page.md, line 5"):
        run_page(page)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", (*PAGES, *OTHERS), ids=name_of)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if not target.startswith(("http://", "https://")):
            path, _, anchor = target.partition("#")
            linked = (page.parent / path).resolve() if path else page
            assert linked.exists(), target
            assert not anchor or anchor in anchors(linked), target


def test_methods_heads_and_recipes_are_explained():
    guide = {page.name: page.read_text("utf-8") for page in GUIDE}
    for name in METHODS + EXTRA_METHODS:
        assert f"| `{name}` |" in guide["paper-protocol.md"]
    for name in (*RECIPES, *HEADS):
        assert f"| `{name}` |" in guide["recipes-and-heads.md"]


def test_public_names_are_explained():
    pages = "".join(page.read_text("utf-8") for page in GUIDE)
    assert [name for name in twoflow.__all__ if name not in pages] == []


def test_every_page_is_in_the_index():
    index = (ROOT / "experiments/guide/README.md").read_text("utf-8")
    assert [page.name for page in GUIDE if page.name != "README.md" and f"({page.name})" not in index] == []
