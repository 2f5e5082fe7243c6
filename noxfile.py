"""The project's verbs: ``nox -s demo``, ``tests``, ``lint``, ``typing``, ``coverage``, ``matrix``, ``bench``."""

import filecmp
import pathlib
import shutil

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "virtualenv"
nox.options.sessions = ["lint", "typing", "tests"]

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
EVERY_STORE = "sql,postgres,mysql,mongo,redis,smtp"
IN_PARALLEL = ["--numprocesses=auto", "--dist=worksteal"]
EVERY_TEST = ["-m", "slow or not slow"]
PROSE = ["README.md", "AGENTS.md", "CHANGELOG.md", "CONTRIBUTING.md", "changelog.d", "docs", "examples", "fastauth"]
SNIPPETS = "build/snippets"
SITE = "build/site"
MERMAID = "mermaid@11.17.2"
DIST = pathlib.Path("build/dist")
MONGO_TESTS = ["tests/backends", "tests/web", "tests/services", "tests/stores", "tests/cli/stores"]


def install(session: nox.Session, *groups: str, extras: str = "sql") -> None:
    session.install("-e", f".[{extras}]", *nox.project.dependency_groups(PROJECT, *groups))


@nox.session
def demo(session: nox.Session) -> None:
    """Start an app on embedded SQLite, walk through it, and stay up until Ctrl-C (-- --once: end after the walk)."""
    install(session, "demo")
    session.run("python", "examples/demo.py", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests in parallel, on every database that can be had here; the others are skipped with their reason."""
    install(session, "tests", extras=EVERY_STORE)
    session.run("pytest", *IN_PARALLEL, *session.posargs)


@nox.session
def motor(session: nox.Session) -> None:
    """Run the tests of the MongoDB store on Motor and Beanie 1, which cannot be installed beside Beanie 2."""
    install(session, "tests", extras="sql,motor")
    session.run("pytest", *IN_PARALLEL, "-k", "mongo", *(session.posargs or MONGO_TESTS))


@nox.session
def slow(session: nox.Session) -> None:
    """Run the slow tests: the command line in real terminals and against real servers, and requests made up."""
    install(session, "tests", extras=EVERY_STORE)
    session.run("pytest", *IN_PARALLEL, "-m", "slow", *session.posargs)


@nox.session
def schemathesis(session: nox.Session) -> None:
    """Make up requests from the OpenAPI document, by bearer and by cookie: no 5xx, and no answer it does not name."""
    install(session, "tests")
    session.run("pytest", "-m", "slow", "tests/web/test_schemathesis.py", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the tests, the slow ones too, and fail where a line or a branch was not reached."""
    install(session, "tests", extras=EVERY_STORE)
    session.run("pytest", *IN_PARALLEL, *EVERY_TEST, "--cov", "--cov-report=term-missing", *session.posargs)


@nox.session(python=PYTHONS)
def matrix(session: nox.Session) -> None:
    """Run the tests on every supported Python that is installed."""
    install(session, "tests", extras=EVERY_STORE)
    session.run("pytest", *IN_PARALLEL, *session.posargs)


def install_resolved(session: nox.Session, *options: str) -> None:
    session.install("uv")
    everything = ["-e.[all]", "--group", "tests"]
    session.run("uv", "pip", "install", *options, *everything, env={"VIRTUAL_ENV": session.virtualenv.location})


@nox.session(python=PYTHONS[0])
def lowest(session: nox.Session) -> None:
    """Run the tests with the lowest version of each dependency that pyproject.toml allows, on the oldest Python."""
    install_resolved(session, "--resolution", "lowest-direct")
    session.run("pytest", *IN_PARALLEL, *session.posargs)


@nox.session(python=PYTHONS[-1])
def newest(session: nox.Session) -> None:
    """Run the tests with the newest release of each dependency, on the newest Python."""
    install_resolved(session, "--upgrade", "--prerelease", "if-necessary")
    session.run("pytest", *IN_PARALLEL, *session.posargs)


@nox.session
def package(session: nox.Session) -> None:
    """Build the sdist and the wheel into build/dist twice, byte by byte the same, and judge what is in them."""
    session.install("build", "twine")
    again = pathlib.Path(session.create_tmp(), "dist")
    for folder in (DIST, again):
        shutil.rmtree(folder, ignore_errors=True)
        session.run(
            "python", "-m", "build", "--outdir", str(folder), env={"SOURCE_DATE_EPOCH": "1577836800"}, silent=True
        )
    for built in DIST.iterdir():
        if not filecmp.cmp(built, again / built.name, shallow=False):
            session.error(f"{built.name} is another one when it is built again.")
    session.run("twine", "check", "--strict", *map(str, DIST.iterdir()))
    session.run("python", "-m", "tests.packaging", "contents", str(DIST))


@nox.session(python=PYTHONS)
def extras(session: nox.Session) -> None:
    """Install what ``package`` built in empty environments, with each extra alone, and use what it brings."""
    session.install("uv")
    session.run("python", "-m", "tests.packaging", "install", str(DIST))


@nox.session(name="import-time")
def import_time(session: nox.Session) -> None:
    """Print how long an app takes to import what it needs of FastAuth, beside ``import fastapi`` alone."""
    session.install(".")
    session.run("python", "benchmarks/import_time.py", *session.posargs)


@nox.session
def audit(session: nox.Session) -> None:
    """Look for known vulnerabilities in what FastAuth stands on; what cannot be looked up is a failure, too."""
    install(session, extras="all")
    frozen = pathlib.Path(session.create_tmp(), "requirements.txt")
    frozen.write_text(session.run("pip", "freeze", "--exclude-editable", silent=True) or "", "utf-8")
    session.install("pip-audit")
    session.run("pip-audit", "--strict", "--no-deps", "--disable-pip", "--requirement", str(frozen))


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, spelling, the fragments of the changelog, and that imports go down only."""
    install(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")
    session.run("codespell", *PROSE)
    session.run("towncrier", "build", "--draft", "--version", "unreleased", silent=True)


@nox.session
def typing(session: nox.Session) -> None:
    """Check types with mypy and pyright, both strict: the package, tests of types, examples, and the docs' snippets."""
    install(session, "typing", "tests", "demo", "bench", extras=EVERY_STORE)
    session.run("mypy")
    session.run("pyright")
    session.run("python", "-m", "tests.docs.pages", SNIPPETS, silent=True)
    session.run("mypy", SNIPPETS)
    session.run("pyright", SNIPPETS)
    session.run("python", "-m", "tests.completeness")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into build/site, and fail for a broken link, a lost page or a page without an example."""
    install(session, "docs")
    session.run("python", "-m", "tests.docs.llms", "--check")
    session.run("zensical", "build", "--clean", "--strict")
    session.run("python", "-m", "tests.docs.site", SITE)


@nox.session
def screenshots(session: nox.Session) -> None:
    """Make the documentation's pictures anew, in a headless Chromium; diagrams with Mermaid, which npm fetches."""
    install(session, "screenshots", extras="sql")
    session.run("zensical", "build", "--clean", "--strict")
    folder = session.create_tmp()
    session.run("npm", "pack", MERMAID, "--silent", "--pack-destination", folder, external=True)
    package = next(pathlib.Path(folder).glob("mermaid-*.tgz"))
    session.run("tar", "xzf", str(package), "-C", folder, external=True)
    session.run("python", "-m", "tests.docs.pictures", "--mermaid", f"{folder}/package/dist/mermaid.min.js")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed beside bare routes (-- --quick, --only NAME, --peers, --publish; --only enumeration: leaks)."""
    install(session, "bench", extras="sql,postgres,mongo,crypto")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def reliability(session: nox.Session) -> None:
    """Kill databases and workers, race and soak, and fail for a figure that is missed (-- --long: all trials)."""
    install(session, "tests", extras=EVERY_STORE)
    session.run("python", "-m", "tests.reliability", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Change tokens, cookies and headers ten million times, and accept none (-- --count 200000 for a short run)."""
    install(session, "tests")
    session.run("python", "-m", "tests.fuzz", *session.posargs)
