"""Packages that cost too much to be loaded by everyone who imports us, and are not needed by everyone, or not yet."""

from importlib import import_module
from typing import Any


class Later:
    """Stands for a module, which is imported when something of it is first used.

    For the type checkers, the module itself is imported where this stands for it.

    Args:
        name: The module's full name.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        """Return what the module calls so.

        Raises:
            ImportError: The package is not installed.
        """
        value = getattr(import_module(self._name), attribute)
        setattr(self, attribute, value)  # the next one finds it without coming here
        return value
