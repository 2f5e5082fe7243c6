"""Completion for bash, zsh and fish."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.fixture
def command(tmp_path: Path) -> Path:
    """The command ``fastauth``, in a folder of its own."""
    command = tmp_path / "fastauth"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m fastauth "$@"\n')
    command.chmod(0o755)
    return command


def in_shell(command: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a shell whose home and working folder are the command's, and which finds the command."""
    folder = command.parent
    environment = {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        **dict.fromkeys(("HOME", "ZDOTDIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), str(folder)),
    }
    return subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("shell", "hook"),
    [
        ("bash", "complete -o nosort -F"),
        ("zsh", "#compdef fastauth"),
        ("fish", "complete --no-files --command fastauth"),
    ],
)
def test_the_script_of_each_shell(shell: str, hook: str, run: Run) -> None:
    """Each shell gets a script that registers the command with it."""
    shown = run("completion", shell)

    assert shown.exit_code == 0
    assert hook in shown.stdout
    assert f"_FASTAUTH_COMPLETE={shell}_complete" in shown.stdout


def test_an_unknown_shell_is_misuse(run: Run) -> None:
    """Only the shells that we know are offered."""
    assert run("completion", "csh").exit_code == 2


@pytest.mark.parametrize(
    ("shell", "words", "expected"),
    [
        ("bash", "fastauth us", "plain,users"),
        ("bash", "fastauth users se", "plain,set-password"),
        ("zsh", "fastauth users im", "plain\nimport\nMake users from a CSV or JSON lines file"),
        ("fish", "fastauth roles gr", "plain,grant\tGive a role to a user."),
    ],
)
def test_each_shell_is_answered(shell: str, words: str, expected: str) -> None:
    """What a shell asks by its own protocol is answered with our commands."""
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1), "_FASTAUTH_COMPLETE": f"{shell}_complete"}
    if shell == "fish":
        asked["COMP_CWORD"] = words.rsplit(maxsplit=1)[-1]
    environment = {**os.environ, **asked}

    run = subprocess.run(
        [sys.executable, "-m", "fastauth"], env=environment, capture_output=True, text=True, check=False
    )

    assert run.stdout.startswith(expected), run.stdout + run.stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_in_a_real_bash(command: Path, run: Run) -> None:
    """A real bash that has loaded the script completes ``fastauth ses`` to ``sessions``."""
    (command.parent / "script").write_text(run("completion", "bash").stdout)
    asks = (
        'source script; COMP_WORDS=(fastauth ses); COMP_CWORD=1; _fastauth_completion fastauth; echo "${COMPREPLY[@]}"'
    )

    shown = in_shell(command, "bash", "--norc", "-c", asks)

    assert shown.stdout.strip() == "sessions", shown.stderr


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh here")
@pytest.mark.parametrize("before", ["", "autoload -Uz compinit && compinit -u"])
def test_in_a_real_zsh(before: str, command: Path, run: Run) -> None:
    """A real zsh has a completion for ``fastauth``, also where its ``.zshrc`` has not set up completion before."""
    script = run("completion", "zsh").stdout
    (command.parent / ".zshrc").write_text(f'{before}\neval "$(cat script)"\n')
    (command.parent / "script").write_text(script)

    shown = in_shell(command, "zsh", "-ic", 'echo "${_comps[fastauth]}"')

    assert (shown.stdout.strip(), shown.stderr) == ("_fastauth_completion", "")


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish here")
def test_in_a_real_fish(command: Path, run: Run) -> None:
    """A real fish that has loaded the script completes ``fastauth ses`` to ``sessions``."""
    (command.parent / "script").write_text(run("completion", "fish").stdout)

    shown = in_shell(command, "fish", "-c", 'source script; complete -C "fastauth ses"')

    assert shown.stdout.startswith("sessions\t"), shown.stderr
