"""The OpenAPI document keeps its word under whatever a machine makes up, with everything mounted."""

import asyncio
import itertools
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from fastauth import FastAuth, Key
from fastauth.backends.memory import MemoryStore
from fastauth.core.settings import AuditSettings
from tests.conftest import SECRET_KEY
from tests.core.pems import P256
from tests.outbox import Outbox
from tests.web.cookies import OWN_PAGE
from tests.web.helpers import make_user

Carry = Callable[[dict[str, str]], dict[str, str]]
EXAMPLES = 8  # per operation, of each kind of caller and request


def served(auth: FastAuth[Any]) -> FastAPI:
    app = FastAPI()
    auth.setup(app, health=True)
    return app


def by_bearer(headers: dict[str, str]) -> dict[str, str]:
    return headers


def by_cookie(headers: dict[str, str]) -> dict[str, str]:
    return {"Cookie": f"fastauth_access={headers['Authorization'].removeprefix('Bearer ')}", **OWN_PAGE}


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", ["positive", "negative"])
@pytest.mark.parametrize("who", [None, "user", "superadmin"])
@pytest.mark.parametrize("carried", [by_bearer, by_cookie])
def test_every_answer_is_one_that_the_document_names(
    make_auth: Callable[..., FastAuth[Any]], carried: Carry, who: str | None, kind: str
) -> None:
    """On every operation, made-up requests, whole and broken, get no 5xx, and only what the document names.

    That is the status, the content type, the headers and the schema of the body.
    """
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    auth = make_auth(
        MemoryStore(),
        use_cookie=carried is by_cookie,
        secure_cookies=False,
        secret_key=[Key(P256, algorithm="ES256"), SECRET_KEY],  # so that there are public keys
        notifier=Outbox(),  # so that there are routes of mails
        audit=AuditSettings(keep=True),
    )
    asyncio.run(auth.initialize_db())
    schema = schemathesis.openapi.from_asgi("/openapi.json", served(auth))
    names = (f"user{number}" for number in itertools.count())
    promised = [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]
    tried: set[str] = set()
    expected: set[str] = set()

    def signed_in() -> dict[str, str]:
        if who is None:
            return {}
        # A user of its own for each request: the one before may have signed out, or deleted itself.
        _, headers = asyncio.run(make_user(auth, who, username=next(names)))
        return carried(headers)

    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=schemathesis.GenerationMode(kind)))
        def holds(case: Any) -> None:
            tried.add(case.operation.label)
            case.call_and_validate(headers=signed_in(), checks=promised)

        # Where there is nothing in a request that could be broken, there are no broken ones.
        with suppress(Unsatisfiable) if kind == "negative" else nullcontext():
            holds()
        expected |= {operation.label} if kind == "positive" or len(operation.body) else set()

    assert expected >= {
        "POST /password/forgot",
        "POST /email/change",
        "GET /health/ready",
        "GET /.well-known/jwks.json",
    } - ({"GET /health/ready", "GET /.well-known/jwks.json"} if kind == "negative" else set())
    assert tried >= expected
