from sqlalchemy import create_engine

from config import *

engine = create_engine(WHERE)
