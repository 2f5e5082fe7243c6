from sqlalchemy import create_engine

from config import settings

engine = create_engine(settings.where)
other = create_engine(settings.nowhere)
