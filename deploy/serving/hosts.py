"""Names that the server may be called by: against pages of other sites that reach it through a name of their own."""

import ipaddress
import re
import socket
from urllib.parse import urlsplit

from deploy.serving.problems import Problem

READING = ("GET", "HEAD")
HEALTH = ("/health/live", "/health/ready")  # probes call a server by any name, and learn nothing
HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]/@\s]+)(:[0-9]{1,5})?")


class Hosts:
    """The names of the server: localhost, IP addresses, this machine's name, and those given.

    A page can only reach this server by an IP address from a site of that address, so these are safe.

    Args:
        names (list[str]): more names; `*` for all.
    """

    def __init__(self, names=()):
        self.names = {"localhost", socket.gethostname().lower(), *(name.lower() for name in names)}

    def admit(self, scope):
        """Refuses a request to another name, and one that changes something for a page of another origin.

        Raises:
            Problem: 421 or 403.
        """
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        if scope["path"] not in HEALTH or scope["method"] not in READING:
            wrong = [host for host in hosts if not self.knows(host)] or hosts[1:]
            if wrong:
                raise Problem(421, f"this server is not '{wrong[0][:64]}'; name it with --allow-host")
        if scope["method"] not in READING and any(not same(origin, hosts) for origin in origins):
            raise Problem(403, "another site's page may not ask")

    def knows(self, host):
        """True if `name[:port]` is one of the server's."""
        found = HOST.fullmatch(host)
        if found is None:
            return False
        name = found[1].strip("[]").lower().removesuffix(".")
        return "*" in self.names or name in self.names or is_address(name)


def is_address(name):
    """True for an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def same(origin, hosts):
    """True if an Origin is of the host that was asked, with its port."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and [parts.netloc.lower()] == [host.lower() for host in hosts]
