"""What a call stands for: the environment, a settings object, a URL put together, a string made from a string."""

import ast
import string
from urllib.parse import quote

from fastauth.cli.finding.house import House
from fastauth.cli.finding.scopes import Scope
from fastauth.cli.finding.values import ClassRef, External, FunctionRef, Instance, Text, Value

_READS_ENVIRONMENT = frozenset(
    {
        "os.getenv",
        "os.environ.get",
        "decouple.config",
        "starlette.config.Config()",
        "environs.Env()",
        "environs.Env().str",
    }
)
_KEEPS_ITS_ARGUMENT = frozenset(
    {
        "str",
        "SecretStr",
        "Secret",
        "make_url",
        "URL",
        "AnyUrl",
        "PostgresDsn",
        "MySQLDsn",
        "MariaDBDsn",
        "MongoDsn",
        "Key",
        "TypeAdapter",
    }
)
_KEEPS_ITSELF = frozenset(
    {"get_secret_value", "unicode_string", "strip", "encode", "decode", "render_as_string", "__str__", "as_posix"}
)
_BUILDS_A_URL = frozenset({"create", "build"})
_READERS = frozenset({"starlette.config.Config", "environs.Env"})


def evaluate(house: House, node: ast.Call, scope: Scope) -> Value | None:
    """Return what the call stands for, or None."""
    if isinstance(node.func, ast.Attribute):
        text = house.text(node.func.value, scope) if _may_be_text(node.func.attr) else None
        if text is not None:
            return _method(house, text, node, scope)
    called = house.value(node.func, scope)
    if isinstance(called, ClassRef):
        given = {each.arg: house.value(each.value, scope) for each in node.keywords if each.arg}
        return Instance(called, {name: value for name, value in given.items() if value is not None})
    if isinstance(called, FunctionRef):
        return returned(house, called)
    if isinstance(called, External):
        return _external(house, called, node, scope)
    return None


def called_name(node: ast.Call) -> str:
    """Return the last part of the name of what is called."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def argument(node: ast.Call, position: int, *names: str) -> ast.expr | None:
    """Return the argument at this position, or of one of these names."""
    if len(node.args) > position and not any(isinstance(each, ast.Starred) for each in node.args[: position + 1]):
        return node.args[position]
    return keyword(node, *names)


def keyword(node: ast.Call, *names: str) -> ast.expr | None:
    """Return the argument of one of these names."""
    return next((each.value for each in node.keywords if each.arg in names), None)


def _external(house: House, called: External, node: ast.Call, scope: Scope) -> Value | None:
    if called.dotted in _READERS:
        return External(f"{called.dotted}()")
    if called.dotted in _READS_ENVIRONMENT:
        name = argument(node, 0, "key")
        known = house.text(name, scope) if name is not None else None
        fallback = argument(node, 1, "default")
        default = house.value(fallback, scope) if fallback is not None else None
        if known is None:
            return None
        if default is None and fallback is not None:
            found = house.environment.get(known.value)
            return Text(found.value, found.source, found.line, found.name) if found is not None else None
        return house.from_environment([known.value], node, scope, default=default)
    if called.last in _BUILDS_A_URL:
        return _url(house, node, scope)
    first = argument(node, 0, "url")
    return house.value(first, scope) if called.last in _KEEPS_ITS_ARGUMENT and first is not None else None


def returned(house: House, function: FunctionRef) -> Value | None:
    """Return what a function without arguments gives back, or None."""
    outer = Scope(function.module)
    known: dict[str, Value] = {}
    if function.owner is not None and function.node.args.args:
        known[function.node.args.args[0].arg] = function.owner
    inside = outer.inside(function.node, known)
    returns = [each.value for each in ast.walk(function.node) if isinstance(each, ast.Return) and each.value]
    return house.value(returns[0], inside) if len(returns) == 1 else None


def _may_be_text(method: str) -> bool:
    return method in _KEEPS_ITSELF or method in {"replace", "removeprefix", "format"}


def _method(house: House, text: Text, node: ast.Call, scope: Scope) -> Text | None:
    method = called_name(node)
    if method in _KEEPS_ITSELF:
        return text
    arguments = [house.text(each, scope) for each in node.args[:2]]
    known = [each.value for each in arguments if each is not None]
    if len(known) != len(arguments):
        return None
    value: str | None = None
    if method == "replace" and len(known) == 2:
        value = text.value.replace(known[0], known[1])
    elif method == "removeprefix" and len(known) == 1:
        value = text.value.removeprefix(known[0])
    elif method == "format":
        value = _formatted(house, text.value, known, node, scope)
    return None if value is None else Text(value, text.source, text.line, text.name)


def _formatted(house: House, template: str, given: list[str], node: ast.Call, scope: Scope) -> str | None:
    named: dict[str, str] = {}
    for each in node.keywords:
        text = house.text(each.value, scope)
        value = text.value if text is not None else house.classes.number(each.value, scope)
        if each.arg is None or value is None:
            return None
        named[each.arg] = value
    try:
        # Plain fields only: one with a dot or an index reaches into objects, one with a width makes texts of any size.
        plain = all(spec == "" and (field or "x").isalnum() for _, field, spec, _ in _fields(template))
        return template.format(*given, **named) if plain else None
    except (LookupError, ValueError):
        return None


def _fields(template: str) -> list[tuple[str, str | None, str, str | None]]:
    return [(text, field, spec or "", kind) for text, field, spec, kind in string.Formatter().parse(template)]


def _url(house: House, node: ast.Call, scope: Scope) -> Text | None:
    """Put together what ``URL.create(...)`` or ``PostgresDsn.build(...)`` would."""
    parts: dict[str, str] = {}
    for index, name in enumerate(("scheme", "username", "password", "host", "port", "path")):
        expression = argument(node, index, name, *{"scheme": ("drivername",), "path": ("database",)}.get(name, ()))
        if expression is None:
            continue
        text = house.text(expression, scope)
        value = text.value if text is not None else house.classes.number(expression, scope)
        if value is None and not (isinstance(expression, ast.Constant) and expression.value is None):
            return None
        parts[name] = value or ""
    if not parts.get("scheme"):
        return None
    user = quote(parts.get("username", ""), safe="")
    if parts.get("password"):
        user += ":" + quote(parts["password"], safe="")
    host = (f"{user}@" if user else "") + parts.get("host", "")
    port = f":{parts['port']}" if parts.get("port") else ""
    path = "/" + parts["path"].removeprefix("/") if parts.get("path") else ""
    if not host:  # SQLite
        path = "/" + parts.get("path", "")
    return Text(f"{parts['scheme']}://{host}{port}{path}", scope.module.label, node.lineno)
