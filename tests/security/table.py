"""The table of docs/security.md, from the names of the tests: ``python -m tests.security.table [--write]``.

A test whose name begins with a row's id, as ``test_r_ck_1_...``, shows that row; its docstring is the promise.
"""

import ast
import re
import sys
from collections import defaultdict
from pathlib import Path

from tests.security.out_of_scope import OUT_OF_SCOPE
from tests.security.rows import ROWS

TESTS = Path(__file__).parent.parent
PAGE = TESTS.parent / "docs" / "security.md"
BEGIN, END = "<!-- table: python -m tests.security.table --write -->\n", "<!-- end of table -->\n"
_NAME = re.compile(r"test_r_([a-z]{2})_([0-9]+)_")


def promises() -> dict[str, list[str]]:
    """Return the promises of the tests by the row that they show; the sources are read, not run."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        source = path.read_text("utf-8")
        if "test_r_" not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (name := _NAME.match(node.name)):
                promise = (ast.get_docstring(node) or "").partition("\n")[0]
                found[f"R-{name[1].upper()}-{int(name[2])}"].append(promise)
    return dict(found)


def missing() -> set[str]:
    """Return the rows that have neither a test nor a reason."""
    return ROWS.keys() - promises().keys() - OUT_OF_SCOPE.keys()


def table() -> str:
    """Return the table as Markdown."""
    kept = promises()
    lines = ["| row | asks | from | kept by |", "|---|---|---|---|"]
    for row, (asks, source) in ROWS.items():
        shown = [promise.replace("``", "`") for promise in kept.get(row, [])]
        if row in OUT_OF_SCOPE:
            shown.append(f"*Out of scope:* {OUT_OF_SCOPE[row]}")
        cell = "<br>".join(shown or ["*not shown yet*"]).replace("|", "\\|")
        lines.append(f"| {row} | {asks} | {source} | {cell} |")
    return "\n".join(lines) + "\n"


def page_with_table(page: str) -> str:
    """Return the page with the table as it is now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page_with_table(PAGE.read_text("utf-8")), "utf-8")
    else:
        sys.stdout.write(table())
