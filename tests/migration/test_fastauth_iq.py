"""Users of fastauth_iq sign in with us, on the tables that it made, as its released packages did."""

import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.migration.old_apps import GUIDES, environment, fastauth, serving

pytestmark = pytest.mark.slow
PASSWORD = "correct horse battery"
KEY = {"FASTAUTH_SECRET_KEY": "k" * 64}
RELEASES = {
    # passlib, on which it stands, knows no bcrypt after 4.0.
    "0.3.4": ("fastauth_iq==0.3.4", "bcrypt==4.0.1", "uvicorn"),
    "0.8.1": ("fastauth_iq==0.8.1", "uvicorn"),
}


@pytest.mark.parametrize("release", RELEASES)
def test_the_tables_of_fastauth_iq_are_read_in_place(release: str, tmp_path: Path) -> None:
    """Users sign in with us, superadmins and holders of other roles are what they were, and hashes become ours."""
    path = tmp_path / "app.db"

    def asked(statement: str) -> list[Any]:
        connection = sqlite3.connect(path)
        try:
            with connection:
                return (
                    connection.execute(statement).fetchall()
                    if statement.startswith("SELECT")
                    else [connection.executescript(statement)]
                )
        finally:
            connection.close()

    with serving(environment(*RELEASES[release]), "fastauth_iq", str(path)) as old:
        for name in ("ada", "grace"):
            user = {"username": name, "email": f"{name}@Example.com", "password": PASSWORD}
            old.post("/users", json=user).raise_for_status()
        old.post("/token", data={"username": "ada", "password": PASSWORD}).raise_for_status()
    asked(
        "INSERT INTO role (name, description) VALUES ('Editor', 'Writes.');"
        "INSERT INTO user_role SELECT u.id, r.id FROM user u, role r WHERE u.username = 'ada' AND r.name = 'Editor';"
    )
    before = dict(asked("SELECT username, hashed_password FROM user"))
    variables = {"DATABASE_URL": f"sqlite+aiosqlite:///{path}", **KEY}
    app = f"ours_after_fastauth_iq_{release[0]}{release[2]}"
    fastauth("init", f"{app}.py", "--no-admin", **variables)
    fastauth("users", "adopt", f"{app}.py", **variables)
    guide = (GUIDES / "from-fastauth-iq.md").read_text("utf-8")
    asked(guide.partition("```sql\n")[2].partition("```")[0])

    with serving(Path(sys.executable), app, **variables) as ours:

        def me(login: str) -> Any:
            tokens = ours.post("/token", data={"username": login, "password": PASSWORD}).json()
            return ours.get("/users/me", headers={"Authorization": f"Bearer {tokens['access_token']}"}).json()

        roles = {name: me(name)["roles"] for name in ("boss", "ada", "grace")}
        assert roles["boss"] == ["superadmin", "user"]
        assert "editor" in roles["ada"]
        assert "editor" not in roles["grace"]
        assert me("ADA@example.com")["username"] == "ada"
        new = {"username": "alan", "email": "alan@example.com", "password": PASSWORD}
        assert ours.post("/register", json=new).status_code == 201
    after = dict(asked("SELECT username, hashed_password FROM user"))
    assert {each[:4] for each in before.values()} == {"$2b$"}
    assert {each[:15] for each in after.values()} == {"$bcrypt-sha256$"}
