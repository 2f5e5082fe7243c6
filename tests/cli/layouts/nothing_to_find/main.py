from fastapi import FastAPI

app = FastAPI(title="DATABASE_URL")
