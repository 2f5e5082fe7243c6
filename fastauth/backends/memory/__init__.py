"""Keeps everything in memory: for tests, demonstrations, and as the shortest store to read."""

from fastauth.backends.memory.data import User as User
from fastauth.backends.memory.store import MemoryStore as MemoryStore
