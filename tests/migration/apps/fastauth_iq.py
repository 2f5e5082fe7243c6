"""An app on fastauth_iq, as its README writes it; argv: the port, the path of the SQLite file."""

import sys
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from fastauth import FastAuth, User
from sqlmodel import Session, SQLModel, create_engine

engine = create_engine(f"sqlite:///{sys.argv[2]}")


def get_session():
    with Session(engine) as session:
        yield session


auth = FastAuth(secret_key="of the old app, and of no other one", engine=engine, user_model=User)
auth.get_session = get_session


@asynccontextmanager
async def lifespan(app: FastAPI):
    SQLModel.metadata.create_all(engine)
    auth.initialize_db(admin_username="boss", admin_password="correct horse battery")
    yield


app = FastAPI(lifespan=lifespan)
app.include_router(auth.get_auth_router(get_session))
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
