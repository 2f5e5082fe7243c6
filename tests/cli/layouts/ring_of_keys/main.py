from fastauth import FastAuth

auth = FastAuth(store, secret_key=["layout-key-4f9Qw2Lz8Rk1", "layout-key-other-7Yh3"])
