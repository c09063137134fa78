"""Network interfaces of the host."""

import socket
import struct

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

SIOCGIFADDR = 0x8915  # Linux: the IPv4 address of an interface


def interface_of(address):
    """The name of the network interface with an IPv4 address; `lo` if no interface has it.

    Args:
        address (str): an IPv4 address such as 192.168.1.7, or a host name.
    """
    try:
        wanted = socket.gethostbyname(address)
    except OSError:
        return "lo"
    if fcntl is None:
        return "lo"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            try:
                found = socket.inet_ntoa(fcntl.ioctl(probe.fileno(), SIOCGIFADDR, request)[20:24])
            except OSError:
                continue  # an interface without an IPv4 address
            if found == wanted:
                return name
    return "lo"
