from os.path import *

from sqlalchemy import create_engine

from empty import *
from config import *

engine = create_engine(WHERE)
