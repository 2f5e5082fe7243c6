"""The user verbs, on the dictionaries."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from fastauth.backends.common import check_known
from fastauth.backends.memory.data import Data, User
from fastauth.core.exceptions import UserExistsException
from fastauth.core.models import VERIFIED, Account, Login, NewUser


def add_user(data: Data, new: NewUser, *, roles: Collection[str]) -> Account[User]:
    """Store a user who holds these roles."""
    check_known(new.fields, _knows_none)
    _check_free(data, "username", new.username)
    _check_free(data, "email", new.email)
    role_ids = {data.role_named(name).id for name in roles}
    data.last_user_id += 1
    user = User(data.last_user_id, new.username, new.email, new.hashed_password)
    user_id = str(user.id)
    data.users[user_id] = user
    data.holdings[user_id] = role_ids
    return data.account(user)


def get_user(data: Data, user_id: str) -> Account[User] | None:
    """Return the account of this user with its roles, or None."""
    user = data.users.get(user_id)
    return data.account(user) if user is not None else None


def find_user(data: Data, login: Login) -> Account[User] | None:
    """Return the account with this username or with this e-mail address, or None."""
    for user in data.users.values():
        if (user.email if login.kind == "email" else user.username) == login.value:
            return data.account(user)
    return None


def list_users(
    data: Data, *, search: str | None, role: str | None, disabled: bool | None, after: str | None, limit: int
) -> Sequence[Account[User]]:
    """Return a page of accounts in the order of their keys."""
    if after is not None and not (after.isascii() and after.isdecimal()):
        return []
    accounts = [data.account(user) for user in data.users.values() if user.id > int(after or 0)]
    return [
        account
        for account in sorted(accounts, key=lambda account: account.user.id)
        if (search is None or search in account.username or search in account.email)
        and (role is None or role in account.roles)
        and (disabled is None or disabled == account.disabled)
    ][:limit]


def replace_password(data: Data, user_id: str, *, old_hash: str, new_hash: str) -> bool:
    """Replace the hash if it is still ``old_hash``; say whether it was replaced."""
    user = data.users.get(user_id)
    if user is None or user.hashed_password != old_hash:
        return False
    user.hashed_password = new_hash
    return True


def set_password(
    data: Data, user_id: str, new_hash: str, *, now: datetime, old_hash: str | None, keep_session: str | None
) -> bool:
    """Set the hash and revoke every live session but ``keep_session``; say whether it was set."""
    user = data.users.get(user_id)
    if user is None or old_hash not in {None, user.hashed_password}:
        return False
    user.hashed_password = new_hash
    data.revoke_sessions(user_id, now, keep_session)
    return True


def update_user(
    data: Data, user_id: str, fields: Mapping[str, Any], *, unless_holding: Collection[str]
) -> Account[User] | None:
    """Return the account; this user model has no attributes of its own to change."""
    user = data.users.get(user_id)
    if user is None:
        return None
    data.check_rank(user, unless_holding)
    check_known(fields, _knows_none)
    return data.account(user)


def set_email(
    data: Data, user_id: str, email: str, *, verified: bool, old_email: str | None, unless_holding: Collection[str]
) -> bool:
    """Set the address and grant or take the role ``verified`` with it; say whether it was set."""
    user = data.users.get(user_id)
    if user is None or old_email not in {None, user.email}:
        return False
    data.check_rank(user, unless_holding)
    if email != user.email:
        _check_free(data, "email", email)
    held = data.holdings[user_id]
    if verified:
        held.add(data.role_named(VERIFIED).id)
    else:
        held -= {role_id for role_id in held if data.roles[role_id].name == VERIFIED}
    user.email = email
    return True


def set_disabled(data: Data, user_id: str, disabled: bool, *, now: datetime, unless_holding: Collection[str]) -> bool:
    """Disable the user and revoke every live session, or enable the user; False when there is no such user."""
    user = data.users.get(user_id)
    if user is None:
        return False
    data.check_rank(user, unless_holding)
    if disabled:
        data.keep_a_superadmin(user_id)
        data.revoke_sessions(user_id, now)
    user.disabled = disabled
    return True


def delete_user(data: Data, user_id: str, *, old_hash: str | None, unless_holding: Collection[str]) -> bool:
    """Delete the user, their sessions and role holdings; say whether there was such a user."""
    user = data.users.get(user_id)
    if user is None or old_hash not in {None, user.hashed_password}:
        return False
    data.check_rank(user, unless_holding)
    data.keep_a_superadmin(user_id)
    del data.users[user_id]
    del data.holdings[user_id]
    data.sessions = {key: session for key, session in data.sessions.items() if session.user_id != user_id}
    return True


def _knows_none(_: str) -> bool:
    return False


def _check_free(data: Data, field: str, value: str) -> None:
    if any(getattr(user, field) == value for user in data.users.values()):
        raise UserExistsException(field=field)
