"""Every ``--help`` reads as it is written down in help/, within 80 columns.

After a change: ``FASTAUTH_WRITE_HELP=1 pytest tests/cli/test_help.py`` writes the files anew; read the difference.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fastauth.cli import main

FOLDER = Path(__file__).parent / "help"
WRITE = "FASTAUTH_WRITE_HELP"


def commands(group: click.Group, *names: str) -> Iterator[tuple[str, ...]]:
    yield names
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *names, name)
        else:
            yield (*names, name)


WRITING = bool(os.environ.get(WRITE))
ALL = sorted(commands(main))


@pytest.mark.parametrize("names", ALL, ids=" ".join)
def test_help_reads_as_written_down(names: tuple[str, ...]) -> None:
    """The help of each command is the one that was read and found good, and no line is longer than 80 columns."""
    shown = CliRunner().invoke(main, [*names, "--help"], prog_name="fastauth", terminal_width=80)
    path = FOLDER / f"{'-'.join(('fastauth', *names))}.txt"
    if WRITING:
        path.write_text(shown.output, "utf-8")

    assert shown.exit_code == 0
    assert shown.output == path.read_text("utf-8")
    assert "\\b" not in shown.output
    assert max(map(len, shown.output.splitlines())) <= 80


def test_no_help_is_left_over() -> None:
    """There is no written help of a command that does not exist."""
    assert sorted(path.stem for path in FOLDER.glob("*.txt")) == sorted("-".join(("fastauth", *names)) for names in ALL)


def test_every_command_takes_debug_and_says_what_it_does() -> None:
    """Every command has ``--debug`` and a first sentence."""
    for names in ALL:
        command: click.Command = main
        for name in names:
            assert isinstance(command, click.Group)
            command = command.commands[name]

        assert command.get_short_help_str(), names
        assert isinstance(command, click.Group) or any(each.name == "debug" for each in command.params), names


def test_one_way_to_say_what_to_work_on() -> None:
    """Every command that works on an app or a database names it by the same options, and answers scripts in JSON."""
    target = {"app", "backend", "db_url", "database", "secret_key", "read_source"}
    working: dict[str, set[str]] = {}
    for names in ALL:
        command: click.Command = main
        for name in names:
            assert isinstance(command, click.Group)
            command = command.commands[name]
        options = {each.name or "" for each in command.params}
        if options & target:
            working[" ".join(names)] = options

    assert len(working) > 15
    assert {name for name, options in working.items() if not target | {"as_json"} <= options} == set()
