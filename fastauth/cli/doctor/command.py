"""``fastauth doctor``."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from fastauth.cli import event_loop
from fastauth.cli.doctor.configuration import check_files, check_key, check_mode
from fastauth.cli.doctor.database import check_database
from fastauth.cli.doctor.diagnosis import Diagnosis, Level, in_two, problem
from fastauth.cli.doctor.limits import check_limits
from fastauth.cli.doctor.machine import check_distributions, check_hashing, check_versions
from fastauth.cli.errors import Failure, as_failure
from fastauth.cli.finding import find
from fastauth.cli.options import Options, app_argument, target_options
from fastauth.cli.output import count, json_option, print_json, screen
from fastauth.cli.root import Command
from fastauth.cli.target import opened
from fastauth.core.exceptions import FastAuthException

_MARKS = {Level.OK: ("✓", "green"), Level.WARNING: ("!", "yellow"), Level.PROBLEM: ("✗", "red")}
_MOST = 100  # an exit status ends at 255, and from 126 on means something else


@click.command(cls=Command)
@app_argument
@target_options
@json_option
@click.pass_context
def doctor(ctx: click.Context, target: Options, as_json: bool) -> None:
    r"""Check key, mode, database, hashing and libraries.

    Each line says what was looked at, what was seen, and the cure. Nothing is changed. The exit status is the number
    of problems; warnings do not count.

    \b
    Examples:
      fastauth doctor main:auth
      FASTAUTH_ENV=production fastauth doctor main:auth
    """
    lines = event_loop.run(lambda: _examine(target))
    problems = sum(line.level is Level.PROBLEM for line in lines)
    if as_json:
        print_json(
            {
                "problems": problems,
                "lines": [{key: screen(text) for key, text in asdict(line).items()} for line in lines],
            }
        )
    else:
        _show(lines)
        warnings = sum(line.level is Level.WARNING for line in lines)
        click.echo(f"\n{count(problems, 'problem')}, {count(warnings, 'warning')}.")
    ctx.exit(min(problems, _MOST))


async def _examine(options: Options) -> list[Diagnosis]:
    lines: list[Diagnosis] = []
    stands_on: list[str] = []
    try:
        with _listening() as said:
            async with opened(options) as on:
                report = on.report or find(Path.cwd(), on.app_path)
                lines += check_key(on, report, said)
                lines += check_mode(on, report)
                lines += check_limits(on.auth.limits, production=on.auth.production)
                lines += [line async for line in check_database(on)]
                lines.append(await check_hashing(on.auth.passwords))
                stands_on += on.inspector.distributions if on.inspector is not None else ()
    except (Failure, FastAuthException, ImportError) as error:
        message = error.message if isinstance(error, Failure) else as_failure(error).message
        why, cure = in_two(message)
        lines.append(problem("App", why, cure))
    lines += check_files()
    lines += check_versions(stands_on)
    lines += check_distributions()
    return lines


def _show(lines: list[Diagnosis]) -> None:
    width = max(len(line.what) for line in lines)
    for line in lines:
        mark, colour = _MARKS[line.level]
        click.echo(f"{click.style(mark, fg=colour)} {line.what.ljust(width)}  {screen(line.why)}")
        if line.cure:
            click.echo(f"  {' ' * width}  {click.style('→', fg=colour)} {screen(line.cure)}")


@contextmanager
def _listening() -> Generator[list[str], None, None]:
    """Give a list that grows by what the library warns of: it judges the key, and alone knows it."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    listener = Listener(logging.WARNING)
    logger = logging.getLogger("fastauth")
    logger.addHandler(listener)
    try:
        yield said
    finally:
        logger.removeHandler(listener)
