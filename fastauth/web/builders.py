"""Methods that make a dependency and are none: FastAPI would call one for its answer, and let everybody in."""

import functools
import inspect
from collections.abc import Callable
from types import MethodType
from typing import Any, NoReturn, TypeVar, cast

from fastauth.core.exceptions import ConfigurationError

_F = TypeVar("_F", bound=Callable[..., Any])


def builder(how: str) -> Callable[[_F], _F]:
    """Return a decorator for a method that is called where a route is defined, and never by FastAPI.

    ``Depends(auth.is_admin)``, without parentheses, guards nothing: FastAPI would call the method in each request, and
    be content with the dependency that it returns. Such a method is refused where a route has it for a dependency.

    Args:
        how: What to write instead.
    """

    def decorate(function: _F) -> _F:
        return cast("_F", _Builder(function, how))

    return decorate


class _Builder:
    """A function of a class, in all but what FastAPI asks of it when it becomes a dependency."""

    def __init__(self, function: Callable[..., Any], how: str) -> None:
        functools.update_wrapper(self, function)
        vars(self).pop("__wrapped__")  # FastAPI would ask that one
        self.__signature__ = inspect.signature(function)
        self._function = function
        self._how = how

    def __get__(self, instance: object | None, owner: type) -> Any:
        # A method like any other to help() and to inspect: what it does not know itself, it asks its function.
        return self if instance is None else MethodType(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)

    @property
    def __globals__(self) -> NoReturn:
        # Who asks for the signature has it already. These serve to read the annotations of what a request is going to
        # call, and FastAPI, in all its versions, asks for them when a route is defined.
        raise ConfigurationError(
            f"auth.{self._function.__name__} is no dependency, and as one it would let everybody in: write {self._how}."
        )
