from dataclasses import dataclass, field


@dataclass
class Settings:
    database_url: str = "sqlite+aiosqlite:///./app.db"
    secret_key: str = field(default="layout-key-4f9Qw2Lz8Rk1", repr=False)
