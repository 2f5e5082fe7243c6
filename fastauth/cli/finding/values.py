"""What an expression can stand for, as far as it can be known without running anything."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from fastauth.cli.finding.modules import Module


@dataclass(frozen=True)
class Text:
    """A string, and where it is written."""

    value: str = field(repr=False)
    source: str
    line: int | None
    name: str = ""


@dataclass(frozen=True)
class External:
    """Something from outside the project, by its dotted name, such as ``os.environ``."""

    dotted: str

    @property
    def last(self) -> str:
        """The last part of the name."""
        return self.dotted.rpartition(".")[2]


@dataclass(frozen=True)
class ModuleRef:
    """A module of the project."""

    module: Module


@dataclass(frozen=True)
class ClassRef:
    """A class of the project."""

    module: Module
    node: ast.ClassDef


@dataclass(frozen=True)
class Instance:
    """An object of a class of the project, with what its constructor was given by name."""

    of: ClassRef
    given: Mapping[str, "Value"] = field(default_factory=dict[str, "Value"])


@dataclass(frozen=True)
class FunctionRef:
    """A function of the project; ``owner`` is what it is a method of."""

    module: Module
    node: ast.FunctionDef | ast.AsyncFunctionDef
    owner: Instance | None = None


Value: TypeAlias = Text | External | ModuleRef | ClassRef | Instance | FunctionRef
