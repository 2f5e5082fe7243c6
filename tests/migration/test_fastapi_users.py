"""Users of fastapi-users sign in with us, on the table or the collection that it made, as its released package did."""

import secrets
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from tests.migration.old_apps import environment, fastauth, serving
from tests.servers import mongo_url

pytestmark = pytest.mark.slow
PASSWORD = "correct horse battery"
RULES = ["--role", "superadmin=is_superuser", "--role", "verified=is_verified"]
KEY = {"FASTAUTH_SECRET_KEY": "k" * 64}
ADA, GRACE, EDSGER, MARY = "ada@example.com", "Grace.Hopper@example.com", "edsger@example.com", "mary@example.com"


def fill(old: Any) -> None:
    """Register four users over HTTP, and do to them what an administrator would."""
    for email in (ADA, GRACE, EDSGER, MARY):
        old.post("/auth/register", json={"email": email, "password": PASSWORD}).raise_for_status()
    old.post("/make", params={"email": ADA}, json={"is_superuser": True, "is_verified": True}).raise_for_status()
    old.post("/make", params={"email": EDSGER}, json={"is_active": False}).raise_for_status()
    old.post("/older", params={"email": MARY, "password": PASSWORD}).raise_for_status()
    signed_in = old.post("/auth/jwt/login", data={"username": ADA, "password": PASSWORD})
    signed_in.raise_for_status()


def check(client: Any) -> None:
    """Sign them in with ours, and see what they are."""

    def sign_in(email: str) -> Any:
        return client.post("/token", data={"username": email, "password": PASSWORD})

    def me(email: str) -> Any:
        token = sign_in(email).json()["access_token"]
        return client.get("/users/me", headers={"Authorization": f"Bearer {token}"}).json()

    assert me(ADA)["roles"] == ["superadmin", "user", "verified"]
    assert me(GRACE)["email"] == me(GRACE.lower())["email"] == GRACE.lower()
    assert me(MARY)["username"] == MARY
    assert sign_in(EDSGER).json()["error"]["code"] == "FASTAUTH_INACTIVE_USER"
    assert client.post("/token", data={"username": ADA, "password": "wrong"}).status_code == 401
    new = client.post("/register", json={"email": "alan@example.com", "password": PASSWORD})
    assert (new.status_code, new.json()["username"]) == (201, "alan@example.com")
    assert client.post("/register", json={"email": ADA.upper(), "password": PASSWORD}).status_code == 409
    assert me("alan@example.com")["roles"] == ["user"]


def fastapi_users() -> Path:
    return environment("fastapi-users[sqlalchemy,beanie]==15.0.5", "aiosqlite", "uvicorn")


def take_over(app: str, **variables: str) -> None:
    """Do what the guide says, and look whether the users can sign in."""
    fastauth("init", f"{app}.py", "--no-admin", **variables, **KEY)
    foreseen = fastauth("users", "adopt", f"{app}.py", *RULES, "--dry-run", **variables, **KEY)
    done = fastauth("users", "adopt", f"{app}.py", *RULES, **variables, **KEY)
    again = fastauth("users", "adopt", f"{app}.py", *RULES, **variables, **KEY)

    assert "superadmin would be granted to 1 user" in foreseen
    assert "superadmin granted to 1 user" in done
    assert "superadmin granted to 0 users" in again
    with serving(Path(sys.executable), app, **variables, **KEY) as ours:
        check(ours)


def compare(before: dict[str, str], after: dict[str, str]) -> None:
    """The hashes were Argon2's and bcrypt's; those of who signed in are ours by now, and nobody else's has changed."""
    assert [before[ADA][:9], before[MARY][:4]] == ["$argon2id", "$2b$"]
    assert {after[email][:15] for email in (ADA, GRACE.lower(), MARY)} == {"$bcrypt-sha256$"}
    assert after[EDSGER] == before[EDSGER]


def test_the_table_of_fastapi_users_is_read_in_place(tmp_path: Path) -> None:
    """Enabled users of its table sign in, superusers are superadmins, and hashes become ours."""
    path = tmp_path / "app.db"

    def hashes() -> dict[str, str]:
        connection = sqlite3.connect(path)
        try:
            return dict(connection.execute('SELECT email, hashed_password FROM "user"'))
        finally:
            connection.close()

    url = f"sqlite+aiosqlite:///{path}"
    with serving(fastapi_users(), "fastapi_users_sql", url) as old:
        fill(old)
    before = hashes()
    take_over("ours_after_fastapi_users_sql", DATABASE_URL=url)

    compare(before, hashes())


def test_the_documents_of_fastapi_users_are_read_in_place(tmp_path: Path) -> None:
    """Enabled users of its collection sign in, superusers are superadmins, and hashes become ours."""
    server, name = mongo_url("mongo-replica-set"), f"migration_{secrets.token_hex(8)}"

    def hashes() -> dict[str, str]:
        with MongoClient[dict[str, Any]](server) as client:
            return {user["email"]: user["hashed_password"] for user in client[name]["User"].find()}

    with serving(fastapi_users(), "fastapi_users_beanie", server, name) as old:
        fill(old)
    before = hashes()
    take_over("ours_after_fastapi_users_beanie", DATABASE_URL=server, DATABASE=name)

    compare(before, hashes())
