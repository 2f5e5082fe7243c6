"""Completion for bash, zsh and fish."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run


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
def test_in_a_real_bash(tmp_path: Path, run: Run) -> None:
    """A real bash that has loaded the script completes ``fastauth ses`` to ``sessions``."""
    command = tmp_path / "fastauth"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m fastauth "$@"\n')
    command.chmod(0o755)
    (tmp_path / "script").write_text(run("completion", "bash").stdout)
    asks = (
        'source script; COMP_WORDS=(fastauth ses); COMP_CWORD=1; _fastauth_completion fastauth; echo "${COMPREPLY[@]}"'
    )

    shown = subprocess.run(
        ["bash", "--norc", "-c", asks],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert shown.stdout.strip() == "sessions", shown.stderr
