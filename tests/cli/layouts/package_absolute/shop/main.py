from fastauth import FastAuth

from shop import config

auth = FastAuth(store, secret_key=config.KEY)
