"""What the library does under faults: ``nox -s reliability``, or ``python -m tests.reliability``.

Real servers with their durable settings, real worker processes, and faults: ``kill -9``, ``SIGSTOP``, restarts, a proxy
between the app and its database, clocks that are wrong. A scenario is an async function in a module of
:mod:`tests.reliability.scenarios`, which is found there by itself::

    @scenario("RL-1", "A race of refreshes", "one rotation, no 5xx, the owner stays in", stores=SERVERS)
    async def refresh_race(lab: Lab, store: str) -> Figure:
        fleet = await lab.fleet(store)                # four workers on a database of their own, shared by scenarios
        figure = Figure()
        for _ in range(lab.trials(short=5, long=50)):
            ...                                       # fleet.client, fleet.workers, fleet.server, fleet.database
            figure.trial(rotations == 1, "2 rotations")
        return figure.says("one rotation in each")

The decorator's arguments are its row in ``docs/reliability.md``: the id, what is done, the figure asked, and the stores
on which it runs, once for each; ``short=ONE_OF_EACH`` spares the short form some of them, and ``waits=True`` runs them
at once, and ``timed=True`` gives a second try. The function gives the figure reached. A trial that misses is counted,
and the run fails. ``lab.trials`` and ``lab.long`` tell the short form from the long one; a short scenario is done in
seconds.

What a scenario takes from the lab (servers, fleets, workers, proxies) the lab also ends. A server that a scenario has
stopped or killed it starts again itself; the lab makes sure of it before the next scenario.
"""
