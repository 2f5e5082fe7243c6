import names
from names import nosuch

DB_URL = nosuch
DB_URI = names.nosuch
DATABASE_URL = names.WHERE
