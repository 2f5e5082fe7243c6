"""The judge of the built site finds what it is there to find, and the pages stand on what exists."""

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

from tests.docs.llms import first_sentence, navigation
from tests.docs.pages import DOCS, ROOT, fences, files_of, pages, write_snippets
from tests.docs.site import Site

FRONT = '<h1 id="top">Front</h1><a href="a/">A</a>'


def site(folder: Path, **documents: str) -> Site:
    for name, html in {"index": FRONT, **documents}.items():
        path = folder / "index.html" if name == "index" else folder / name / "index.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(html, "utf-8")
    return Site(folder)


@pytest.mark.parametrize(
    ("link", "fault"),
    [
        ("../", None),
        ("../#top", None),
        ("#here", None),
        ("https://example.com/", None),
        ("../b/", "leads nowhere"),
        ("../#bottom", "leads to no heading"),
        ("#there", "leads to no heading"),
    ],
)
def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, link: str, fault: str | None) -> None:
    """Links to pages, headings and other sites are followed where they can be, and each that leads nowhere is told."""
    broken = list(site(tmp_path, a=f'<p id="here"><a href="{link}">x</a></p>').broken())

    assert broken == ([] if fault is None else [f"a/index.html: {link} {fault}"])


def test_a_picture_that_is_not_there_is_found(tmp_path: Path) -> None:
    """A picture that no file has is told like a link."""
    assert list(site(tmp_path, a='<img src="../x.png">').broken()) == ["a/index.html: ../x.png leads nowhere"]


def test_what_is_loaded_from_elsewhere_is_found(tmp_path: Path) -> None:
    """A script from another site is told, a link to one is not."""
    html = '<script src="https://cdn.example.com/x.js"></script><a href="https://example.com/">x</a>'

    assert list(site(tmp_path, a=html).foreign()) == ["a/index.html: loads https://cdn.example.com/x.js"]


def test_a_page_that_is_three_clicks_away_is_found(tmp_path: Path) -> None:
    """Two clicks are near, three are far."""
    built = site(tmp_path, a='<a href="../b/">B</a>', b='<a href="../c/">C</a>', c="the end")

    assert list(built.far()) == ["c/index.html: more than 2 clicks away"]


def test_the_navigation_names_pages_that_exist() -> None:
    """Every entry of the navigation is a page with a first sentence, and none stands there twice."""
    listed = [path for _, _, path in navigation()]

    assert [path for path in listed if not (DOCS / path).is_file()] == []
    assert len(listed) == len(set(listed))
    assert all(first_sentence(path) for path in listed)


@pytest.mark.parametrize("page", [page for page in pages() if page.startswith("docs/")])
def test_every_picture_of_a_page_exists(page: str) -> None:
    """What a page shows is there, and is a picture with words for who cannot see it."""
    text = (ROOT / page).read_text("utf-8")
    for words, target in re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", text):
        path = (ROOT / page).parent / target

        assert words
        assert path.read_bytes()[:4] in {b"\x89PNG", b"<svg", b"<?xm"}


def test_every_diagram_is_drawn_from_its_source() -> None:
    """The digests of the diagrams are those of their sources; ``nox -s screenshots`` draws them anew."""
    made_from = json.loads((DOCS / "assets" / "made-from.json").read_text("utf-8"))
    sources = {f"{path.stem}.svg": sha256(path.read_bytes()).hexdigest()[:16] for path in DOCS.rglob("*.mmd")}

    assert sources
    assert {name: made_from.get(name) for name in sources} == sources


def test_a_snippet_may_begin_a_file_of_its_own(tmp_path: Path) -> None:
    """The first page shows two apps, and each is a file; other pages go on where they have stopped."""
    assert len(files_of("docs/index.md")) == 2
    assert len(files_of("docs/sql.md")) == 1
    assert {path.name for path in write_snippets(tmp_path)} >= {"docs_index.py", "docs_index_1.py", "docs_sql.py"}


def test_python_of_ours_is_never_left_out() -> None:
    """Only pages that show other libraries have Python that is neither run nor checked."""
    unchecked = {page for page in pages() for fence in fences(page) if fence.language == "py"}

    assert all(page.startswith(("docs/migration", "docs/comparison")) for page in unchecked)
