"""An HTTP server on the loopback interface that interrupts transfers, sends wrong data and redirects on request."""

import contextlib
import http.server
import threading


class LyingServer(http.server.ThreadingHTTPServer):
    """Serves one file at every path.

    Args:
        body (bytes): the file.
    """

    daemon_threads = True

    def __init__(self, body):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.asked = body, []
        self.breaks_after = []  # bytes; one entry per response
        self.statuses = []  # one entry per request
        self.part = None  # bytes; the maximum length of a partial response
        self.ranges, self.etag, self.location, self.announced, self.longer = True, '"one"', None, None, 0

    @property
    def address(self):
        """The URL of the file."""
        return f"http://127.0.0.1:{self.server_address[1]}/weights.pdparams"


class Handler(http.server.BaseHTTPRequestHandler):
    """Responds as the server is configured."""

    def do_GET(self):
        server, given = self.server, self.headers.get("Range")
        server.asked.append((self.path, given, self.headers.get("If-Range")))
        if server.location and self.path != "/end":
            self.send_response(302)
            self.send_header("Location", server.location)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if server.statuses:
            self.send_error(server.statuses.pop(0))
            return
        fresh = self.headers.get("If-Range") in (None, server.etag)
        start = int(given[6:].rstrip("-")) if given and server.ranges and fresh else 0
        if start >= len(server.body):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(server.body)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.respond(start)

    def respond(self, start):
        server = self.server
        end = min(len(server.body), start + server.part) if start and server.part else len(server.body)
        body = server.body[start:end] + b"x" * server.longer
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(server.body)}")
        if server.etag:
            self.send_header("ETag", server.etag)
        self.send_header("Content-Length", str(server.announced or end - start))
        self.end_headers()
        cut = server.breaks_after.pop(0) if server.breaks_after else len(body)
        with contextlib.suppress(OSError):
            self.wfile.write(body[:cut])
        self.close_connection = True

    def log_message(self, *arguments):
        """Does not log."""


@contextlib.contextmanager
def serving(body):
    """Context manager with a running server."""
    server = LyingServer(body)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
