"""The attributes of the app's own user model, as the command line gives them."""

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError

from fastauth.cli.errors import Misuse
from fastauth.cli.target import Target
from fastauth.core.exceptions import ValidationException


def field_option(whose: str = "") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option ``--field``, which becomes the parameter ``fields``.

    Args:
        whose: Whose attribute it is, where that does not go without saying, with a space before it.
    """
    text = f"An attribute of the app's own model{whose}; may be repeated."
    return click.option("--field", "fields", multiple=True, metavar="NAME=VALUE", help=text)


def given_fields(on: Target, pairs: Sequence[str]) -> dict[str, Any]:
    """Return what was given with ``--field``, in its types.

    Raises:
        Misuse: It is not of the form NAME=VALUE, or a value is not of its attribute's type.
    """
    return own_fields(on, dict(map(_pair, pairs)))


@contextmanager
def fields_asked_for() -> Generator[None, None, None]:
    """Say which option gives what the app's model has to be given.

    Raises:
        Misuse: A value is missing.
    """
    try:
        yield
    except ValidationException as error:
        missing = [str(detail["loc"][-1]) for detail in error.details if detail["type"] == "missing"]
        if not missing:
            raise
        options = " ".join(f"--field {name}=..." for name in missing)
        raise Misuse(f"{error.message} Give what is missing with {options}") from error


def own_fields(on: Target, texts: dict[str, str]) -> dict[str, Any]:
    """Return the attributes of the app's own model in their types, lists and dicts from JSON; else it stays text.

    Raises:
        Misuse: A value is not of its attribute's type.
    """
    schema = on.auth.store.schema
    types = {field.name: field.annotation for field in (*schema.public, *schema.writable)}
    values: dict[str, Any] = dict(texts)
    for name in texts.keys() & types.keys():
        values[name] = _in_type(name, types[name], texts[name])
    return values


def _in_type(name: str, annotation: Any, given: Any) -> Any:
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    with suppress(ValidationError):  # to a type that takes neither list nor dict, the text is a text
        return adapter.validate_python(_from_json(given))
    try:
        return adapter.validate_python(given)
    except ValidationError as error:
        raise Misuse(f"{name}: {error.errors(include_input=False)[0]['msg']}.") from error


def _from_json(given: Any) -> Any:
    if isinstance(given, str) and given.startswith(("[", "{")):
        with suppress(ValueError, RecursionError):
            return json.loads(given)
    return given


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Misuse(f"--field {name} is not of the form NAME=VALUE.")
    return name, value
