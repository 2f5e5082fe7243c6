"""The promises of :class:`~fastauth.core.protocols.TokenStore`."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from fastauth.core.models import Session
from fastauth.core.protocols import Store
from fastauth.testing.conformance.base import HOUR, MINUTE, NOW, Conformance, facts, hash_of, session_of, strange_ids

DAY = timedelta(days=1)


class TokenStoreConformance(Conformance):
    """Sessions."""

    async def stored(self, store: Store[Any], session_id: str = "session-1") -> Session | None:
        """Return the session as the store has it."""
        account = await store.authenticate(session_id)
        return None if account is None else account.session

    async def rotate(
        self, store: Store[Any], session: Session, *, now: datetime = NOW + MINUTE, **changed: Any
    ) -> bool:
        """Rotate the session from its own generation by its own user, or as ``changed`` says."""
        how: dict[str, Any] = {
            "user_id": session.user_id,
            "generation": session.generation,
            "expires_at": NOW + DAY,
            **changed,
        }
        return await store.rotate_session(how.pop("session_id", session.id), now=now, **how)

    async def test_a_session_leads_to_its_account(self, store: Store[Any]) -> None:
        """A session leads to its account, with the roles and with the session itself."""
        ada = await self.add_user(store, "ada", roles=["user", "editor"])
        grace = await self.add_user(store, "grace", roles=["user"])
        sessions = [await self.add_session(store, account, f"of-{account.id}") for account in (ada, grace)]

        found = [await store.authenticate(session.id) for session in sessions]

        assert [facts(each) for each in found] == [
            facts(replace(ada, session=sessions[0])),
            facts(replace(grace, session=sessions[1])),
        ]

    @pytest.mark.parametrize(
        ("user_agent", "ip"),
        [
            (None, None),
            ("Mozilla/5.0 (X11; Linux x86_64)", "203.0.113.7"),
            ("Café 🦊 " + "x" * 248, "2001:db8:85a3:1234:5678:8a2e:255.255.255.255"),
        ],
    )
    async def test_a_session_is_kept_as_it_was_given(
        self, store: Store[Any], user_agent: str | None, ip: str | None
    ) -> None:
        """A session comes back as it was given: every field, in any script, and the times aware and in UTC."""
        account = await self.add_user(store)
        session = await self.add_session(
            store,
            account,
            created_at=NOW - DAY,
            rotated_at=NOW - HOUR,
            expires_at=NOW + 30 * DAY,
            generation=41,
            user_agent=user_agent,
            ip=ip,
        )

        found = await self.stored(store)

        assert found == session
        assert [moment.utcoffset() for moment in _times(found)] == [timedelta(0)] * 3
        assert await store.list_sessions(account.id, now=NOW) == [session]

    async def test_times_are_kept_in_utc(self, store: Store[Any]) -> None:
        """What was written in UTC comes back in UTC, also for moments that a change of the clocks makes ambiguous."""
        account = await self.add_user(store)
        moments = [
            datetime(2030, 10, 27, 0, 30, tzinfo=timezone.utc),
            datetime(2030, 10, 27, 1, 30, tzinfo=timezone.utc),
            datetime(2037, 3, 29, 2, 30, tzinfo=timezone.utc),
        ]
        await self.add_session(store, account, created_at=moments[0], rotated_at=moments[1], expires_at=moments[2])
        await store.revoke_session("session-1", now=moments[1])

        found = await self.stored(store)

        assert found is not None
        assert found.revoked_at is not None
        assert _times(found) == moments
        assert (found.revoked_at, found.revoked_at.utcoffset()) == (moments[1], timedelta(0))

    async def test_a_disabled_user_gets_no_session(self, store: Store[Any]) -> None:
        """A session of a disabled user is not stored."""
        account = await self.add_user(store)
        await store.set_disabled(account.id, True, now=NOW)

        assert await store.add_session(session_of(account), hashed_password=account.hashed_password) is False
        assert await store.authenticate("session-1") is None

    @pytest.mark.parametrize("seen", ["an older hash", "HASH OF ADA", ""])
    async def test_a_changed_password_gets_no_session(self, store: Store[Any], seen: str) -> None:
        """A session is not stored when the hash that was checked is not letter by letter the one of now."""
        account = await self.add_user(store)

        assert await store.add_session(session_of(account), hashed_password=seen) is False
        assert await store.authenticate("session-1") is None

    async def test_an_unknown_user_gets_no_session(self, store: Store[Any]) -> None:
        """A session of a user who does not exist is not stored."""
        session = replace(session_of(await self.add_user(store)), user_id=await self.unknown_user_id(store))

        assert await store.add_session(session, hashed_password=hash_of("gone")) is False
        assert await store.authenticate("session-1") is None

    async def test_an_ended_session_is_returned_too(self, store: Store[Any]) -> None:
        """A revoked session and an expired one are returned as they are: the caller judges."""
        account = await self.add_user(store)
        revoked = await self.add_session(store, account, "revoked")
        expired = await self.add_session(store, account, "expired", expires_at=NOW)
        await store.revoke_session("revoked", now=NOW + MINUTE)

        assert await self.stored(store, "revoked") == replace(revoked, revoked_at=NOW + MINUTE)
        assert await self.stored(store, "expired") == expired

    async def test_a_strange_session_id_is_not_found(self, store: Store[Any]) -> None:
        """An unknown or malformed session id is simply not found, whichever verb is given it."""
        session = await self.add_session(store, await self.add_user(store))

        for session_id in ("session-2", "SESSION-1", "sessión-1", "session-_", *strange_ids("session-1")):
            assert await store.authenticate(session_id) is None, session_id
            assert not await self.rotate(store, session, session_id=session_id), session_id
            assert not await store.revoke_session(session_id, now=NOW), session_id
        for user_id in strange_ids(session.user_id):
            assert not await self.rotate(store, session, user_id=user_id), user_id
        assert await self.stored(store) == session

    async def test_a_rotation_moves_one_generation_on(self, store: Store[Any]) -> None:
        """A rotation moves the session to its next generation and its new end, and touches nothing else."""
        account = await self.add_user(store)
        session = await self.add_session(store, account, user_agent="Mozilla/5.0", ip="203.0.113.7")
        other = await self.add_session(store, account, "session-2")

        moved = await self.rotate(store, session)

        rotated = replace(session, generation=1, rotated_at=NOW + MINUTE, expires_at=NOW + DAY)
        assert moved is True
        assert await self.stored(store) == rotated
        assert await self.stored(store, "session-2") == other
        assert await self.rotate(store, rotated, now=NOW + 2 * MINUTE)

    @pytest.mark.parametrize("generation", [0, 1, 3, -1])
    async def test_another_generation_does_not_rotate(self, store: Store[Any], generation: int) -> None:
        """Only the current generation rotates: neither an older nor a later one, and nothing changes."""
        session = await self.add_session(store, await self.add_user(store), generation=2)

        assert await self.rotate(store, session, generation=generation) is False
        assert await self.stored(store) == session

    async def test_another_user_does_not_rotate(self, store: Store[Any]) -> None:
        """A session rotates for its own user only."""
        session = await self.add_session(store, await self.add_user(store, "ada"))
        other = await self.add_user(store, "grace")

        assert await self.rotate(store, session, user_id=other.id) is False
        assert await self.stored(store) == session

    @pytest.mark.parametrize("now", [NOW + HOUR, NOW + HOUR + MINUTE])
    async def test_an_expired_session_does_not_rotate(self, store: Store[Any], now: datetime) -> None:
        """A session that has expired does not rotate, from the very second of its end."""
        session = await self.add_session(store, await self.add_user(store))

        assert await self.rotate(store, session, now=now) is False
        assert await self.stored(store) == session

    async def test_a_revoked_session_does_not_rotate(self, store: Store[Any]) -> None:
        """A session that was revoked does not rotate."""
        session = await self.add_session(store, await self.add_user(store))
        await store.revoke_session(session.id, now=NOW)

        assert await self.rotate(store, session) is False
        assert await self.stored(store) == replace(session, revoked_at=NOW)

    async def test_a_session_is_revoked_once(self, store: Store[Any]) -> None:
        """A live session is revoked, and revoking it again finds no live session."""
        account = await self.add_user(store)
        session, other = [await self.add_session(store, account, each) for each in ("session-1", "session-2")]

        first = await store.revoke_session("session-1", now=NOW)
        second = await store.revoke_session("session-1", now=NOW + MINUTE)

        assert (first, second) == (True, False)
        assert await self.stored(store) == replace(session, revoked_at=NOW)
        assert await self.stored(store, "session-2") == other

    async def test_nobody_ends_the_session_of_somebody_else(self, store: Store[Any]) -> None:
        """A session is revoked for its own user, and for no other, whatever their id."""
        ada, bob = [await self.add_user(store, name) for name in ("ada", "bob")]
        session = await self.add_session(store, ada)

        for user_id in (bob.id, await self.unknown_user_id(store), *strange_ids(bob.id)):
            assert await store.revoke_session("session-1", now=NOW, user_id=user_id) is False, user_id
        assert await self.stored(store) == session
        assert await store.revoke_session("session-1", now=NOW, user_id=ada.id) is True

    async def test_an_expired_session_is_not_revoked(self, store: Store[Any]) -> None:
        """A session that has expired is no live one to be revoked, from the very second of its end."""
        account = await self.add_user(store)
        session = await self.add_session(store, account)

        assert await store.revoke_session("session-1", now=NOW + HOUR) is False
        assert await store.revoke_sessions(account.id, now=NOW + HOUR) == 0
        assert await self.stored(store) == session

    async def test_all_sessions_of_a_user_are_revoked(self, store: Store[Any]) -> None:
        """A user's live sessions are revoked and counted, but for the one that is named and those of others."""
        ada, grace = await self.add_user(store, "ada"), await self.add_user(store, "grace")
        for session_id in ("one", "two", "three", "kept"):
            await self.add_session(store, ada, session_id)
        await self.add_session(store, ada, "expired", expires_at=NOW)
        await self.add_session(store, grace, "grace")
        await store.revoke_session("three", now=NOW)

        assert await store.revoke_sessions(ada.id, now=NOW, except_session="kept") == 2
        assert [each.id for each in await store.list_sessions(ada.id, now=NOW)] == ["kept"]
        assert await store.revoke_sessions(ada.id, now=NOW, except_session="grace") == 1
        assert await store.revoke_sessions(ada.id, now=NOW) == 0
        assert await self.is_signed_in(store, "grace")
        assert await store.revoke_sessions(await self.unknown_user_id(store), now=NOW) == 0

    async def test_live_sessions_are_listed_newest_first(self, store: Store[Any]) -> None:
        """A user's live sessions are listed, newest first: none that was revoked, expired or another's."""
        ada, grace = await self.add_user(store, "ada"), await self.add_user(store, "grace")
        await self.add_session(store, grace, "grace")
        old, new, middle = [
            await self.add_session(store, ada, name, created_at=NOW + minutes * MINUTE)
            for name, minutes in (("old", 0), ("new", 9), ("middle", 4))
        ]
        await self.add_session(store, ada, "expired", expires_at=NOW + MINUTE)
        await self.add_session(store, ada, "revoked")
        await store.revoke_session("revoked", now=NOW)

        assert list(await store.list_sessions(ada.id, now=NOW + MINUTE)) == [new, middle, old]
        assert list(await store.list_sessions(await self.unknown_user_id(store), now=NOW)) == []

    async def test_expired_sessions_are_purged(self, store: Store[Any]) -> None:
        """What has expired is deleted and counted, from the very second of its end; what is live stays."""
        account = await self.add_user(store)
        live = await self.add_session(store, account, "live", expires_at=NOW + MINUTE)
        for number in range(3):
            await self.add_session(store, account, f"expired-{number}", expires_at=NOW - number * MINUTE)

        assert await store.purge_expired(NOW) == 3
        assert await store.purge_expired(NOW) == 0
        assert await self.stored(store, "live") == live
        assert [await self.stored(store, f"expired-{number}") for number in range(3)] == [None] * 3


def _times(session: Session | None) -> list[datetime]:
    return [] if session is None else [session.created_at, session.rotated_at, session.expires_at]
