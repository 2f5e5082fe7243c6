"""Imports an app as ``uvicorn`` or ``fastapi dev`` would, and finds its ``FastAuth``."""

import contextlib
import importlib
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from fastapi import FastAPI

from fastauth.auth import FastAuth
from fastauth.cli.errors import Failure, Misuse, first_line
from fastauth.core.exceptions import ConfigurationError

_AUTH: type[Any] = FastAuth  # of whatever user class
_NOTHING = object()


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
    apps = _objects(module, FastAPI)
    if attribute:
        auth, app = _from_object(_made(_attribute(module, attribute), spec), attribute, module, spec)
        return LoadedApp(f"{name}:{attribute}", path, auth, app)
    found = _objects(module, FastAuth)
    if found:
        label, auth = _only(found, module, spec)
        return LoadedApp(f"{name}:{label}", path, auth, next(iter(apps.values()), None))
    held = _distinct(*(_of_app(app, label) for label, app in apps.items()))
    if held:
        dotted, auth = _only(held, module, spec)
        label = dotted.partition(".")[0]
        return LoadedApp(f"{name}:{label}", path, auth, apps[label])
    return LoadedApp(name, path, None, next(iter(apps.values()), None))


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
    value = _value_at(module, dotted)
    if value is _NOTHING:
        offered = [f"{module.__name__}:{label}" for label in _objects(module, FastAuth)]
        hint = f" Perhaps {' or '.join(offered)}?" if offered else ""
        raise Misuse(f"{module.__name__} has no attribute {dotted!r}.{hint}")
    return value


def _value_at(module: ModuleType, dotted: str) -> Any:
    value: Any = module
    for part in dotted.split("."):
        value = getattr(value, part, _NOTHING)
    return value


def _from_object(value: Any, name: str, module: ModuleType, spec: str) -> tuple[FastAuth[Any], FastAPI | None]:
    if isinstance(value, _AUTH):
        return value, next(iter(_objects(module, FastAPI).values()), None)
    if isinstance(value, FastAPI):
        own = _of_app(value, name)
        # Of several apps in one module, each may have its own.
        found = own if len(own) == 1 < len(_objects(module, FastAPI)) else _distinct(_objects(module, FastAuth), own)
        if found:
            return _only(found, module, spec)[1], value
        raise Misuse(f"{spec} is a FastAPI app, and no FastAuth was found with it: name the FastAuth itself.")
    raise Misuse(f"{spec} is a {type(value).__name__}, and no FastAuth: name the object that FastAuth(...) made.")


def _only(found: Mapping[str, FastAuth[Any]], module: ModuleType, spec: str) -> tuple[str, FastAuth[Any]]:
    """Return the one that was found, with its name.

    Raises:
        Misuse: There are several, each with users of its own, and nobody can tell which are meant.
    """
    if len(found) > 1:
        named = [f"{module.__name__}:{name}" for name, auth in found.items() if _value_at(module, name) is auth]
        which = f"say which one, {' or '.join(named)}" if named else f"give each a name in {module.__name__}"
        raise Misuse(f"{spec} has {len(found)} FastAuth objects: {which}.")
    return next(iter(found.items()))


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


def _of_app(app: FastAPI, name: str) -> dict[str, FastAuth[Any]]:
    """Return what the app's lifespan and state hold, by the name that leads there from the app's."""
    owner = getattr(app.router.lifespan_context, "__self__", None)
    state: dict[str, Any] = getattr(app.state, "_state", {})
    held = {name: owner, **{f"{name}.state.{key}": value for key, value in state.items()}}
    return _distinct({label: value for label, value in held.items() if isinstance(value, FastAuth)})


def _distinct(*found: Mapping[str, Any]) -> dict[str, Any]:
    """Return each object by its first name."""
    names: dict[int, tuple[str, Any]] = {}
    for name, value in (item for each in found for item in each.items()):
        names.setdefault(id(value), (name, value))
    return dict(names.values())


def _objects(module: ModuleType, kind: type[Any]) -> dict[str, Any]:
    """Return the module's objects of this type by their first name, each once."""
    return _distinct({name: value for name, value in vars(module).items() if isinstance(value, kind)})
