"""Limits of connections and of request heads, which hold before anything is read of a request, its key included."""

import collections
import resource

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 * 2**10  # of the request line and all headers
HEADERS = 100
HEAD_SECONDS = 10.0  # from the connection, or the first byte of a further request, to the end of its headers
CONNECTIONS = 1000
OF_ONE_CLIENT = 200
SPARE_FILES = 100  # open files that are no connections
PIECE = 16 * 2**10  # of a head, parsed at once
REASONS = {408: "Request Timeout", 431: "Request Header Fields Too Large", 503: "Service Unavailable"}


def most_connections(asked):
    """As many connections as are asked for, but no more than this process may have files open."""
    return max(1, min(asked, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_FILES))


def protocol(connections=CONNECTIONS, of_one_client=OF_ONE_CLIENT, seconds=HEAD_SECONDS):
    """The class of a connection with these limits, for `uvicorn.Config(http=...)`.

    Args:
        connections (int): at a time; one more is answered with 503 and closed.
        of_one_client (int): at a time from one address.
        seconds (float): for a request's head; what is slower is answered with 408 and closed.
    """
    most = most_connections(connections)
    clients = collections.Counter()
    limits = {"most": most, "of_one": min(of_one_client, max(1, most // 2)), "seconds": seconds, "clients": clients}
    return type("LimitedConnection", (Connection,), limits)


class Connection(HttpToolsProtocol):
    """A connection that is closed where its client opens too many, or sends a head that is too long or too slow.

    Attributes:
        most (int): connections at a time.
        of_one (int): connections of one client at a time.
        seconds (float): for a head.
        clients (Counter): open connections of each client.
    """

    def connection_made(self, transport):
        """Admits the connection, or answers 503 and closes it."""
        super().connection_made(transport)
        self.in_head, self.taken, self.timer, self.status = True, 0, None, 400
        self.address = self.client[0] if self.client else ""
        self.clients[self.address] += 1
        if len(self.connections) > self.most or self.clients[self.address] > self.of_one:
            self.refuse(503)
        else:
            self.watch()

    def connection_lost(self, exc):
        """Counts the connection out."""
        self.clients[self.address] -= 1
        if not self.clients[self.address]:
            del self.clients[self.address]
        self.unwatch()
        super().connection_lost(exc)

    def data_received(self, data):
        """Parses what came, the head in pieces, so that no more of it than is allowed is ever held."""
        while data and not self.transport.is_closing():
            size = min(PIECE, HEAD_BYTES - self.taken) if self.in_head else len(data)
            piece, data = data[:size], data[size:]
            if self.in_head and self.timer is None:
                self.watch()
            self.taken += len(piece)
            super().data_received(piece)
            most = HEAD_BYTES if self.in_head else HEAD_BYTES + 2**20  # a body resets it, trailers do not
            if self.taken >= most and not self.transport.is_closing():
                self.refuse(431)

    def on_message_begin(self):
        """A request begins."""
        self.fields = 0
        super().on_message_begin()

    def on_header(self, name, value):
        """Counts a header; raises ValueError, which ends the parsing, for one too many."""
        self.fields += 1
        if self.fields > HEADERS:
            self.status = 431
            raise ValueError("too many headers")
        super().on_header(name, value)

    def on_headers_complete(self):
        """The head is whole."""
        self.in_head, self.taken = False, 0
        self.unwatch()
        super().on_headers_complete()

    def on_body(self, body):
        """A piece of the body, whose own limits are those of `inputs.Bodies`."""
        self.taken = 0
        super().on_body(body)

    def on_message_complete(self):
        """Expects the head of another request."""
        self.in_head, self.taken = True, 0
        super().on_message_complete()

    def send_400_response(self, msg):
        """Answers what is no request of HTTP, or one with too many headers."""
        if self.transport.is_closing():
            return
        if self.status == 431:
            self.refuse(431)
        else:
            super().send_400_response(msg)

    def refuse(self, status):
        """Answers with a status and closes the connection."""
        self.unwatch()
        text = REASONS[status]
        head = f"HTTP/1.1 {status} {text}\r\ncontent-type: text/plain\r\ncontent-length: {len(text)}\r\n"
        self.transport.write(f"{head}connection: close\r\n\r\n{text}".encode())
        self.transport.close()

    def watch(self):
        """Starts the clock of a head."""
        self.timer = self.loop.call_later(self.seconds, self.too_slow)

    def unwatch(self):
        """Stops the clock of a head."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def too_slow(self):
        """Closes the connection, unless an earlier request on it is still in work."""
        self.timer = None
        if self.cycle is not None and not self.cycle.response_complete:
            self.watch()
        elif not self.transport.is_closing():
            self.refuse(408)
