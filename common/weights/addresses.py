"""Which addresses a download may touch: https, the hosts an index names, and no machine inside one's own network."""

import ipaddress
import socket
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from common.errors import EnvironmentProblem

MOST_REDIRECTS = 5


class RefusedAddress(EnvironmentProblem):
    """An address that a download must not touch."""


def check_address(address, hosts, allow_local=False):
    """Refuses what is not https, is on no host of the list, or leads to a private, loopback or link-local machine.

    Args:
        address (str): of a file.
        hosts (list[str]): names of hosts that may be asked.
        allow_local (bool): also http, and machines of one's own network; for tests and for mirrors at home.

    Raises:
        RefusedAddress: with the reason.
    """
    parts = urlsplit(address)
    if parts.scheme != "https" and not (allow_local and parts.scheme == "http"):
        raise RefusedAddress(f"{address}: weights come by https only")
    if parts.username or parts.password:
        raise RefusedAddress(f"{address}: an address must not carry a user name or a password")
    if parts.hostname not in hosts:
        raise RefusedAddress(f"{address}: {parts.hostname} is not a host of the index ({', '.join(hosts)})")
    proxied = parts.scheme in getproxies() and not proxy_bypass(parts.hostname)  # then the proxy looks the name up
    if not allow_local and not proxied:
        check_public(parts.hostname, parts.port or 443)


def check_public(host, port):
    """Refuses a host any of whose addresses is not a public one.

    Raises:
        RefusedAddress: it is private, loopback, link-local or reserved.
        EnvironmentProblem: the name is not known.
    """
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError as error:
        raise EnvironmentProblem(
            f"{host} cannot be looked up ({error}); is there a network? A proxy is taken from HTTPS_PROXY, and files "
            "fetched elsewhere are read with -o pretrained=PATH"
        ) from error
    inside = sorted(text for text in found if not ipaddress.ip_address(text.partition("%")[0]).is_global)
    if inside:
        raise RefusedAddress(f"{host} leads to {inside[0]}, a machine that is not on the public network")


def redirected(address, location, hosts, allow_local=False):
    """The address that a redirect leads to, checked like the first."""
    target = urljoin(address, location)
    check_address(target, hosts, allow_local)
    return target
