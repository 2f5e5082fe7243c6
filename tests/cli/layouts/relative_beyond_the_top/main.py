from ....elsewhere import DATABASE_URL
from . import nosuch

print(DATABASE_URL, nosuch.SECRET_KEY)
