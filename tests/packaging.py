"""Judge what was built: ``python -m tests.packaging contents DIST``, and ``... install DIST`` in empty environments.

``install`` makes one environment for each extra, with the Python that runs it, and needs uv beside that Python.
"""

import email
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("fastauth", "pytest_fastauth")
BARE = """
import fastauth, fastapi
from fastauth.backends.memory import MemoryStore
auth = fastauth.FastAuth(MemoryStore(), secret_key="k" * 64)
auth.setup(fastapi.FastAPI(lifespan=auth.lifespan))
"""
SQL = """
from fastauth.backends.sql import SQLStore
from sqlalchemy.ext.asyncio import create_async_engine
SQLStore(create_async_engine({url!r}))
"""
MONGO = """
import fastauth.backends.mongo
from {module} import {client}
"""
REDIS = """
from fastauth.services.limit_storages import open_storage
from fastauth.core.clock import system_clock
open_storage("redis://localhost", clock=system_clock)
"""
SMTP = """
from fastauth.notifiers.mail import MailTemplates
from fastauth.notifiers.smtp import SMTPNotifier
SMTPNotifier("localhost", sender="app@example.com", templates=MailTemplates(service_name="App"))
"""
CRYPTO = """
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
pem = Ed25519PrivateKey.generate().private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
fastauth.Key(pem.decode(), algorithm="EdDSA")
"""
EXTRAS = {
    "": "",
    "sql": SQL.format(url="sqlite+aiosqlite://"),
    "postgres": SQL.format(url="postgresql+asyncpg://localhost/app"),
    "mysql": SQL.format(url="mysql+asyncmy://localhost/app"),
    "mongo": MONGO.format(module="pymongo", client="AsyncMongoClient"),
    "motor": MONGO.format(module="motor.motor_asyncio", client="AsyncIOMotorClient"),
    "redis": REDIS,
    "smtp": SMTP,
    "crypto": CRYPTO,
    "jwks": CRYPTO + "import httpx2",
    "argon2": "from fastauth.core.argon2 import Argon2Hasher\nArgon2Hasher()",
    "prometheus": "from fastauth.telemetry.prometheus import PrometheusTelemetry\nPrometheusTelemetry()",
    "otel": "from fastauth.telemetry.otel import OpenTelemetry\nOpenTelemetry()",
    "all": SQL.format(url="sqlite+aiosqlite://"),
}
"""By extra, what works once it is installed, and nothing beside it."""


def contents(dist: Path) -> None:
    """Check that both archives hold every file of the packages, the licence, and metadata that says so."""
    (wheel,) = dist.glob("*.whl")
    (sdist,) = dist.glob("*.tar.gz")
    files = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = set(archive.namelist())
        (metadata_name,) = (name for name in in_wheel if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(metadata_name))
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/")[2] for name in archive.getnames()}
    licences = {f"{metadata_name.partition('/')[0]}/licenses/{name}" for name in ("LICENSE", "NOTICE")}
    _check("the wheel lacks", (files | licences) - in_wheel)
    _check("the wheel has too much", {name for name in in_wheel if ".dist-info/" not in name} - files)
    _check("the sdist lacks", (files | {"LICENSE", "NOTICE", "README.md", "CHANGELOG.md"}) - in_sdist)
    _check("the metadata says no", {"fastauth/py.typed"} - in_wheel)
    _check("no extra is tried of", set(metadata.get_all("Provides-Extra", ())) ^ (set(EXTRAS) - {""}))
    sys.stdout.write(f"{wheel.name}, {sdist.name}: complete\n")


def install(dist: Path) -> None:
    """Install the wheel with each extra alone, and the sdist without any, and use what each brings."""
    (wheel,) = dist.glob("*.whl")
    (sdist,) = dist.glob("*.tar.gz")
    wanted = [(wheel, extra, code) for extra, code in EXTRAS.items()]
    for archive, extra, code in [(sdist, "", ""), *wanted]:
        name = f"{archive.name}[{extra}]" if extra else archive.name
        with tempfile.TemporaryDirectory() as folder:
            environment = Path(folder, "environment")
            python = str(environment / ("Scripts" if os.name == "nt" else "bin") / "python")
            _run("uv", "venv", "--quiet", "--python", sys.executable, str(environment))
            requirement = f"fastauth[{extra}] @ {archive.resolve().as_uri()}"
            _run("uv", "pip", "install", "--quiet", "--python", python, requirement)
            # From a folder without the source, which would be imported instead.
            _run(python, "-W", "error", "-c", BARE + code, folder=folder)
            _run(python, "-m", "fastauth", "--version", folder=folder)
        sys.stdout.write(f"{name} on {sys.version.split()[0]}: installs, imports and works\n")
        sys.stdout.flush()


def _run(*command: str, folder: str | None = None) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def _check(what: str, names: Iterable[str]) -> None:
    if names := sorted(names):
        sys.exit(f"{what}: {', '.join(names)}")


if __name__ == "__main__":
    {"contents": contents, "install": install}[sys.argv[1]](Path(sys.argv[2]))
