"""What is known of one user: three documents that are read together, and what follows from them.

The app's document holds the name, the address, the password hash and ``disabled``, and the app writes to it when it
likes. Beanie's ``save()`` writes every field that the class has, as the app's copy has it, ``replace()`` drops all
others, and a class may forbid them; so nothing of ours is in there. What we add to a user is in a document of ours with
the same key, in ``fastauth_accounts``; it is made when it is first needed::

    roles       ids of the roles the user holds; what they are called is looked up, so that renaming a role and
                deleting one are single steps
    revision    a new value whenever a role, ``verified_for``, ``disabling`` or ``deleted`` changes; a change that was
                computed from what had been read is made only where that still stands
    verified_for  addresses for which the role ``verified`` counts; any, where this was never written
    moving      set_email has begun, and may write another address into the app's document at any time
    epoch       sessions of another epoch are over
    ended_at    when an epoch or a root was last new, for sessions in which it has not been written yet
    roots       by fingerprint of a password hash: what sessions that began under it are marked with
    disabling   set_disabled has decided, and has yet to tell the app's document
    deleted     delete_user has decided, and has yet to delete the app's document

**When is a session over?** It carries the epochs and the roots it is good for, usually one of each, and it is over
unless the account's epoch and the root of the user's present hash are among them. So each of these is one write to one
document, after which every session is over at once, though none of them has been touched:

* ``revoke_sessions`` and ``set_disabled`` give the account a new epoch;
* ``set_password`` writes the hash into the app's document: another hash, another root. A session that is to be kept is
  made good for the new epoch or root *before* that write; as both are random, nothing comes of it if the write never
  happens;
* ``replace_password``, which may end nothing, notes the same root for the new hash before it writes it;
* a hash that the app itself writes has a root of its own, which ends the sessions, too.

``revoked_at`` is written to the sessions afterwards. It says when, and how many; a crash in between loses no more than
that.

**Whose address is verified?** The role ``verified`` is in the account, and the address in the app's document. So the
account says for which addresses the role counts, and ``set_email`` writes there first what is to hold for the new one:
nothing comes of it as long as the old one stands, and the one write of the address decides both. Of two who would set
the same address, one verified and one not, it is left open until one of them has; so it is never verified by mistake.

**What is read first?** The documents are read one after another, not at one moment: the session, then the account, then
the app's document. So whoever finds nothing under way in the account finds in the app's document what was decided there
before, and a sign-in cannot take the epoch after a disabling for the document before it. What a reader may see is a
session that was made good for what comes next just after it was read; so what looks ended is read twice.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fastauth.backends.common import in_utc
from fastauth.backends.mongo.database import Collections, Raw
from fastauth.core.models import Session


@dataclass(frozen=True, slots=True)
class UserState:
    """The documents of one user, as they were read.

    Attributes:
        key: The key as it is in the database.
        user: The app's document.
        account: Ours; empty when there is none yet.
        roles: The names of the roles the user holds.
        named: The ids of the roles that were asked for, by name.
        hash_name: What the hash is called in the app's document.
        email: The address in the app's document, as it is stored there.
        verified_for: The addresses for which the role ``verified`` counts, if it is held at all.
        disabled: Whether the user is disabled, or about to be.
    """

    key: Any
    user: Raw = field(repr=False)
    account: Raw = field(repr=False)
    roles: frozenset[str]
    named: Mapping[str, str]
    hash_name: str
    email: Any
    verified_for: frozenset[Any]
    disabled: bool

    @property
    def hash(self) -> Any:
        """The user's password hash."""
        return self.user.get(self.hash_name)

    @property
    def revision(self) -> Any:
        """The revision of the account; None when there is none yet."""
        return self.account.get("revision")

    @property
    def deleted(self) -> bool:
        """Whether the user is deleted, though the app's document is still there."""
        return bool(self.account.get("deleted"))

    @property
    def epoch(self) -> str:
        """What the sessions of this account have to carry."""
        return str(self.account.get("epoch", ""))

    @property
    def root(self) -> str:
        """What the sessions that began under the present hash carry."""
        fingerprint = fingerprint_of(self.hash)
        return str(self.account.get("roots", {}).get(fingerprint, fingerprint))

    def has_ended(self, session: Raw) -> bool:
        """Say whether something that happened to the user has ended the session, which does not say so itself yet."""
        is_good = self.epoch in session["epochs"] and self.root in session["roots"]
        return session["revoked_at"] is None and not is_good

    def end_of(self, session: Raw) -> datetime | None:
        """Return when a session was ended that has; None when it had expired by then."""
        ended_at: Any = self.account.get("ended_at", session["rotated_at"])
        return ended_at if ended_at < session["expires_at"] else None

    @property
    def its_sessions(self) -> Raw:
        """The filter that finds the user's sessions which nothing that happened to the user has ended."""
        return {"user_id": self.key, "epochs": self.epoch, "roots": self.root}


def fingerprint_of(stored_hash: object) -> str:
    """Return what stands for a password hash where the hash itself has no business."""
    return hashlib.sha256(str(stored_hash).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def new_token() -> str:
    """Return a new epoch or root."""
    return secrets.token_hex(16)


def live(now: datetime) -> Raw:
    """Return the filter of what is live at that moment."""
    return {"revoked_at": None, "expires_at": {"$gt": now}}


OR_NONE: Raw = {"$unwind": {"path": "$account", "preserveNullAndEmptyArrays": True}}
"""The stage after the look-up of an account, of which there is one or none.

Together the two are one step for the server, and all the look-ups take it a quarter less time than where each is left
as a list. Of the user there is a list, so that a user who is not there can be told from a session that is not.
"""


def joins(collections: Collections, local_key: str, role_names: Sequence[str] = ()) -> list[Raw]:
    """Return the stages that read a user's documents, by a key that stands in the document before."""
    account = {"from": collections.accounts.name, "localField": local_key, "foreignField": "_id", "as": "account"}
    user = {"from": collections.users.name, "localField": local_key, "foreignField": "_id", "as": "user"}
    roles = {"from": collections.roles.name, "localField": "account.roles", "foreignField": "_id", "as": "roles"}
    stages: list[Raw] = [{"$lookup": account}, OR_NONE, {"$lookup": user}, {"$lookup": roles}]
    if role_names:
        named = {"from": collections.roles.name, "pipeline": [{"$match": {"name": {"$in": role_names}}}], "as": "named"}
        stages.append({"$lookup": named})
    return stages


def session_of(stored: Raw, user_id: str) -> Session:
    """Return a session as the house knows it."""
    revoked_at = stored["revoked_at"]
    return Session(
        id=stored["_id"],
        user_id=user_id,
        generation=stored["generation"],
        created_at=in_utc(stored["created_at"]),
        rotated_at=in_utc(stored["rotated_at"]),
        expires_at=in_utc(stored["expires_at"]),
        revoked_at=None if revoked_at is None else in_utc(revoked_at),
        user_agent=stored["user_agent"],
        ip=stored["ip"],
    )
