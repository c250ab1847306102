"""What the documents show works, and what they point at exists."""

import ast
import re
from pathlib import Path

import pytest

from config.catalog import load_catalog
from config.load import load_registry
from tests.docs.documents import (
    DOCUMENTS,
    ROOT,
    anchors,
    blocks,
    first_words,
    prose,
    read,
    rows,
    section,
    title,
)

# A home, the superuser's folder, a drive. Not those with a variable or a tilde in front.
MACHINE_PATH = re.compile(r"(?<![\w.~$}>-])(?:/(?:home|Users|root|work|tmp)/[\w.]|[A-Z]:\\)")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")

YAML = [
    pytest.param(block.text, id=f"{title(path)}-{number}")
    for path in DOCUMENTS
    for number, block in enumerate(blocks(path.read_text(), "yaml"))
]


@pytest.mark.parametrize("text", YAML)
def test_each_configuration_that_is_shown_loads(text: str) -> None:
    load_registry(text, source="connectors.yaml", catalog=load_catalog())


def test_there_are_configurations_to_load() -> None:
    assert len(YAML) > 5


@pytest.mark.parametrize("path", DOCUMENTS, ids=title)
def test_links_within_the_tree_lead_somewhere(path: Path) -> None:
    for link in LINK.findall(prose(path.read_text())):
        if re.match(r"https?://", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text()), link


@pytest.mark.parametrize("path", DOCUMENTS, ids=title)
def test_no_document_names_a_path_of_one_machine(path: Path) -> None:
    assert MACHINE_PATH.findall(path.read_text()) == []


@pytest.mark.parametrize("path", [ROOT / "docs", ROOT / "bench" / "README.md"], ids=title)
def test_the_readme_leads_to_each_document(path: Path) -> None:
    wanted = sorted(path.glob("*.md")) if path.is_dir() else [path]
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in LINK.findall(read("README.md"))}
    assert set(wanted) <= linked


def test_providers_that_are_named_exist() -> None:
    named = {name for path in DOCUMENTS for name in _providers(path.read_text())}
    assert named
    assert named <= set(load_catalog().ids())


def test_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    for path in DOCUMENTS:
        assert set(re.findall(r"`make ([a-z-]+)", path.read_text())) <= targets, path


class TestSecurity:
    def test_there_are_sixteen_invariants_in_order(self) -> None:
        numbers = [cells[0] for cells in _invariants()]
        assert numbers == [str(number) for number in range(1, 17)]

    @pytest.mark.parametrize("cells", [pytest.param(c, id=c[0]) for c in rows(read("SECURITY.md"))])
    def test_an_invariant_names_tests_that_exist(self, cells: list[str]) -> None:
        named = TEST.findall(cells[2])
        assert named
        for path, function in named:
            assert function in _functions(ROOT / path), f"{path}::{function}"


class TestTheHelpersSee:
    def test_a_section_ends_at_the_next_heading_of_its_level(self) -> None:
        text = "## a\n1\n### b\n2\n## c\n3\n"
        assert section(text, "## a") == "1\n### b\n2\n"

    def test_words_of_first_cells(self) -> None:
        assert first_words("| key | |\n|---|---|\n| `a`, `b` | `c` |\n") == {"a", "b"}

    def test_a_machine_path(self) -> None:
        assert MACHINE_PATH.search("see /" + "home/ada/x")
        assert not MACHINE_PATH.search("$HOME/work/x or ~/work/x")


def _invariants() -> list[list[str]]:
    return [cells for cells in rows(section(read("SECURITY.md"), "## Invariants")) if cells]


def _functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _providers(text: str) -> set[str]:
    return set(re.findall(r"--provider ([a-z][a-z-]+)|", text)) - {""}
