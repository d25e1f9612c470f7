"""Web servers of Python's for the tests of clients: pages from a table, and what was asked for."""

import collections
import contextlib
import http.server
import socket
import threading

PATIENCE_S = 60


def page(*links, **more):
    """An HTML page with these links."""
    body = "<!doctype html>\n" + "".join(f'<a href="{each}">x</a>\n' for each in links)
    return Answer(body.encode(), **more)


class Answer:
    def __init__(self, body=b"", status=200, kind="text/html; charset=utf-8", **fields):
        self.body, self.status, self.kind, self.fields = body, status, kind, fields

    def __call__(self, request):
        request.send_response(self.status)
        request.send_header("Content-Type", self.kind)
        request.send_header("Content-Length", str(len(self.body)))
        for name, value in self.fields.items():
            request.send_header(name, value)
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(self.body)


def moved(to, status=302):
    return Answer(status=status, Location=to)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def do_GET(self):
        with self.server.lock:
            self.server.asked[self.command, self.path] += 1
        answer = self.server.table.get(self.path, Answer(status=404))
        with contextlib.suppress(ConnectionError):
            return answer(self)
        self.close_connection = True

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


class Pages(http.server.ThreadingHTTPServer):
    """A server of a table from paths to what answers them."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, table, context=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.table, self.connections = table, 0
        self.asked = collections.Counter()  # (method, path)
        self.lock = threading.Lock()
        self.ending = threading.Event()
        self.scheme = "http"
        if context is not None:
            self.scheme = "https"
            self.socket = context.wrap_socket(self.socket, server_side=True,
                                              do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def url(self, path="/"):
        return f"{self.scheme}://127.0.0.1:{self.server_port}{path}"

    def paths(self):
        return {path for _, path in self.asked}

    def hang(self, _):
        """Does not answer."""
        self.ending.wait(PATIENCE_S)

    def handle_error(self, request, client_address):
        pass  # a client that goes away is what is tried here

    def stop(self):
        self.ending.set()
        self.shutdown()
        self.server_close()
        self._thread.join()


class Meeting:
    """Answers when `count` requests are there at once, and notes how many there were at most."""

    def __init__(self, count):
        self.barrier = threading.Barrier(count)
        self.lock = threading.Lock()
        self.now = self.most = 0

    def __call__(self, request):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        with contextlib.suppress(threading.BrokenBarrierError):
            self.barrier.wait(PATIENCE_S)
        with self.lock:
            self.now -= 1
        Answer(b"ok", kind="text/plain")(request)


class Raw:
    """Calls `answer(connection)` for each connection, in a thread of its own, and closes it."""

    def __init__(self, answer):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.answer, self.connections = answer, 0
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self):
        while True:
            connection, _ = self.listener.accept()
            if self.listener.fileno() < 0 or self.answer is None:
                return connection.close()
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.settimeout(PATIENCE_S)
            self.answer(connection)

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}{path}"

    def stop(self):
        self.answer = None
        socket.create_connection(self.listener.getsockname(), PATIENCE_S).close()
        self._thread.join()
        self.listener.close()


def read_head(connection):
    """One request without a body. b"": there is none."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            return b""
        head += byte
    return head


def refusing_url():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return f"http://127.0.0.1:{closed.getsockname()[1]}/"
