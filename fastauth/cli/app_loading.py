"""Imports an app as ``uvicorn`` or ``fastapi dev`` would, and finds its ``FastAuth``."""

import contextlib
import importlib
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from fastapi import FastAPI

from fastauth.auth import FastAuth
from fastauth.cli.errors import Failure, Misuse, first_line
from fastauth.core.exceptions import ConfigurationError

_AUTH: type[Any] = FastAuth  # of whatever user class


@dataclass(frozen=True)
class LoadedApp:
    """An app that has been imported.

    Attributes:
        name: How it can be named, as ``main:auth``.
        path: The file it was imported from.
        auth: Its ``FastAuth``; None when the file holds none.
        app: The ``FastAPI`` app beside it, where there is one.
    """

    name: str
    path: Path | None
    auth: FastAuth[Any] | None
    app: FastAPI | None


def load(spec: str) -> LoadedApp:
    """Import ``module:attribute``, ``module``, ``file.py`` or ``file.py:attribute``.

    Raises:
        Misuse: There is no such file, module or attribute, or it is not clear which ``FastAuth`` is meant.
        Failure: The app's own code failed.
    """
    target, _, attribute = spec.partition(":")
    name = _module_of_file(Path(target)) if target.endswith(".py") else _module_here(target)
    module = _import(name, spec)
    path = Path(module.__file__) if module.__file__ else None
    if attribute:
        auth, app = _from_object(_attribute(module, attribute), module, spec)
        return LoadedApp(f"{name}:{attribute}", path, auth, app)
    found = _objects(module, FastAuth)
    apps = _objects(module, FastAPI)
    if not found:
        for label, app in apps.items():
            for auth in _of_app(app):
                return LoadedApp(f"{name}:{label}", path, auth, app)
        return LoadedApp(name, path, None, next(iter(apps.values()), None))
    if len(found) > 1:
        names = " or ".join(f"{name}:{label}" for label in found)
        raise Misuse(f"{spec} has {len(found)} FastAuth objects: say which one, {names}.")
    ((label, auth),) = found.items()
    return LoadedApp(f"{name}:{label}", path, auth, next(iter(apps.values()), None))


def _module_of_file(path: Path) -> str:
    if not path.is_file():
        raise Misuse(f"There is no file {path}: give the path of the app from {Path.cwd()}.")
    path = path.resolve()
    parts = [] if path.stem == "__init__" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    _search_first(folder)
    return ".".join(parts)


def _module_here(name: str) -> str:
    if not name or not all(part.isidentifier() for part in name.split(".")):
        raise Misuse(f"{name!r} names no module: an app is named as main:auth, shop.main:auth or app.py.")
    _search_first(Path.cwd())
    return name


def _search_first(folder: Path) -> None:
    text = str(folder)
    if text in sys.path:
        sys.path.remove(text)
    sys.path.insert(0, text)


def _import(name: str, spec: str) -> ModuleType:
    try:
        # What the app prints while it is imported is not our output.
        with contextlib.redirect_stdout(sys.stderr):
            return importlib.import_module(name)
    except ConfigurationError as error:
        raise Failure(str(error)) from error
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise Misuse(
                f"There is no module {error.name} in {Path.cwd()}: name the app as main:auth or app.py."
            ) from error
        raise Failure(
            f"{spec} cannot be imported: {first_line(error)}{_place(error)}. Install it, and try again."
        ) from error
    except SyntaxError as error:
        where = f"{_relative(error.filename)}:{error.lineno}" if error.filename else spec
        raise Failure(f"{where}: {error.msg}. Correct it, and try again.") from error
    except (Exception, SystemExit) as error:
        kind = type(error).__name__
        raise Failure(f"{spec} failed while it was imported, {kind}: {first_line(error)}{_place(error)}.") from error


def _place(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_ours(frame.filename)]
    here = [frame for frame in frames if Path(frame.filename).is_relative_to(Path.cwd())]
    for frame in reversed(here or frames):
        return f" ({_relative(frame.filename)}:{frame.lineno})"
    return ""


def _is_ours(filename: str) -> bool:
    return filename.startswith("<") or filename in {__file__, importlib.__file__}


def _relative(filename: str) -> Path:
    path = Path(filename)
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _attribute(module: ModuleType, dotted: str) -> Any:
    value: Any = module
    for part in dotted.split("."):
        if not hasattr(value, part):
            offered = [f"{module.__name__}:{label}" for label in _objects(module, FastAuth)]
            hint = f" Perhaps {' or '.join(offered)}?" if offered else ""
            raise Misuse(f"{module.__name__} has no attribute {dotted!r}.{hint}")
        value = getattr(value, part)
    return value


def _from_object(value: Any, module: ModuleType, spec: str) -> tuple[FastAuth[Any], FastAPI | None]:
    value = _made(value, spec)
    if isinstance(value, _AUTH):
        return value, next(iter(_objects(module, FastAPI).values()), None)
    if isinstance(value, FastAPI):
        found = [*_of_app(value), *_objects(module, FastAuth).values()]
        if found:
            return found[0], value
        raise Misuse(f"{spec} is a FastAPI app, and no FastAuth was found with it: name the FastAuth itself.")
    raise Misuse(f"{spec} is a {type(value).__name__}, and no FastAuth: name the object that FastAuth(...) made.")


def _made(value: Any, spec: str) -> Any:
    """Call a factory, as ``uvicorn --factory`` does; anything else is given back."""
    if isinstance(value, (FastAuth, FastAPI)) or not callable(value):
        return value  # pyright: ignore[reportUnknownVariableType]  # a FastAuth of whatever user class
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return value()
    except Exception as error:
        kind = type(error).__name__
        raise Failure(f"{spec}() failed, {kind}: {first_line(error)}{_place(error)}.") from error


def _of_app(app: FastAPI) -> Iterator[FastAuth[Any]]:
    owner = getattr(app.router.lifespan_context, "__self__", None)
    state: dict[str, Any] = getattr(app.state, "_state", {})
    for value in (owner, *state.values()):
        if isinstance(value, FastAuth):
            yield value


def _objects(module: ModuleType, kind: type[Any]) -> dict[str, Any]:
    """Return the module's objects of this type by their first name, each once."""
    found: dict[int, tuple[str, Any]] = {}
    for name, value in vars(module).items():
        if isinstance(value, kind):
            found.setdefault(id(value), (name, value))
    return dict(found.values())
