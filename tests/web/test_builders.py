"""What makes a dependency is none itself: FastAPI would call it for its answer, and let everybody in."""

import inspect
import pydoc
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Security, WebSocket

from fastauth import ConfigurationError, FastAuth
from fastauth.backends.memory import MemoryStore

Make = Callable[..., FastAuth[Any]]

WHAT_TO_WRITE = {
    "is_admin": "write Depends(auth.is_admin()), with parentheses",
    "require_roles": 'write Depends(auth.require_roles(["moderator"])), with the roles',
    "require_all_roles": 'write Depends(auth.require_all_roles(["moderator"])), with the roles',
    "get_current_active_user_dependency": "write Depends(auth.current_user)",
    "watch": "write async with auth.watch(websocket): ... in the route",
}


def of_a_route(guard: Any) -> None:
    FastAPI().get("/", dependencies=[Depends(guard)])(lambda: None)


def of_a_parameter(guard: Any) -> None:
    async def route(user: Any = Depends(guard)) -> None: ...

    APIRouter().post("/")(route)


def annotated(guard: Any) -> None:
    async def route(user: Any) -> None: ...

    route.__annotations__["user"] = Annotated[Any, Security(guard)]
    FastAPI().put("/")(route)


def of_a_router(guard: Any) -> None:
    APIRouter(dependencies=[Depends(guard)]).get("/")(lambda: None)


def of_an_app(guard: Any) -> None:
    FastAPI(dependencies=[Depends(guard)]).get("/")(lambda: None)


def of_another_dependency(guard: Any) -> None:
    def inner(user: Any = Depends(guard)) -> Any: ...

    of_a_route(inner)


def of_a_websocket(guard: Any) -> None:
    async def route(websocket: WebSocket, user: Any = Depends(guard)) -> None: ...

    FastAPI().websocket("/")(route)


PLACES = [of_a_route, of_a_parameter, annotated, of_a_router, of_an_app, of_another_dependency, of_a_websocket]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", WHAT_TO_WRITE)
def test_a_guard_without_parentheses_is_refused_where_the_route_is_defined(
    make_auth: Make, name: str, place: Callable[[Any], None]
) -> None:
    """A method that makes a guard is no guard; wherever a route names it as one, the error says what to write."""
    auth = make_auth(MemoryStore())

    with pytest.raises(ConfigurationError) as caught:
        place(getattr(auth, name))

    assert f"auth.{name} is no dependency" in caught.value.message
    assert WHAT_TO_WRITE[name] in caught.value.message


def test_no_method_lets_everybody_in(make_auth: Make) -> None:
    """Every public method that returns a dependency is refused as one, also one that is added some day."""
    auth = make_auth(MemoryStore())
    methods = inspect.getmembers(auth, inspect.ismethod)
    makers = [
        name
        for name, method in methods
        if not name.startswith("_") and "Awaitable" in str(inspect.signature(method).return_annotation)
    ]

    assert set(makers) == {"is_admin", "require_roles", "require_all_roles", "get_current_active_user_dependency"}
    for name in makers:
        with pytest.raises(ConfigurationError, match="is no dependency"):
            of_a_route(getattr(auth, name))


@pytest.mark.parametrize("name", WHAT_TO_WRITE)
def test_to_everyone_else_it_is_a_method(make_auth: Make, name: str) -> None:
    """Its signature, its help and its names are those of any method, of an object and of the class."""
    auth = make_auth(MemoryStore())
    bound, unbound = getattr(auth, name), getattr(FastAuth, name)
    signature = inspect.signature(bound)

    assert inspect.ismethod(bound)
    assert (bound.__self__, bound.__name__, bound.__module__) == (auth, name, "fastauth.auth")
    assert bound == getattr(auth, name)
    assert "self" not in signature.parameters
    assert list(inspect.signature(unbound).parameters) == ["self", *signature.parameters]
    for documented in (bound, unbound, FastAuth):
        help_text = pydoc.render_doc(documented, renderer=pydoc.plaintext)
        assert f" {name}(" in help_text.replace("\n", " ")
        assert inspect.cleandoc(unbound.__doc__).partition("\n")[0] in help_text


def test_a_class_below_may_say_more(make_auth: Make) -> None:
    """A subclass overrides such a method, and reaches the one above, as with any."""

    class Stricter(FastAuth[Any]):
        def is_admin(self) -> Any:
            return [super().is_admin()]

    auth = Stricter(MemoryStore(), secret_key="tests-only-3Jq8vXo2LkTzR5uWcY7bNfMd9hGpAe1s", limits=None, notifier=None)

    assert auth.is_admin() == [auth.require_roles(["admin"])]
