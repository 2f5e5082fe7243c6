"""What the library is, in thirty lines without a database: who exists, who is signed in, and who may do what."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

ACCESS, REFRESH, SESSION = timedelta(minutes=30), timedelta(days=7), timedelta(days=30)
GRACE = LEEWAY = timedelta(seconds=10)


@dataclass
class Person:
    password: str
    roles: set[str] = field(default_factory=lambda: {"user"})
    disabled: bool = False


@dataclass
class Sitting:
    """A session, from its sign-in on."""

    name: str
    began: datetime
    rotated: datetime
    expires: datetime
    generation: int = 0
    ended: bool = False


@dataclass
class Pair:
    """The tokens of one answer."""

    sitting: Sitting
    generation: int
    issued: datetime
    expires: datetime
    access_token: str
    refresh_token: str


class Model:
    """Says what the library ought to answer; every method is one request, and returns its status."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.sittings: list[Sitting] = []

    def register(self, name: str, password: str) -> int:
        if name in self.people:
            return 409
        self.people[name] = Person(password)
        return 201

    def sign_in(self, name: str, password: str) -> int:
        person = self.people.get(name)
        if person is None or person.password != password:
            return 401
        return 403 if person.disabled else 200

    def begin(self, name: str, now: datetime) -> Sitting:
        self.sittings.append(Sitting(name, began=now, rotated=now, expires=now + REFRESH))
        return self.sittings[-1]

    def me(self, pair: Pair, now: datetime) -> int:
        fresh = now < pair.issued + ACCESS + LEEWAY
        return 200 if fresh and not pair.sitting.ended and now < pair.sitting.expires else 401

    def refresh(self, pair: Pair, now: datetime) -> int:
        sitting = pair.sitting
        if sitting.ended or now >= min(pair.expires + LEEWAY, sitting.expires):
            return 401
        if pair.generation == sitting.generation:
            sitting.generation, sitting.rotated = sitting.generation + 1, now
            sitting.expires = min(now + REFRESH, sitting.began + SESSION)
            return 200
        in_grace = pair.generation == sitting.generation - 1 and now < sitting.rotated + GRACE
        sitting.ended = not in_grace
        return 200 if in_grace else 401

    def log_out(self, pair: Pair, now: datetime) -> int:
        if self.me(pair, now) == 401:
            return 401
        pair.sitting.ended = True
        return 204

    def change_password(self, pair: Pair, current: str, new: str, now: datetime) -> int:
        person = self.people[pair.sitting.name]
        if self.me(pair, now) == 401 or person.password != current:
            return 401
        person.password = new
        self.end_all(pair.sitting.name, but=pair.sitting)
        return 204

    def end_all(self, name: str, *, but: Sitting | None = None) -> None:
        for sitting in self.sittings:
            if sitting.name == name and sitting is not but:
                sitting.ended = True
