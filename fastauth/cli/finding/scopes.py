"""Where names are looked up: the top level of a module, or the inside of one of its functions."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fastauth.cli.finding.modules import Binding, Module, bind
from fastauth.cli.finding.values import Value


@dataclass(frozen=True)
class Scope:
    """The names that an expression can see.

    Attributes:
        local: The bindings of the functions around it, innermost last.
        hidden: Names that a function's caller decides.
        known: Values of parameters that are known, such as ``self``.
    """

    module: Module
    local: Sequence[Mapping[str, Sequence[Binding]]] = ()
    hidden: frozenset[str] = frozenset()
    known: Mapping[str, Value] = field(default_factory=dict[str, Value])

    def bindings(self, name: str) -> Sequence[Binding]:
        """Return the bindings of this name in the innermost place that has any."""
        for names in reversed(self.local):
            if name in names:
                return names[name]
        return () if name in self.hidden else self.module.names.get(name, ())

    def inside(
        self, function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, known: Mapping[str, Value] | None = None
    ) -> "Scope":
        """Return the scope of a function that is defined in this one."""
        names: dict[str, list[Binding]] = {}
        if not isinstance(function, ast.Lambda):
            bind(function.body, names)
        arguments = function.args
        parameters = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        hidden = self.hidden | {each.arg for each in (*parameters, arguments.vararg, arguments.kwarg) if each}
        return Scope(self.module, (*self.local, names), hidden, {**self.known, **(known or {})})
