"""The class of all our routes: bodies are read strictly and within bounds, and answers carry the safe headers."""

from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.params import Form
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from fastauth.core.exceptions import BadRequestException, ErrorDetail, FastAuthException, ValidationException
from fastauth.core.models import Client
from fastauth.services.events import current_client
from fastauth.web.bodies import read_strictly, wanted_media_type
from fastauth.web.client_address import ClientAddresses
from fastauth.web.error_handlers import SAFE_HEADERS, ErrorResponse, status_of
from fastauth.web.limits import limit_headers
from fastauth.web.schemas import ErrorRead


class AuthRoute(APIRoute):
    """A route of ours. Its errors are ours too, whether or not the app has installed our handlers.

    Attributes:
        client_address: Answers the client's address; one ``FastAuth`` has a class of its own with its own.
    """

    client_address: ClientAddresses = ClientAddresses(())

    @classmethod
    def asking(cls, client_address: ClientAddresses) -> type["AuthRoute"]:
        """Return the class of routes whose clients are known by these addresses."""
        return type(cls.__name__, (cls,), {"client_address": client_address})

    def _client_of(self, request: Request) -> Client:
        return Client.of(self.client_address(request), request.headers.get("user-agent"))

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler, between a strict reader and the safe headers."""
        handle = super().get_route_handler()
        has_body = self.body_field is not None
        is_form = self.body_field is not None and isinstance(self.body_field.field_info, Form)
        queried = _query_names(self.dependant)

        async def handle_strictly(request: Request) -> Response:
            came_from = current_client.set(self._client_of(request))
            try:
                _check_query(request, queried)
                response = await handle(await read_strictly(request, is_form=is_form) if has_body else request)
            except FastAuthException as error:
                if status_of(error) == 500:
                    raise  # a mistake in the app's set-up is for its log, and no answer to its clients
                raise ErrorResponse(error, headers=limit_headers(request.scope)) from error
            except RequestValidationError as error:
                details = _details(error.errors())
                wanted = wanted_media_type(request, is_form=is_form)
                if wanted is not None and _unread(error.errors(), is_form=is_form):
                    details = [ErrorDetail(loc=["body"], msg=wanted, type="media_type")]
                raise ErrorResponse(ValidationException(details=details)) from None
            finally:
                current_client.reset(came_from)
            response.headers.update({**SAFE_HEADERS, **limit_headers(request.scope)})
            return response

        return handle_strictly

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, one for a method that the path does not have with all those that it has."""
        if scope["method"] in (self.methods or ()):
            await super().handle(scope, receive, send)
            return
        # The framework's answer, but it names the methods of one route, and a path may have several (RFC 9110, 10.2.1).
        raise HTTPException(405, headers={**SAFE_HEADERS, "Allow": ", ".join(sorted(_methods_of(scope)))})


def responses(*errors: type[FastAuthException]) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of the errors that a route answers with, from their classes."""
    documented: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        entry = documented.setdefault(status_of(error), {"model": ErrorRead, "description": ""})
        entry["description"] = ", ".join(filter(None, [entry["description"], f"`{error.code}`"]))
    return documented


def _methods_of(scope: Scope) -> set[str]:
    routes = (route for route in iter_route_contexts(scope["app"].routes) if route.methods)
    return {method for route in routes if route.matches(scope)[0] is not Match.NONE for method in route.methods or ()}


def _query_names(dependant: Dependant) -> set[str]:
    names = {field.alias for field in dependant.query_params}
    return names.union(*(_query_names(each) for each in dependant.dependencies))


def _check_query(request: Request, names: set[str]) -> None:
    # Of two values the framework takes the last, and a proxy before us may have judged the first (RFC 6749, 3.2).
    sent = Counter(name for name, _ in request.query_params.multi_items()) if names else Counter[str]()
    if any(sent[name] > 1 for name in names):
        raise BadRequestException("A parameter of the query is repeated.")


def _details(errors: Sequence[Any]) -> list[ErrorDetail]:
    # Only these three: "input" holds what was sent, and "ctx" may.
    return [ErrorDetail(loc=list(error["loc"]), msg=_sentence(error), type=error["type"]) for error in errors]


def _unread(errors: Sequence[Any], *, is_form: bool) -> bool:
    """Say whether the framework found no body, or no field of a form, in what was sent."""
    return any(error["loc"][0] == "body" and (is_form or len(error["loc"]) == 1) for error in errors)


def _sentence(error: Any) -> str:
    if error["type"] == "too_short" and error["ctx"]["actual_length"] == 0:
        return "This may not be empty."
    message: str = error["msg"]
    return message.removeprefix("Value error, ") if error["type"] == "value_error" else message
