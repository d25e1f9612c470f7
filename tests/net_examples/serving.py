"""What the tests of the network examples share: programs that are started and end, raw clients."""

import contextlib
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

PATIENCE_S = 60  # for what must happen: longer means that it hangs


class Program:
    """A server that prints where it listens. What it prints after that is kept."""

    def __init__(self, path, *arguments, **options):
        self.process = subprocess.Popen([path, *arguments], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, **options)
        self.first_line = self.process.stdout.readline()
        found = re.search(r":(\d+)$", self.first_line.strip())
        if not found:
            raise AssertionError(f"no port: {self.first_line!r} {self.process.communicate()}")
        self.port = int(found[1])
        self.lines, self.errors = [], ""
        self._news = threading.Condition()
        self._readers = [threading.Thread(target=self._read_lines),
                         threading.Thread(target=self._read_errors)]
        for reader in self._readers:
            reader.start()

    def _read_lines(self):
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()

    def _read_errors(self):
        self.errors = self.process.stderr.read()

    def wait_for_line(self, pattern):
        def found():
            return next((line for line in self.lines if re.search(pattern, line)), None)
        with self._news:
            if not self._news.wait_for(found, PATIENCE_S):
                raise AssertionError(f"no line like {pattern!r} in {self.lines}")
            return found()

    def ask_to_end(self):
        self.process.send_signal(signal.SIGTERM)

    def wait_until_it_accepts_no_more(self):
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), PATIENCE_S).close()
            except ConnectionError:
                return

    def wait(self):
        """Returns its status, when all that it has printed has been read."""
        status = self.process.wait(PATIENCE_S)
        for reader in self._readers:
            reader.join()
        return status

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        self.process.stdout.close()
        self.process.stderr.close()


class Case(unittest.TestCase):
    """A folder of its own, and programs that are gone at the end."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self, path, *arguments, **options):
        program = Program(path, *arguments, **options)
        self.addCleanup(program.stop)
        return program

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def connect(self, port):
        client = Client(port)
        self.addCleanup(client.close)
        return client

    def needs(self, tool):
        if shutil.which(tool) is None:
            self.skipTest(f"{tool} is not there")

    def end_gracefully(self, program):
        program.ask_to_end()
        self.assertEqual(program.wait(), 0, program.errors)
        self.assertEqual(program.errors, "")


class Client:
    """A raw connection."""

    def __init__(self, port, wrap=lambda s: s):
        self.socket = wrap(socket.create_connection(("127.0.0.1", port), PATIENCE_S))
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def close(self):
        self.socket.close()

    def more(self):
        """False: the end of it."""
        got = self.socket.recv(65536)
        self.buffer += got
        return got != b""

    def rest(self):
        """All until the end, which must come without a reset."""
        while self.more():
            pass
        return self.buffer

    def take(self, count):
        while len(self.buffer) < count:
            if not self.more():
                raise AssertionError(f"ended early, after {self.buffer!r}")
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def take_until(self, mark):
        while mark not in self.buffer:
            if not self.more():
                raise AssertionError(f"ended early, after {self.buffer!r}")
        return self.take(self.buffer.index(mark) + len(mark))

    def take_response(self, head_only=False):
        """(status, fields, body)"""
        head = self.take_until(b"\r\n\r\n").decode().split("\r\n")
        fields = {name.lower(): value for name, value in
                  (line.split(": ", 1) for line in head[1:] if line)}
        status = int(head[0].split()[1])
        if head_only or status == 100:
            return status, fields, b""
        return status, fields, self.take(int(fields["content-length"]))

    def ended(self):
        """Whether the other side has closed, and nothing was left to read."""
        return self.buffer == b"" and not self.more()

    def dribble(self, byte):
        """Sends the byte again and again until the other side says something."""
        while not select.select([self.socket], [], [], 0.02)[0]:
            with contextlib.suppress(ConnectionError):
                self.socket.send(byte)
