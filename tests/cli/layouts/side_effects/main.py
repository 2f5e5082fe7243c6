import pathlib
import sys

pathlib.Path("was-run").write_text("yes")
DATABASE_URL = "sqlite+aiosqlite:///./app.db"
sys.exit("was run")
