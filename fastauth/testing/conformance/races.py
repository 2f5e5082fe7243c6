"""The promises that hold when many do the same at once: one wins, and nothing is left in between."""

import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fastauth.core.exceptions import (
    ProtectedRoleException,
    RoleExistsException,
    RoleNotFoundException,
    UserExistsException,
    UserNotFoundException,
)
from fastauth.core.models import STANDARD_ROLES, SUPERADMIN, Account, Login
from fastauth.core.protocols import Store
from fastauth.testing.conformance.base import HOUR, MINUTE, NEW_HASH, NOW, Conformance, race, session_of

Attack = Callable[[Store[Any], str], Awaitable[Any]]

ATTACKS: dict[str, Attack] = {
    "demote": lambda store, user_id: store.revoke_role(user_id, SUPERADMIN),
    "disable": lambda store, user_id: store.set_disabled(user_id, True, now=NOW),
    "delete": lambda store, user_id: store.delete_user(user_id),
}


class RaceConformance(Conformance):
    """Every promise here is of the kind that a check followed by a change breaks."""

    async def test_a_name_is_given_once(self, store: Store[Any]) -> None:
        """Of fifty who register one username at once, one gets it, and the others are told the field."""
        await store.ensure_roles({"user": ""})
        news = [self.new_user("ada", email=f"ada{number}@example.com") for number in range(50)]

        outcomes = await race((store.add_user(new, roles=["user"]) for new in news), losing=(UserExistsException,))

        assert _fields(outcomes) == ["username"] * 49
        found = [await store.find_user(Login("email", new.email)) for new in news]
        assert [account.id for account in found if account] == [each.id for each in outcomes if _is_account(each)]

    async def test_an_address_is_given_once(self, store: Store[Any]) -> None:
        """Of fifty who register one e-mail address at once, one gets it, and the others are told the field."""
        await store.ensure_roles({"user": ""})
        news = [self.new_user(f"ada{number}", email="ada@example.com") for number in range(50)]

        outcomes = await race((store.add_user(new, roles=["user"]) for new in news), losing=(UserExistsException,))

        assert _fields(outcomes) == ["email"] * 49
        found = [await store.find_user(Login("username", new.username)) for new in news]
        assert [account.id for account in found if account] == [each.id for each in outcomes if _is_account(each)]

    async def test_different_users_do_not_stand_in_each_others_way(self, store: Store[Any]) -> None:
        """Fifty who register different names at once are all stored, each with their own."""
        await store.ensure_roles({"user": ""})

        outcomes = await race(store.add_user(self.new_user(f"ada{number}"), roles=["user"]) for number in range(50))

        assert len({each.id for each in outcomes if isinstance(each, Account)}) == 50
        assert [each.username for each in outcomes if isinstance(each, Account)] == [f"ada{n}" for n in range(50)]

    async def test_a_generation_rotates_once(self, store: Store[Any]) -> None:
        """Of a hundred refreshes at once, exactly one moves the session on, by one generation."""
        session = await self.add_session(store, await self.add_user(store))

        outcomes = await race(
            store.rotate_session(
                session.id, user_id=session.user_id, generation=0, now=NOW + MINUTE, expires_at=NOW + 2 * HOUR
            )
            for _ in range(100)
        )

        found = await store.authenticate(session.id)
        assert outcomes.count(True) == 1
        assert outcomes.count(False) == 99
        assert found is not None
        assert found.session is not None
        assert found.session.generation == 1

    async def test_a_session_ends_once(self, store: Store[Any]) -> None:
        """Of twenty who revoke one session at once, exactly one does."""
        session = await self.add_session(store, await self.add_user(store))

        outcomes = await race(store.revoke_session(session.id, now=NOW) for _ in range(20))

        assert outcomes.count(True) == 1

    async def test_a_hash_is_replaced_once(self, store: Store[Any]) -> None:
        """Of fifty who upgrade one hash at once, exactly one does, and its hash is the one that is kept."""
        account = await self.add_user(store)
        hashes = [f"upgraded {number}" for number in range(50)]

        outcomes = await race(
            store.replace_password(account.id, old_hash=account.hashed_password, new_hash=each) for each in hashes
        )

        found = await store.get_user(account.id)
        assert found is not None
        assert outcomes.count(True) == 1
        assert found.hashed_password == hashes[outcomes.index(True)]

    async def test_a_role_name_is_given_once(self, store: Store[Any]) -> None:
        """Of twenty who add one role at once one does, and of two who rename to one name one does."""
        outcomes = await race(
            (store.add_role("editor", str(number)) for number in range(20)), losing=(RoleExistsException,)
        )
        one, other = await store.add_role("one", ""), await store.add_role("other", "")
        renamed = await race(
            (store.update_role(role.id, name="author", description=None) for role in (one, other)),
            losing=(RoleExistsException,),
        )

        assert sum(isinstance(each, RoleExistsException) for each in outcomes) == 19
        assert sum(isinstance(each, RoleExistsException) for each in renamed) == 1
        assert len(await store.list_roles()) == 3

    async def test_roles_are_ensured_once(self, store: Store[Any]) -> None:
        """Of eight who ensure the standard roles at once nobody fails, and each role is there once."""
        await race(store.ensure_roles(STANDARD_ROLES) for _ in range(8))

        assert [role.name for role in await store.list_roles()] == sorted(STANDARD_ROLES)

    @pytest.mark.parametrize("role", ["editor", SUPERADMIN])
    async def test_grants_and_revocations_leave_one_holding_or_none(self, store: Store[Any], role: str) -> None:
        """Grants and revocations of one role at once all succeed, and leave one holding or none: never two."""
        await self.add_superadmin(store)
        account = await self.add_user(store, "ada", roles=["user", "editor"])
        steps = [store.grant_role(account.id, role) for _ in range(20)]
        steps += [store.revoke_role(account.id, role) for _ in range(20)]

        await race(step for pair in zip(steps[:20], steps[20:], strict=True) for step in pair)

        assert await self._roles(store, account) in ({"user"}, {"user", "editor"}, {"user", "editor", role})
        await store.grant_role(account.id, role)
        assert role in await self._roles(store, account)
        await store.revoke_role(account.id, role)
        assert role not in await self._roles(store, account)

    async def test_a_role_that_is_deleted_meanwhile_is_held_by_nobody(self, store: Store[Any]) -> None:
        """A role that is deleted while it is granted is held by nobody, and neither is the next one of its name."""
        accounts = [await self.add_user(store, f"ada{number}", roles=["user"]) for number in range(8)]
        role = await store.add_role("editor", "")
        steps: list[Awaitable[Any]] = [store.grant_role(account.id, "editor") for account in accounts]
        steps.insert(4, store.delete_role(role.id))

        await race(steps, losing=(RoleNotFoundException,))
        await store.add_role("editor", "")

        assert [await self._roles(store, account) for account in accounts] == [{"user"}] * 8

    async def test_a_user_who_is_deleted_meanwhile_leaves_nothing(self, store: Store[Any]) -> None:
        """A user who is deleted while signing in and being granted roles is gone, and so are their sessions."""
        account = await self.add_user(store, roles=["user"])
        await store.ensure_roles({"editor": ""})
        sessions = [session_of(account, f"session-{number}") for number in range(8)]
        steps: list[Awaitable[Any]] = [
            store.add_session(session, hashed_password=account.hashed_password) for session in sessions
        ]
        steps += [store.grant_role(account.id, "editor"), store.revoke_role(account.id, "user")]
        steps.insert(4, store.delete_user(account.id))

        await race(steps, losing=(UserNotFoundException,))

        assert await store.get_user(account.id) is None
        assert [await store.authenticate(session.id) for session in sessions] == [None] * 8

    @pytest.mark.parametrize("how", [*ATTACKS, "mixed"])
    @pytest.mark.parametrize("count", [2, 3, 8])
    async def test_one_superadmin_remains(self, store: Store[Any], count: int, how: str) -> None:
        """When every superadmin demotes, disables or deletes every one at once, exactly one enabled one remains."""
        admins = [await self.add_superadmin(store, f"root{number}") for number in range(count)]
        attacks = itertools.cycle(ATTACKS.values() if how == "mixed" else [ATTACKS[how]])
        targets = [admins[(number + step) % count] for step in range(1, count + 1) for number in range(count)]

        await race(
            (next(attacks)(store, target.id) for target in targets),
            losing=(ProtectedRoleException, UserNotFoundException),
        )

        left = [await store.get_user(admin.id) for admin in admins]
        assert len([each for each in left if each and SUPERADMIN in each.roles and not each.disabled]) == 1

    @pytest.mark.parametrize("change", ["disable", "set_password"])
    async def test_no_session_slips_past_a_change(self, store: Store[Any], change: str) -> None:
        """Whoever signs in while the account is disabled or its password set has no live session afterwards."""
        for attempt in range(5):
            account = await self.add_user(store, f"ada{attempt}")
            steps: list[Awaitable[Any]] = [
                store.add_session(
                    session_of(account, f"session-{attempt}-{number}"), hashed_password=account.hashed_password
                )
                for number in range(10)
            ]
            steps.insert(
                attempt * 2,
                store.set_disabled(account.id, True, now=NOW)
                if change == "disable"
                else store.set_password(account.id, NEW_HASH, now=NOW),
            )

            await race(steps)

            assert list(await store.list_sessions(account.id, now=NOW)) == []

    async def test_no_refresh_slips_past_a_disabling(self, store: Store[Any]) -> None:
        """A session that is refreshed while its user is disabled is revoked, and refreshes no more."""
        for attempt in range(5):
            account = await self.add_user(store, f"ada{attempt}")
            sessions = [await self.add_session(store, account, f"session-{attempt}-{number}") for number in range(8)]
            steps: list[Awaitable[Any]] = [self._rotate(store, account, session.id, 0) for session in sessions]
            steps.insert(attempt * 2, store.set_disabled(account.id, True, now=NOW))

            await race(steps)

            assert list(await store.list_sessions(account.id, now=NOW)) == []
            assert [
                await self._rotate(store, account, session.id, generation)
                for session in sessions
                for generation in (0, 1)
            ] == [False] * 16

    async def test_purging_takes_nothing_live(self, store: Store[Any]) -> None:
        """Sessions that are refreshed, begun and purged at once: what is live stays, and what has expired goes."""
        account = await self.add_user(store)
        for number in range(8):
            await self.add_session(store, account, f"live-{number}")
            await self.add_session(store, account, f"expired-{number}", expires_at=NOW - MINUTE)
        steps: list[Awaitable[Any]] = []
        for number in range(8):
            new = session_of(account, f"new-{number}")
            steps += [
                self._rotate(store, account, f"live-{number}", 0),
                store.purge_expired(NOW),
                store.add_session(new, hashed_password=account.hashed_password),
            ]

        outcomes = await race(steps)

        live = {session.id for session in await store.list_sessions(account.id, now=NOW)}
        assert sum(purged for purged in outcomes[1::3] if isinstance(purged, int)) == 8
        assert live == {f"{kind}-{number}" for kind in ("live", "new") for number in range(8)}
        assert [await store.authenticate(f"expired-{number}") for number in range(8)] == [None] * 8

    @staticmethod
    async def _rotate(store: Store[Any], account: Account[Any], session_id: str, generation: int) -> bool:
        return await store.rotate_session(
            session_id, user_id=account.id, generation=generation, now=NOW, expires_at=NOW + 2 * HOUR
        )

    @staticmethod
    async def _roles(store: Store[Any], account: Account[Any]) -> frozenset[str]:
        found = await store.get_user(account.id)
        return frozenset() if found is None else found.roles


def _is_account(outcome: object) -> bool:
    return isinstance(outcome, Account)


def _fields(outcomes: list[Any]) -> list[str | None]:
    return [each.field for each in outcomes if isinstance(each, UserExistsException)]
