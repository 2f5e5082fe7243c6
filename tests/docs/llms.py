"""The documentation for language models, as https://llmstxt.org proposes: ``python -m tests.docs.llms [--check]``.

``docs/llms.txt`` lists the pages; it is made from the navigation and from the first sentence of each page. The built
site has all of them in one file, too, ``llms-full.txt``.
"""

import re
import sys
from collections.abc import Iterator
from typing import Any

import yaml

from tests.docs.pages import DOCS, ROOT

INDEX = DOCS / "llms.txt"
_HEAD = """# FastAuth

> Authentication and authorization for FastAPI, async to the last call, on the storage you already run: registration,
> sign-in, JWT access tokens with rotating refresh tokens, sign-out that is true at once, roles, cookies, mails.

Import from `fastauth` (`FastAuth`, exceptions, settings) and from `fastauth.backends.sql`, `.mongo` or `.memory`
(`SQLStore`, `MongoStore`, `MemoryStore`, each with a `User`). One object wires all: `auth = FastAuth(store=...)`,
`FastAPI(lifespan=auth.lifespan)`, `auth.setup(app)`, and `Depends(auth.current_user)` on a route.
`AGENTS.md`, beside the README, says how to use it rightly.
"""


class _Loader(yaml.SafeLoader):
    """Reads mkdocs.yml, of which only the navigation is wanted here."""


def navigation() -> list[tuple[str, str, str]]:
    """Return the pages of the navigation: section, title, and path below ``docs``."""
    config = yaml.load((ROOT / "mkdocs.yml").read_text("utf-8"), _Loader)
    return list(_walk(config["nav"], "Start"))


def _walk(entries: list[dict[str, Any]], section: str) -> Iterator[tuple[str, str, str]]:
    for entry in entries:
        for title, target in entry.items():
            if isinstance(target, str):
                yield section, title, target
            else:
                yield from _walk(target, title)


def first_sentence(path: str) -> str:
    """Return what a page says first, as plain text."""
    text = (DOCS / path).read_text("utf-8")
    prose = re.sub(r"(?s:^```.*?^```|^<!--.*?-->)|^\|.*$|^#.*$|^!\[.*$", "", text, flags=re.MULTILINE)
    paragraph = next(part for part in re.split(r"\n\s*\n", prose) if part.strip())
    plain = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", " ".join(paragraph.split()))
    return re.split(r"(?<=[.:?])\s", plain)[0].rstrip(":")


def index() -> str:
    """Return the list of pages as ``llms.txt`` has it."""
    lines, last = [_HEAD.rstrip()], ""
    for section, title, path in navigation():
        if section != last:
            lines += ["", f"## {section}", ""]
            last = section
        lines.append(f"- [{title}]({path}): {first_sentence(path)}")
    return "\n".join(lines) + "\n"


def full() -> str:
    """Return all pages in one text, in the order of the navigation."""
    return "\n\n".join((DOCS / path).read_text("utf-8").strip() for _, _, path in navigation()) + "\n"


if __name__ == "__main__":
    if "--check" not in sys.argv:
        INDEX.write_text(index(), "utf-8")
    elif INDEX.read_text("utf-8") != index():
        sys.exit("docs/llms.txt is not what the pages say: python -m tests.docs.llms")
