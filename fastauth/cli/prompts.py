"""What is asked at a terminal: passwords, hidden and twice, and whether to destroy."""

import functools
import os
import secrets
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import click

from fastauth.cli.errors import Misuse, reason
from fastauth.cli.output import conceal
from fastauth.core.exceptions import ValidationException
from fastauth.core.passwords import Passwords

_GENERATED_BYTES = 18  # 144 bits, 24 characters


@dataclass(frozen=True)
class PasswordSource:
    """Where a password comes from; the first of these that is there.

    Args:
        stdin: Read one line of the standard input.
        given: It came by the environment.
        generate: Make one, and show it once.
        stdin_option: The name of the option, for the sentence that says what to do.
        whose: What it is for, for the prompt.
        username: Of the account that it is for; not a password of theirs.
        email: Of the account that it is for; not a password of theirs.
    """

    stdin: bool
    generate: bool
    stdin_option: str
    generate_option: str
    environment: str
    whose: str = "Password"
    username: str = ""
    email: str = ""
    given: str | None = field(default=None, repr=False)

    def read(self, passwords: Passwords) -> "Password":
        """Return a password that meets the policy; at a terminal, ask until one does.

        Raises:
            Misuse: There is no way to get one.
            WeakPasswordException: The one that was given does not meet the policy.
        """
        if self.stdin and self.generate:
            raise Misuse(f"{self.stdin_option} and {self.generate_option} exclude each other: give one of them.")
        if self.generate:
            return Password(conceal(secrets.token_urlsafe(_GENERATED_BYTES)), generated=True)
        if self.stdin:
            return self._checked(_first_line_of_stdin(self.stdin_option), passwords)
        if self.given:
            return self._checked(self.given, passwords)
        if not sys.stdin.isatty():
            raise Misuse(
                f"There is no terminal to ask for a password: use {self.stdin_option}, {self.generate_option}, "
                f"or set {self.environment}."
            )
        return self._ask(passwords)

    def _checked(self, text: str, passwords: Passwords) -> "Password":
        passwords.policy.check(conceal(text), username=self.username, email=self.email)
        return Password(text)

    def _ask(self, passwords: Passwords) -> "Password":
        while True:
            with interruptible():
                text: str = click.prompt(
                    f"{self.whose} (at least {passwords.policy.min_length} characters)",
                    hide_input=True,
                    confirmation_prompt="Once more",
                    err=True,
                )
            try:
                return self._checked(text, passwords)
            except ValidationException as error:
                click.echo(reason(error), err=True)


@dataclass(frozen=True)
class Password:
    """A password in the clear, and whether it has to be shown because nobody knows it yet."""

    text: str = field(repr=False)
    generated: bool = False


def password_options(prefix: str = "", environment: str = "FASTAUTH_PASSWORD") -> Callable[..., Any]:
    """Add the options that say where a password comes from, as one argument ``password_source``."""
    stdin_option = f"--{prefix}password-stdin"
    generate_option = f"--generate-{prefix}password"

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def with_source(*args: Any, password_stdin: bool, generate: bool, **kwargs: Any) -> Any:
            source = PasswordSource(
                stdin=password_stdin,
                generate=generate,
                stdin_option=stdin_option,
                generate_option=generate_option,
                environment=environment,
                given=os.environ.get(environment),
            )
            return command(*args, password_source=source, **kwargs)

        generated = click.option(generate_option, "generate", is_flag=True, help="Make a password; it is shown once.")
        piped = click.option(stdin_option, "password_stdin", is_flag=True, help="Read it from the standard input.")
        return generated(piped(with_source))

    return decorate


def _first_line_of_stdin(option: str) -> str:
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise Misuse(f"{option} found no password on the standard input: write it as one line.")
    return line


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is destroyed.

    Raises:
        Misuse: There is no terminal to ask at, and ``--yes`` was not given.
        Abort: The answer was no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise Misuse(f"{question} There is no terminal to ask at: say --yes.")
    with interruptible():
        click.confirm(question, abort=True, err=True)


@contextmanager
def interruptible() -> Generator[None, None, None]:
    """Let Ctrl-C end a prompt at once: an event loop's own handler would wait until the line is typed."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
