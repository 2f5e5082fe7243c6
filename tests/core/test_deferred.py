"""A user that is made when it is first asked for is, to everybody, a user that was there all along."""

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from fastauth.core.deferred import Deferred
from fastauth.core.models import Account

PLAIN = Account("1", "ada", "ada@example.com", "hash", disabled=False, roles=frozenset({"user"}), user="top-user")


def deferred(make: Callable[[], Any]) -> Account[Any]:
    """Return the same account, whose user is yet to be made."""
    return dataclasses.replace(PLAIN, user=Deferred(make))


def test_a_user_is_made_once_and_when_it_is_asked_for() -> None:
    """What is known of the account is told without the user, which is made for the first who asks for it."""
    made: list[object] = []
    account = deferred(lambda: made.append(object()) or made[-1])

    assert (account.id, account.verified, "top-user" in repr(account)) == ("1", False, False)
    assert not made
    assert account.user is account.user
    assert len(made) == 1


@pytest.mark.parametrize(
    "see",
    [
        lambda account: account,
        copy.copy,
        copy.deepcopy,
        lambda account: dataclasses.replace(account, username="ada"),
        lambda account: Account(**{each.name: getattr(account, each.name) for each in dataclasses.fields(account)}),
        lambda account: Account(*dataclasses.astuple(account)),
    ],
    ids=["compare", "copy", "deepcopy", "replace", "fields", "astuple"],
)
def test_nobody_can_tell(see: Callable[[Account[Any]], Account[Any]]) -> None:
    """It is equal to the account with the user, and so is each copy of it, as a key of a dict, too."""
    account = see(deferred(lambda: "top-user"))

    assert account == PLAIN
    assert account != dataclasses.replace(PLAIN, user="another")
    assert {PLAIN: 1}[account] == 1


def test_it_can_be_pickled() -> None:
    """What goes to another process has the user in it, and not how to make it."""
    account = deferred(lambda: "top-user")

    assert pickle.loads(pickle.dumps(account)) == PLAIN


def test_two_who_ask_at_once_get_the_same() -> None:
    """Where a second thread asks while the first one makes the user, both get one and the same."""
    made: list[object] = []

    def make() -> object:
        user = object()
        if not made:  # the other thread comes in between
            made.append(user)
            made.append(account.user)
        return user

    account = deferred(make)

    assert account.user is made[1]


def test_what_making_it_raises_is_raised_to_each_who_asks() -> None:
    """A user that cannot be made is an error for whoever asks, every time, and the account stays as it was."""

    def make() -> object:
        raise RuntimeError("no user")

    account = deferred(make)

    for _ in range(2):
        with pytest.raises(RuntimeError, match="no user"):
            account.user  # noqa: B018
    assert account.username == "ada"


def test_it_has_no_other_attributes() -> None:
    """A name that no account has is an error, which says so."""
    with pytest.raises(AttributeError, match="'Account' object has no attribute 'usr'"):
        PLAIN.usr  # noqa: B018
