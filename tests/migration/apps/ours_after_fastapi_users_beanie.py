"""FastAuth on the collection that fastapi-users made."""

import os
import sys

import uvicorn
from beanie import Document
from fastapi import FastAPI
from pymongo import AsyncMongoClient

from fastauth import FastAuth, PasswordSettings
from fastauth.backends.mongo import MongoStore
from fastauth.core.argon2 import Argon2Hasher


class User(Document):
    email: str
    hashed_password: str
    is_active: bool = True
    is_superuser: bool = False
    is_verified: bool = False


auth = FastAuth(
    MongoStore(AsyncMongoClient(os.environ["DATABASE_URL"])[os.environ["DATABASE"]], user_model=User),
    secret_key=os.environ["FASTAUTH_SECRET_KEY"],
    passwords=PasswordSettings(verifies=[Argon2Hasher()]),
)
app = FastAPI(lifespan=auth.lifespan)
auth.setup(app)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
