"""Who is asking: the client's address, from the connection and from the proxies that the app has named, and no others.

What a client can write is no evidence (ASVS 4.1.3). A proxy adds the address that it was asked from at the *right* end
of a forwarding header, so that the header is read from the right, and only as far as the hops are trusted.
"""

import ipaddress
import logging
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, TypeAlias

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from fastauth.core.exceptions import ConfigurationError

logger: logging.Logger = logging.getLogger("fastauth")

TrustedProxies: TypeAlias = int | str | Sequence[str]
"""How many proxies there are in front of the app, or the networks that they are in."""

ProxyHeader: TypeAlias = Literal["X-Forwarded-For", "Forwarded", "X-Real-IP"]

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_CHAINS = ("X-Forwarded-For", "Forwarded")
_PRIVATE_IPV4 = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16")
_PRIVATE_IPV6 = ("::1/128", "fc00::/7", "fe80::/10")
_PRIVATE = [ipaddress.ip_network(each) for each in (*_PRIVATE_IPV4, *_PRIVATE_IPV6)]
_MAX_HOPS = 32
_FOR = re.compile(r'(?:^|;)\s*for=("(?:[^"\\]|\\.)*"|[^;\s]*)', re.IGNORECASE)
_ADDRESS_AND_PORT = re.compile(r"\[([^\]]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")
_PRIVATE_PROXY = (
    "A private address sends %s, so it is a proxy that trusted_proxies=... does not name: the addresses of the clients "
    "are unknown, and limits are counted per account only. Name the proxy's network, or how many proxies there are."
)
_NO_ADDRESS = (
    "The server gives no address of its clients (a Unix socket?), so limits are counted per account only. Say with "
    "trusted_proxies=1 that there is a proxy in front, if there is one."
)
_DISAGREEMENT = (
    "X-Forwarded-For and Forwarded name different clients, and one of them is the client's own word: the proxy's "
    "address is taken instead. Say with proxy_header=... which of the two the proxy writes, or let it drop the other."
)


class ClientAddresses:
    """Answers the client's address, as far as it can be known.

    Args:
        trusted: The proxies in front of the app: their networks, such as ``["10.0.0.0/8"]``, or how many there are.
            A number says that nobody can reach the app past them.
        header: The header that the proxies write. None takes ``X-Forwarded-For`` or ``Forwarded`` (RFC 7239),
            whichever is there; ``X-Real-IP`` is read only when it is named.

    Raises:
        ConfigurationError: One of them makes no sense.
    """

    def __init__(self, trusted: TrustedProxies = (), *, header: ProxyHeader | None = None) -> None:
        if header is not None and header not in {*_CHAINS, "X-Real-IP"}:
            raise ConfigurationError(f"proxy_header={header!r} is not X-Forwarded-For, Forwarded or X-Real-IP.")
        self._header = header
        self._hops, self._networks = _read_trusted(trusted)
        self._warned: set[str] = set()

    def __call__(self, connection: HTTPConnection) -> str | None:
        """Return the client's address in its shortest spelling, or None where nothing reliable tells it."""
        headers = Headers(scope=connection.scope)
        client = connection.scope.get("client")
        peer = _address(client[0]) if client else None
        if not self._hops and not self._networks:
            return self._direct(peer, headers)
        if not self._hops and (peer is None or not self._is_trusted(peer)):
            return None if peer is None else str(peer)
        found = self._behind(peer, headers)
        return None if found is None else str(found)

    def _direct(self, peer: _Address | None, headers: Headers) -> str | None:
        if peer is None:
            self._warn(_NO_ADDRESS)
            return None
        if any(peer in network for network in _PRIVATE):
            forwarding = next((name for name in (*_CHAINS, "X-Real-IP") if name in headers), None)
            if forwarding is not None:
                self._warn(_PRIVATE_PROXY, forwarding)
                return None
        return str(peer)

    def _behind(self, peer: _Address | None, headers: Headers) -> _Address | None:
        if self._header == "X-Real-IP":
            values = headers.getlist("x-real-ip")
            return (_address(values[0]) if len(values) == 1 else None) or peer
        names = _CHAINS if self._header is None else (self._header,)
        found = {self._walk(peer, _entries(name, headers)) for name in names if name in headers}
        if len(found) > 1:
            self._warn(_DISAGREEMENT)
            return peer
        return found.pop() if found else peer

    def _walk(self, peer: _Address | None, entries: Sequence[str]) -> _Address | None:
        # From the app outwards: each trusted hop vouches for the address to the left of its own, and for no other.
        known = peer
        for steps, entry in enumerate(reversed(entries), start=1):
            address = _address(entry)
            if address is None:  # "unknown", a made-up name, rubbish: nothing to the left of it is vouched for
                return known
            known = address
            if steps == self._hops or (not self._hops and not self._is_trusted(address)):
                return known
        return known

    def _is_trusted(self, address: _Address) -> bool:
        return any(address in network for network in self._networks)

    def _warn(self, message: str, *values: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            logger.warning(message, *values)


def _read_trusted(trusted: TrustedProxies) -> tuple[int, Sequence[_Network]]:
    if isinstance(trusted, int):
        if not 0 <= trusted <= _MAX_HOPS or trusted is True:
            raise ConfigurationError(f"trusted_proxies={trusted!r}: between 0 and {_MAX_HOPS} proxies, or networks.")
        return trusted, ()
    networks: list[_Network] = []
    for each in [trusted] if isinstance(trusted, str) else trusted:
        try:
            network = ipaddress.ip_network(each)
        except ValueError as error:
            raise ConfigurationError(
                f"trusted_proxies: {each!r} is no network. Write '10.0.0.0/8', or an address; or pass a number."
            ) from error
        if network.prefixlen == 0:
            raise ConfigurationError(
                f"trusted_proxies: {each!r} is everybody, and everybody could choose their own address. Name the "
                "networks of your proxies, or how many there are."
            )
        networks.append(network)
    return 0, networks


def _entries(name: str, headers: Headers) -> Sequence[str]:
    # Several headers of one name are one list (RFC 9110, 5.3). Beyond the last few nothing is looked at.
    elements = ",".join(headers.getlist(name)).rsplit(",", _MAX_HOPS)[-_MAX_HOPS:]
    if name != "Forwarded":
        return elements
    found = [_FOR.search(element) for element in elements]
    return [match[1].strip('"') if match is not None else "" for match in found]


def _address(text: str) -> _Address | None:
    text = text.strip(" \t")
    if match := _ADDRESS_AND_PORT.fullmatch(text):
        text = match[1] or match[2]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.scope_id is not None:  # the name of an interface of this machine, which says nothing of the client
            return ipaddress.IPv6Address(int(address))
    return address


@lru_cache(maxsize=4096)
def client_network(address: str) -> str:
    """Return what one client is counted by: its IPv4 address, or the /64 that an IPv6 client has to itself."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    return str(ipaddress.IPv6Network((int(parsed), 64), strict=False))
