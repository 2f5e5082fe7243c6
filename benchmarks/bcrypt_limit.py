"""bcrypt alone, without anything of ours: what no library can be faster than."""

import time
from concurrent.futures import ThreadPoolExecutor

import bcrypt


def hashes_per_second(cost: int, threads: int, hashes: int) -> float:
    """Return how many hashes a second this many threads make."""
    salt = bcrypt.gensalt(cost)

    def one_hash(_: int) -> bytes:
        return bcrypt.hashpw(b"correct horse battery staple", salt)

    with ThreadPoolExecutor(threads) as pool:
        began = time.perf_counter()
        list(pool.map(one_hash, range(hashes)))
        return hashes / (time.perf_counter() - began)
