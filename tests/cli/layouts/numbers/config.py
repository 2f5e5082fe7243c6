PORT = 5433


class Server:
    port = 5432


server = Server()
DATABASE_URL = "postgresql+asyncpg://app@localhost:{port}/{name}".format(port=PORT, name="shop")
DB_URL = "postgresql+asyncpg://app@localhost:{port}/shop".format(port=server.port)
DB_URI = f"postgresql+asyncpg://app@localhost:{server.nosuch}/shop"
DB_DSN = "postgresql+asyncpg://app@localhost:{port}/shop".format(port=5432)
