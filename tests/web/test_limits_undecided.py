"""What counts as a failure: that credentials were judged and are wrong, and nothing that only went wrong on the way."""

import hashlib
import inspect
from collections.abc import AsyncGenerator, Callable, Container
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from fastauth import (
    AuditSettings,
    FastAuth,
    Key,
    LimitSettings,
    OverloadedException,
    PasswordSettings,
    PermissionDeniedException,
    StoreUnavailableException,
)
from fastauth.backends.memory import MemoryStore
from fastauth.core.events import UserDeleted
from tests.conftest import PASSWORD, SECRET_KEY, client_of
from tests.core.pems import P256, public_pem
from tests.outbox import Outbox, settle
from tests.services.limit_storages import LIMIT_STORAGES, limits_url
from tests.web.helpers import RecordingStore, make_user, refused, try_sign_in

MakeAuth = Callable[..., FastAuth[Any]]

NEW = "another horse battery"
PROOFS: dict[str, dict[str, str]] = {
    "POST /password/change": {"new_password": NEW},
    "POST /email/change": {"new_email": "new@example.com"},
    "DELETE /users/me": {},
}
THREE = LimitSettings(sign_in="3/minute", verify_email=None, verify_email_per_client=None)


class Faulty(RecordingStore):
    """A store that is out of reach for these of its verbs."""

    down: Container[str] = ()

    def __getattr__(self, name: str) -> Any:
        attribute = super().__getattr__(name)
        if not inspect.iscoroutinefunction(attribute):
            return attribute

        async def call(*args: Any, **kwargs: Any) -> Any:
            if name in self.down:
                raise StoreUnavailableException
            return await attribute(*args, **kwargs)

        return call


class Sealed:
    """Keeps a key, and signs with it until it is sealed."""

    sealed = False

    async def sign(self, message: bytes, /) -> bytes:
        if self.sealed:
            raise OSError
        return Key(P256, algorithm="ES256").sign(message)


class Scene(NamedTuple):
    """An app where ``ada`` is signed in, and has three attempts."""

    auth: FastAuth[Any]
    store: Faulty
    client: AsyncClient
    outbox: Outbox
    token: dict[str, str]

    async def prove(self, route: str, password: str = PASSWORD, **body: str) -> Response:
        """Send what the route takes, with a current password; a body of its own where one is given."""
        method, path = route.split()
        body = {"current_password": password, **PROOFS[route], **body}
        answer = await self.client.request(method, path, json=body, headers=self.token)
        await settle(self.auth)
        return answer


@asynccontextmanager
async def scene_of(make_auth: MakeAuth, *roles: str, **options: Any) -> AsyncGenerator[Scene, None]:
    store, outbox = Faulty(MemoryStore()), Outbox()
    auth = make_auth(store, **{"limits": THREE, "notifier": outbox, "base_url": "https://app.example.com", **options})
    await auth.initialize_db(create_admin=False)
    _, token = await make_user(auth, *roles)
    app = FastAPI()
    auth.setup(app)
    async with client_of(app) as client:
        yield Scene(auth, store, client, outbox, token)
    await auth.close()


@pytest.fixture
async def scene(make_auth: MakeAuth) -> AsyncGenerator[Scene, None]:
    async with scene_of(make_auth) as scene:
        yield scene


def limits_in(kind: str, **settings: Any) -> LimitSettings:
    return LimitSettings(storage="memory://" if kind == "memory" else limits_url(kind), **settings)


async def guesses_left(client: AsyncClient, username: str = "ada") -> int:
    """Guess until no more is looked at, and return how often that was."""
    for looked_at in range(10):
        if (await try_sign_in(client, username, "wrong")).status_code == 429:
            return looked_at
    return 10


@pytest.mark.parametrize("kind", LIMIT_STORAGES)
async def test_an_outage_of_the_database_is_no_failed_sign_in(make_auth: MakeAuth, kind: str) -> None:
    """Whoever tried again and again in an outage signs in after it; the failures from before it are still counted."""
    async with scene_of(make_auth, limits=limits_in(kind, sign_in="3/minute", max_failures=4)) as scene:
        wrong = await try_sign_in(scene.client, password="wrong")
        scene.store.down = {"find_user"}
        answers = [await try_sign_in(scene.client) for _ in range(6)]
        scene.store.down = ()

        refused(wrong, 401, "INVALID_CREDENTIALS")
        for answer in answers:
            refused(answer, 503, "STORE_UNAVAILABLE")
            assert "ratelimit" not in answer.headers
        assert await guesses_left(scene.client) == 2


@pytest.mark.parametrize("verb", ["find_user", "add_session"])
async def test_the_right_password_works_when_the_outage_is_over(scene: Scene, verb: str) -> None:
    """It does not matter how far a sign-in had come before the database was out of reach."""
    scene.store.down = {verb}
    answers = [await try_sign_in(scene.client) for _ in range(4)]
    scene.store.down = ()

    for answer in answers:
        refused(answer, 503, "STORE_UNAVAILABLE")
    assert (await try_sign_in(scene.client)).status_code == 200


async def test_a_signer_that_does_not_sign_is_no_failed_sign_in(make_auth: MakeAuth) -> None:
    """Whoever could not be given tokens has not failed, either, and whoever asked for a mail was sent none."""
    vault = Sealed()
    key = Key.from_pem(public_pem(P256), signer=vault)
    async with scene_of(make_auth, secret_key=[key, Key(SECRET_KEY, use="verify")]) as scene:
        vault.sealed = True
        answers = [await try_sign_in(scene.client) for _ in range(4)]
        asked = [await scene.prove("POST /email/change") for _ in range(4)]
        told = scene.outbox.told()
        vault.sealed = False

        for answer in (*answers, *asked):
            refused(answer, 503, "KEYS_UNAVAILABLE")
        assert told == []
        assert (await try_sign_in(scene.client)).status_code == 200


@pytest.mark.parametrize("route", ["POST /token", *PROOFS])
async def test_a_password_that_could_not_be_compared_is_no_failure(
    scene: Scene, route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was let in, and is sent away for the load after all, has neither failed nor been told anything."""

    async def too_many(*_: Any) -> None:
        raise OverloadedException

    async def attempt(password: str) -> Response:
        if route in PROOFS:
            return await scene.prove(route, password)
        return await try_sign_in(scene.client, password=password)

    with monkeypatch.context() as busy:
        busy.setattr(scene.auth.passwords, "verify", too_many)
        answers = [await attempt(password) for password in (PASSWORD, "wrong") * 3]

    for answer in answers:
        refused(answer, 503, "OVERLOADED")
    assert len({answer.text for answer in answers}) == 1
    assert await guesses_left(scene.client) == 3


@pytest.mark.parametrize("route", PROOFS)
async def test_an_outage_is_no_wrong_current_password(scene: Scene, route: str) -> None:
    """Where the current password is asked for, an outage leaves as many attempts as there were."""
    wrong = await scene.prove(route, "wrong")
    scene.store.down = {"get_user"}
    answers = [await scene.prove(route) for _ in range(6)]
    scene.store.down = ()

    refused(wrong, 401, "INVALID_CREDENTIALS")
    for answer in answers:
        refused(answer, 503, "STORE_UNAVAILABLE")
    assert await guesses_left(scene.client) == 2


@pytest.mark.parametrize("route", ["POST /token", *PROOFS])
async def test_a_guess_that_cannot_be_put_on_record_is_a_guess(make_auth: MakeAuth, route: str) -> None:
    """A wrong password is counted although its answer is 503: an audit trail in trouble gives no guesses away."""
    async with scene_of(make_auth, audit=AuditSettings(keep=True)) as scene:
        scene.store.down = {"add_audit_record"}
        answers = [
            await (scene.prove(route, "wrong") if route in PROOFS else try_sign_in(scene.client, password="wrong"))
            for _ in range(4)
        ]

    for answer in answers[:3]:
        refused(answer, 503, "STORE_UNAVAILABLE")
        assert "ratelimit" in answer.headers
    refused(answers[3], 429, "RATE_LIMITED")


async def test_why_nothing_was_decided_is_told_although_it_cannot_be_noted(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """When the limits' own storage fails, too, the answer is that of the first trouble, and the log tells of both."""

    async def too_many(*_: Any) -> None:
        raise OverloadedException

    async def out_of_reach(*_: Any) -> None:
        raise StoreUnavailableException

    monkeypatch.setattr(scene.auth.passwords, "verify", too_many)
    monkeypatch.setattr(scene.auth._limiter, "_give_back", out_of_reach)

    refused(await try_sign_in(scene.client), 503, "OVERLOADED")
    assert "counts" in caplog.text


@pytest.mark.parametrize(
    ("route", "body", "status", "code"),
    [
        ("POST /password/change", {"new_password": "password1"}, 422, "WEAK_PASSWORD"),
        ("POST /password/change", {"new_password": "ada@example.com"}, 422, "WEAK_PASSWORD"),
        ("POST /email/change", {"new_email": "nowhere"}, 422, "VALIDATION_ERROR"),
        ("POST /email/change", {"new_email": "ADA@example.com"}, 422, "VALIDATION_ERROR"),
    ],
)
async def test_what_is_wrong_besides_is_told_before_the_password_is_looked_at(
    scene: Scene, route: str, body: dict[str, str], status: int, code: str
) -> None:
    """A value that cannot be is refused alike with a right password and a wrong one, and neither is counted."""
    await try_sign_in(scene.client, password="wrong")

    answers = [await scene.prove(route, password, **body) for password in (PASSWORD, "wrong") * 3]

    for answer in answers:
        refused(answer, status, code)
    assert len({answer.text for answer in answers}) == 1
    assert await guesses_left(scene.client) == 2


async def breached(_: str) -> str:
    """Answer that every password with this beginning is known; that of :data:`NEW`."""
    return hashlib.sha1(NEW.encode(), usedforsecurity=False).hexdigest().upper()[5:] + ":7"


@pytest.mark.parametrize(
    ("route", "status", "code"),
    [
        ("POST /password/change", 422, "WEAK_PASSWORD"),
        ("POST /email/change", 409, "USER_EXISTS"),
        ("DELETE /users/me", 409, "PROTECTED_ROLE"),
    ],
)
async def test_a_right_current_password_is_no_failure_whatever_is_refused_then(
    make_auth: MakeAuth, route: str, status: int, code: str
) -> None:
    """Who has proved to know the password has no failures any more, although nothing came of it."""
    options = {"passwords": PasswordSettings(bcrypt_cost=4, breach_check=breached)}
    async with scene_of(make_auth, "superadmin", **options) as scene:
        await make_user(scene.auth, username="new")
        await try_sign_in(scene.client, password="wrong")

        answers = [await scene.prove(route) for _ in range(4)]
        guess = await scene.prove(route, "wrong")

        for answer in answers:
            refused(answer, status, code)
        refused(guess, 401, "INVALID_CREDENTIALS")
        assert await guesses_left(scene.client) == 2


async def test_the_veto_of_a_hook_is_no_failure(scene: Scene) -> None:
    """An account that the app does not let go may still be signed in to, however often its owner tries."""

    @scene.auth.before(UserDeleted)
    def refuse(event: UserDeleted[Any]) -> None:
        raise PermissionDeniedException

    answers = [await scene.prove("DELETE /users/me") for _ in range(4)]

    for answer in answers:
        refused(answer, 403, "PERMISSION_DENIED")
    assert (await try_sign_in(scene.client)).status_code == 200


async def test_taken_addresses_are_not_asked_for_without_end(make_auth: MakeAuth) -> None:
    """A right password gives no more requests for another address than the limit of mails."""
    async with scene_of(make_auth, limits=LimitSettings(verify_email="2/hour")) as scene:
        await make_user(scene.auth, username="new")

        statuses = [(await scene.prove("POST /email/change")).status_code for _ in range(3)]

    assert statuses == [409, 409, 429]


async def test_an_outage_leaves_the_requests_for_another_address(make_auth: MakeAuth) -> None:
    """What was not mailed in an outage is not counted as a mail."""
    async with scene_of(make_auth, limits=LimitSettings(verify_email="1/hour")) as scene:
        scene.store.down = {"get_user"}
        answers = [await scene.prove("POST /email/change") for _ in range(3)]
        scene.store.down = ()

        for answer in answers:
            refused(answer, 503, "STORE_UNAVAILABLE")
        assert (await scene.prove("POST /email/change")).status_code == 202


async def test_an_outage_leaves_the_registrations(make_auth: MakeAuth) -> None:
    """Whoever could not be registered in an outage is registered after it."""
    body = {"username": "eve", "email": "eve@example.com", "password": PASSWORD}
    async with scene_of(make_auth, limits=LimitSettings(register="1/hour", register_per_client="1/hour")) as scene:
        scene.store.down = {"add_user"}
        answers = [await scene.client.post("/register", json=body) for _ in range(3)]
        scene.store.down = ()

        for answer in answers:
            refused(answer, 503, "STORE_UNAVAILABLE")
        assert (await scene.client.post("/register", json=body)).status_code == 201
        refused(await scene.client.post("/register", json=body), 429, "RATE_LIMITED")
