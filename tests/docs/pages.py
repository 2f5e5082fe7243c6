"""The pages that people read, and the code in them: ``python -m tests.docs.pages build/snippets`` writes it to files.

A fence that is called ``python`` is code for our users: it is run by the tests and checked by mypy and pyright. What is
shown of other libraries is called ``py``, and is neither.
"""

import re
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
_NEW_FILE = "<!-- a file of its own -->"
_FENCE = re.compile(rf"^( *)({_NEW_FILE}\n\1)?```(\w+)[^\n]*\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
# One page goes on where its last snippet stopped, and so gives a name a second meaning now and then.
_SETTINGS = "# mypy: allow-redefinition\n# pyright: strict, reportRedeclaration=false"
_OF_BEANIE = ", reportUnknownVariableType=false"  # the signature of its init_beanie is not typed in full

_OF_CLIENT = "".join(  # they come from httpx or httpx2, as Starlette found one, which pyright does not follow
    f", reportUnknown{kind}Type=false" for kind in ("Member", "Variable", "Argument")
)


def pages() -> list[str]:
    """Return the documents with code, as paths from the root of the repository."""
    return ["README.md", "AGENTS.md", *sorted(path.relative_to(ROOT).as_posix() for path in DOCS.rglob("*.md"))]


class Fence(NamedTuple):
    """A block of code on a page.

    Attributes:
        language: What it says it is.
        code: Its text.
        begins_a_file: Whether it stands by itself, and does not go on where the block before it has stopped.
    """

    language: str
    code: str
    begins_a_file: bool


def fences(document: str) -> list[Fence]:
    """Return every block of code in a document."""
    text = (ROOT / document).read_text("utf-8")
    return [Fence(match[3], match[4], match[2] is not None) for match in _FENCE.finditer(text)]


def snippets(document: str) -> list[str]:
    """Return the Python that the reader of a document is to write, in its order."""
    return [fence.code for fence in fences(document) if fence.language == "python"]


def files_of(document: str) -> list[str]:
    """Return the snippets of a document as the files that a reader makes of them: one, as a rule."""
    files: list[str] = []
    for fence in fences(document):
        if fence.language == "python":
            if fence.begins_a_file or not files:
                files.append(fence.code)
            else:
                files[-1] += f"\n\n{fence.code}"
    return files


def write_snippets(folder: Path) -> list[Path]:
    """Write the snippets of each document as one module, for the type checkers.

    Args:
        folder: Where to; a module is called after its document, and old ones are removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.py"):
        old.unlink()
    written: list[Path] = []
    for document in pages():
        name = re.sub(r"\W", "_", document.removesuffix(".md").lower())
        for number, code in enumerate(files_of(document)):
            written.append(folder / (f"{name}_{number}.py" if number else f"{name}.py"))
            settings = _SETTINGS + (_OF_BEANIE if "init_beanie" in code else "")
            settings += _OF_CLIENT if "TestClient" in code or "AsyncClient" in code else ""
            written[-1].write_text(f"{settings}\n{code}", "utf-8")
    return written


if __name__ == "__main__":
    for path in write_snippets(Path(sys.argv[1])):
        sys.stdout.write(f"{path}\n")
