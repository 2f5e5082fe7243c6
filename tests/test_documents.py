"""What a reader sees is run: the snippets of README and docs, and the examples, exactly as they stand."""

import asyncio
import runpy
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from tests.conftest import PASSWORD, SECRET_KEY
from tests.docs.pages import ROOT, files_of, pages, snippets
from tests.servers import ON_MOTOR, mongo_url

EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("*.py") if path.name != "demo.py")


WITH_A_TEST_OF_ITS_OWN = {
    "README.md",
    "docs/cookies.md",
    "docs/sql.md",
    "docs/mongodb.md",
    "docs/testing.md",
    "docs/writing-a-store.md",
    "docs/how-to/roles-in-a-team.md",  # in tests/docs/test_recipes.py; its table cannot join our metadata twice
}
PAGES = [page for page in pages() if page not in WITH_A_TEST_OF_ITS_OWN and snippets(page)]
SCRIPTS = ("from_a_script", "first_start", "look", "main")


def run(document: str) -> list[dict[str, Any]]:
    """Run the snippets of a document one after the other, as a reader would paste them, and return their names."""
    return [run_code(code, document) for code in files_of(document)]


def run_code(code: str, document: str, **known: Any) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "a_page", **known}
    exec(compile(code, document, "exec"), names)
    return names


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever an example writes, it writes here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FASTAUTH_SECRET_KEY", SECRET_KEY)
    monkeypatch.setenv("ADMIN_PASSWORD", PASSWORD)


@pytest.fixture(autouse=True)
def engines_are_disposed_of(monkeypatch: pytest.MonkeyPatch) -> Generator[None, None, None]:
    """What a reader's script leaves to the end of its process, is closed at the end of the test."""
    engines: list[AsyncEngine] = []

    def create(*args: Any, **options: Any) -> AsyncEngine:
        engines.append(create_async_engine(*args, **options))
        return engines[-1]

    async def dispose() -> None:
        for engine in engines:
            await engine.dispose()

    monkeypatch.setattr("sqlalchemy.ext.asyncio.create_async_engine", create)
    yield
    asyncio.run(dispose())


def walk(app: FastAPI, protected: str, **fields: Any) -> Any:
    """Register, sign in, and return the answer of a protected route."""
    with TestClient(app, base_url="https://testserver") as client:
        body = {"username": "ada", "email": "ada@example.com", "password": PASSWORD, **fields}
        assert client.post("/register", json=body).status_code == 201
        token = client.post("/token", data={"username": "ada", "password": PASSWORD}).json()["access_token"]
        assert client.get(protected, headers={"Authorization": f"Bearer {token[:-4]}AAAA"}).status_code == 401
        client.cookies.clear()
        return client.get(protected, headers={"Authorization": f"Bearer {token}"}).json()


def test_the_quick_start_has_at_most_twelve_lines() -> None:
    """From the first import to the protected route, the quick start has at most twelve lines."""
    lines = [line for line in snippets("README.md")[0].splitlines() if line.strip()]

    assert len(lines) <= 12


def test_the_quick_start_runs_as_printed() -> None:
    """The quick start, exactly as printed, serves a protected route on a SQLite file in an empty folder."""
    names = run_code(snippets("README.md")[0], "README.md")

    assert walk(names["app"], "/protected") == {"message": "Hello ada"}
    assert Path("app.db").exists()


def test_every_snippet_of_the_readme_runs() -> None:
    """The README's snippets run one after the other, as a reader would paste them."""
    (names,) = run("README.md")

    asyncio.run(names["first_start"]())

    assert names["auth"].store.schema.name == "Member"
    assert {"reports", "vault"} <= names.keys()


def test_every_snippet_about_cookies_runs() -> None:
    """The snippets of docs/cookies.md run one after the other, and a page's unsafe request needs to be its own."""
    (names,) = run("docs/cookies.md")

    with TestClient(names["app"], base_url="https://testserver") as client:
        body = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
        assert client.post("/register", json=body).status_code == 201
        assert "Sign in" in client.get("/").text
        client.post("/token", data={"username": "ada", "password": PASSWORD})
        assert "Write" in client.get("/").text
        own = client.post("/notes", headers={"Sec-Fetch-Site": "same-origin"})
        foreign = client.post("/notes", headers={"Sec-Fetch-Site": "cross-site"})
        token = client.post("/notes", headers={"X-CSRF-Token": client.cookies["__Host-fastauth_csrf"]})

    assert (own.status_code, foreign.status_code, token.status_code) == (200, 403, 200)


@pytest.mark.parametrize("page", PAGES)
def test_the_snippets_of_a_page_run(page: str) -> None:
    """The snippets of every page run one after the other; a script can be called, and an app takes its first user."""
    for names in run(page):
        for script in SCRIPTS:
            if script in names:
                asyncio.run(names[script]())
        if isinstance(names.get("app"), FastAPI):
            if "auth" in names and names["auth"].production:  # where nothing is made at the start
                asyncio.run(names["auth"].initialize_db())
            register_at(names["app"])


SOMEBODY = {"username": "grace", "email": "grace@example.com", "password": PASSWORD, "first_name": "Grace"}


def register_at(app: FastAPI) -> None:
    """Start the app and register somebody, as the first reader of a page does."""
    with TestClient(app, base_url="https://testserver") as client:
        document = app.openapi()
        if "post" not in document["paths"].get("/register", {}):
            return
        body = document["paths"]["/register"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        needed = document["components"]["schemas"][body["$ref"].rpartition("/")[2]]["required"]
        if set(needed) <= SOMEBODY.keys():  # and not, for example, an invitation, which nobody has
            answer = client.post("/register", json={name: SOMEBODY[name] for name in needed})

            assert answer.status_code in {201, 202}, answer.text


def test_the_hook_of_the_docs_asks_for_invitations_and_lets_the_superadmin_in() -> None:
    """With the hook of docs/hooks.md the first superadmin can be made, and strangers need an invitation."""
    (names,) = run("docs/hooks.md")
    auth = names["auth"]

    async def come() -> set[str]:
        await auth.initialize_db(admin_username="root", admin_password=PASSWORD)
        await auth.accounts.register("ada", "ada@example.com", PASSWORD)
        with pytest.raises(names["NotInvited"]):
            await auth.accounts.register("eve", "eve@example.org", PASSWORD)
        came = {account.username for account in await auth.accounts.list()}
        await auth.close()
        return came

    assert asyncio.run(come()) == {"root", "ada"}


def test_the_relationship_of_the_docs_is_read_and_added_to() -> None:
    """The route of docs/own-model.md that reads a relationship gives what was written before, and writes more."""
    names = run("docs/own-model.md")[1]

    with TestClient(names["app"], base_url="https://testserver") as client:
        names["auth"].testing.sign_in_as(client, "ada")
        first, second = (client.post("/notes", params={"text": text}).json() for text in ("one", "two"))

    assert (first, second) == (["one"], ["one", "two"])


def test_every_snippet_about_sql_runs() -> None:
    """The snippets of docs/sql.md run one after the other, and write a user and their profile in one transaction."""
    (names,) = run("docs/sql.md")

    async def in_one_transaction() -> list[str]:
        async with names["engine"].begin() as connection:
            await connection.run_sync(names["target_metadata"].create_all)
        await names["auth"].initialize_db()
        await names["register_with_a_profile"]("Onwards")
        async with AsyncSession(names["engine"]) as session:
            mottos = list(await session.scalars(select(names["Profile"].motto)))
        await names["engine"].dispose()
        return mottos

    assert asyncio.run(in_one_transaction()) == ["Onwards"]
    assert "auth_sessions" in names["target_metadata"].tables


def test_every_snippet_about_mongodb_runs() -> None:
    """The snippets of docs/mongodb.md run one after the other, and a document of one's own can register."""
    if ON_MOTOR:
        pytest.skip("the page shows PyMongo's client")
    (code,) = files_of("docs/mongodb.md")
    names = run_code(code.replace("mongodb://localhost:27017", mongo_url("mongo-standalone")), "docs/mongodb.md")

    assert walk(names["app"], "/users/me", first_name="Ada")["username"] == "ada"


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_imports_and_serves_its_document(name: str) -> None:
    """Every example is an app that starts and describes itself."""
    names = runpy.run_path(str(ROOT / "examples" / name))

    with TestClient(names["app"]) as client:
        assert "/token" in client.get("/openapi.json").json()["paths"]


def test_the_example_of_an_own_model_takes_its_fields() -> None:
    """The example of an own model registers its writable field and shows it."""
    names = runpy.run_path(str(ROOT / "examples" / "own_model.py"))

    assert walk(names["app"], "/hello", first_name="Ada") == {"message": "Hello Ada, you have 0 credits"}


def test_the_demo_walks_and_ends() -> None:
    """The demo prints its walk, each step as it should be, and ends cleanly."""
    demo = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples" / "demo.py"), "--once"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert (demo.returncode, demo.stderr) == (0, "")
    assert [line for line in demo.stdout.splitlines() if line.startswith("!")] == []
    assert "the old token is refused" in demo.stdout


@pytest.mark.parametrize("code", files_of("docs/testing.md"), ids=["one file", "another", "a third"])
def test_the_tests_of_the_page_on_testing_pass(code: str, tmp_path: Path) -> None:
    """The test files of docs/testing.md pass as they stand, with the plugin's fixtures, and no warning is left."""
    done = pytest_on(
        code, tmp_path, "-W", "error", "-p", "pytest_fastauth", "-o", "asyncio_default_fixture_loop_scope=function"
    )

    assert done.returncode == 0, done.stdout
    assert f"{code.count('def test_')} passed" in done.stdout


def pytest_on(code: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a test file, as its author would."""
    (folder / "test_store.py").write_text(code, "utf-8")
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-o",
            "asyncio_mode=auto",
            *options,
            "test_store.py",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_store_of_the_docs_keeps_every_promise(tmp_path: Path) -> None:
    """The example of a store passes the published suite as it stands, and fails it without its lock."""
    suite, store = snippets("docs/writing-a-store.md")

    as_printed = pytest_on(f"{store}\n\n{suite}", tmp_path)
    without_its_lock = pytest_on(f"{store}\n\n{suite}".replace("async with self.turn:", "if True:"), tmp_path)

    assert as_printed.returncode == 0, as_printed.stdout
    assert without_its_lock.returncode == 1, without_its_lock.stdout
    assert "test_one_superadmin_remains" in without_its_lock.stdout
