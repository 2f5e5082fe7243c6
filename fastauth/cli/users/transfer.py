"""``fastauth users import`` and ``export``."""

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from fastauth.cli.errors import Misuse
from fastauth.cli.options import Options, target_options
from fastauth.cli.output import count, done, json_option, note, print_json, tell
from fastauth.cli.root import Command
from fastauth.cli.target import Target, work_on
from fastauth.cli.transfer.exporting import columns_of, rows_of, whole_file, writer_for
from fastauth.cli.transfer.importing import Import
from fastauth.cli.transfer.progress import state_file_of
from fastauth.cli.transfer.records import FORMATS, RecordReader

_SHOW_EVERY = 500
_STATES = {"enabled": False, "disabled": True}


@click.command("import", cls=Command, short_help="Make users from a CSV or JSON lines file.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--format", "kind", type=click.Choice(FORMATS), help="By default what the name of FILE says.")
@click.option(
    "--jobs", type=click.IntRange(1, 32), help="How many passwords are hashed at once; by default one per core."
)
@click.option("--dry-run", is_flag=True, help="Check every line, and make nobody.")
@target_options
@json_option
@click.pass_context
def import_users(
    ctx: click.Context, file: Path, kind: str | None, jobs: int | None, dry_run: bool, target: Options, as_json: bool
) -> None:
    """Make users from FILE, which is CSV with a heading, or JSON lines.

    The columns are username, email, and password (plain) or hashed_password (bcrypt); and, where wanted, roles,
    disabled and attributes of the app's own model. A user who is there already, with the same name and address, stays
    as they are.

    Where each refused line is told is FILE.fastauth-refused. An interrupted import goes on where it stopped when the
    same command is run again; until then, FILE.fastauth-progress keeps the place. The exit status is 1 when a line was
    refused.
    """
    reader, size = RecordReader(file, kind), file.stat().st_size

    async def work(on: Target) -> Import:
        bar: Any = nullcontext()
        if sys.stderr.isatty() and not as_json:
            bar = click.progressbar(length=size, label="Importing", file=sys.stderr)
        with bar as shown:
            run = Import(
                on,
                reader,
                jobs=jobs or os.cpu_count() or 1,
                dry_run=dry_run,
                advance=lambda position: shown.update(position - shown.pos) if shown is not None else None,
                tell=lambda line: click.echo(line, err=True),
            )
            if run.resumed_at:
                note(f"Going on after line {run.resumed_at:,}, where the import was interrupted.")
            await run.run()
        return run

    try:
        run = work_on(target, work)
    except BaseException:
        if state_file_of(file).exists():
            note("Stopped. What is made stays; run the same command again to go on.")
        raise
    tally = run.tally
    if as_json:
        print_json({"created": tally.created, "there": tally.there, "refused": tally.refused, "dry_run": dry_run})
    else:
        made = "would make" if dry_run else "made"
        done(f"{made} {count(tally.created, 'user')}; {tally.there:,} there already; {tally.refused:,} refused")
    if tally.refused:
        note(f"Every refused line, and why: {run.refused_file}")
        ctx.exit(1)


@click.command("export", cls=Command, short_help="Write users to a CSV or JSON lines file.")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--format", "kind", type=click.Choice(FORMATS), help="By default what the name of FILE says.")
@click.option("--with-hashes", is_flag=True, help="Password hashes too: guard the file like the database.")
@click.option("--search", metavar="TEXT", help="Part of a username or e-mail address.")
@click.option("--role", metavar="NAME", help="Only holders of this role.")
@click.option("--state", type=click.Choice(list(_STATES)), help="Only these.")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@target_options
@json_option
def export_users(
    file: Path,
    kind: str | None,
    with_hashes: bool,
    search: str | None,
    role: str | None,
    state: str | None,
    force: bool,
    target: Options,
    as_json: bool,
) -> None:
    """Write users to FILE, as CSV or JSON lines; - is the standard output.

    The file can be read by you alone, and appears only when it is complete.
    """
    to_stdout = str(file) == "-"
    if with_hashes and to_stdout:
        raise Misuse("--with-hashes writes password hashes, which belong in no output: name a file.")
    if as_json and to_stdout:
        raise Misuse("--json and - both write to the standard output: name a file, or leave --json out.")
    watched = sys.stderr.isatty() and not to_stdout
    chosen = kind or ("jsonl" if to_stdout else RecordReader(file, None).kind)

    async def work(on: Target) -> int:
        written = 0
        filters = {"search": search, "role": role, "disabled": None if state is None else _STATES[state]}
        with whole_file(file, force=force) as opened:
            write = writer_for(opened, chosen, columns_of(on, hashes=with_hashes))
            async for row in rows_of(on, hashes=with_hashes, **filters):
                write(row)
                written += 1
                if watched and written % _SHOW_EVERY == 0:
                    click.echo(f"\r{count(written, 'user')}", nl=False, err=True)
            if watched:
                click.echo("\r\x1b[K", nl=False, err=True)  # the line is free for what comes next
        return written

    written = work_on(target, work)
    if to_stdout:
        note(f"wrote {count(written, 'user')} to the standard output")
    else:
        tell(f"wrote {count(written, 'user')} to {file}", {"written": written, "file": str(file)}, as_json=as_json)
