"""MongoDB through Beanie: ``MongoStore(database)``, with our :class:`User` or a document class of yours.

Needs the extra ``mongo`` (Beanie 2 on PyMongo's async client) or ``motor`` (Beanie 1 on Motor).
"""

try:
    import beanie as _beanie  # noqa: F401  # pyright: ignore[reportUnusedImport]
except ImportError as _error:
    raise ModuleNotFoundError(
        "fastauth.backends.mongo needs Beanie and an async driver: pip install 'fastauth[mongo]', "
        "or 'fastauth[motor]' for an app that is on Motor"
    ) from _error

from fastauth.backends.mongo.models import User as User
from fastauth.backends.mongo.store import MongoStore as MongoStore
