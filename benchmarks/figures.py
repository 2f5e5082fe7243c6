"""The figures to reach: one row each of the published table, with its goal, in the order in which they are shown."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """A bound.

    Attributes:
        limit: The bound, in the figure's unit.
        at_least: Whether more is better; otherwise less is.
    """

    limit: float
    at_least: bool = True

    def is_reached(self, value: float) -> bool:
        """Say whether the value keeps to the bound."""
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"


def at_least(limit: float) -> Goal:
    """Return the goal of a figure that should be high."""
    return Goal(limit)


def at_most(limit: float) -> Goal:
    """Return the goal of a figure that should be low."""
    return Goal(limit, at_least=False)


@dataclass(frozen=True)
class Figure:
    """One row of the table.

    Attributes:
        key: Its name, for ``--only`` and the results.
        group: Which module of ``groups`` measures it.
        what: What is measured.
        against: The floor: what it is measured beside, in the same run.
        goal: What is to be reached; None for a figure that is only shown.
        unit: ``x`` for a ratio.
        peer: The released library that it needs, and that only ``--peers`` installs.
        second_goal: Another measure of the same thing, one of the two has to be reached.
        second_unit: The other measure's unit.
    """

    key: str
    group: str
    what: str
    against: str
    goal: Goal | None = None
    unit: str = "x"
    peer: str | None = None
    second_goal: Goal | None = None
    second_unit: str = "x"


_CORE = "a bare route, `AsyncEngine`, Core, AUTOCOMMIT"
_ORM = "a bare route, `AsyncSession` through a `yield` dependency"
_SAME = "a bare route with the same look-up"
_ONE = "10^3 users"

FIGURES: tuple[Figure, ...] = (
    Figure("account/core", "requests", "GET with `current_account`, SQLite", _CORE, at_least(0.90)),
    Figure("account/orm", "requests", "GET with `current_account`, SQLite", _ORM, at_least(2.0)),
    Figure("user/core", "requests", "GET with `current_user`, SQLite", _CORE, at_least(0.80)),
    Figure("guards/user", "requests", "two role guards on top", "`current_user` alone", at_least(0.95)),
    Figure("claims/bare", "requests", "GET with `current_claims`", "a bare route without auth", at_least(0.80)),
    Figure("refresh/floor", "requests", "refresh, rotating", "a bare SELECT + UPDATE + COMMIT route", at_least(3.0)),
    Figure("sign-in/floor", "requests", "sign-in at bcrypt cost 4", "a bare SELECT + bcrypt + INSERT + COMMIT route"),
    Figure("register/floor", "requests", "register at bcrypt cost 4", "a bare bcrypt + INSERT + COMMIT route"),
    Figure(
        "user/fastapi-users",
        "peers",
        "GET with `current_user`",
        "fastapi-users, JWT",
        at_least(2.5),
        peer="fastapi_users",
    ),
    Figure("user/fastauth_iq", "peers", "GET with `current_user`", "fastauth_iq", at_least(1.5), peer="fastauth_iq"),
    Figure("user/authx", "peers", "GET with `current_user`", "AuthX and a SELECT of the app's own", peer="authx"),
    Figure("user/crudauth", "peers", "GET with `current_user`", "crudauth, bearer", peer="crudauth"),
    Figure(
        "refresh/fastauth_iq",
        "peers",
        "refresh, rotating",
        "fastauth_iq, which does not rotate",
        at_least(1.5),
        peer="fastauth_iq",
    ),
    Figure("account/postgres", "databases", "GET with `current_account`, PostgreSQL", _SAME, at_least(0.85)),
    Figure("account/postgres-key", "databases", "GET with `current_account`, PostgreSQL", "a bare SELECT by key"),
    Figure("account/mongo", "databases", "GET with `current_account`, MongoDB", _SAME, at_least(0.85)),
    Figure("account/mongo-key", "databases", "GET with `current_account`, MongoDB", "a bare find_one by key"),
    Figure("sign-in/bcrypt", "storm", "sign-ins a second at cost 12", "bcrypt's own limit", at_least(0.95)),
    Figure(
        "ping/16",
        "storm",
        "`/ping` p99 beside 16 sign-ins",
        "idle; or threads that only burn CPU",
        at_most(10),
        "ms over idle",
        second_goal=at_most(2),
        second_unit="x the burners",
    ),
    Figure(
        "ping/200",
        "storm",
        "`/ping` p99 beside 200 sign-ins",
        "idle; or threads that only burn CPU",
        at_most(10),
        "ms over idle",
        second_goal=at_most(2),
        second_unit="x the burners",
    ),
    Figure("stall", "bcrypt", "longest stall of the loop beside 50 sign-ins", "-", at_most(50), "ms"),
    Figure("verify/first", "tokens", "token verification, full gate", "PyJWT's own decode", at_most(1.5)),
    Figure("verify/again", "tokens", "token verification, seen before", "-", at_most(3), "µs"),
    Figure("users/sign-in", "growth", "sign-in, cost 4, most users", _ONE, at_most(1.2)),
    Figure("users/get", "growth", "GET with `current_user`, most users", _ONE, at_most(1.2)),
    Figure("users/refresh", "growth", "refresh, most users", _ONE, at_most(1.2)),
    Figure("users/role-check", "growth", "role check, most users", _ONE, at_most(1.2)),
    Figure("sessions/get", "growth", "GET with `current_user`, most sessions", "10^3 sessions", at_most(1.2)),
    Figure("sessions/refresh", "growth", "refresh, most sessions", "10^3 sessions", at_most(1.2)),
    Figure("roles/get", "growth", "GET, holding 100 roles", "holding 1 role", at_most(1.2)),
    Figure("roles/role-check", "growth", "role check, holding 100 roles", "holding 1 role", at_most(1.2)),
    Figure("memory", "memory", "memory after the requests, token cache full", "the bare app", at_most(15), "MB"),
    Figure("import", "imports", "`from fastauth import FastAuth`", "`import fastapi` alone", at_most(40), "ms"),
    Figure("workers", "workers", "two workers, PostgreSQL", "one worker", at_least(1.8)),
    Figure("workers/floor", "workers", "two workers, PostgreSQL, as scaling", "the bare route's own scaling"),
)
BY_KEY = {figure.key: figure for figure in FIGURES}
GROUPS = tuple(dict.fromkeys(figure.group for figure in FIGURES))
