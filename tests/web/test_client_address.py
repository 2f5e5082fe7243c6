"""The client's address: what the trusted proxies vouch for, and nothing that a client can write."""

import logging
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.requests import HTTPConnection

from fastauth import ConfigurationError
from fastauth.web.client_address import ClientAddresses, client_network

PROXY, CLIENT, LIE = "10.0.0.1", "203.0.113.7", "198.51.100.66"
NETWORK = ["10.0.0.0/8", "fd00::/8"]


def connection(peer: str | None, *headers: tuple[str, str]) -> HTTPConnection:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    return HTTPConnection({"type": "http", "headers": raw, "client": (peer, 1) if peer is not None else None})


def xff(value: str) -> tuple[str, str]:
    return ("X-Forwarded-For", value)


def forwarded(value: str) -> tuple[str, str]:
    return ("Forwarded", value)


@pytest.mark.parametrize(
    ("trusted", "peer", "headers", "expected"),
    [
        # Nothing is trusted: the peer is the client, whatever it says.
        ((), CLIENT, [], CLIENT),
        ((), CLIENT, [xff(LIE), forwarded(f"for={LIE}"), ("X-Real-IP", LIE)], CLIENT),
        ((), "10.0.0.9", [], "10.0.0.9"),
        ((), "testclient", [], None),
        ((), None, [], None),
        # Networks: from the right, up to the first that is not trusted.
        (NETWORK, PROXY, [xff(CLIENT)], CLIENT),
        (NETWORK, PROXY, [xff(f"{LIE}, {CLIENT}")], CLIENT),
        (NETWORK, PROXY, [xff(f"{LIE}, {CLIENT}, 10.1.1.1")], CLIENT),
        (NETWORK, PROXY, [xff(LIE), xff(CLIENT)], CLIENT),
        (NETWORK, PROXY, [xff("10.2.2.2, 10.1.1.1")], "10.2.2.2"),
        (NETWORK, PROXY, [], PROXY),
        (NETWORK, CLIENT, [xff(LIE)], CLIENT),
        (NETWORK, None, [xff(LIE)], None),
        ("10.0.0.1", PROXY, [xff(CLIENT)], CLIENT),
        # An entry that is no address ends what is vouched for.
        (NETWORK, PROXY, [xff(f"{LIE}, unknown, 10.1.1.1")], "10.1.1.1"),
        (NETWORK, PROXY, [xff(f"{LIE}, ")], PROXY),
        (NETWORK, PROXY, [xff("")], PROXY),
        # Ports, brackets, mapped addresses and interfaces.
        (NETWORK, PROXY, [xff(f"{CLIENT}:4711")], CLIENT),
        (NETWORK, PROXY, [xff("[2001:DB8:0::1]:4711")], "2001:db8::1"),
        (NETWORK, PROXY, [xff("2001:db8::1")], "2001:db8::1"),
        (NETWORK, f"::ffff:{PROXY}", [xff(f"::ffff:{CLIENT}")], CLIENT),
        ((), "fe80::1%eth0", [], "fe80::1"),
        # Forwarded, in the spellings of RFC 7239.
        (NETWORK, PROXY, [forwarded(f"for={LIE}, for={CLIENT};proto=https;by={PROXY}")], CLIENT),
        (NETWORK, PROXY, [forwarded(f'by={PROXY}; For="{CLIENT}:4711"')], CLIENT),
        (NETWORK, PROXY, [forwarded('for="[2001:db8::1]:4711"')], "2001:db8::1"),
        (NETWORK, PROXY, [forwarded(f"for={LIE}, for=_hidden")], PROXY),
        (NETWORK, PROXY, [forwarded(f"for={LIE}, proto=https")], PROXY),
        # Both: they have to agree.
        (NETWORK, PROXY, [xff(CLIENT), forwarded(f"for={CLIENT}")], CLIENT),
        (NETWORK, PROXY, [xff(CLIENT), forwarded(f"for={LIE}")], PROXY),
        # X-Real-IP is not read unless it is named.
        (NETWORK, PROXY, [("X-Real-IP", LIE)], PROXY),
        # A number of proxies.
        (1, PROXY, [xff(f"{LIE}, {CLIENT}")], CLIENT),
        (2, PROXY, [xff(f"{LIE}, {CLIENT}, 192.0.2.2")], CLIENT),
        (2, PROXY, [xff(CLIENT)], CLIENT),
        (1, None, [xff(f"{LIE}, {CLIENT}")], CLIENT),
        (1, PROXY, [], PROXY),
        (1, None, [], None),
    ],
)
def test_the_address_is_what_trusted_proxies_vouch_for(
    trusted: Any, peer: str | None, headers: Sequence[tuple[str, str]], expected: str | None
) -> None:
    """The address is the peer's, or the one that the trusted proxies saw; never one that the client wrote."""
    assert ClientAddresses(trusted)(connection(peer, *headers)) == expected


@pytest.mark.parametrize(
    ("header", "headers", "expected"),
    [
        ("X-Forwarded-For", [xff(CLIENT), forwarded(f"for={LIE}")], CLIENT),
        ("Forwarded", [xff(LIE), forwarded(f"for={CLIENT}")], CLIENT),
        ("X-Real-IP", [xff(LIE), ("X-Real-IP", CLIENT)], CLIENT),
        ("X-Real-IP", [("X-Real-IP", LIE), ("X-Real-IP", CLIENT)], PROXY),
        ("X-Real-IP", [("X-Real-IP", "nonsense")], PROXY),
        ("X-Real-IP", [xff(LIE)], PROXY),
    ],
)
def test_a_named_header_is_the_only_one(header: Any, headers: Sequence[tuple[str, str]], expected: str) -> None:
    """Where the app says which header its proxies write, no other one is looked at."""
    assert ClientAddresses(NETWORK, header=header)(connection(PROXY, *headers)) == expected


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_an_unconfigured_proxy_is_told_of_once(header: str, caplog: pytest.LogCaptureFixture) -> None:
    """A private peer that forwards, with no proxy configured, makes the address unknown, and is warned of once."""
    addresses = ClientAddresses()
    with caplog.at_level(logging.WARNING, "fastauth"):
        found = [addresses(connection(PROXY, (header, CLIENT))) for _ in range(3)]

    assert found == [None] * 3
    (message,) = caplog.messages
    assert header in message
    assert "trusted_proxies" in message
    assert CLIENT not in message


@pytest.mark.parametrize(
    ("trusted", "header"),
    [
        (-1, None),
        (33, None),
        (True, None),
        ("nonsense", None),
        (["10.0.0.1/8"], None),
        (["0.0.0.0/0"], None),
        (["10.0.0.0/8", "::/0"], None),
        (1, "CF-Connecting-IP"),
    ],
)
def test_what_makes_no_sense_is_refused(trusted: Any, header: Any) -> None:
    """A number out of bounds, no network, everybody, and a header that we do not know are refused when built."""
    with pytest.raises(ConfigurationError, match=r"trusted_proxies|proxy_header"):
        ClientAddresses(trusted, header=header)


def test_a_thousand_entries_are_not_read_through() -> None:
    """A header of many trusted-looking entries is read from the right for a few steps, and no further."""
    header = xff(", ".join([LIE, *["10.1.1.1"] * 1000]))

    assert ClientAddresses(NETWORK)(connection(PROXY, header)) == "10.1.1.1"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        (CLIENT, CLIENT),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
    ],
)
def test_an_ipv6_client_is_its_network(address: str, network: str) -> None:
    """IPv6 clients are told apart by their /64, all of which one client has."""
    assert client_network(address) == network
