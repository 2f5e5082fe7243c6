"""What an option has to be, in words: who gives something else is told what to write, and is shown no value."""

import dataclasses
from collections.abc import Iterable
from datetime import timedelta
from types import NoneType, UnionType
from typing import Any, get_args

from fastauth.core.exceptions import ConfigurationError

_WORDS: dict[type, str] = {
    timedelta: "a timedelta, such as timedelta(minutes=5)",
    bool: "True or False",
    int: "a whole number",
    str: "a text",
    NoneType: "None",
}


def wrong_kind(option: str, wanted: str, given: object) -> ConfigurationError:
    """Return the error for an option that is given something of another kind."""
    kind = f"the class {given.__name__}" if isinstance(given, type) else f"of type {type(given).__name__}"
    return ConfigurationError(f"{option} has to be {wanted}. What was given is {kind}.")


def check_kind(option: str, value: object, *kinds: type) -> None:
    """Refuse what is of no such kind; ``True`` is no number.

    Raises:
        ConfigurationError: It is of another kind.
    """
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise wrong_kind(option, " or ".join(_WORDS[kind] for kind in kinds), value)


def check_kinds(settings: Any) -> None:
    """Refuse a value of another kind than its field says, in a data class, where that is a plain one.

    Raises:
        ConfigurationError: A field has a value of another kind.
    """
    for field in dataclasses.fields(settings):
        kinds: tuple[Any, ...] = get_args(field.type) if isinstance(field.type, UnionType) else (field.type,)
        if all(kind in _WORDS for kind in kinds):
            check_kind(f"{type(settings).__name__}({field.name}=...)", getattr(settings, field.name), *kinds)


def check_list(option: str, value: object, *, such_as: object = None) -> None:
    """Refuse one text where several are expected, which would be taken for a list of letters, and what is no list.

    Args:
        option: What it is called.
        value: What was given.
        such_as: What would be in the list; by default, the text that was given.

    Raises:
        ConfigurationError: It is one text, or cannot be gone through.
    """
    if isinstance(value, (str, bytes)):
        raise ConfigurationError(f"{option} is a list: write [{value if such_as is None else such_as!r}].")
    if not isinstance(value, Iterable):
        raise wrong_kind(option, f"a list{'' if such_as is None else f', such as [{such_as}]'}", value)
