"""What an app that imports us loads besides FastAPI, in modules: time depends on the machine."""

import json
import subprocess
import sys

import pytest

import fastauth

LOADED = """
import asyncio, json, sys, fastapi  # a server has asyncio anyway
before = set(sys.modules)
{0}
print(json.dumps(sorted(set(sys.modules) - before)))
"""
THE_PACKAGE = "import fastauth"
AN_APP = "from fastauth import FastAuth"
A_VERIFIER = "from fastauth import TokenVerifier"
# A ceiling: each module costs every start of every worker. It goes up where a file is split by idea, and for no more.
MOST_OF_OURS = 94
MOST_OF_OTHERS = 10
OTHERS = {"bcrypt"}


def loaded(code: str) -> list[str]:
    run = subprocess.run([sys.executable, "-c", LOADED.format(code)], capture_output=True, text=True, check=True)
    modules: list[str] = json.loads(run.stdout)
    return modules


def test_the_package_alone_loads_nothing() -> None:
    """Whoever imports the package has loaded its table of contents, and nothing that is in it."""
    assert loaded(THE_PACKAGE) == ["fastauth"]


def test_an_app_loads_few_modules() -> None:
    """An app loads few modules besides FastAPI's, of ours and of others."""
    modules = loaded(AN_APP)
    ours = [name for name in modules if name.partition(".")[0] == "fastauth"]
    others = [name for name in modules if name.partition(".")[0] != "fastauth"]

    assert len(ours) <= MOST_OF_OURS
    assert len(others) <= MOST_OF_OTHERS, others


def test_a_service_that_only_verifies_tokens_loads_neither_routes_nor_services() -> None:
    """Who takes only the verifier of another service's tokens gets no routes, no hashing and nobody's accounts."""
    modules = loaded(A_VERIFIER)

    assert [name for name in modules if name.startswith(("fastauth.web.routes", "fastauth.services.accounts"))] == []
    assert "bcrypt" not in modules


def test_an_app_loads_no_package_that_is_not_needed_at_once() -> None:
    """Of others, only what hashes is loaded: no tables of Unicode, no signing, no driver, no command line."""
    tops = {name.partition(".")[0] for name in loaded(AN_APP)} - set(sys.stdlib_module_names) - {"fastauth"}

    assert tops <= OTHERS


def test_a_name_that_is_not_there_is_said_as_python_says_it() -> None:
    """A misspelt name is an ``AttributeError`` that names it, and an ``ImportError`` to who imports it."""
    with pytest.raises(AttributeError, match=r"module 'fastauth' has no attribute 'FastAuht'"):
        fastauth.FastAuht  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'FastAuht' from 'fastauth'"):
        exec("from fastauth import FastAuht")


def test_every_name_can_be_found() -> None:
    """What the table lists is what ``dir()`` and an import of everything give, each from where it is defined."""
    everything: dict[str, object] = {}
    exec("from fastauth import *", everything)

    assert set(fastauth.__all__) <= set(dir(fastauth))
    assert set(everything) - {"__builtins__"} == set(fastauth.__all__)
