"""The benchmarks: ``nox -s bench``. ``figures.py`` has the goals; each module of ``groups`` measures some of them."""
