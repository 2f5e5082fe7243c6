import sqlalchemy

import settings as conf

engine = sqlalchemy.create_engine(conf.WHERE)
