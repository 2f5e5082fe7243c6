"""An app is imported as ``uvicorn`` or ``fastapi dev`` would, and its ``FastAuth`` is found."""

import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from fastauth.cli.app_loading import load
from fastauth.cli.errors import Misuse

AUTH = "from fastapi import FastAPI\nfrom fastauth import FastAuth\nfrom fastauth.backends.memory import MemoryStore\n"
MAKE = "FastAuth(MemoryStore(), secret_key='layout-only-4f9Qw2Lz8Rk1Vb6Nm4Xc7Yh3Gp5')"


@pytest.fixture(autouse=True)
def fresh_modules(folder: Path) -> Generator[None, None, None]:
    """Each test imports its own modules."""
    known, path = set(sys.modules), list(sys.path)
    yield
    for name in set(sys.modules) - known:
        del sys.modules[name]
    sys.path[:] = path


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


@pytest.mark.parametrize(
    ("files", "spec", "name", "has_app"),
    [
        ({"main.py": f"{AUTH}auth = {MAKE}\napp = FastAPI()\n"}, "main:auth", "main:auth", True),
        ({"main.py": f"{AUTH}auth = {MAKE}\n"}, "main", "main:auth", False),
        ({"main.py": f"{AUTH}auth = {MAKE}\nsame = auth\n"}, "main.py", "main:auth", False),
        ({"main.py": f"{AUTH}auth = {MAKE}\n"}, "main.py:auth", "main:auth", False),
        (
            {"main.py": f"{AUTH}class Box: pass\nbox = Box()\nbox.auth = {MAKE}\n"},
            "main:box.auth",
            "main:box.auth",
            False,
        ),
        ({"main.py": f"{AUTH}auth = {MAKE}\napp = FastAPI()\n"}, "main:app", "main:app", True),
        ({"main.py": f"{AUTH}app = FastAPI()\napp.state.auth = {MAKE}\n"}, "main:app", "main:app", True),
        ({"main.py": f"{AUTH}app = FastAPI(lifespan={MAKE}.lifespan)\n"}, "main.py", "main:app", True),
        (
            {"main.py": f"{AUTH}plain = FastAPI()\napp = FastAPI(lifespan={MAKE}.lifespan)\n"},
            "main.py",
            "main:app",
            True,
        ),
        (
            {"main.py": f"{AUTH}def make():\n    app = FastAPI()\n    app.state.auth = {MAKE}\n    return app\n"},
            "main:make",
            "main:make",
            True,
        ),
        (
            {
                "shop/__init__.py": "",
                "shop/keys.py": f"{AUTH}auth = {MAKE}\n",
                "shop/main.py": "from .keys import auth\n",
            },
            "shop.main:auth",
            "shop.main:auth",
            False,
        ),
        (
            {
                "src/shop/__init__.py": "",
                "src/shop/keys.py": f"{AUTH}auth = {MAKE}\n",
                "src/shop/main.py": "from shop.keys import auth\n",
            },
            "src/shop/main.py",
            "shop.main:auth",
            False,
        ),
        ({"shop/__init__.py": f"{AUTH}auth = {MAKE}\n"}, "shop/__init__.py", "shop:auth", False),
    ],
)
def test_an_app_is_found(files: dict[str, str], spec: str, name: str, has_app: bool) -> None:
    """Modules, files, packages, factories, state and lifespan lead to the one ``FastAuth``."""
    for path, text in files.items():
        write(path, text)

    loaded = load(spec)

    assert loaded.name == name
    assert loaded.auth is not None
    assert (loaded.app is not None) is has_app


def test_what_the_app_prints_is_not_our_output(capsys: pytest.CaptureFixture[str]) -> None:
    """What an app prints while it is imported goes to the error stream, so that ``--json`` stays JSON."""
    write("main.py", f"print('hello')\n{AUTH}auth = {MAKE}\n")

    load("main:auth")

    assert capsys.readouterr() == ("", "hello\n")


def test_a_file_without_a_fastauth() -> None:
    """A file that holds none is no error here: the caller may read its source."""
    write("main.py", "x = 1\n")

    assert load("main.py").auth is None


BOTH = f"{AUTH}customers = {MAKE}\nstaff = {MAKE}\n"


@pytest.mark.parametrize(
    ("text", "spec", "named"),
    [
        (f"{BOTH}app = FastAPI()\n", "main:app", "main:customers or main:staff"),
        (f"{BOTH}app = FastAPI(lifespan=customers.lifespan)\n", "main:app", "main:customers or main:staff"),
        (f"{BOTH}app = FastAPI()\n", "main.py", "main:customers or main:staff"),
        (
            f"{BOTH}def make():\n    return FastAPI(lifespan=staff.lifespan)\n",
            "main:make",
            "main:customers or main:staff",
        ),
        (
            f"{AUTH}app = FastAPI(lifespan={MAKE}.lifespan)\napp.state.staff = {MAKE}\n",
            "main:app",
            "main:app.state.staff",
        ),
        (
            f"{AUTH}app = FastAPI()\napp.state.one = {MAKE}\napp.state.two = {MAKE}\n",
            "main",
            "main:app.state.one or main:app.state.two",
        ),
    ],
)
def test_of_two_none_is_taken_by_chance(text: str, spec: str, named: str) -> None:
    """Where an app has two ``FastAuth`` objects, nobody can tell whose users are meant; their names are said."""
    write("main.py", text)

    with pytest.raises(Misuse, match=f"^{spec} has 2 FastAuth objects: say which one, {named}\\.$"):
        load(spec)


def test_of_two_without_names_each_wants_one() -> None:
    """What a factory keeps to itself cannot be named, and that is said."""
    write(
        "main.py",
        f"{AUTH}def make():\n    app = FastAPI(lifespan={MAKE}.lifespan)\n    app.state.x = {MAKE}\n    return app\n",
    )

    with pytest.raises(Misuse, match="main:make has 2 FastAuth objects: give each a name in main"):
        load("main:make")


@pytest.mark.parametrize("spec", ["main:staff", "main:inner", "main:inner.state.auth"])
def test_the_one_that_is_named_is_taken(spec: str) -> None:
    """Its own name leads to it, and so does an app that holds one of several, beside another app."""
    write(
        "main.py",
        f"{BOTH}app = FastAPI(lifespan=customers.lifespan)\ninner = FastAPI(lifespan=staff.lifespan)\n"
        "inner.state.auth = staff\n",
    )

    assert load(spec).auth is sys.modules["main"].staff
