"""An app that does it by itself, as FastAPI's tutorial does; argv: the port, the path of the file, the hash's kind."""

import sqlite3
import sys
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordRequestForm
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

passwords = PasswordHash([{"argon2": Argon2Hasher(), "bcrypt": BcryptHasher(rounds=4)}[sys.argv[3]]])
connection = sqlite3.connect(sys.argv[2], check_same_thread=False, isolation_level=None)
connection.execute(
    "CREATE TABLE accounts (id INTEGER PRIMARY KEY, username VARCHAR(50) NOT NULL UNIQUE, full_name VARCHAR(80), "
    "email VARCHAR(120) NOT NULL UNIQUE, hashed_password VARCHAR(255) NOT NULL, disabled BOOLEAN NOT NULL DEFAULT 0, "
    "is_admin BOOLEAN NOT NULL DEFAULT 0)"
)
app = FastAPI()


@app.post("/users")
def add(user: dict[str, str]) -> None:
    row = (user["username"], user["email"], passwords.hash(user["password"]), user["username"] == "root")
    connection.execute("INSERT INTO accounts (username, email, hashed_password, is_admin) VALUES (?, ?, ?, ?)", row)


@app.post("/token")
def login(form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> dict[str, str]:
    row = connection.execute("SELECT hashed_password FROM accounts WHERE username = ?", (form.username,)).fetchone()
    if row is None or not passwords.verify(form.password, row[0]):
        raise HTTPException(401)
    return {"access_token": form.username, "token_type": "bearer"}


uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
