SECRET_KEY = "layout-key-4f9Qw2Lz8Rk1"
