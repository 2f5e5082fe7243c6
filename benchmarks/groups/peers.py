"""The released libraries, each in a virtual environment and a process of its own, beside ours in the same run."""

import json
import urllib.request
from contextlib import AsyncExitStack

from benchmarks.context import Context, asking
from benchmarks.databases import sqlite
from benchmarks.peers.environments import PEERS, serving_peer
from benchmarks.people import USERS, access_tokens, refresh_tokens
from benchmarks.processes import Server, serving
from benchmarks.traffic import Gets, Refreshes


async def run(context: Context) -> None:
    """Compare ours with each peer that is installed."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(sqlite())
        ours = await stack.enter_async_context(serving("benchmarks.apps.sql:app", database.environment))
        tokens = access_tokens(database.user_ids)
        for peer, python in context.peers.items():
            key, refresh = f"user/{peer.replace('fastapi_users', 'fastapi-users')}", f"refresh/{peer}"
            if not context.wants(key) and not context.wants(refresh):
                continue
            async with serving_peer(peer, python) as theirs:
                given = tokens_of(theirs)
                if context.wants(key):
                    sides = asking(ours, Gets("/user", tokens)), asking(theirs, Gets("/user", given["access"]))
                    await context.compare(key, *sides)
                path = PEERS[peer].refresh
                if path is not None and context.wants(refresh):
                    fresh = refresh_tokens(database.user_ids)
                    rotating = asking(ours, Refreshes("/token/refresh", fresh), 1)
                    await context.compare(refresh, rotating, asking(theirs, Refreshes(path, given["refresh"]), 1))


def tokens_of(server: Server) -> dict[str, list[str]]:
    """Return tokens that the peer itself has made for its people."""
    url = f"http://127.0.0.1:{server.port}/bench/tokens?count={USERS}"
    with urllib.request.urlopen(url, timeout=60) as answer:
        given: dict[str, list[str]] = json.load(answer)
    return given
