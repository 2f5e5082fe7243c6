"""What may never be shown is hidden, and our own sentences are not full of gaps that tell it."""

from pathlib import Path

import pytest

from fastauth.cli.output import State
from tests.cli.conftest import APP, Run, one_line

SENTENCE = "The database password is among the first 100 that are guessed."


@pytest.mark.parametrize("secret", ["password", "database", "The", "100"])
def test_a_word_of_ours_is_no_gap(secret: str) -> None:
    """A secret that is an ordinary word stays in a sentence of ours, and is hidden in what others say."""
    state = State(concealed={secret})

    assert state.screen(SENTENCE) == SENTENCE
    assert secret not in state.scrub(SENTENCE)


@pytest.mark.parametrize("secret", ["pass-word", "p4ssword", "correct horse", "1234", "x" * 21, "\u00e9cole"])
def test_anything_else_is_hidden_everywhere(secret: str) -> None:
    """What is no word that we use cannot be there by our own doing."""
    state = State(concealed={secret})

    assert state.screen(f"as {secret} says") == state.scrub(f"as {secret} says") == "as *** says"


@pytest.mark.parametrize("word", ["password", "princess", "computer"])
def test_a_common_password_is_refused_in_a_whole_sentence(word: str, project: Path, run: Run) -> None:
    """The refusal of a password reads the same whatever the password is, and so tells nothing about it."""
    line = one_line(
        run("users", "create", "zz", "--email", "zz@example.com", "--app", "main:auth", FASTAUTH_PASSWORD=word), 1
    )

    assert line == "Error: This password is among the first that are guessed. Choose another one."


OWN_USERS = """
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
class Base(DeclarativeBase): pass
class Member(UserMixin, Base):
    __tablename__ = "members"
    id: Mapped[int] = mapped_column(primary_key=True)
@event.listens_for(Member, "before_insert")
def refuse(*_):
    raise RuntimeError("refused mountainous for good")
auth = """


@pytest.mark.parametrize("debug", [(), ("--debug",)])
def test_a_word_is_hidden_in_what_others_say(debug: tuple[str, ...], folder: Path, run: Run) -> None:
    """What comes from outside is hidden before it gets into a sentence, be it a word or not."""
    own = APP.replace("SQLStore, User", "SQLStore, UserMixin").replace('db"))', 'db"), user_model=Member)')
    (folder / "main.py").write_text(own.replace("auth = ", OWN_USERS, 1))
    assert run("init", "main:auth", "--no-admin").exit_code == 0

    shown = run(
        *("users", "create", "zz", "--email", "zz@example.com", "--app", "main:auth", *debug),
        FASTAUTH_PASSWORD="mountainous",
    )

    assert "Unexpected RuntimeError: refused *** for good" in shown.stderr.splitlines()[-1]
    assert "mountainous" not in shown.output
