"""What a cookie authenticates comes from a page of the app's own, on our routes and on the app's."""

import base64
import hashlib
import hmac
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from fastapi import Depends, FastAPI, WebSocket
from httpx2 import AsyncClient

from fastauth import ConfigurationError, CookieSettings, CSRFException, FastAuth, Key, PasswordSettings
from fastauth.backends.memory import MemoryStore
from tests.conftest import PASSWORD, SECRET_KEY, bearer, client_of, sign_in
from tests.web.cookies import ACCESS, CSRF, OWN_PAGE, REFRESH, Make, cookies_of, without_jar
from tests.web.helpers import claims_of, open_websocket, refused

APP = "https://app.example.com"
OLDER_KEY = SECRET_KEY[::-1]

# The headers of an unsafe request, and the check that refuses it.
BY_DEFAULT: list[tuple[dict[str, str], str | None]] = [
    ({"Sec-Fetch-Site": "same-origin"}, None),
    ({"Sec-Fetch-Site": "none"}, None),
    ({"Sec-Fetch-Site": "same-site"}, "Sec-Fetch-Site"),
    ({"Sec-Fetch-Site": "cross-site"}, "Sec-Fetch-Site"),
    ({"Sec-Fetch-Site": "Same-Origin"}, "Sec-Fetch-Site"),
    ({"Sec-Fetch-Site": "same-origin, same-origin"}, "Sec-Fetch-Site"),
    ({"Sec-Fetch-Site": ""}, "Sec-Fetch-Site"),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "https://testserver"}, "Sec-Fetch-Site"),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"}, None),
    ({"Origin": "https://testserver"}, None),
    ({"Origin": "https://testserver:443"}, None),
    ({"Origin": "http://testserver"}, "Origin"),
    ({"Origin": "https://testserver:8443"}, "Origin"),
    ({"Origin": "https://testserver.evil.example"}, "Origin"),
    ({"Origin": "https://evil.example"}, "Origin"),
    ({"Origin": "https://testserver/"}, "Origin"),
    ({"Origin": "https://evil.example/https://testserver"}, "Origin"),
    ({"Origin": "https://testserver@evil.example"}, "Origin"),
    ({"Origin": APP}, "Origin"),
    ({"Origin": "null"}, "Origin"),
    ({"Origin": ""}, "Origin"),
    ({"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example"}, "Origin"),
    ({"Origin": "https://evil.example", "Forwarded": "host=evil.example"}, "Origin"),
    ({"Referer": "https://testserver/"}, "X-CSRF-Token"),
    ({"X-Requested-With": "XMLHttpRequest"}, "X-CSRF-Token"),
    ({}, "X-CSRF-Token"),
]


def token_of(session_id: str, secret: str = SECRET_KEY) -> str:
    """Return the token of a session, worked out here from what the documentation says."""
    (key,) = [Key(secret).derive(b"fastauth csrf")]
    mac = hmac.new(key, session_id.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def app_in_cookie_mode(auth: FastAuth[Any]) -> FastAPI:
    """Return an app with a route of its own behind each dependency, which do as they are told."""
    app = FastAPI()
    auth.setup(app)

    def add(path: str, dependency: Any) -> None:
        @app.api_route(path, methods=["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PURGE"])
        async def done(_: Any = Depends(dependency)) -> str:
            return "done"

    for path, dependency in {
        "/current_user": auth.current_user,
        "/optional_user": auth.optional_user,
        "/current_account": auth.current_account,
        "/current_claims": auth.current_claims,
        "/verified_user": auth.verified_user,
        "/role": auth.require_roles(["user"]),
        "/all_roles": auth.require_all_roles(["user"]),
        "/admin": auth.is_admin(),
    }.items():
        add(path, dependency)

    @app.websocket("/chat")
    async def chat(websocket: WebSocket, user: Any = Depends(auth.current_user)) -> None:
        await websocket.accept()
        await websocket.close()

    return app


class Browser:
    """A signed-in client that sends what it is told, and no header of a browser's by itself."""

    def __init__(self, auth: FastAuth[Any], app: FastAPI, client: AsyncClient, tokens: dict[str, Any]) -> None:
        self.auth, self.app, self.client, self.tokens = auth, app, client, tokens
        self.session_id: str = claims_of(tokens["access_token"])["sid"]
        self.csrf_token = client.cookies[CSRF]


@pytest.fixture
def options() -> dict[str, Any]:
    """What a test sets differently."""
    return {}


@pytest.fixture
async def browser(make_auth: Make, options: dict[str, Any]) -> AsyncGenerator[Browser, None]:
    """Ada, who holds every role, signed in with cookies."""
    auth = make_auth(MemoryStore(), **{"use_cookie": True, **options})
    await auth.initialize_db()
    await auth.accounts.create("ada", "ada@example.com", PASSWORD, roles=("user", "admin", "verified"))
    app = app_in_cookie_mode(auth)
    async with client_of(app) as client:
        yield Browser(auth, app, client, await sign_in(client))


@pytest.mark.parametrize(("headers", "refused_by"), BY_DEFAULT)
async def test_r_ck_5_who_may_send_what_a_cookie_authenticates(
    browser: Browser, headers: dict[str, str], refused_by: str | None
) -> None:
    """``Sec-Fetch-Site`` decides where it is sent, else ``Origin``, else the token; the error names what refused."""
    answer = await browser.client.post("/current_user", headers=headers)

    if refused_by is None:
        assert (answer.status_code, answer.json()) == (200, "done")
    else:
        assert refused_by in refused(answer, 403, "CSRF_FAILED")["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/current_user",
        "/optional_user",
        "/current_account",
        "/current_claims",
        "/verified_user",
        "/role",
        "/all_roles",
        "/admin",
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PURGE"])
async def test_r_ck_5_no_dependency_is_left_out(browser: Browser, path: str, method: str) -> None:
    """Every dependency that authenticates checks every unsafe method on the app's own routes, and no safe one."""
    hostile = await browser.client.request(method, path, headers={"Sec-Fetch-Site": "cross-site"})
    friendly = await browser.client.request(method, path, headers=OWN_PAGE)
    safe = [
        await browser.client.request(safe_method, path, headers={"Sec-Fetch-Site": "cross-site"})
        for safe_method in ("GET", "HEAD", "OPTIONS")
    ]

    refused(hostile, 403, "CSRF_FAILED")
    assert [answer.status_code for answer in (friendly, *safe)] == [200] * 4


@pytest.mark.parametrize(("method", "path"), [("POST", "/token/refresh"), ("POST", "/logout"), ("POST", "/roles")])
async def test_our_own_routes_are_checked(browser: Browser, method: str, path: str) -> None:
    """A refresh, a sign-out and a change by cookie from elsewhere are refused, set no cookie and change nothing."""
    answer = await browser.client.request(method, path, headers={"Origin": "https://evil.example"}, json=None)
    nothing = await browser.client.request(method, path)
    me = await browser.client.get("/users/me")

    refused(answer, 403, "CSRF_FAILED")
    refused(nothing, 403, "CSRF_FAILED")
    assert "set-cookie" not in {**answer.headers, **nothing.headers}
    assert me.status_code == 200


@pytest.mark.parametrize("headers", [headers for headers, _ in BY_DEFAULT])
async def test_a_bearer_request_is_not_looked_at(browser: Browser, headers: dict[str, str]) -> None:
    """With an ``Authorization`` header nothing is checked, whatever else is sent: no site can make a browser add it."""
    authorized = {**bearer(browser.tokens), **headers}

    answer = await browser.client.post("/current_user", headers=authorized)
    signed_out = await browser.client.post("/logout", headers=authorized)

    assert (answer.status_code, signed_out.status_code) == (200, 204)


async def test_without_a_cookie_nothing_is_checked(browser: Browser) -> None:
    """A request without our cookies from elsewhere is nobody's, which is for the route to judge."""
    client = without_jar(browser.client)
    headers = {"Sec-Fetch-Site": "cross-site", "Cookie": "theme=dark"}

    optional = await client.post("/optional_user", headers=headers)
    current = await client.post("/current_user", headers=headers)

    assert optional.status_code == 200
    refused(current, 401, "INVALID_TOKEN")


async def test_the_token_of_the_session_vouches_for_a_request(browser: Browser) -> None:
    """The value of the readable cookie, sent in the header, vouches for a request that does not say where from."""
    headers = {"X-CSRF-Token": browser.csrf_token}

    answer = await browser.client.post("/current_user", headers=headers)
    refreshed = await browser.client.post("/token/refresh", headers=headers)
    again = await browser.client.post("/current_user", headers=headers)
    signed_out = await browser.client.post("/logout", headers=headers)

    assert browser.csrf_token == token_of(browser.session_id)
    assert [each.status_code for each in (answer, refreshed, again, signed_out)] == [200, 200, 200, 204]


@pytest.mark.parametrize("header", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
async def test_the_token_does_not_make_up_for_a_foreign_origin(browser: Browser, header: dict[str, str]) -> None:
    """Where the browser says that a request comes from elsewhere, the right token does not help it."""
    answer = await browser.client.post("/current_user", headers={"X-CSRF-Token": browser.csrf_token, **header})

    refused(answer, 403, "CSRF_FAILED")


@pytest.mark.parametrize("case", ["wrong", "empty", "of another", "not ascii", "only header", "only cookie", "twice"])
async def test_r_ck_5_no_other_token_vouches(browser: Browser, case: str) -> None:
    """A token that is wrong, of another session, alone or sent twice vouches for nothing, even if both places agree."""
    other = token_of(claims_of((await sign_in(browser.client))["access_token"])["sid"])
    good = browser.csrf_token
    cookie, headers = {
        "wrong": ("x" * 43, ["x" * 43]),
        "empty": ("", [""]),
        "of another": (other, [other]),
        "not ascii": ("\xff", ["\xff"]),
        "only header": ("", [good]),
        "only cookie": (good, []),
        "twice": (good, [good, good]),
    }[case]
    jar = f"{ACCESS}={browser.tokens['access_token']}; {CSRF}={cookie}".encode("latin-1")
    sent = [(b"Cookie", jar), *((b"X-CSRF-Token", header.encode("latin-1")) for header in headers)]

    answer = await without_jar(browser.client).post("/current_user", headers=sent)

    assert "X-CSRF-Token" in refused(answer, 403, "CSRF_FAILED")["message"]


async def test_the_cookie_and_the_header_must_agree(browser: Browser) -> None:
    """The session's own token in the header is refused where the cookie holds another."""
    jar = f"{ACCESS}={browser.tokens['access_token']}; {CSRF}={'x' * 43}"
    headers = {"Cookie": jar, "X-CSRF-Token": browser.csrf_token}

    refused(await without_jar(browser.client).post("/current_user", headers=headers), 403, "CSRF_FAILED")


@pytest.mark.parametrize("options", [{"secret_key": [SECRET_KEY, OLDER_KEY]}])
async def test_the_token_survives_a_new_key(browser: Browser) -> None:
    """A token made with an older key of the ring is as good as one of the newest, and other keys make none."""
    statuses = []
    for secret in (SECRET_KEY, OLDER_KEY, SECRET_KEY.upper()):
        token = token_of(browser.session_id, secret)
        headers = {"Cookie": f"{ACCESS}={browser.tokens['access_token']}; {CSRF}={token}", "X-CSRF-Token": token}
        statuses.append((await without_jar(browser.client).post("/current_user", headers=headers)).status_code)

    assert statuses == [200, 200, 403]


async def test_a_cookie_that_is_no_good_is_refused_as_such(browser: Browser) -> None:
    """A cookie that authenticates nothing is the ordinary 401 of a client that does not say where it comes from."""
    headers = {"Cookie": f"{ACCESS}=garbage; {REFRESH}=garbage"}
    client = without_jar(browser.client)

    refused(await client.post("/current_user", headers=headers), 401, "INVALID_TOKEN")
    refused(await client.post("/token/refresh", headers=headers), 401, "INVALID_REFRESH_TOKEN")


@pytest.mark.parametrize("options", [{"cookies": CookieSettings(trusted_origins=["HTTPS://App.example.com:443"])}])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": APP}, 200),
        ({"Origin": APP, "Sec-Fetch-Site": "same-site"}, 200),
        ({"Origin": APP, "Sec-Fetch-Site": "cross-site"}, 200),
        ({"Origin": "https://testserver"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://other.example.com", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": f"{APP}:8443"}, 403),
        ({"Origin": f"{APP}.evil.example"}, 403),
        ({"Origin": "http://app.example.com"}, 403),
    ],
)
async def test_a_trusted_origin_passes(browser: Browser, headers: dict[str, str], status: int) -> None:
    """An origin that the app has listed passes, in any spelling, and no other of its site does."""
    assert (await browser.client.post("/current_user", headers=headers)).status_code == status


async def test_two_origins_are_none(browser: Browser) -> None:
    """A request with two ``Origin`` or two ``Sec-Fetch-Site`` headers is refused, even if both are good."""
    for name, value in {"Origin": "https://testserver", "Sec-Fetch-Site": "same-origin"}.items():
        refused(await browser.client.post("/current_user", headers=[(name, value)] * 2), 403, "CSRF_FAILED")


async def test_two_hosts_are_no_origin_of_ours(browser: Browser) -> None:
    """Where the ``Host`` header is repeated, no origin is taken for our own."""
    headers = [("Host", "testserver"), ("Host", "testserver"), ("Origin", "https://testserver")]

    refused(await browser.client.post("/current_user", headers=headers), 403, "CSRF_FAILED")


@pytest.mark.parametrize(("production", "status"), [(False, 200), (True, 403)])
async def test_in_production_our_own_pages_are_on_https(make_auth: Make, production: bool, status: int) -> None:
    """Behind a proxy that ends TLS the page's https origin is ours; in production the http one is not."""
    cost = PasswordSettings(bcrypt_cost=10)
    auth = make_auth(MemoryStore(), use_cookie=True, production=production, passwords=cost)
    await auth.initialize_db()
    account = await auth.accounts.create("ada", "ada@example.com", PASSWORD, roles=("user",))
    cookie = {"Cookie": f"{ACCESS}={(await auth.sessions.start(account)).access_token}"}

    async with client_of(app_in_cookie_mode(auth), base_url="http://testserver") as client:
        by_https = await client.post("/current_user", headers={**cookie, "Origin": "https://testserver"})
        by_http = await client.post("/current_user", headers={**cookie, "Origin": "http://testserver"})

    assert (by_https.status_code, by_http.status_code) == (200, status)


@pytest.mark.parametrize("refused_by", ["Sec-Fetch-Site", "Origin"])
async def test_r_ck_6_a_sign_in_from_elsewhere_sets_no_cookie(browser: Browser, refused_by: str) -> None:
    """A sign-in, or a refresh by body, from a page of another origin is refused before it is looked at."""
    client = without_jar(browser.client)
    headers = {"Sec-Fetch-Site": "cross-site"} if refused_by == "Sec-Fetch-Site" else {"Origin": "null"}
    form = {"username": "ada", "password": PASSWORD}
    body = {"refresh_token": browser.tokens["refresh_token"]}

    for answer in (
        await client.post("/token", data=form, headers=headers),
        await client.post("/token", data={**form, "password": "wrong"}, headers=headers),
        await client.post("/token/refresh", json=body, headers=headers),
    ):
        assert refused_by in refused(answer, 403, "CSRF_FAILED")["message"]
        assert "set-cookie" not in answer.headers

    assert (await client.post("/token/refresh", json=body)).status_code == 200


async def test_a_sign_in_that_is_no_browsers_is_answered(browser: Browser) -> None:
    """A client that sends none of a browser's headers signs in, and is given cookies, as a page of the app is."""
    for headers in ({}, OWN_PAGE, {"Origin": "https://testserver"}):
        answer = await browser.client.post("/token", data={"username": "ada", "password": PASSWORD}, headers=headers)

        assert cookies_of(answer).keys() == {ACCESS, REFRESH, CSRF}


async def test_without_cookies_nobody_asks(make_auth: Make) -> None:
    """Without ``use_cookie`` a page of any origin signs in, and its bearer token works."""
    auth = make_auth(MemoryStore())
    await auth.initialize_db()
    await auth.accounts.register("ada", "ada@example.com", PASSWORD)

    async with client_of(app_in_cookie_mode(auth), headers={"Sec-Fetch-Site": "cross-site"}) as client:
        answer = await client.post("/current_user", headers=bearer(await sign_in(client)))

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("headers", "opened"),
    [
        ({"Origin": "https://testserver"}, True),
        ({"Origin": "https://testserver", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "https://testserver", "Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "wss://testserver"}, False),
        ({"Origin": "null"}, False),
        ({}, False),
    ],
)
async def test_r_ck_5_a_websocket_by_cookie_says_where_it_comes_from(
    browser: Browser, headers: dict[str, str], opened: bool
) -> None:
    """A handshake by cookie is let in from the app's own origin only; one by header from anywhere."""
    cookie = {"Cookie": f"{ACCESS}={browser.tokens['access_token']}"}

    by_cookie = await open_websocket(browser.app, "wss://testserver/chat", {**cookie, **headers})
    by_header = await open_websocket(browser.app, "wss://testserver/chat", {**bearer(browser.tokens), **headers})

    assert by_header[0]["type"] == "websocket.accept"
    if opened:
        assert by_cookie[0]["type"] == "websocket.accept"
    else:
        assert [(each["type"], each["code"], each["reason"]) for each in by_cookie] == [
            ("websocket.close", 1008, "FASTAUTH_CSRF_FAILED")
        ]


@pytest.mark.parametrize(
    "origin",
    ["*", "null", "", "app.example.com", "https://app.example.com/", "https://*.example.com", "ftp://a", "https://a b"],
)
def test_only_an_origin_can_be_trusted(origin: str) -> None:
    """What is no origin as browsers write it is refused when the settings are made, and so is a text for a list."""
    with pytest.raises(ConfigurationError, match="trusted_origins"):
        CookieSettings(trusted_origins=[origin])
    with pytest.raises(ConfigurationError, match="is a list"):
        CookieSettings(trusted_origins="https://app.example.com")


def test_the_error_names_its_check() -> None:
    """``CSRFException`` holds the name of the check as a field, and needs no text."""
    error = CSRFException(check="origin")

    assert (error.check, error.message) == ("origin", "The cross-site request check failed.")
