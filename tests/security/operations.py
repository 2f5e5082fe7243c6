"""Every operation of an app with everything mounted, from its OpenAPI document: what is added later is walked too."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from fastapi import FastAPI
from httpx2 import AsyncClient, Response


class Operation(NamedTuple):
    """One method of one path."""

    method: str
    path: str
    document: Mapping[str, Any]

    @property
    def guarded(self) -> bool:
        """Whether it asks for a token."""
        return "security" in self.document

    @property
    def media_types(self) -> list[str]:
        """The media types of its body; none where it has no body."""
        return list(self.document.get("requestBody", {}).get("content", {}))

    async def call(self, client: AsyncClient, headers: Mapping[str, str] | None = None) -> Response:
        """Call it with nothing in its body, and with ids that nobody has."""
        path = re.sub(r"\{\w+\}", "1", self.path)
        body = b"" if "application/x-www-form-urlencoded" in self.media_types else b"{}"
        kind = {"content-type": self.media_types[0]} if self.media_types else {}
        return await client.request(self.method, path, content=body, headers={**kind, **(headers or {})})

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def operations_of(app: FastAPI) -> list[Operation]:
    """Return the operations of the app."""
    paths: dict[str, dict[str, Any]] = app.openapi()["paths"]
    return [
        Operation(method.upper(), path, document)
        for path, methods in paths.items()
        for method, document in methods.items()
    ]
