"""The rows of the security requirements that the flows of an account keep, of several families."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from fastauth import ConfigurationError, FastAuth, PasswordSettings, Store
from fastauth.backends.memory import MemoryStore
from fastauth.core.settings import AuditSettings
from fastauth.core.signing import RESERVED_CLAIMS
from fastauth.testing import ManualClock
from tests.conftest import PASSWORD
from tests.outbox import BASE_URL, Flow, mailing, settle
from tests.web.helpers import refused, send_raw, try_sign_in

Make = Callable[..., FastAuth[Any]]
NEW = "another horse battery"
LINKS = ("verify_email", "reset_password", "confirm_email_change")


async def hash_of(flow: Flow, username: str = "ada") -> str:
    """Return the stored hash of a user."""
    account = await flow.auth.accounts.find(username)
    assert account is not None
    return account.hashed_password


async def take(flow: Flow, kind: str, token: str) -> int:
    """Use a token that was mailed, and return the status of the answer."""
    route = {"verify_email": "/email/verify", "confirm_email_change": "/email/change/confirm"}.get(kind)
    body = {"token": token} if route else {"token": token, "new_password": NEW}
    return (await flow.client.post(route or "/password/reset", json=body)).status_code


async def test_r_pw_11_a_password_is_changed_by_who_knows_the_present_one(store: Store[Any], make_auth: Make) -> None:
    """Without the present password, or with a wrong one, the hash stays as it is."""
    async with mailing(store, make_auth, "ada") as flow:
        tokens, before = await flow.tokens(), await hash_of(flow)
        change = "POST /password/change"

        refused(await flow.call(change, tokens, new_password=NEW), 422, "VALIDATION_ERROR")
        refused(await flow.call(change, tokens, new_password=NEW, current_password=""), 422, "VALIDATION_ERROR")
        refused(await flow.call(change, tokens, new_password=NEW, current_password=NEW), 401, "INVALID_CREDENTIALS")
        refused(await flow.call(change, new_password=NEW, current_password=PASSWORD), 401, "INVALID_TOKEN")
        assert await hash_of(flow) == before
        assert (await flow.call(change, tokens, new_password=NEW, current_password=PASSWORD)).status_code == 204
        assert await hash_of(flow) != before


@pytest.mark.parametrize("kind", LINKS)
async def test_r_pw_15_a_mailed_token_works_once(store: Store[Any], make_auth: Make, kind: str) -> None:
    """Of fifty simultaneous uses of a mailed token one succeeds, and no later one does."""
    async with mailing(store, make_auth, "ada") as flow:
        token = await flow.mailed(kind)

        statuses = await asyncio.gather(*(take(flow, kind, token) for _ in range(50)))

        assert sorted(statuses) == [204] + [401] * 49
        assert await take(flow, kind, token) == 401


@pytest.mark.parametrize("kind", LINKS)
async def test_r_pw_15_a_mailed_token_expires(make_auth: Make, clock: ManualClock, kind: str) -> None:
    """A mailed token is good until the moment that the mail names, and for the leeway of the clocks."""
    async with mailing(MemoryStore(), make_auth, "ada", "eve") as flow:
        late, in_time = await flow.mailed(kind), await flow.mailed(kind, "eve")
        lifetime = flow.outbox.last(kind).expires_in
        assert lifetime is not None

        clock.move(lifetime + timedelta(seconds=9))
        assert await take(flow, kind, in_time) == 204
        clock.move(timedelta(seconds=1))
        assert await take(flow, kind, late) == 401


@pytest.mark.parametrize("kind", LINKS)
async def test_r_pw_15_no_token_works_for_another_purpose(make_auth: Make, kind: str) -> None:
    """A mailed token, or one of a session, is refused wherever it was not made for, and stays good where it was."""
    async with mailing(MemoryStore(), make_auth, "ada") as flow:
        token, tokens = await flow.mailed(kind), await flow.tokens()

        for other in LINKS:
            for wrong in (tokens["access_token"], tokens["refresh_token"], *([token] if other != kind else [])):
                assert await take(flow, other, wrong) == 401
        assert (await flow.call("GET /users/me", {"access_token": token})).status_code == 401
        assert await take(flow, kind, token) == 204


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("verify_email", "email"),
        ("verify_email", "disable"),
        ("verify_email", "delete"),
        ("reset_password", "password"),
        ("reset_password", "email"),
        ("reset_password", "disable"),
        ("reset_password", "delete"),
        ("confirm_email_change", "password"),
        ("confirm_email_change", "email"),
        ("confirm_email_change", "disable"),
        ("confirm_email_change", "delete"),
    ],
)
async def test_r_pw_15_a_mailed_token_dies_with_what_it_was_made_for(
    store: Store[Any], make_auth: Make, kind: str, change: str
) -> None:
    """A token is for the account as it was: another password or address, a disabling or a deletion end it."""
    async with mailing(store, make_auth, "ada") as flow:
        token, accounts = await flow.mailed(kind), flow.auth.accounts
        account = await accounts.find("ada")
        assert account is not None
        if change == "email":
            await accounts.update(account.id, {"email": "other@example.com"})
        elif change == "password":
            await accounts.set_password(account.id, NEW)
        elif change == "disable":
            await accounts.disable(account.id)
        else:
            await accounts.delete(account.id)

        assert await take(flow, kind, token) == 401


async def test_r_pw_15_a_password_that_is_refused_leaves_the_token_good(store: Store[Any], make_auth: Make) -> None:
    """Who chooses too weak a password at first may choose again with the same token."""
    async with mailing(store, make_auth, "ada") as flow:
        token = await flow.mailed("reset_password")

        weak = await flow.call("POST /password/reset", token=token, new_password="short")
        refused(weak, 422, "WEAK_PASSWORD")

        assert await take(flow, "reset_password", token) == 204


async def test_r_pw_17_no_route_lets_an_administrator_choose_a_password(make_auth: Make) -> None:
    """Passwords are taken where their owner proves to be that, or makes the account, and nowhere else."""
    async with mailing(MemoryStore(), make_auth) as flow:
        document = (await flow.client.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]

    taking = set()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for media in operation.get("requestBody", {}).get("content", {}).values():
                references = [part.get("$ref", "") for part in (media["schema"], *media["schema"].get("anyOf", []))]
                named = {name for each in references if each for name in schemas[each.split("/")[-1]]["properties"]}
                if any("password" in name for name in named):
                    taking.add(f"{method.upper()} {path}")

    assert taking == {
        "POST /token",
        "POST /register",
        "DELETE /users/me",
        "POST /password/change",
        "POST /password/reset",
        "POST /email/change",
    }


class CountingHasher:
    """A hasher that counts what it is asked for."""

    def __init__(self) -> None:
        self.count = 0

    def recognizes(self, stored: str) -> bool:
        return stored.startswith("counted:")

    def hash(self, password: str) -> str:
        self.count += 1
        return f"counted:{password}"

    def verify(self, password: str, stored: str) -> bool:
        self.count += 1
        return stored == f"counted:{password}"

    def needs_rehash(self, stored: str) -> bool:
        return False

    def decoy(self) -> str:
        return "counted:"


async def test_r_lg_4_nobody_learns_from_a_refusal_who_has_an_account(store: Store[Any], make_auth: Make) -> None:
    """An unknown name, a wrong password and a disabled account are refused byte for byte alike, for one hash each."""
    hasher = CountingHasher()
    async with mailing(store, make_auth, "ada", "eve", passwords=PasswordSettings(hasher=hasher)) as flow:
        eve = await flow.auth.accounts.find("eve")
        assert eve is not None
        await flow.auth.accounts.disable(eve.id)
        answers, counts = [], []
        for username in ("nobody", "nobody@example.com", "ada", "ada@example.com", "eve", "no name", "x" * 300):
            before = hasher.count
            answers.append(await try_sign_in(flow.client, username, "wrong password"))
            counts.append(hasher.count - before)

    assert counts == [1] * len(counts)
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert len({str(answer.headers.multi_items()) for answer in answers}) == 1


async def test_r_lg_6_registration_and_recovery_answer_alike(store: Store[Any], make_auth: Make) -> None:
    """With ``enumeration_safe``, no answer says whether an address or a name is taken; the mails do."""
    async with mailing(store, make_auth, "ada", enumeration_safe=True) as flow:
        free, taken = [], []
        for answers, username, address in (
            (free, "eve", "eve@example.com"),
            (taken, "eva", "ada@example.com"),
            (taken, "ada", "adam@example.com"),
        ):
            body = {"username": username, "email": address, "password": PASSWORD}
            answers.append(await flow.call("POST /register", **body))
        told = flow.outbox.told()
        free.append(await flow.call("POST /password/forgot", email="nobody@example.com"))
        taken.append(await flow.call("POST /password/forgot", email="ada@example.com"))

        for one, two in zip([free[0], *free], taken, strict=True):
            assert (one.status_code, one.content) == (202, two.content)
            assert (two.status_code, one.headers.multi_items()) == (202, two.headers.multi_items())
        assert told == [
            ("verify_email", "eve@example.com"),
            ("already_registered", "ada@example.com"),
            ("username_taken", "adam@example.com"),
        ]
        assert flow.outbox.told() == [("reset_password", "ada@example.com")]
        assert [account.username for account in await flow.auth.accounts.list()] == ["ada", "eve"]


async def test_r_lg_6_who_asks_for_another_address_learns_nothing_of_it(store: Store[Any], make_auth: Make) -> None:
    """Neither the answer nor the mail to the present address says whether the new one is taken."""
    async with mailing(store, make_auth, "ada", "eve", enumeration_safe=True) as flow:
        seen = []
        for address in ("eve@example.com", "free@example.com"):
            change = {"new_email": address, "current_password": PASSWORD}
            answer = await flow.call("POST /email/change", await flow.tokens(), **change)
            own = [kind for kind, to in flow.outbox.told() if to == "ada@example.com"]
            seen.append((answer.status_code, answer.content, str(answer.headers), own))

    assert seen[0] == seen[1]
    assert seen[0][3] == ["email_change_requested"]


async def test_r_lg_6_by_default_a_taken_name_is_said(make_auth: Make) -> None:
    """Without the option, registration and a change of address say that it is taken."""
    async with mailing(MemoryStore(), make_auth, "ada", "eve") as flow:
        body = {"username": "eva", "email": "eve@example.com", "password": PASSWORD}
        change = {"new_email": "eve@example.com", "current_password": PASSWORD}

        refused(await flow.call("POST /register", **body), 409, "USER_EXISTS")
        refused(await flow.call("POST /email/change", await flow.tokens(), **change), 409, "USER_EXISTS")

        assert flow.outbox.told() == []


async def test_r_lg_7_everything_is_on_record_and_no_secret_is(
    store: Store[Any], make_auth: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """Every flow leaves its line, in the log and in the database, and neither holds a password, hash or token."""
    caplog.set_level(logging.DEBUG, "fastauth")
    secrets = [PASSWORD, NEW, "a wrong password"]
    audit = AuditSettings(keep=True)
    async with mailing(store, make_auth, "admin", audit=audit, enumeration_safe=True) as flow:
        await flow.call("POST /register", username="ada", email="ada@example.com", password=PASSWORD)
        await try_sign_in(flow.client, "ada", "a wrong password")
        await try_sign_in(flow.client, "ada\r\nfastauth.audit event=forged", "a wrong password")
        secrets.append(await hash_of(flow))
        tokens = await flow.tokens()
        for kind in ("verify_email", "confirm_email_change"):
            secrets.append(await flow.mailed(kind))
            await take(flow, kind, secrets[-1])
            await take(flow, kind, secrets[-1])
        await flow.call("POST /password/forgot", email="new.ada@example.com")
        secrets.append(flow.outbox.token("reset_password"))
        await take(flow, "reset_password", secrets[-1])
        tokens = await flow.tokens(password=NEW)
        await flow.call("POST /password/change", tokens, current_password="a wrong password", new_password=PASSWORD)
        await flow.call("POST /password/change", tokens, current_password=NEW, new_password=PASSWORD)
        await flow.call("POST /logout", tokens)
        tokens = await flow.tokens()
        admin = await flow.tokens("admin")
        user = f"/users/{(await flow.call('GET /users/me', tokens)).json()['id']}"
        await flow.call(f"PATCH {user}", admin, email="third@example.com", disabled=True)
        await flow.call(f"PATCH {user}", admin, disabled=False)
        await flow.call(f"DELETE {user}", admin)
        secrets += [each[name] for each in (tokens, admin) for name in ("access_token", "refresh_token")]
        records = await flow.auth.audit.list(limit=1000)
        events = {record.event for record in records}

    written = "\n".join([*(record.getMessage() for record in caplog.records), *map(repr, records)])
    assert events == {
        "user.registered",
        "session.refused",
        "session.started",
        "email.verified",
        "password.reset_requested",
        "password.changed",
        "password.refused",
        "email.change_requested",
        "session.revoked",
        "email.changed",
        "user.disabled",
        "user.enabled",
        "user.deleted",
    }
    logged = [record.getMessage() for record in caplog.records if record.name == "fastauth.audit"]
    assert {line.split()[0] for line in logged} == {f'event="{event}"' for event in events}
    assert not any(secret in written for secret in secrets)
    assert not any("\n" in line or "\r" in line for line in logged)


async def test_r_lg_8_every_change_of_credentials_is_told_once(store: Store[Any], make_auth: Make) -> None:
    """Whoever loses a password or an address to somebody hears of it, at the address that they had."""
    async with mailing(store, make_auth, "ada", "admin") as flow:
        account = await flow.auth.accounts.find("ada")
        assert account is not None
        admin = await flow.tokens("admin")

        change = {"current_password": PASSWORD, "new_password": NEW}
        await flow.call("POST /password/change", await flow.tokens(), **change)
        assert flow.outbox.told() == [("password_changed", "ada@example.com")]

        token = await flow.mailed("reset_password")
        flow.outbox.sent.clear()
        await flow.call("POST /password/reset", token=token, new_password=PASSWORD)
        assert flow.outbox.told() == [("password_changed", "ada@example.com")]

        await flow.auth.accounts.set_password(account.id, PASSWORD)
        await settle(flow.auth)
        assert flow.outbox.told() == [("password_changed", "ada@example.com")]

        change = {"new_email": "new@example.com", "current_password": PASSWORD}
        await flow.call("POST /email/change", await flow.tokens(), **change)
        token = flow.outbox.token("confirm_email_change")
        assert flow.outbox.told() == [
            ("email_change_requested", "ada@example.com"),
            ("confirm_email_change", "new@example.com"),
        ]
        await flow.call("POST /email/change/confirm", token=token)
        assert flow.outbox.told() == [("email_changed", "ada@example.com")]

        await flow.call(f"PATCH /users/{account.id}", admin, email="third@example.com")
        assert flow.outbox.told() == [("email_changed", "new@example.com")]
        await flow.call(f"DELETE /users/{account.id}", admin)
        assert flow.outbox.told() == [("account_deleted", "third@example.com")]


@pytest.mark.parametrize(
    "typed",
    ["ADA@example.com", "ada@EXAMPLE.COM", "\uff21da@example.com", "Ada@\uff25xample.com", "ada@example.com\u200b"],
)
async def test_r_id_6_a_reset_goes_to_the_address_that_is_stored(
    store: Store[Any], make_auth: Make, typed: str
) -> None:
    """Whatever was typed, the mail goes to what the owner has given."""
    async with mailing(store, make_auth, "ada") as flow:
        await flow.call("POST /password/forgot", email=typed)

        assert flow.outbox.told() == [("reset_password", "ada@example.com")]


@pytest.mark.parametrize(
    "typed",
    [
        "\u0430da@example.com",
        "ad\u00e4@example.com",
        "ada@ex\u0430mple.com",
        "ada@example.com, eve@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada",
        "%",
    ],
)
async def test_r_id_6_what_only_looks_like_an_address_gets_no_mail(
    store: Store[Any], make_auth: Make, typed: str
) -> None:
    """An address that is not the stored one is answered alike, and nothing is sent anywhere."""
    async with mailing(store, make_auth, "ada") as flow:
        answer = await flow.call("POST /password/forgot", email=typed)

        assert answer.status_code == 202
        assert flow.outbox.told() == []


async def test_r_ht_16_no_request_changes_where_links_lead(make_auth: Make) -> None:
    """Whatever host a request names, and wherever, the links of mails begin with ``base_url``."""
    async with mailing(MemoryStore(), make_auth, "ada") as flow:
        app = flow.client._transport.app  # type: ignore[attr-defined]
        tokens = await flow.tokens()
        evil = b"evil.example"
        for kind, path, body in (
            ("reset_password", "/password/forgot", b'{"email": "ada@example.com"}'),
            ("verify_email", "/email/verify/request", b""),
            (
                "confirm_email_change",
                "/email/change",
                b'{"new_email": "new@example.com", "current_password": "%s"}' % PASSWORD.encode(),
            ),
        ):
            for host, name in ((evil, b"x-unused"), (b"testserver", b"x-forwarded-host"), (b"a", b"forwarded")):
                headers = [
                    (name, b"host=evil.example" if name == b"forwarded" else evil),
                    (b"x-forwarded-proto", b"http"),
                    (b"origin", b"https://evil.example"),
                    (b"referer", b"https://evil.example/"),
                    (b"content-type", b"application/json"),
                    (b"authorization", f"Bearer {tokens['access_token']}".encode()),
                ]
                answer = await send_raw(app, "POST", path, headers=headers, chunks=[body], host=host)
                await settle(flow.auth)
                assert answer.status_code == 202
                link = flow.outbox.last(kind).link
                assert link is not None
                assert link.startswith(f"{BASE_URL}/")
                assert "evil" not in link
            flow.outbox.sent.clear()


@pytest.mark.parametrize("claim", sorted(RESERVED_CLAIMS))
async def test_r_jw_19_the_apps_claims_touch_none_of_ours(make_auth: Make, claim: str) -> None:
    """A claim that is ours to say is refused when a token is to be made, and then nobody is signed in."""
    auth = make_auth(MemoryStore())
    await auth.initialize_db()
    account = await auth.accounts.register("ada", "ada@example.com", PASSWORD)
    auth.token_claims(lambda account: {"plan": "pro", claim: "x"})

    with pytest.raises(ConfigurationError, match=claim):
        await auth.sessions.start(account)

    assert await auth.sessions.list(account.id) == []
