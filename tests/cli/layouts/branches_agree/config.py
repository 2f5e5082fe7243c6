try:
    import dotenv

    SECRET_KEY = "layout-key-4f9Qw2Lz8Rk1"  # loaded
except ImportError:
    SECRET_KEY = "layout-key-4f9Qw2Lz8Rk1"
