"""The app that several worker processes serve in a test; the store is named by the environment."""

import os
from typing import Any

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import create_async_engine

from fastauth import FastAuth, Store
from fastauth.backends.sql import SQLStore
from fastauth.testing import CHEAP_PASSWORDS
from tests.conftest import SECRET_KEY


def store_from_environment() -> Store[Any]:
    url = os.environ["FASTAUTH_TEST_STORE_URL"]
    if not url.startswith("mongodb"):
        return SQLStore(create_async_engine(url))
    from pymongo import AsyncMongoClient

    from fastauth.backends.mongo import MongoStore

    return MongoStore(AsyncMongoClient(url).get_default_database())


auth = FastAuth(store_from_environment(), secret_key=SECRET_KEY, passwords=CHEAP_PASSWORDS)
app = FastAPI(lifespan=auth.lifespan)
auth.setup(app)
