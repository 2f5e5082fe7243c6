"""The house stands as drawn: imports go down only, the door is a table of contents, nothing comes in unasked."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fastauth

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "fastauth").rglob("*.py"))


def test_imports_go_down_only() -> None:
    """No floor imports one above it, and only the rooms that may know FastAPI or SQLAlchemy do."""
    check = "from importlinter.cli import lint_imports_command; lint_imports_command()"

    run = subprocess.run(
        [sys.executable, "-c", check, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert run.returncode == 0, run.stdout


def test_the_door_exports_what_it_promises() -> None:
    """The names that ``import fastauth`` offers change only on purpose."""
    assert sorted(fastauth.__all__) == [
        "Account",
        "Accounts",
        "AuditRecord",
        "AuditSettings",
        "AuditStore",
        "AuthenticationException",
        "AuthorizationException",
        "BadRequestException",
        "CSRFException",
        "Claims",
        "Clock",
        "Commit",
        "ConfigurationError",
        "ConflictException",
        "CookieSettings",
        "CredentialsException",
        "EmailNotVerifiedException",
        "ExternalSigner",
        "FastAuth",
        "FastAuthException",
        "Health",
        "HealthCheck",
        "InactiveUserException",
        "Key",
        "KeysUnavailableException",
        "LimitSettings",
        "LinkSettings",
        "NotFoundException",
        "Notification",
        "NotificationKind",
        "Notifier",
        "OverloadedException",
        "PasswordHasher",
        "PasswordSettings",
        "PermissionDeniedException",
        "ProtectedRoleException",
        "RESERVED_USERNAMES",
        "RateLimitedException",
        "RefreshTokenException",
        "Role",
        "RoleExistsException",
        "RoleNotFoundException",
        "RoleStore",
        "Roles",
        "STANDARD_ROLES",
        "Session",
        "SessionNotFoundException",
        "Sessions",
        "SignInMethod",
        "Store",
        "StoreUnavailableException",
        "Telemetry",
        "TokenException",
        "TokenPair",
        "TokenSettings",
        "TokenStore",
        "TokenVerifier",
        "TooLargeException",
        "UnavailableException",
        "UserExistsException",
        "UserNotFoundException",
        "UserStore",
        "ValidationException",
        "WeakPasswordException",
    ]


def test_the_door_leads_type_checkers_and_python_to_the_same_places() -> None:
    """The two tables at the door, what type checkers read and what Python looks up, are one and the same."""
    door = ast.parse((ROOT / "fastauth" / "__init__.py").read_text("utf-8"))
    listed = {
        name.name: imported.module
        for imported in ast.walk(door)
        if isinstance(imported, ast.ImportFrom) and (imported.module or "").startswith("fastauth.")
        for name in imported.names
    }

    assert {name: f"fastauth.{home}" for name, home in fastauth._HOMES.items()} == listed


def test_importing_fastauth_is_silent_and_imports_no_driver() -> None:
    """``import fastauth`` warns of nothing, imports no database library, and needs none."""
    absent = [
        "sqlalchemy",
        "aiosqlite",
        "asyncpg",
        "psycopg",
        "asyncmy",
        "beanie",
        "motor",
        "pymongo",
        "redis",
        "httpx2",
        "prometheus_client",
        "pytest",
    ]
    code = f"import sys; sys.modules.update(dict.fromkeys({absent})); import fastauth.auth; import fastauth.testing"

    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)

    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("module", "absent", "cure"),
    [
        ("fastauth.backends.sql", "sqlalchemy", "pip install 'fastauth[sql]'"),
        ("fastauth.notifiers.mail", "jinja2", "pip install 'fastauth[smtp]'"),
        ("fastauth.notifiers.smtp", "aiosmtplib", "pip install 'fastauth[smtp]'"),
        ("fastauth.telemetry.prometheus", "prometheus_client", "pip install 'fastauth[prometheus]'"),
        ("fastauth.telemetry.otel", "opentelemetry", "pip install 'fastauth[otel]'"),
    ],
)
def test_a_missing_extra_says_the_command_that_cures_it(module: str, absent: str, cure: str) -> None:
    """Importing a backend without its extra is one sentence with the command that installs it."""
    # FastAPI itself may stand on the package, and is there already.
    code = f"import fastauth.auth, sys; sys.modules[{absent!r}] = None; import {module}"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert run.returncode == 1
    assert cure in run.stderr.splitlines()[-1]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_import_hides_in_a_function_but_for_its_reason(path: Path) -> None:
    """An import inside a function dodges no circle of our own modules."""
    tree = ast.parse(path.read_text("utf-8"))

    hidden = [
        ast.unparse(inner)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for inner in ast.walk(function)
        if isinstance(inner, (ast.Import, ast.ImportFrom)) and "fastauth" in ast.unparse(inner)
    ]

    assert hidden == []


@pytest.mark.parametrize("path", sorted((ROOT / "fastauth" / "web").rglob("*.py")), ids=lambda path: path.name)
def test_annotations_in_web_are_real_objects(path: Path) -> None:
    """No module of the HTTP floor postpones its annotations, which FastAPI could then not read."""
    assert not re.search(r"^from __future__ import annotations", path.read_text("utf-8"), re.MULTILINE)
