"""Classes of the project: plain attributes, dataclasses, and settings of Pydantic with their defaults and prefixes."""

import ast
from collections.abc import Iterator, Mapping, Sequence

from fastauth.cli.finding import calls
from fastauth.cli.finding.house import House
from fastauth.cli.finding.modules import Binding, bind
from fastauth.cli.finding.scopes import Scope
from fastauth.cli.finding.values import ClassRef, External, FunctionRef, Instance, Text, Value

_PROPERTIES = frozenset({"property", "cached_property", "computed_field"})


class Classes:
    """Looks up attributes of classes and of their objects.

    Args:
        house: Works out the expressions.
    """

    def __init__(self, house: House) -> None:
        self._house = house

    def attribute(self, owner: Instance | ClassRef, name: str) -> Value | None:
        """Return what ``owner.name`` stands for, or None."""
        of = owner.of if isinstance(owner, Instance) else owner
        if isinstance(owner, Instance) and name in owner.given:
            return owner.given[name]
        for each in self._lineage(of):
            if name not in self._names(each) and name not in _annotated(each.node):
                continue
            if isinstance(owner, Instance) and self.is_settings(of):
                found = self._setting(of, each, name)
                if found is not None:
                    return found
            return self._own(each, name, owner)
        return None

    def is_settings(self, of: ClassRef) -> bool:
        """Say whether the class reads its fields from the environment, as ``BaseSettings`` does."""
        return any(base.last == "BaseSettings" for each in self._lineage(of) for base in self._outside_bases(each))

    def field_names(self, of: ClassRef) -> Sequence[str]:
        """Return the attributes of a class, its bases' included."""
        names: dict[str, None] = {}
        for each in self._lineage(of):
            names.update(dict.fromkeys([*self._names(each), *_annotated(each.node)]))
        return list(names)

    def number(self, node: ast.expr, scope: Scope) -> str | None:
        """Return the number that an expression stands for, as text: a port may be an int."""
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return str(node.value)
        if isinstance(node, ast.Name):
            return self._number_of(scope.bindings(node.id))
        if isinstance(node, ast.Attribute):
            owner = self._house.value(node.value, scope)
            if isinstance(owner, (Instance, ClassRef)):
                of = owner.of if isinstance(owner, Instance) else owner
                for each in self._lineage(of):
                    number = self._number_of(self._names(each).get(node.attr, ()))
                    if number is not None:
                        return number
        return None

    @staticmethod
    def _number_of(bindings: Sequence[Binding]) -> str | None:
        node = bindings[-1].node if bindings else None
        return str(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, int) else None

    def _own(self, of: ClassRef, name: str, owner: Instance | ClassRef) -> Value | None:
        bindings = self._names(of).get(name, ())
        if not bindings:
            return None
        node = bindings[-1].node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            method = FunctionRef(of.module, node, owner if isinstance(owner, Instance) else Instance(owner))
            is_property = any(_last(each) in _PROPERTIES for each in node.decorator_list)
            return calls.returned(self._house, method) if is_property else method
        value = self._default(node, Scope(of.module, (self._names(of),)))
        return Text(value.value, value.source, value.line, value.name or name) if isinstance(value, Text) else value

    def _default(self, node: ast.AST, scope: Scope) -> Value | None:
        if isinstance(node, ast.Call) and calls.called_name(node) in {"Field", "field"}:
            factory = calls.keyword(node, "default_factory")
            if factory is not None:
                call = ast.copy_location(ast.Call(func=factory, args=[], keywords=[]), node)
                body = factory.body if isinstance(factory, ast.Lambda) else call
                return self._house.value(body, scope)
            default = calls.argument(node, 0, "default")
            return self._house.value(default, scope) if default is not None else None
        return self._house.value(node, scope)

    def _setting(self, of: ClassRef, defined_in: ClassRef, name: str) -> Value | None:
        bindings = self._names(defined_in).get(name, ())
        node = bindings[-1].node if bindings else None
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return None
        names = self._aliases(node, Scope(defined_in.module)) or [self._prefix(of) + name]
        for each in names:
            found = self._house.environment.get(each, any_case=True)
            if found is not None:
                return Text(found.value, found.source, found.line, found.name)
        if node is None or (isinstance(node, ast.Constant) and node.value is ...):
            line = _annotated(defined_in.node).get(name, defined_in.node.lineno)
            shown = " or ".join(each.upper() if self._prefix(of) + name == each else each for each in names)
            self._house.remark(f"{defined_in.module.label}:{line} reads {shown} from the environment; it is not set.")
        return None

    def _aliases(self, node: ast.AST | None, scope: Scope) -> list[str]:
        if not isinstance(node, ast.Call) or calls.called_name(node) != "Field":
            return []
        names: list[str] = []
        for keyword in node.keywords:
            if keyword.arg in {"alias", "validation_alias", "env"}:
                options = keyword.value.args if isinstance(keyword.value, ast.Call) else [keyword.value]
                names += [text.value for each in options if (text := self._house.text(each, scope)) is not None]
        return names

    def _prefix(self, of: ClassRef) -> str:
        for each in self._lineage(of):
            for value in _config_values(each.node, "env_prefix"):
                text = self._house.text(value, Scope(each.module))
                return text.value if text is not None else ""
        return ""

    def _lineage(self, of: ClassRef) -> Iterator[ClassRef]:
        pending, seen = [of], set[int]()
        while pending:
            each = pending.pop(0)
            if id(each.node) in seen:
                continue
            seen.add(id(each.node))
            yield each
            for base in each.node.bases:
                value = self._house.value(base, Scope(each.module))
                if isinstance(value, ClassRef):
                    pending.append(value)

    def _outside_bases(self, of: ClassRef) -> Iterator[External]:
        for base in of.node.bases:
            value = self._house.value(base, Scope(of.module))
            if isinstance(value, External):
                yield value

    @staticmethod
    def _names(of: ClassRef) -> Mapping[str, list[Binding]]:
        names: dict[str, list[Binding]] = {}
        bind(of.node.body, names)
        return names


def _annotated(node: ast.ClassDef) -> Mapping[str, int]:
    return {
        each.target.id: each.lineno
        for each in node.body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    }


def _config_values(node: ast.ClassDef, key: str) -> Iterator[ast.expr]:
    for each in node.body:
        if isinstance(each, ast.ClassDef) and each.name == "Config":
            for inner in each.body:
                if isinstance(inner, ast.Assign) and _last(inner.targets[0]) == key:
                    yield inner.value
        elif isinstance(each, (ast.Assign, ast.AnnAssign)):
            target = each.targets[0] if isinstance(each, ast.Assign) else each.target
            if _last(target) == "model_config" and each.value is not None:
                yield from _entries(each.value, key)


def _entries(node: ast.expr, key: str) -> Iterator[ast.expr]:
    if isinstance(node, ast.Call):
        yield from (each.value for each in node.keywords if each.arg == key)
    elif isinstance(node, ast.Dict):
        for name, value in zip(node.keys, node.values, strict=True):
            if isinstance(name, ast.Constant) and name.value == key:
                yield value


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return _last(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
