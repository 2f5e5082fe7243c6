"""Users in and out of files: streaming, in batches, and resumable."""
