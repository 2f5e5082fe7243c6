"""What an option has to be, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import NoneType
from typing import Any, cast

import pytest

from fastauth import ConfigurationError
from fastauth.core.checks import check_kind, check_kinds, check_list, wrong_kind


@dataclass
class Group:
    """Settings with a field that is plain, one that may be left out, and one that nobody looks at here."""

    amount: int = 1
    name: str | None = None
    names: Sequence[str] = ()


@pytest.mark.parametrize(
    ("given", "kinds", "said"),
    [
        ("5", (int,), "x has to be a whole number. What was given is of type str."),
        (True, (int,), "x has to be a whole number. What was given is of type bool."),
        (1, (bool,), "x has to be True or False. What was given is of type int."),
        (5, (str, NoneType), "x has to be a text or None. What was given is of type int."),
        (timedelta, (timedelta,), "such as timedelta(minutes=5). What was given is the class timedelta."),
        (None, (str,), "x has to be a text. What was given is of type NoneType."),
    ],
)
def test_another_kind_is_refused_in_words(given: object, kinds: tuple[type, ...], said: str) -> None:
    """The error says what the option has to be, and of what type is what was given."""
    with pytest.raises(ConfigurationError) as caught:
        check_kind("x", given, *kinds)

    assert said in caught.value.message


def test_the_right_kind_passes() -> None:
    """What is of one of the kinds passes, ``True`` where it may be."""
    check_kind("x", 5, int)
    check_kind("x", None, str, NoneType)
    check_kind("x", True, bool, NoneType)

    check_kinds(Group())
    check_list("x", ("a", "b"))
    check_list("x", iter(["a"]))


def test_a_value_is_not_repeated() -> None:
    """There may be a password in what was given, in an address say: the error shows its type."""
    assert "hush" not in wrong_kind("store", "a store", "postgresql://u:hush@db/app").message


@pytest.mark.parametrize(("fields", "said"), [({"amount": "1"}, "Group(amount=...)"), ({"name": 5}, "a text or None")])
def test_a_field_is_what_it_is_declared_to_be(fields: dict[str, Any], said: str) -> None:
    """A field that is declared as a plain value takes no other; the others are looked at where they are used."""
    check_kinds(Group(names=cast("Any", 5)))

    with pytest.raises(ConfigurationError) as caught:
        check_kinds(Group(**fields))
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("given", "such_as", "said"),
    [
        ("first", None, "x is a list: write ['first']."),
        ("secret words", "...", "x is a list: write ['...']."),
        (b"first", None, "x is a list: write [b'first']."),
        (5, None, "x has to be a list. What was given is of type int."),
        (5, "a hasher", "x has to be a list, such as [a hasher]. What was given is of type int."),
    ],
)
def test_one_text_is_no_list(given: object, such_as: str | None, said: str) -> None:
    """A text would be taken for a list of letters, and the error says what to write."""
    with pytest.raises(ConfigurationError) as caught:
        check_list("x", given, such_as=such_as)

    assert caught.value.message == said
