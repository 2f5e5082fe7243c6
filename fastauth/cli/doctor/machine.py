"""The machine: bcrypt's cost against its speed, versions, and who else installs a package of our name."""

import importlib.metadata
import operator
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import fastauth
from fastauth.cli.doctor.diagnosis import Diagnosis, ok, problem, warning
from fastauth.core.passwords import Passwords

_TRIES = 3
_FAST, _SLOW = 0.05, 1.0  # seconds for one hash
_REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*\(?([<>=!~][<>=!~,.0-9 ]*)", re.MULTILINE)
_CLAUSE = re.compile(r"(>=|<=|==|>|<)\s*([0-9.]+)")
_COMPARISONS = {">=": operator.ge, "<=": operator.le, "==": operator.eq, ">": operator.gt, "<": operator.lt}
_MEASURE = "{} PasswordSettings(bcrypt_cost=...): fastauth bench-hash says to which cost"
_ALWAYS = ("fastapi", "starlette", "pydantic", "pyjwt", "bcrypt")


async def check_hashing(passwords: Passwords) -> Diagnosis:
    """Ask whether a hash takes long enough to cost an attacker, and not so long that sign-ins queue."""
    best, made = float("inf"), ""
    for _ in range(_TRIES):
        started = time.perf_counter()
        made = await passwords.hash("as long as a usual password")
        best = min(best, time.perf_counter() - started)
    cost = re.search(r"\br=(\d+)\$", made)
    what = f"bcrypt at cost {cost[1]}" if cost else "the hasher"
    why = f"{what} takes {best * 1000:.0f} ms on this machine"
    if best < _FAST:
        return warning("Hashing", f"{why}: a stolen database is guessed quickly", _MEASURE.format("raise"))
    if best > _SLOW:
        return warning("Hashing", f"{why}: a few sign-ins at once queue", _MEASURE.format("lower"))
    return ok("Hashing", why)


def check_versions(stands_on: Sequence[str]) -> Iterator[Diagnosis]:
    """Ask whether the libraries are there, and new enough."""
    good: list[str] = []
    wanted = _requirements()
    for name in (*_ALWAYS, *stands_on):
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield problem("Versions", f"{name} is not installed", f"pip install {name}")
            continue
        options = wanted.get(_plain(name), [])
        if options and not any(_fits(version, option) for option in options):
            yield problem("Versions", f"{name} {version} is not {options[0]}", f"pip install '{name}{options[0]}'")
        else:
            good.append(f"{name} {version}")
    yield ok("Versions", f"Python {sys.version.split()[0]}, {', '.join(good)}")


def check_distributions() -> Iterator[Diagnosis]:
    """Ask whether another distribution also installs a package ``fastauth``, and which files are ours."""
    here = Path(fastauth.__file__).resolve()
    others = sorted(set(importlib.metadata.packages_distributions().get("fastauth", [])) - {"fastauth"})
    for name in others:
        yield problem(
            "Package",
            f"the distribution {name} also installs a package fastauth, and one overwrites the other",
            f"pip uninstall {name}, then pip install --force-reinstall fastauth",
        )
    for folder in dict.fromkeys(sys.path):
        path = (Path(folder) / "fastauth" / "__init__.py").resolve()
        if path.is_file() and path != here:
            yield problem("Package", f"there is another package fastauth in {path.parent}", "remove or rename it")
            others.append(str(path))
    if not others:
        yield ok("Package", f"fastauth {_own_version()} from {here.parent}, and no other")


def _own_version() -> str:
    try:
        return importlib.metadata.version("fastauth")
    except importlib.metadata.PackageNotFoundError:
        return "without metadata"


def _requirements() -> dict[str, list[str]]:
    """Return what our own metadata asks for, by name; an extra may ask for something of its own."""
    wanted: dict[str, list[str]] = {}
    try:
        lines = importlib.metadata.requires("fastauth") or []
    except importlib.metadata.PackageNotFoundError:
        lines = []
    for match in _REQUIREMENT.finditer("\n".join(lines)):
        wanted.setdefault(_plain(match[1]), []).append(match[2].strip())
    return wanted


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _fits(version: str, option: str) -> bool:
    has = _numbers(version)
    return all(_COMPARISONS[sign](has, _numbers(asked)) for sign, asked in _CLAUSE.findall(option))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", re.split(r"[a-z+]", version)[0]))
