"""The floors: apps without any library, which do by hand what is measured, and read the same databases."""
