"""What is found in each small project under layouts/, in which file and line; ``expected.json`` says it."""

import json
from pathlib import Path
from typing import Any

import pytest

from fastauth.cli.finding import Found, find

LAYOUTS = sorted(path.parent for path in (Path(__file__).parents[1] / "layouts").glob("*/expected.json"))
VARIABLES = ("FASTAUTH_DATABASE_URL", "DATABASE_URL", "FASTAUTH_SECRET_KEY", "SECRET_KEY")


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine is found."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def as_expected(found: Found | None) -> dict[str, Any] | None:
    return None if found is None else {"value": found.value, "source": found.source, "line": found.line}


def first(found: Any) -> Any:
    return found[0] if found else None


def test_the_table_is_as_long_as_promised() -> None:
    """At least forty projects are tried."""
    assert len(LAYOUTS) >= 40


def test_a_file_that_no_person_wrote(tmp_path: Path) -> None:
    """A file of more than a megabyte is not read, and it is told."""
    (tmp_path / "config.py").write_text('DATABASE_URL = "sqlite:///./x.db"\n' + "# x\n" * 300_000)

    report = find(tmp_path)

    assert not report.urls
    assert report.notes == ["config.py was not read: it is larger than a megabyte."]


def test_a_file_that_is_too_deep_to_read(tmp_path: Path) -> None:
    """A file that the parser gives up on is told, and the others are read."""
    (tmp_path / "app.py").write_text("X = " + "-" * 200_000 + "1\n")
    (tmp_path / "config.py").write_text('DATABASE_URL = "sqlite:///./x.db"\n')

    report = find(tmp_path)

    assert report.notes == ["app.py cannot be read: it is not Python."]
    assert [found.source for found in report.urls] == ["config.py"]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda path: path.name)
def test_what_is_found(layout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly what the layout says is found: the value, the file, the line, and what else there is to tell."""
    expected = json.loads((layout / "expected.json").read_text("utf-8"))
    for name, value in expected.get("environment", {}).items():
        monkeypatch.setenv(name, value)
    before = sorted(layout.rglob("*"))

    report = find(layout, layout / expected["named"] if "named" in expected else None)

    assert as_expected(first(report.urls)) == expected["url"], expected["why"]
    assert as_expected(first(report.secrets)) == expected["secret"], expected["why"]
    others = [as_expected(found) for found in report.urls[1:] if found.value != report.urls[0].value]
    assert others == expected.get("others", [])
    assert getattr(first(report.user_models), "value", None) == expected.get("user_model")
    assert getattr(first(report.auths), "value", None) == expected.get("auth")
    assert getattr(first(report.databases), "value", None) == expected.get("database")
    notes = expected.get("notes", [])
    assert len(report.notes) == len(notes), report.notes
    assert all(note in said for note, said in zip(notes, report.notes, strict=True)), report.notes
    assert sorted(layout.rglob("*")) == before, "something was run"
