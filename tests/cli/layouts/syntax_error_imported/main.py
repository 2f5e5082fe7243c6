from sqlalchemy import create_engine

from broken import WHERE

engine = create_engine(WHERE)
