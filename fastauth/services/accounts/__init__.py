"""Accounts: everything that happens to one besides signing in; one module per part of its life."""

from typing import Generic

from fastauth.core.models import U
from fastauth.services.accounts.administration import Administration
from fastauth.services.accounts.emails import Emails
from fastauth.services.accounts.passwords import AccountPasswords
from fastauth.services.accounts.registration import Registration


class Accounts(Registration[U], Administration[U], Emails[U], AccountPasswords[U], Generic[U]):
    """Register, find, change, disable and delete accounts; no request is needed for it.

    ``by`` is the account that acts; None is the system, as in a script, and may do everything.
    """
