"""Modules that are imported when something of them is first used."""

import subprocess
import sys
from pathlib import Path

import pytest

from fastauth.core.later import Later


def test_a_module_is_imported_when_something_of_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To name a module costs nothing; to use it imports it."""
    (tmp_path / "module_of_this_test.py").write_text("answer = object()", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    later = Later("module_of_this_test")

    assert "module_of_this_test" not in sys.modules
    assert later.answer is later.answer is sys.modules["module_of_this_test"].answer


def test_a_module_that_is_missing_says_so_when_it_is_used() -> None:
    """What is not installed is an ImportError for whoever uses it, and for nobody else."""
    missing = Later("no_such_module_of_anyone")

    with pytest.raises(ImportError):
        missing.anything  # noqa: B018


def test_a_name_that_a_module_has_not_is_an_error_as_usual() -> None:
    """An attribute that is not there is an AttributeError, as of the module itself."""
    with pytest.raises(AttributeError):
        Later("json").no_such_name  # noqa: B018


@pytest.mark.parametrize("use", ["FastAuth(MemoryStore(), secret_key=key)", "Key(key)"])
def test_whoever_makes_no_key_loads_nothing_that_signs(use: str) -> None:
    """PyJWT comes with the first key, and not with the import."""
    code = (
        "import sys; from fastauth import FastAuth, Key; from fastauth.backends.memory import MemoryStore\n"
        "key = '7vJq1oXk93LmPz0aRtYwQe5sUcBdGhNf2iKxW8EyA4TnVbMj'\n"
        f"assert 'jwt' not in sys.modules; {use}; assert 'jwt' in sys.modules"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
