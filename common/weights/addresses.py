"""URL checks for downloads: HTTPS only, hosts on an allowlist, no private networks (protection against SSRF)."""

import ipaddress
import socket
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from common.errors import EnvironmentProblem

MOST_REDIRECTS = 5


class RefusedAddress(EnvironmentProblem):
    """A URL that must not be downloaded."""


def check_address(address, hosts, allow_local=False):
    """Refuses a URL that is not HTTPS, whose host is not allowed, or that resolves to a non-public address.

    Args:
        address (str): the URL of a file.
        hosts (list[str]): the allowed hosts.
        allow_local (bool): also allow HTTP and hosts of the local network, for tests and local mirrors.

    Raises:
        RefusedAddress: with the reason.
    """
    parts = urlsplit(address)
    if parts.scheme != "https" and not (allow_local and parts.scheme == "http"):
        raise RefusedAddress(f"{address}: weights are downloaded over https only")
    if parts.username or parts.password:
        raise RefusedAddress(f"{address}: a URL must not contain a user name or a password")
    if parts.hostname not in hosts:
        raise RefusedAddress(f"{address}: {parts.hostname} is not a host of the index ({', '.join(hosts)})")
    proxied = parts.scheme in getproxies() and not proxy_bypass(parts.hostname)  # then the proxy resolves the name
    if not allow_local and not proxied:
        check_public(parts.hostname, parts.port or 443)


def check_public(host, port):
    """Refuses a host that resolves to any non-public IP address.

    Raises:
        RefusedAddress: an address is private, loopback, link-local or reserved.
        EnvironmentProblem: the host name cannot be resolved.
    """
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError as error:
        raise EnvironmentProblem(
            f"{host} cannot be resolved ({error}); is there a network connection? A proxy is read from HTTPS_PROXY; "
            "a file downloaded elsewhere is used with -o pretrained=PATH"
        ) from error
    private = sorted(text for text in found if not ipaddress.ip_address(text.partition("%")[0]).is_global)
    if private:
        raise RefusedAddress(f"{host} resolves to {private[0]}, which is not a public address")


def resolve_redirect(address, location, hosts, allow_local=False):
    """The URL that a redirect points to, checked like the original one."""
    target = urljoin(address, location)
    check_address(target, hosts, allow_local)
    return target
