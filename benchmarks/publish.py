"""Where results are shown: the pictures, the page on performance, and the short table of the README."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.compare import compare
from benchmarks.figures import FIGURES
from benchmarks.plots import save
from benchmarks.processes import ROOT
from benchmarks.report import details, provenance, table
from benchmarks.results import Results

BEGIN, END = "<!-- benchmarks -->", "<!-- end of benchmarks -->"
_ASSETS = ROOT / "docs" / "assets" / "benchmarks"
_IN_README = ("account/orm", "user/fastapi-users", "user/fastauth_iq", "refresh/floor", "sign-in/bcrypt", "ping/16")
_PICTURES = {
    "ratios": "Bars: FastAuth's rate over that of what it is measured beside, with the floor at 1",
    "ping": "Lines: the time of a request to /ping before and during a storm of sign-ins",
    "growth": "Lines: how times grow with the numbers of users, sessions and roles",
}


def publish(results: Results) -> None:
    """Write pictures and numbers into ``docs/assets/benchmarks``, and the tables into the page and the README."""
    _ASSETS.mkdir(parents=True, exist_ok=True)
    beside = _beside_an_earlier_day(results, _ASSETS)
    results.write(_ASSETS / "results.json")
    drawn = save(results, _ASSETS)
    pictures = "\n\n".join(f"![{_PICTURES[name]}](assets/benchmarks/{name}.svg)" for name in drawn)
    page = "\n\n".join((provenance(results), table(results), pictures, details(results), *beside))
    _write_between_markers(ROOT / "docs" / "performance.md", page)
    keys = [figure.key for figure in FIGURES if figure.key in _IN_README]
    short = f"{table(results, keys)}\n\n![{_PICTURES['ping']}](docs/assets/benchmarks/ping.svg)"
    _write_between_markers(ROOT / "README.md", short if "ping" in drawn else table(results, keys))


def _beside_an_earlier_day(results: Results, folder: Path) -> Sequence[str]:
    """Compare with the last run that was published on another day, which is kept for that."""
    published, earlier = folder / "results.json", folder / "earlier.json"
    if published.exists() and Results.read(published).day != results.day:
        earlier.write_text(published.read_text("utf-8"), "utf-8")
    return [compare(Results.read(earlier), results)] if earlier.exists() else []


def with_section(text: str, section: str) -> str:
    """Return the text with what stands between the markers replaced.

    Raises:
        ValueError: The markers are not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"There is no {BEGIN} ... {END}.")
    return f"{before}{BEGIN}\n\n{section}\n\n{END}{after}"


def _write_between_markers(path: Path, section: str) -> None:
    path.write_text(with_section(path.read_text("utf-8"), section), "utf-8")
