MONGODB_URL = "mongodb://localhost/shop"
MONGO_DB = "shop"
