"""A bare app beside whose event loop as many threads as there are cores burn CPU, at the priority of our hashing."""

import contextlib
import hashlib
import os
import threading

from fastapi import FastAPI

_NICENESS = 10
app = FastAPI()
burning = threading.Event()


def burn() -> None:
    """Compute without the interpreter's lock, as bcrypt does, until told to stop."""
    with contextlib.suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
    while burning.is_set():
        hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 20_000)


@app.get("/ping")
async def ping() -> dict[str, str]:
    return {"message": "pong"}


@app.post("/burn")
async def start() -> dict[str, str]:
    burning.set()
    for _ in range(os.cpu_count() or 1):
        threading.Thread(target=burn, daemon=True).start()
    return {"message": "burning"}


@app.post("/rest")
async def stop() -> dict[str, str]:
    burning.clear()
    return {"message": "at rest"}
