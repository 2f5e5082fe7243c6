"""The search itself: environment, ``.env``, then file by file; engine calls first, then constants, then settings."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fastauth.cli.finding import calls
from fastauth.cli.finding.environment import read_environment
from fastauth.cli.finding.evaluate import Evaluator
from fastauth.cli.finding.modules import Module
from fastauth.cli.finding.project import Project
from fastauth.cli.finding.report import Found, Report
from fastauth.cli.finding.scopes import Scope
from fastauth.cli.finding.values import ClassRef, External, Instance, Text

_URL_VARIABLES = ("FASTAUTH_DATABASE_URL", "DATABASE_URL")
_SECRET_VARIABLES = ("FASTAUTH_SECRET_KEY", "SECRET_KEY")
_URL_NAMES = frozenset(
    {
        *("fastauth_database_url", "database_url", "database_uri", "database_dsn", "db_url", "db_uri", "db_dsn"),
        *("sqlalchemy_database_url", "sqlalchemy_database_uri", "async_database_url", "sqlite_url"),
        *("postgres_url", "postgres_dsn", "mysql_url", "mongo_url", "mongo_uri", "mongodb_url", "mongodb_uri"),
    }
)
_SECRET_NAMES = frozenset({"fastauth_secret_key", "secret_key"})
_DATABASE_NAMES = frozenset(
    {"mongo_db", "mongodb_db", "mongo_database", "mongodb_database", "database_name", "db_name"}
)
_OPTIONS = frozenset({"production", "use_cookie", "secure_cookies"})
_MONGO_CLIENTS = frozenset({"AsyncMongoClient", "MongoClient", "AsyncIOMotorClient"})
_ENGINE_CALLS = frozenset({"create_engine", "create_async_engine", *_MONGO_CLIENTS})


@dataclass
class _Harvest:
    urls: list[Found] = field(default_factory=list[Found])
    secrets: list[Found] = field(default_factory=list[Found])
    databases: list[Found] = field(default_factory=list[Found])
    auths: list[Found] = field(default_factory=list[Found])
    user_models: list[Found] = field(default_factory=list[Found])
    options: list[Found] = field(default_factory=list[Found])


def find(root: Path, named: Path | None = None) -> Report:
    """Return what the environment, ``.env`` and the source of a project say.

    Args:
        root: The project's folder.
        named: A file to look at before the usual ones.
    """
    environment = read_environment(root)
    harvest = _Harvest()
    for lookup in (environment.in_process, environment.in_file):
        harvest.urls += filter(None, map(lookup, _URL_VARIABLES))
        harvest.secrets += filter(None, map(lookup, _SECRET_VARIABLES))
    project = Project(root)
    house = Evaluator(project, environment)
    for path in project.files(named):
        module = project.module(path)
        if module is not None:
            _Search(house, module, harvest).run()
    return Report(
        urls=_once(harvest.urls),
        secrets=_once(harvest.secrets),
        databases=_once(harvest.databases),
        auths=_once(harvest.auths),
        user_models=_once(harvest.user_models),
        options=harvest.options,
        notes=[*environment.notes, *project.notes, *house.notes],
    )


class _Search:
    """One module's share of the harvest."""

    def __init__(self, house: Evaluator, module: Module, harvest: _Harvest) -> None:
        self._house = house
        self._module = module
        self._harvest = harvest

    def run(self) -> None:
        for node, scope in _calls_in(self._module.tree, Scope(self._module)):
            self._look_at_call(node, scope)
        for name in self._module.names:
            self._look_at_name(name)

    def _look_at_call(self, node: ast.Call, scope: Scope) -> None:
        called = self._house.value(node.func, scope)
        # A name that nothing in the project binds is taken for what it says.
        name = called.last if isinstance(called, External) else "" if called is not None else calls.called_name(node)
        if name in _ENGINE_CALLS:
            self._keep(self._harvest.urls, calls.argument(node, 0, "url", "host"), scope, f"{name}(...)")
        elif name == "FastAuth":
            self._keep(self._harvest.secrets, calls.keyword(node, "secret_key"), scope, "FastAuth(secret_key=...)")
            for each in node.keywords:
                if each.arg in _OPTIONS:
                    option = Found(ast.unparse(each.value), self._module.label, each.value.lineno, each.arg)
                    self._harvest.options.append(option)
        elif name in {"SQLStore", "MongoStore"}:
            self._keep_user_model(calls.keyword(node, "user_model"))
        elif name == "get_database":
            self._keep(self._harvest.databases, calls.argument(node, 0, "name"), scope, "get_database(...)")

    def _look_at_name(self, name: str) -> None:
        lower, scope = name.lower(), Scope(self._module)
        node = self._module.names[name][-1].node
        if isinstance(node, ast.Call) and calls.called_name(node) == "FastAuth":
            label = f"{self._house.project.dotted(self._module.path)}:{name}"
            self._harvest.auths.append(Found(label, self._module.label, node.lineno, name))
        if isinstance(node, ast.Subscript) and self._is_mongo_client(node.value, scope):
            self._keep(self._harvest.databases, node.slice, scope, name)
        value = self._house.name(name, scope)
        if isinstance(value, Text):
            self._sort(lower, value, name)
        elif isinstance(value, ClassRef) and value.module is self._module:
            owner = Instance(value) if self._house.classes.is_settings(value) else value
            for attribute in self._house.classes.field_names(value):
                inner = self._house.classes.attribute(owner, attribute) if _is_wanted(attribute) else None
                if isinstance(inner, Text):
                    self._sort(attribute.lower(), inner, attribute)

    def _sort(self, lower: str, text: Text, name: str) -> None:
        kept = Found(text.value, text.source, text.line, text.name or name)
        if lower in _URL_NAMES and "://" in text.value:
            self._harvest.urls.append(kept)
        elif lower in _SECRET_NAMES and text.value:
            self._harvest.secrets.append(kept)
        elif lower in _DATABASE_NAMES and text.value:
            self._harvest.databases.append(kept)

    def _keep(self, kind: list[Found], node: ast.expr | None, scope: Scope, name: str) -> None:
        text = self._house.text(node, scope) if node is not None else None
        if text is not None and text.value and ("://" in text.value or kind is not self._harvest.urls):
            kind.append(Found(text.value, text.source, text.line, text.name or name))

    def _keep_user_model(self, node: ast.expr | None) -> None:
        if node is not None:
            self._harvest.user_models.append(
                Found(ast.unparse(node), self._module.label, node.lineno, f"user_model={ast.unparse(node)}")
            )

    def _is_mongo_client(self, node: ast.expr, scope: Scope) -> bool:
        if isinstance(node, ast.Name):
            bindings = scope.bindings(node.id)
            return bool(bindings) and self._is_mongo_client_call(bindings[-1].node)
        return self._is_mongo_client_call(node)

    @staticmethod
    def _is_mongo_client_call(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and calls.called_name(node) in _MONGO_CLIENTS


def _calls_in(node: ast.AST, scope: Scope) -> Iterator[tuple[ast.Call, Scope]]:
    """Return every call with what it can see, in the order of the lines."""
    for child in ast.iter_child_nodes(node):
        inside = scope
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            inside = scope.inside(child)
        if isinstance(child, ast.Call):
            yield child, scope
        yield from _calls_in(child, inside)


def _is_wanted(name: str) -> bool:
    return name.lower() in _URL_NAMES | _SECRET_NAMES | _DATABASE_NAMES


def _once(found: list[Found]) -> list[Found]:
    """Return what was found, each place and value once."""
    kept: dict[object, Found] = {}
    for each in found:
        kept.setdefault((each.spot, each.value), each)
    return list(kept.values())
