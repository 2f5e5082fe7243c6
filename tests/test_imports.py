"""What ``import fastauth`` loads that ``import fastapi`` does not, in modules: time depends on the machine."""

import json
import subprocess
import sys

LOADED = """
import asyncio, json, sys, fastapi  # a server has asyncio anyway
before = set(sys.modules)
import fastauth
print(json.dumps(sorted(set(sys.modules) - before)))
"""
# A ceiling: each module costs every start of every worker. It goes up where a file is split by idea, and for no more.
MOST_OF_OURS = 92
MOST_OF_OTHERS = 15
OTHERS = {"bcrypt", "idna"}


def loaded() -> list[str]:
    run = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    modules: list[str] = json.loads(run.stdout)
    return modules


def test_import_loads_few_modules() -> None:
    """The package loads few modules besides FastAPI's, of its own and of others."""
    ours = [name for name in loaded() if name.partition(".")[0] == "fastauth"]
    others = [name for name in loaded() if name.partition(".")[0] != "fastauth"]

    assert len(ours) <= MOST_OF_OURS
    assert len(others) <= MOST_OF_OTHERS, others


def test_import_loads_no_package_that_is_not_needed_at_once() -> None:
    """Of others, only what hashes and what reads addresses is loaded: no signing, no driver, no command line."""
    tops = {name.partition(".")[0] for name in loaded()} - set(sys.stdlib_module_names) - {"fastauth"}

    assert tops <= OTHERS
