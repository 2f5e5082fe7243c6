"""``nox -s bench``, or ``python -m benchmarks``: measure, and write ``build/bench/results.json`` and a table."""

import importlib
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import click
import uvloop

from benchmarks.context import Context
from benchmarks.figures import BY_KEY, GROUPS
from benchmarks.machine import machine, versions
from benchmarks.peers.environments import install, version_of
from benchmarks.plots import save
from benchmarks.processes import CLIENT_CORE, ROOT, pin
from benchmarks.publish import publish
from benchmarks.report import table
from benchmarks.results import FULL, QUICK, Results

_OUTPUT = ROOT / "build" / "bench"


@click.command()
@click.option(
    "--only", metavar="NAME", help=f"One group ({', '.join(GROUPS)}, enumeration, layers, pyperf) or one figure."
)
@click.option("--quick", is_flag=True, help="Two minutes: fewer rounds, smaller sizes; good for a look only.")
@click.option("--peers", is_flag=True, help="Install the released peers, each for itself, and include them.")
@click.option("--publish", "publishes", is_flag=True, help="Write tables and plots into README and docs, too.")
@click.option("--resume", is_flag=True, help="Go on with a run that broke off: what it has measured stays.")
@click.option("--samples", default=1000, show_default=True, help="For --only enumeration.")
def main(only: str | None, quick: bool, peers: bool, publishes: bool, resume: bool, samples: int) -> None:
    """Measure FastAuth beside bare routes, and beside its peers, on this machine."""
    if only == "enumeration":
        sys.exit(subprocess.call([sys.executable, "-m", "benchmarks.enumeration", str(samples)], cwd=ROOT))
    if only == "layers":
        sys.exit(subprocess.call([sys.executable, "-m", "benchmarks.layers"], cwd=ROOT))
    if only == "pyperf":
        sys.exit(subprocess.call([sys.executable, "-m", "benchmarks.on_pyperf", "--fast"], cwd=ROOT))
    if only is not None and publishes:
        raise click.UsageError("--publish is for a whole run: a part of one would take the place of all the figures.")
    groups = _chosen(only)
    pace = QUICK if quick else FULL
    results = Results("quick" if quick else "full", machine(), versions())
    for name, python in (installed := install() if peers else {}).items():
        results.versions[name] = version_of(name, python)
    if resume:
        results = results.resumed(_OUTPUT / "results.json")
        groups = [group for group in groups if not results.has(group, peers=peers)]
    _say_what_runs(results)
    context = Context(pace, results, installed, only if only in BY_KEY else None)
    began = time.monotonic()
    for group in groups:
        if group == "peers" and not peers:
            continue
        click.secho(group, bold=True)
        pin(0, (CLIENT_CORE,))
        uvloop.run(importlib.import_module(f"benchmarks.groups.{group}").run(context))
        results.day = datetime.now(timezone.utc).date().isoformat()
        results.write(_OUTPUT / "results.json")
    _finish(results, _OUTPUT, time.monotonic() - began, publishes=publishes)


def _chosen(only: str | None) -> Sequence[str]:
    if only is None:
        return GROUPS
    if only in BY_KEY:
        return [BY_KEY[only].group]
    if only in GROUPS:
        return [only]
    raise click.BadParameter(f"neither a group nor a figure; groups: {', '.join(GROUPS)}", param_hint="--only")


def _say_what_runs(results: Results) -> None:
    if results.mode == "quick":
        click.echo("--quick: few rounds and small sizes. Do not quote these figures.")
    on = results.machine
    click.echo(f"{on['cores']} cores of {on['processor']}, {on['memory_gb']} GB, {on['system']}")
    click.echo(", ".join(f"{name} {version}" for name, version in results.versions.items()))


def _finish(results: Results, output: Path, seconds: float, *, publishes: bool) -> None:
    text = table(results)
    (output / "table.md").write_text(f"{text}\n", "utf-8")
    click.echo(f"\n{text}\n")
    click.echo(f"{seconds:.0f} s; results.json and table.md are in {output.relative_to(ROOT)}")
    save(results, output)
    if publishes:
        publish(results)
        click.echo("written into docs/performance.md, docs/assets/benchmarks and README.md")


if __name__ == "__main__":
    main()
