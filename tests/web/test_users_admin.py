"""The routes by which administrators see to other users."""

from typing import Any

import pytest
from sqlalchemy import String
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastauth import Store
from fastauth.backends.memory import MemoryStore
from fastauth.backends.sql import SQLStore, UserMixin
from fastauth.core.events import UserUpdated
from tests.conftest import PASSWORD
from tests.outbox import Flow, mailing
from tests.services.conftest import MakeAuth, make
from tests.web.helpers import refused


class Base(DeclarativeBase):
    pass


class Member(UserMixin, Base):
    __tablename__ = "admin_members"

    id: Mapped[int] = mapped_column(primary_key=True)
    city: Mapped[str | None] = mapped_column(String(30))
    credits: Mapped[int] = mapped_column(default=0)


async def names(flow: Flow, tokens: dict[str, Any], query: str = "") -> list[str]:
    """Return the usernames of a page."""
    answer = await flow.client.get(f"/users?{query}", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert answer.status_code == 200, answer.text
    return [user["username"] for user in answer.json()]


async def test_users_are_listed_searched_and_turned_page_by_page(store: Store[Any], make_auth: MakeAuth) -> None:
    """By part of a name or an address in any case, by role and state; the last id leads to the next page."""
    async with mailing(store, make_auth, "admin") as flow:
        for name in ("ada", "adam", "eve"):
            await make(flow.auth, name, *(("premium",) if name == "adam" else ()))
        eve = await flow.auth.accounts.find("eve")
        assert eve is not None
        await flow.auth.accounts.disable(eve.id)
        admin = await flow.tokens("admin")

        assert sorted(await names(flow, admin)) == ["ada", "adam", "admin", "eve"]
        assert sorted(await names(flow, admin, "search=ADA")) == ["ada", "adam"]
        assert await names(flow, admin, "search=eve@") == ["eve"]
        assert await names(flow, admin, "search=%25") == []
        assert await names(flow, admin, "role=premium") == ["adam"]
        assert await names(flow, admin, "role=nothing") == []
        assert await names(flow, admin, "disabled=true") == ["eve"]
        assert sorted(await names(flow, admin, "disabled=false&search=a")) == ["ada", "adam", "admin"]
        seen, after = [], ""
        for _ in range(4):
            page = (await flow.call(f"GET /users?limit=1{after}", admin)).json()
            seen.append(page[0]["username"])
            after = f"&after={page[0]['id']}"
        assert (seen, await names(flow, admin, f"limit=1{after}")) == (await names(flow, admin), [])
        for query in ("limit=0", "limit=1001", "limit=x", "disabled=maybe", "search=" + "x" * 256):
            refused(await flow.call(f"GET /users?{query}", admin), 422, "VALIDATION_ERROR")


async def test_a_user_is_read_changed_and_deleted(store: Store[Any], make_auth: MakeAuth) -> None:
    """What a body names is changed, all of it or nothing; and who is gone is not found."""
    async with mailing(store, make_auth, "ada", "admin", "superadmin") as flow:
        admin = await flow.tokens("admin")
        ada = await flow.auth.accounts.find("ada")
        assert ada is not None
        user = f"/users/{ada.id}"

        assert (await flow.call(f"GET {user}", admin)).json()["username"] == "ada"
        changed = (await flow.call(f"PATCH {user}", admin, email="NEW@example.com", disabled=True)).json()
        assert (changed["email"], changed["disabled"]) == ("new@example.com", True)
        taken = await flow.call(f"PATCH {user}", admin, email="admin@example.com", disabled=False)
        refused(taken, 409, "USER_EXISTS")
        assert (await flow.call(f"GET {user}", admin)).json() == changed
        for body in ({"disabled": None}, {"email": None}, {"email": ""}, {"email": "nowhere"}, {"password": PASSWORD}):
            refused(await flow.call(f"PATCH {user}", admin, **body), 422, "VALIDATION_ERROR")
        assert (await flow.call(f"DELETE {user}", admin)).status_code == 204
        for request in (
            f"GET {user}",
            f"PATCH {user}",
            f"DELETE {user}",
            f"GET {user}/sessions",
            f"DELETE {user}/sessions",
            "GET /users/0",
            "GET /users/%00",
            "GET /users/x",
        ):
            body = {"disabled": True} if request.startswith("PATCH") else {}
            refused(await flow.call(request, admin, **body), 404, "USER_NOT_FOUND")
        root = await flow.auth.accounts.find("superadmin")
        assert root is not None
        own = await flow.tokens("superadmin")
        refused(await flow.call(f"DELETE /users/{root.id}", own), 409, "PROTECTED_ROLE")
        refused(await flow.call(f"PATCH /users/{root.id}", own, disabled=True), 409, "PROTECTED_ROLE")


@pytest.fixture
async def members(tmp_path: Any) -> Any:
    """A store with an own model, of which one attribute may be written."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'members.db'}")
    store = SQLStore(engine, user_model=Member, public_fields=["city", "credits"], writable_fields=["city"])
    yield store
    await store.close()


async def test_own_attributes_are_changed_by_their_owner_and_by_administrators(
    members: Store[Any], make_auth: MakeAuth
) -> None:
    """What is declared writable may be, alone or together with the rest; what is not is refused."""
    async with mailing(members, make_auth, "ada", "admin") as flow:
        own, admin = await flow.tokens(), await flow.tokens("admin")
        told: list[Any] = []
        flow.auth.on(UserUpdated)(told.append)

        mine = await flow.call("PATCH /users/me", own, city="London")
        assert (mine.status_code, mine.json()["city"]) == (200, "London")
        user = f"/users/{mine.json()['id']}"
        theirs = (await flow.call(f"PATCH {user}", admin, city=None, email="new@example.com", disabled=True)).json()
        assert (theirs["city"], theirs["email"], theirs["disabled"]) == (None, "new@example.com", True)
        refused(await flow.call("PATCH /users/me", admin, credits=5), 422, "VALIDATION_ERROR")
        refused(await flow.call("PATCH /users/me", admin, email="x@example.com"), 422, "VALIDATION_ERROR")
        refused(await flow.call("PATCH /users/me", admin, disabled=True), 422, "VALIDATION_ERROR")
        refused(await flow.call(f"PATCH {user}", admin, credits=5), 422, "VALIDATION_ERROR")
        refused(await flow.call(f"PATCH {user}", admin, city="x" * 31), 422, "VALIDATION_ERROR")
        assert [(event.user_id, event.fields) for event in told] == [(str(mine.json()["id"]), ("city",))] * 2


async def test_without_writable_attributes_nothing_can_be_patched(make_auth: MakeAuth) -> None:
    """Where users have nothing of their own to change, naming anything is refused; ``me`` is nobody's id."""
    async with mailing(MemoryStore(), make_auth, "ada", "admin") as flow:
        for username in ("ada", "admin"):
            tokens = await flow.tokens(username)
            for body in ({"disabled": True}, {"email": "new@example.com"}, {"username": "eve"}):
                refused(await flow.call("PATCH /users/me", tokens, **body), 422, "VALIDATION_ERROR")
