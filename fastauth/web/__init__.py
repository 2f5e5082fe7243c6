"""The HTTP floor: it translates between FastAPI and the services, and has no rules of its own."""
