"""Users of an app that did it by itself, as FastAPI's tutorial does, sign in with us on the table that it made."""

import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.migration.old_apps import environment, fastauth, serving

pytestmark = pytest.mark.slow
PASSWORD = "correct horse battery"
KINDS = {"argon2": "$argon2id$", "bcrypt": "$2b$"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_of_a_hand_written_app_is_read_in_place(kind: str, tmp_path: Path) -> None:
    """Users sign in with us, who was an admin is one, and hashes become ours."""
    path = tmp_path / "app.db"

    def hashes() -> dict[str, str]:
        connection = sqlite3.connect(path)
        try:
            return dict(connection.execute("SELECT username, hashed_password FROM accounts"))
        finally:
            connection.close()

    old_python = environment("fastapi", "pwdlib[argon2,bcrypt]", "python-multipart", "uvicorn")
    with serving(old_python, "hand_written", str(path), kind) as old:
        for name in ("root", "ada"):
            user = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
            old.post("/users", json=user).raise_for_status()
        old.post("/token", data={"username": "ada", "password": PASSWORD}).raise_for_status()
    before = hashes()
    app = "ours_after_hand_written"
    variables = {"DATABASE_URL": f"sqlite+aiosqlite:///{path}", "FASTAUTH_SECRET_KEY": "k" * 64}
    fastauth("init", f"{app}.py", "--no-admin", **variables)
    fastauth("users", "adopt", f"{app}.py", "--role", "admin=is_admin", **variables)

    with serving(Path(sys.executable), app, **variables) as ours:

        def me(login: str) -> Any:
            tokens = ours.post("/token", data={"username": login, "password": PASSWORD}).json()
            return ours.get("/users/me", headers={"Authorization": f"Bearer {tokens['access_token']}"}).json()

        assert me("root")["roles"] == ["admin", "user"]
        assert me("ada@example.com")["roles"] == ["user"]
        assert ours.post("/token", data={"username": "ada", "password": "wrong"}).status_code == 401
    assert {each.startswith(KINDS[kind]) for each in before.values()} == {True}
    assert {each[:15] for each in hashes().values()} == {"$bcrypt-sha256$"}
