from pymongo import AsyncMongoClient

client = AsyncMongoClient(host="mongodb://localhost:27017")
database = client.get_database("shop")
