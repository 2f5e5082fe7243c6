from main import DATABASE_URL
