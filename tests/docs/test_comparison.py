"""The comparison says nothing of ourselves that no test shows."""

import ast
import re

import pytest

from tests.docs.pages import DOCS, ROOT

PAGE = (DOCS / "comparison.md").read_text("utf-8")
ANCHORS = set(re.findall(r'<a id="([a-z-]+)">', PAGE))
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))


def rows() -> list[list[str]]:
    lines = PAGE.partition("## What we have")[2].partition("## What shows it")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return [row for row in cells if row[0]]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_every_yes_of_ours_leads_to_its_test(row: list[str]) -> None:
    """Our cell is a plain no, or a link to a line that names a test; and every row has a cell for each library."""
    ours = row[1]
    link = re.match(r"\[yes\]\(#([a-z-]+)\)", ours)

    assert len(row) == 7
    assert ours == "no" or (link is not None and link[1] in ANCHORS)


@pytest.mark.parametrize(("path", "name"), TESTS, ids=lambda value: value)
def test_every_test_that_is_named_exists(path: str, name: str) -> None:
    """Each test that the page names is a test of this repository, with a sentence that says what it shows."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    tests = {
        node.name: ast.get_docstring(node)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_")
    }

    assert tests.get(name) if name else tests


def test_every_line_that_shows_something_is_led_to() -> None:
    """No line below the table has been left behind by its feature."""
    assert {each for row in rows() for each in re.findall(r"\(#([a-z-]+)\)", row[1])} == ANCHORS
