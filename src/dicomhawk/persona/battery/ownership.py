"""Is it the operator's own? What is on a private network may be; the rest is not until a person says so."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from ...settings import SettingsError

PRIVATE = tuple(
    map(
        ip_network,
        (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",  # RFC 1918
            "127.0.0.0/8",
            "::1/128",
            "169.254.0.0/16",
            "fe80::/10",  # link-local
            "fc00::/7",  # RFC 4193
        ),
    )
)
MOST_PORTS = 65535


def target(text: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT`` (an IPv6 address in brackets). Raises `SettingsError`."""
    host, colon, port = text.rpartition(":")
    host = host.strip("[]")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) <= MOST_PORTS:
        raise SettingsError(f"{text!r} is not HOST:PORT, such as 192.168.1.20:104.")
    return host, int(port)


def addresses(host: str) -> list[str]:
    """The IP addresses of a host. Raises `SettingsError`."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"There is no host {host!r}: {error}.") from None
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


def private(address: str) -> bool:
    """Whether an IP address is loopback, link-local, or of a private network."""
    ip: IPv4Address | IPv6Address = ip_address(address)
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return any(ip in network for network in PRIVATE if network.version == ip.version)


def strangers(host: str) -> tuple[str, list[str]]:
    """The address to connect to, and those of the host's that aren't private. Raises `SettingsError`.

    Connecting to the address that was looked at, not to the name again, leaves no time for the name to change.
    """
    found = addresses(host)
    return found[0], [address for address in found if not private(address)]
