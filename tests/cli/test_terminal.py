"""In a real terminal: hidden prompts, Ctrl-C, colours and the progress bar."""

import re
from pathlib import Path

import pytest

from tests.cli.conftest import APP, PASSWORD, Run
from tests.cli.terminal import Terminal
from tests.cli.test_transfer import count_users, write_hashed

pytestmark = pytest.mark.slow


@pytest.fixture
def app(folder: Path) -> Path:
    """An app whose database is not there yet."""
    (folder / "main.py").write_text(APP)
    return folder


def test_the_password_is_asked_for_twice_and_never_shown(app: Path, run: Run) -> None:
    """A weak one and two that differ are asked for again; what is typed is not echoed."""
    terminal = Terminal("init", "main:auth")
    terminal.expect("Password of the superadmin admin (at least 8 characters): ")
    terminal.type("weak\n")
    terminal.expect("Once more: ")
    terminal.type("weak\n")
    terminal.expect("The password needs at least 8 characters.")
    terminal.expect("characters): ")
    terminal.type(f"{PASSWORD}\n")
    terminal.expect("Once more: ")
    terminal.type("something else\n")
    terminal.expect("do not match")
    terminal.expect("characters): ")
    terminal.type(f"{PASSWORD}\n")
    terminal.expect("Once more: ")
    terminal.type(f"{PASSWORD}\n")

    assert terminal.end() == 0
    assert "made the superadmin admin" in terminal.seen
    assert PASSWORD not in terminal.seen
    assert count_users() == 1


@pytest.mark.parametrize("typed", ["", "half a pass"])
def test_a_half_typed_prompt_leaves_nothing(typed: str, app: Path) -> None:
    """Ctrl-C at the prompt ends at once, in one word, with status 1, and nothing was made."""
    terminal = Terminal("init", "main:auth")
    terminal.expect("characters): ")
    terminal.type(f"{typed}\x03")

    assert terminal.end() == 1
    assert "Aborted!" in terminal.seen
    assert "Traceback" not in terminal.seen
    assert not Path("app.db").exists()


def test_the_end_of_input_at_the_prompt(app: Path) -> None:
    """Ctrl-D at the prompt is no password either."""
    terminal = Terminal("init", "main:auth")
    terminal.expect("characters): ")
    terminal.type("\x04")

    assert terminal.end() == 1
    assert "Traceback" not in terminal.seen
    assert not Path("app.db").exists()


@pytest.mark.parametrize(("answer", "status", "left"), [("y\n", 0, 0), ("n\n", 1, 1), ("\n", 1, 1), ("\x03", 1, 1)])
def test_deleting_asks(answer: str, status: int, left: int, project: Path, run: Run) -> None:
    """Only a yes deletes."""
    run("users", "create", "ada", "--email", "ada@example.com", "--generate-password", "--app", "main:auth")
    terminal = Terminal("users", "delete", "ada", "--app", "main:auth")
    terminal.expect("Delete ada <ada@example.com>, id 2, for good? [y/N]: ")
    terminal.type(answer)

    assert terminal.end() == status
    assert count_users() == 1 + left


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_on_a_terminal_only(environment: dict[str, str], coloured: bool, project: Path, run: Run) -> None:
    """Colours are for terminals, and ``NO_COLOR`` turns them off, in errors too."""
    for arguments, status in (
        (("roles", "list", "--app", "main:auth"), 0),
        (("users", "show", "nobody", "--app", "main:auth"), 1),
    ):
        terminal = Terminal(*arguments, **environment)

        assert terminal.end() == status
        assert bool(re.search(r"\x1b\[\d", terminal.seen)) is coloured
        assert "\x1b" not in run(*arguments).output


def test_an_import_and_an_export_show_how_far_they_are(project: Path) -> None:
    """On a terminal, the import's bar goes up to the end, and the export's count leaves its line clean."""
    write_hashed(project / "users.csv", 600)
    terminal = Terminal("users", "import", "users.csv", "--app", "main:auth")

    assert terminal.end() == 0
    assert "Importing" in terminal.seen
    assert "100%" in terminal.seen
    assert "made 600 users" in terminal.seen
    terminal = Terminal("users", "export", "out.csv", "--app", "main:auth")
    assert terminal.end() == 0
    assert "\r500 users\r\x1b[K" in terminal.seen
    assert terminal.seen.splitlines()[-1].endswith("wrote 601 users to out.csv")
