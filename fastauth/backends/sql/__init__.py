"""SQL databases through SQLAlchemy's asyncio engine: ``SQLStore(engine)``, with our :class:`User` or a class of yours.

Needs the extra ``sql``, ``postgres`` or ``mysql``.
"""

try:
    import sqlalchemy.ext.asyncio as _sqlalchemy  # noqa: F401  # pyright: ignore[reportUnusedImport]
except ImportError as _error:
    raise ModuleNotFoundError(
        "fastauth.backends.sql needs SQLAlchemy and an async driver: pip install 'fastauth[sql]'"
    ) from _error

from fastauth.backends.sql.models import Base as Base
from fastauth.backends.sql.models import User as User
from fastauth.backends.sql.models import UserMixin as UserMixin
from fastauth.backends.sql.store import SQLStore as SQLStore
