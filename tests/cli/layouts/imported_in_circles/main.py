from config import DATABASE_URL
