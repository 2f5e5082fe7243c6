"""A notification in the words of a mail: subject, text and HTML from Jinja2 templates that an app may replace."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from fastauth.core.exceptions import ConfigurationError
from fastauth.core.notifications import Notification, NotificationKind

try:
    from jinja2 import (
        ChoiceLoader,
        Environment,
        FileSystemLoader,
        PackageLoader,
        StrictUndefined,
        TemplateSyntaxError,
        select_autoescape,
    )
except ImportError as _error:
    raise ModuleNotFoundError("fastauth.notifiers.mail needs Jinja2: pip install 'fastauth[smtp]'") from _error

_PARTS = ("subject.txt", "body.txt", "body.html")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail in words; the texts may hold a link that lets somebody in."""

    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)


class MailTemplates:
    """Puts notifications into words.

    Each kind has three templates, ``{kind}/subject.txt``, ``{kind}/body.txt`` and ``{kind}/body.html``; the HTML ones
    extend ``layout.html``. What goes to an address that nobody has proved to be theirs repeats nothing that a stranger
    could have chosen, such as a username.

    Args:
        service_name: What the mails call your service.
        support: Where to turn to, an address or a link; None leaves the sentence out.
        accent: The colour of the button, as CSS has it.
        folder: A folder that is searched first: a file of the same name replaces ours.
        context: Further values for templates of your own.

    Raises:
        ConfigurationError: The folder is not there, or a template in it cannot be read.
    """

    def __init__(
        self,
        *,
        service_name: str,
        support: str | None = None,
        accent: str = "#1d4ed8",
        folder: Path | str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        if folder is not None and not Path(folder).is_dir():
            raise ConfigurationError(f"MailTemplates(folder={str(folder)!r}) is not a folder.")
        ours = PackageLoader("fastauth.notifiers")
        self._environment = Environment(
            loader=ours if folder is None else ChoiceLoader([FileSystemLoader(folder), ours]),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["span"] = in_words
        self._environment.filters["moment"] = _moment
        self._context = {"service_name": service_name, "support": support, "accent": accent, **(context or {})}
        try:  # a broken template is told when the app starts, and not when the first mail is due
            self._templates = {
                kind: tuple(self._environment.get_template(f"{kind.value}/{part}") for part in _PARTS)
                for kind in NotificationKind
            }
        except TemplateSyntaxError as error:
            raise ConfigurationError(f"The template {error.name}, line {error.lineno}: {error.message}.") from error

    def render(self, notification: Notification) -> Mail:
        """Return the mail that says this."""
        values = {name: getattr(notification, name) for name in Notification.__dataclass_fields__}
        values["kind"] = notification.kind.value
        subject, text, html = (
            template.render(**self._context, **values) for template in self._templates[notification.kind]
        )
        return Mail(" ".join(subject.split()), text, html)


def in_words(span: timedelta) -> str:
    """Return a span of time as people say it: ``24 hours``, ``30 minutes``."""
    minutes = max(1, round(span.total_seconds() / 60))
    for size, unit in ((24 * 60, "day"), (60, "hour")):
        if minutes >= 2 * size and minutes % size == 0:
            return f"{minutes // size} {unit}s"
    return "1 hour" if minutes == 60 else f"{minutes} minute{'s' if minutes > 1 else ''}"


def _moment(when: datetime) -> str:
    return when.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
