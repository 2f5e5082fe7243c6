"""The app that several worker processes serve in a test; the store is named by the environment.

``FASTAUTH_TEST_STORE_URL`` is the database's address; ``FASTAUTH_TEST_ENGINE`` may hold options of the engine as JSON.
"""

import json
import os
from typing import Any

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import create_async_engine

from fastauth import FastAuth, Store
from fastauth.backends.sql import SQLStore
from tests.conftest import DEFAULTS
from tests.servers import mongo_client


def store_from_environment() -> Store[Any]:
    url = os.environ["FASTAUTH_TEST_STORE_URL"]
    if not url.startswith("mongodb"):
        return SQLStore(create_async_engine(url, **json.loads(os.environ.get("FASTAUTH_TEST_ENGINE", "{}"))))
    from fastauth.backends.mongo import MongoStore

    return MongoStore(mongo_client(url).get_default_database())


auth = FastAuth(store_from_environment(), **DEFAULTS)
app = FastAPI(lifespan=auth.lifespan)
auth.setup(app)
