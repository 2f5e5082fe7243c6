"""One module as syntax: which names it binds, to which expressions, and what it imports."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

_MAX_BYTES = 1_000_000  # no module that a person wrote is larger


class Binding(NamedTuple):
    """One assignment, definition or import of a name.

    Attributes:
        node: The expression, definition or import.
        sure: Whether the line is always run; False inside an ``if`` or ``try``.
    """

    node: ast.AST
    sure: bool


class Imported(NamedTuple):
    """A name from another module; ``name`` is None for the module itself."""

    module: str
    level: int
    name: str | None


@dataclass(frozen=True, eq=False)
class Module:
    """A module of the project.

    Attributes:
        path: The file.
        label: The path from the project's folder, for people.
        names: Every binding of each name at the top level, in order.
        stars: The modules of ``from ... import *``.
    """

    path: Path
    label: str
    tree: ast.Module
    names: dict[str, list[Binding]] = field(default_factory=dict[str, list[Binding]])
    stars: list[Imported] = field(default_factory=list[Imported])


def read_module(path: Path, label: str) -> "Module | str":
    """Return the module, or why it cannot be read, in one sentence."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            return f"{label} was not read: it is larger than a megabyte."
        tree = ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        return f"{label}:{error.lineno or 1} has a syntax error ({error.msg}), so nothing in it was read."
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not Python"
        return f"{label} cannot be read: {why}."
    module = Module(path, label, tree)
    module.stars.extend(bind(tree.body, module.names))
    return module


def bind(statements: Sequence[ast.stmt], names: dict[str, list[Binding]], *, sure: bool = True) -> list[Imported]:
    """Collect what these statements bind into ``names``, and return the star imports."""
    stars: list[Imported] = []
    for statement in statements:
        for name, node in _bound_by(statement):
            if isinstance(node, Imported):
                stars.append(node)
            else:
                names.setdefault(name, []).append(Binding(node, sure))
        for block, always in _blocks(statement):
            stars += bind(block, names, sure=sure and always)
    return stars


def _bound_by(statement: ast.stmt) -> Iterator[tuple[str, "ast.AST | Imported"]]:
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Name):
                yield target.id, statement.value
    elif isinstance(statement, (ast.AnnAssign, ast.AugAssign)):
        if isinstance(statement.target, ast.Name) and statement.value is not None:
            yield statement.target.id, statement.value if isinstance(statement, ast.AnnAssign) else statement
    elif isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield statement.name, statement
    elif isinstance(statement, ast.Import):
        for alias in statement.names:
            yield alias.asname or alias.name.partition(".")[0], alias
    elif isinstance(statement, ast.ImportFrom):
        for alias in statement.names:
            if alias.name == "*":
                yield "*", Imported(statement.module or "", statement.level, None)
            else:
                yield alias.asname or alias.name, statement


def _blocks(statement: ast.stmt) -> Iterator[tuple[list[ast.stmt], bool]]:
    """Return the blocks inside a statement, and whether each is run whenever the statement is."""
    if isinstance(statement, ast.If):
        if not _never_when_imported(statement.test):
            yield statement.body, False
        yield statement.orelse, False
    elif isinstance(statement, (ast.With, ast.AsyncWith)):
        yield statement.body, True
    elif isinstance(statement, ast.Try):
        yield statement.body, not statement.handlers
        for handler in statement.handlers:
            yield handler.body, False
        yield statement.orelse, not statement.handlers
        yield statement.finalbody, True
    elif isinstance(statement, (ast.For, ast.While)):
        yield statement.body, False


def _never_when_imported(test: ast.expr) -> bool:
    text = ast.unparse(test)
    return text.endswith("TYPE_CHECKING") or "__name__ ==" in text
