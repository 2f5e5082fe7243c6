"""Judges the built site: ``python -m tests.docs.site build/site``, which also puts ``llms-full.txt`` there.

Every page stands in the navigation, has an example and is two clicks from the front page; every link and anchor leads
somewhere; and nothing is loaded from elsewhere.
"""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urldefrag, urljoin

from tests.docs import llms
from tests.docs.pages import DOCS, ROOT, fences

CLICKS = 2
_LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}


class PageOfSite(HTMLParser):
    """What a page of the site links to, loads, and can be linked at.

    Args:
        html: The page.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element links to, loads, or is called."""
        values = {name: value or "" for name, value in attrs}
        self.anchors.update(values[name] for name in ("id", "name") if name in values)
        if tag == "a" and "href" in values:
            self.links.add(values["href"])
        if tag in _LOADS and _LOADS[tag] in values and values.get("rel") not in {"canonical", "prev", "next"}:
            self.loads.add(values[_LOADS[tag]])


class Site:
    """A site that was built.

    Args:
        folder: Where it is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pages = {
            path.relative_to(folder).as_posix(): PageOfSite(path.read_text("utf-8"))
            for path in folder.rglob("*.html")
            if path.name != "404.html"
        }

    def target_of(self, page: str, link: str) -> tuple[str, str]:
        """Return the file, from the root of the site, and the anchor that a link on a page leads to."""
        path, anchor = urldefrag(urljoin(f"/{page}", link))
        path = unquote(path).lstrip("/")
        if not path or path.endswith("/"):
            path += "index.html"
        elif not PurePosixPath(path).suffix:
            path += "/index.html"
        return path, unquote(anchor)

    def broken(self) -> Iterator[str]:
        """Yield the links and pictures that lead nowhere."""
        for name, page in self.pages.items():
            for link in sorted(page.links | page.loads):
                if re.match(r"[a-z]+:", link):
                    continue
                path, anchor = self.target_of(name, link)
                if not (self.folder / path).is_file():
                    yield f"{name}: {link} leads nowhere"
                elif anchor and path in self.pages and anchor not in self.pages[path].anchors:
                    yield f"{name}: {link} leads to no heading"

    def foreign(self) -> Iterator[str]:
        """Yield what pages load from elsewhere."""
        for name, page in self.pages.items():
            yield from (f"{name}: loads {each}" for each in sorted(page.loads) if re.match(r"(https?:)?//", each))

    def far(self) -> Iterator[str]:
        """Yield the pages that are more than two clicks from the front page."""
        reached = {"index.html"}
        for _ in range(CLICKS):
            reached |= {
                self.target_of(name, link)[0] for name in reached & self.pages.keys() for link in self.pages[name].links
            }
        yield from (f"{name}: more than {CLICKS} clicks away" for name in sorted(self.pages.keys() - reached))


def unlisted() -> Iterator[str]:
    """Yield the pages that the navigation does not have."""
    listed = {path for _, _, path in llms.navigation()}
    for path in sorted(DOCS.rglob("*.md")):
        name = path.relative_to(DOCS).as_posix()
        if name not in listed:
            yield f"docs/{name}: not in the navigation of mkdocs.yml"


def without_example() -> Iterator[str]:
    """Yield the pages that show no code."""
    for path in sorted(DOCS.rglob("*.md")):
        document = path.relative_to(ROOT).as_posix()
        if not fences(document):
            yield f"{document}: has no example"


def main(folder: Path) -> int:
    """Print what is wrong, and return how much."""
    site = Site(folder)
    wrong = [*site.broken(), *site.foreign(), *site.far(), *unlisted(), *without_example()]
    for each in wrong:
        sys.stdout.write(f"{each}\n")
    (folder / "llms-full.txt").write_text(llms.full(), "utf-8")
    sys.stdout.write(f"{len(site.pages)} pages, {len(wrong)} faults\n")
    return min(len(wrong), 1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
