"""``fastauth doctor``: what an experienced person would check, one question per function."""
