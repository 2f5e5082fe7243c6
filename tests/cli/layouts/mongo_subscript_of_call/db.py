from motor.motor_asyncio import AsyncIOMotorClient

database = AsyncIOMotorClient("mongodb://localhost:27017")["shop"]
