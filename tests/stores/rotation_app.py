"""The app of the rotation test: its ring is named by the environment, as a deployment would."""

import json
import os

from fastapi import FastAPI

from fastauth import FastAuth, Key
from fastauth.testing import CHEAP_PASSWORDS
from tests.stores.worker_app import store_from_environment


def ring() -> list[Key]:
    return [Key(each.pop("secret"), **each) for each in json.loads(os.environ["FASTAUTH_TEST_RING"])]


auth = FastAuth(store_from_environment(), secret_key=ring(), passwords=CHEAP_PASSWORDS, store_timeout=60)
app = FastAPI(lifespan=auth.lifespan)
auth.setup(app)
