"""The app that several worker processes serve in a test of the limits; the storage is named by the environment."""

import os

from fastapi import FastAPI

from fastauth import FastAuth, LimitSettings
from tests.conftest import DEFAULTS
from tests.stores.worker_app import store_from_environment

limits = LimitSettings(
    storage=os.environ["FASTAUTH_TEST_LIMITS_URL"],
    sign_in="10/minute",
    sign_in_per_client=None,
    register_per_client=None,
)
auth = FastAuth(store_from_environment(), **{**DEFAULTS, "limits": limits, "store_timeout": 20})
app = FastAPI(lifespan=auth.lifespan)
auth.setup(app)
