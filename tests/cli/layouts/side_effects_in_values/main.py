import pathlib
import secrets

DATABASE_URL = pathlib.Path("url.txt").read_text()
SECRET_KEY = secrets.token_hex(pathlib.Path("was-run").write_text("32"))
