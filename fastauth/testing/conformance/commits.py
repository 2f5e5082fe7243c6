"""The promises of :meth:`~fastauth.core.protocols.Store.before_commit`, of used tokens and of the audit trail."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from fastauth.core.models import Account, AuditRecord
from fastauth.core.protocols import Commit, Store
from fastauth.testing.conformance.base import MINUTE, NEW_HASH, NOW, Conformance, facts, hash_of, race

Change = Callable[[Store[Any], Account[Any]], Awaitable[Any]]

CHANGES: dict[str, Change] = {
    "password": lambda store, ada: store.set_password(ada.id, NEW_HASH, now=NOW),
    "hash": lambda store, ada: store.replace_password(ada.id, old_hash=hash_of("ada"), new_hash=NEW_HASH),
    "address": lambda store, ada: store.set_email(ada.id, "new@example.com", verified=False),
    "disabled": lambda store, ada: store.set_disabled(ada.id, True, now=NOW),
    "deleted": lambda store, ada: store.delete_user(ada.id),
    "granted": lambda store, ada: store.grant_role(ada.id, "editor"),
    "revoked": lambda store, ada: store.revoke_role(ada.id, "user"),
    "signed out": lambda store, _: store.revoke_session("session-1", now=NOW),
    "signed out everywhere": lambda store, ada: store.revoke_sessions(ada.id, now=NOW),
}
IDLE: dict[str, Change] = {
    "password": lambda store, ada: store.set_password(ada.id, NEW_HASH, now=NOW, old_hash="another"),
    "address": lambda store, ada: store.set_email(ada.id, "new@example.com", verified=False, old_email="another"),
    "deleted": lambda store, ada: store.delete_user(ada.id, old_hash="another"),
    "granted": lambda store, ada: store.grant_role(ada.id, "user"),
    "revoked": lambda store, ada: store.revoke_role(ada.id, "editor"),
    "signed out": lambda store, _: store.revoke_session("no-such-session", now=NOW),
    "read": lambda store, ada: store.get_user(ada.id),
    "listed": lambda store, _: store.list_users(limit=10),
}


class VetoError(Exception):
    """What a step raises to refuse."""


async def veto(_: Commit[Any]) -> None:
    """Refuse whatever it is."""
    raise VetoError


def record(number: int, *, user_id: str | None = None, event: str = "user.registered") -> AuditRecord:
    """Return a record to be stored."""
    at = NOW + number * MINUTE
    return AuditRecord(f"{number:032d}", at, event, "success", user_id=user_id, details={"number": str(number)})


class CommitConformance(Conformance):
    """What happens before a commit is part of it; a token is used once; the trail is kept in order."""

    async def scene(self, store: Store[Any]) -> Account[Any]:
        """Return a user with a role and a session, beside a role that nobody has."""
        await store.ensure_roles({"editor": "A role."})
        ada = await self.add_user(store, "ada", roles=["user"])
        await self.add_session(store, ada)
        return ada

    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
    async def test_a_veto_undoes_the_change(self, store: Store[Any], change: Change) -> None:
        """A step that raises leaves everything as it was, and what it raised rises."""
        ada = await self.scene(store)

        with pytest.raises(VetoError):
            await change(store.before_commit(veto), ada)

        assert facts(await store.get_user(ada.id)) == facts(ada)
        assert await self.is_signed_in(store, "session-1")

    async def test_the_last_step_is_the_one(self, store: Store[Any]) -> None:
        """A store that is given another step awaits that one, and not the one before."""
        ada = await self.scene(store)
        results: list[Any] = []

        async def step(commit: Commit[Any]) -> None:
            results.append(commit.result)

        await store.before_commit(veto).before_commit(step).grant_role(ada.id, "editor")

        assert len(results) == 1

    async def test_a_veto_leaves_no_user(self, store: Store[Any]) -> None:
        """A user who is refused before the commit is not there, and the names are free."""
        seen: list[str] = []

        async def refuse(commit: Commit[Any]) -> None:
            seen.append(commit.result.username)
            raise VetoError

        with pytest.raises(VetoError):
            await store.before_commit(refuse).add_user(self.new_user(), roles=[])

        assert seen == ["ada"]
        assert not await store.list_users(limit=10)
        assert (await self.add_user(store)).username == "ada"

    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
    async def test_a_step_is_awaited_before_the_change_is_seen(self, store: Store[Any], change: Change) -> None:
        """A step is awaited once for a change that nobody disturbs, and it is done when the verb returns."""
        ada = await self.scene(store)
        results: list[Any] = []

        async def step(commit: Commit[Any]) -> None:
            results.append(commit.result)

        assert await change(store.before_commit(step), ada)
        assert len(results) == 1
        assert results[0]
        found = await store.get_user(ada.id)
        assert facts(found) != facts(ada) or not await self.is_signed_in(store, "session-1")

    @pytest.mark.parametrize("change", IDLE.values(), ids=IDLE)
    async def test_no_step_is_awaited_where_nothing_changes(self, store: Store[Any], change: Change) -> None:
        """A verb that changes nothing awaits no step."""
        ada = await self.scene(store)

        await change(store.before_commit(veto), ada)

        assert facts(await store.get_user(ada.id)) == facts(ada)

    async def test_what_a_step_stores_stands_or_falls_with_the_verb(self, store: Store[Any]) -> None:
        """Where there are transactions, what a step did through its store is undone with it; else it is done."""
        ada = await self.scene(store)

        async def use(commit: Commit[Any]) -> None:
            assert await commit.store.use_token("token", expires_at=NOW + MINUTE)
            raise VetoError

        with pytest.raises(VetoError):
            await store.before_commit(use).set_password(ada.id, NEW_HASH, now=NOW)

        assert await store.use_token("token", expires_at=NOW + MINUTE) is await store.has_transactions()

    async def test_a_token_is_used_once(self, store: Store[Any]) -> None:
        """Of fifty simultaneous uses of one token exactly one is the first; other tokens are not touched."""
        uses = await race(store.use_token("token", expires_at=NOW + MINUTE) for _ in range(50))

        assert uses.count(True) == 1
        assert await store.use_token("token", expires_at=NOW + MINUTE) is False
        assert await store.use_token("Token", expires_at=NOW + MINUTE) is True

    async def test_a_used_token_is_known_until_it_expires(self, store: Store[Any]) -> None:
        """A purge forgets no token that could still be shown."""
        await store.use_token("token", expires_at=NOW + MINUTE)

        await store.purge_expired(NOW)

        assert await store.use_token("token", expires_at=NOW + MINUTE) is False

    async def test_a_token_opens_one_change_of_fifty(self, store: Store[Any]) -> None:
        """Fifty who change the same with one token, each by a step that uses it, make exactly one change."""
        ada = await self.scene(store)

        async def use(commit: Commit[Any]) -> None:
            if not await commit.store.use_token("token", expires_at=NOW + MINUTE):
                raise VetoError

        using = store.before_commit(use)
        changes = await race(
            (using.set_password(ada.id, f"hash {number}", now=NOW) for number in range(50)), losing=(VetoError,)
        )

        found = await store.get_user(ada.id)
        assert changes.count(True) == 1
        assert found is not None
        assert found.hashed_password == f"hash {changes.index(True)}"

    async def test_the_trail_is_read_newest_first(self, store: Store[Any]) -> None:
        """Records come back as they were stored, newest first, page by page, also when more are added meanwhile."""
        records = [record(number) for number in range(5)]
        for each in records:
            assert await store.add_audit_record(each)

        first = await store.list_audit_records(limit=2)
        await store.add_audit_record(record(5))
        second = await store.list_audit_records(before=first[-1].id, limit=10)

        assert [*first, *second] == records[::-1]

    async def test_the_trail_is_filtered(self, store: Store[Any]) -> None:
        """The trail shows what a user did or what happened to them, one kind of event, or what is not too old."""
        records = [record(0, user_id="7"), record(1, event="role.granted"), record(2, user_id="8")]
        for each in records:
            await store.add_audit_record(each)
        acted = AuditRecord("9" * 32, NOW, "user.disabled", "success", actor_id="7", user_id="8")
        await store.add_audit_record(acted)

        assert await store.list_audit_records(user_id="7", limit=9) == [acted, records[0]]
        assert await store.list_audit_records(event="role.granted", limit=9) == [records[1]]
        assert await store.list_audit_records(since=NOW + MINUTE, limit=9) == [records[2], records[1]]
        assert await store.list_audit_records(user_id="7\x00", event="\ud800", limit=9) == []

    async def test_the_trail_is_purged_by_age(self, store: Store[Any]) -> None:
        """A purge deletes what is older than the moment, and says how much that was."""
        records = [record(number) for number in range(4)]
        for each in records:
            await store.add_audit_record(each)

        purged = await store.purge_audit_records(NOW + timedelta(minutes=2))

        assert purged == 2
        assert await store.list_audit_records(limit=9) == records[:1:-1]
