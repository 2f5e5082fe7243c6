from .settings import WHERE
