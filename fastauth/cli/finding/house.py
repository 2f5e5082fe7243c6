"""What the parts of the evaluator ask of one another; so that none has to import the whole."""

import ast
from collections.abc import Sequence
from typing import Protocol

from fastauth.cli.finding.environment import Environment
from fastauth.cli.finding.scopes import Scope
from fastauth.cli.finding.values import ClassRef, Instance, Text, Value


class ClassesSeam(Protocol):
    """Looks up attributes of classes."""

    def attribute(self, owner: Instance | ClassRef, name: str) -> Value | None:
        """Return what ``owner.name`` stands for, or None."""
        ...

    def number(self, node: ast.expr, scope: Scope) -> str | None:
        """Return the number that an expression stands for, as text, or None."""
        ...


class House(Protocol):
    """Works out what expressions stand for."""

    environment: Environment

    @property
    def classes(self) -> ClassesSeam:
        """The look into classes."""
        ...

    def text(self, node: ast.expr, scope: Scope) -> Text | None:
        """Return the string that the expression stands for, or None."""
        ...

    def value(self, node: ast.AST, scope: Scope) -> Value | None:
        """Return what the expression stands for, or None."""
        ...

    def from_environment(
        self, names: Sequence[str], node: ast.AST, scope: Scope, *, default: Value | None = None
    ) -> Value | None:
        """Return the first of these variables that is set, else the default."""
        ...

    def remark(self, text: str) -> None:
        """Keep a note, once."""
        ...
