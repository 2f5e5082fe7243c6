"""Works out what an expression stands for, from syntax alone; what cannot be known is None."""

import ast
import builtins
from collections.abc import Sequence

from fastauth.cli.finding import calls
from fastauth.cli.finding.environment import Environment
from fastauth.cli.finding.modules import Binding, Imported, Module
from fastauth.cli.finding.project import Project
from fastauth.cli.finding.report import Found
from fastauth.cli.finding.scopes import Scope
from fastauth.cli.finding.settings import Classes
from fastauth.cli.finding.values import ClassRef, External, FunctionRef, Instance, ModuleRef, Text, Value

_MAX_DEPTH = 60


class Evaluator:
    """Follows names through constants, functions, settings classes, the environment and other files of the project.

    Args:
        project: The files.
        environment: The environment and ``.env``.
    """

    def __init__(self, project: Project, environment: Environment) -> None:
        self.project = project
        self.environment = environment
        self.classes: Classes = Classes(self)
        self.notes: list[str] = []
        self._depth = 0
        self._following: set[tuple[Module, str]] = set()

    def text(self, node: ast.expr, scope: Scope) -> Text | None:
        """Return the string that the expression stands for, or None."""
        value = self.value(node, scope)
        return value if isinstance(value, Text) else None

    def value(self, node: ast.AST, scope: Scope) -> Value | None:
        """Return what the expression stands for, or None."""
        if self._depth >= _MAX_DEPTH:
            return None
        self._depth += 1
        try:
            return self._value(node, scope)
        finally:
            self._depth -= 1

    def _value(self, node: ast.AST, scope: Scope) -> Value | None:
        if isinstance(node, ast.Constant):
            return Text(node.value, scope.module.label, node.lineno) if isinstance(node.value, str) else None
        if isinstance(node, ast.JoinedStr):
            return self._joined(node.values, node, scope)
        if isinstance(node, ast.BinOp):
            return self._binary(node, scope)
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
            return self._first(node.values, scope)
        if isinstance(node, ast.Name):
            return self.name(node.id, scope)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, scope)
        if isinstance(node, ast.Subscript):
            return self._subscript(node, scope)
        if isinstance(node, ast.Call):
            return calls.evaluate(self, node, scope)
        if isinstance(node, ast.Await):
            return self.value(node.value, scope)
        if isinstance(node, (ast.List, ast.Tuple)) and node.elts:
            return self.value(node.elts[0], scope)  # a ring of keys: the first signs
        return None

    def _first(self, nodes: Sequence[ast.expr], scope: Scope) -> Value | None:
        notes = len(self.notes)
        for node in nodes:
            value = self.value(node, scope)
            if value is not None:
                del self.notes[notes:]  # that the others were not set does not matter
                return value
        return None

    def name(self, name: str, scope: Scope) -> Value | None:
        """Return what a name stands for in this scope, or None."""
        if name in scope.known:
            return scope.known[name]
        key = (scope.module, name)
        if key in self._following:
            return None
        self._following.add(key)
        try:
            bindings = scope.bindings(name)
            if bindings:
                return self._bound(name, bindings, scope)
            if name in scope.hidden:
                return None
            return self._from_stars(name, scope.module) or (External(name) if hasattr(builtins, name) else None)
        finally:
            self._following.discard(key)

    def _bound(self, name: str, bindings: Sequence[Binding], scope: Scope) -> Value | None:
        last_sure = max((index for index, each in enumerate(bindings) if each.sure), default=0)
        found = [self._binding(name, each, scope) for each in bindings[last_sure:]]
        values = [value for value in found if value is not None]
        texts: dict[str, Text] = {}
        for value in values:
            if isinstance(value, Text):
                texts.setdefault(value.value, value)
        if len(texts) > 1:
            spots = " and ".join(f"{text.source}:{text.line}" for text in texts.values())
            self.remark(f"{name} has different values at {spots}, and which one counts is decided at run time.")
            return None
        # Branches that agree are as good as the first of them.
        return next(iter(texts.values()), values[-1] if values else None)

    def _binding(self, name: str, binding: Binding, scope: Scope) -> Value | None:
        node = binding.node
        if isinstance(node, ast.ClassDef):
            return ClassRef(scope.module, node)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return FunctionRef(scope.module, node)
        if isinstance(node, ast.alias):
            return self._import(node, scope.module)
        if isinstance(node, ast.ImportFrom):
            original = next(alias.name for alias in node.names if (alias.asname or alias.name) == name)
            return self.imported(Imported(node.module or "", node.level, original), scope.module)
        value = self.value(node, scope)
        return Text(value.value, value.source, value.line, value.name or name) if isinstance(value, Text) else value

    def imported(self, what: Imported, by: Module) -> Value | None:
        """Return what ``from module import name`` brings in."""
        module = self.project.imported(what, by)
        if module is None:
            return External(f"{what.module}.{what.name}") if not what.level else None
        name = what.name or ""
        if name not in module.names:
            inner = self.project.submodule(module, name)
            if inner is not None:
                return ModuleRef(inner)
        return self.name(name, Scope(module))

    def _import(self, alias: ast.alias, by: Module) -> Value | None:
        name = alias.name if alias.asname else alias.name.partition(".")[0]
        module = self.project.imported(Imported(name, 0, None), by)
        return External(name) if module is None else ModuleRef(module)

    def _from_stars(self, name: str, module: Module) -> Value | None:
        for star in module.stars:
            source = self.project.imported(star, module)
            if source is not None:
                value = self.name(name, Scope(source))
                if value is not None and not isinstance(value, External):
                    return value
        return None

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Value | None:
        owner = self.value(node.value, scope)
        if isinstance(owner, External):
            return External(f"{owner.dotted}.{node.attr}")
        if isinstance(owner, ModuleRef):
            inner = None if node.attr in owner.module.names else self.project.submodule(owner.module, node.attr)
            return ModuleRef(inner) if inner is not None else self.name(node.attr, Scope(owner.module))
        if isinstance(owner, (Instance, ClassRef)):
            return self.classes.attribute(owner, node.attr)
        return None

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Value | None:
        owner = self.value(node.value, scope)
        key = self.text(node.slice, scope)
        if isinstance(owner, External) and owner.last in {"environ", "environb", "Config()"} and key is not None:
            return self.from_environment([key.value], node, scope)
        return None

    def from_environment(
        self, names: Sequence[str], node: ast.AST, scope: Scope, *, any_case: bool = False, default: Value | None = None
    ) -> Value | None:
        """Return the first of these variables that is set, else the default; note when there is neither."""
        for name in names:
            found: Found | None = self.environment.get(name, any_case=any_case)
            if found is not None:
                return Text(found.value, found.source, found.line, found.name)
        if default is None:
            line = getattr(node, "lineno", 1)
            self.remark(f"{scope.module.label}:{line} reads {' or '.join(names)} from the environment; it is not set.")
        return default

    def _joined(self, parts: Sequence[ast.expr], node: ast.expr, scope: Scope) -> Text | None:
        texts: list[str] = []
        for part in parts:
            inner = part.value if isinstance(part, ast.FormattedValue) else part
            if isinstance(inner, ast.Constant) and not isinstance(inner.value, str):
                texts.append(str(inner.value))
                continue
            text = self.text(inner, scope)
            if text is None:
                number = self.classes.number(inner, scope)
                if number is None:
                    return None
                texts.append(number)
            else:
                texts.append(text.value)
        return Text("".join(texts), scope.module.label, node.lineno)

    def _binary(self, node: ast.BinOp, scope: Scope) -> Text | None:
        if isinstance(node.op, ast.Add):
            return self._joined([node.left, node.right], node, scope)
        template = self.text(node.left, scope) if isinstance(node.op, ast.Mod) else None
        if template is None:
            return None
        values = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
        texts = [self.text(value, scope) for value in values]
        if template.value.count("%s") != len(texts) or None in texts:
            return None
        filled = template.value
        for text in texts:
            filled = filled.replace("%s", text.value if text is not None else "", 1)
        return Text(filled, scope.module.label, node.lineno)

    def remark(self, text: str) -> None:
        """Keep a note, once."""
        if text not in self.notes:
            self.notes.append(text)
