from typing import TYPE_CHECKING

DATABASE_URL = "sqlite+aiosqlite:///./app.db"

if TYPE_CHECKING:
    DATABASE_URL = "sqlite:///./types.db"

if __name__ == "__main__":
    DATABASE_URL = "sqlite:///./script.db"
