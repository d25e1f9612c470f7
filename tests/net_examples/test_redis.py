#!/usr/bin/env python3
"""Tries the Redis example with servers of its own: it works, and it ends when the server does.

    test_redis.py PROGRAM
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import unittest

from serving import PATIENCE_S, Case

PROGRAM = ""
RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/net/redis/run")
SAID = """\
100 goroutines have counted to 10000
1000 messages came, in their order
the sum of the jobs is 45
nothing to pop: context deadline exceeded
others were served meanwhile
refused: ERR value is not an integer or out of range
"""


class Redis(Case):
    def setUp(self):
        super().setUp()
        # One program, two names: Debian's redis-tools has only the second.
        self.server = shutil.which("redis-server") or shutil.which("redis-check-rdb")
        if self.server is None:
            self.skipTest("redis-server is not there")

    def start_server(self, *options):
        server = subprocess.Popen(
            ["redis-server", "--save", "", "--appendonly", "no", "--dir", self.folder, *options],
            executable=self.server, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(self.stop, server)
        said = []
        for line in server.stdout:
            said.append(line)
            if "eady to accept connections" in line:
                return server
        raise AssertionError("".join(said))

    def stop(self, process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def serve_socket(self):
        path = os.path.join(self.folder, "redis.sock")
        return self.start_server("--port", "0", "--unixsocket", path), path

    def serve_port(self):
        """Redis cannot be told to choose a port: one that is free, unless somebody is faster."""
        for attempt in range(5):
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            try:
                return self.start_server("--port", str(port), "--bind", "127.0.0.1"), port
            except AssertionError:
                if attempt == 4:
                    raise

    def run_program(self, *command):
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S,
                              check=False)

    def check_demo(self, *command):
        done = self.run_program(*command)
        self.assertEqual((done.stdout, done.stderr, done.returncode), (SAID, "", 0))

    def test_the_script_starts_and_stops_a_server(self):
        self.check_demo(RUN, PROGRAM)

    def test_a_unix_socket(self):
        _, path = self.serve_socket()
        self.check_demo(PROGRAM, path)

    def test_tcp(self):
        _, port = self.serve_port()
        self.check_demo(PROGRAM, f"127.0.0.1:{port}")

    def test_nobody_is_there(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        for where in (f"127.0.0.1:{port}", os.path.join(self.folder, "nothing")):
            done = self.run_program(PROGRAM, where)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, "refused|No such file")

    def endure(self, where):
        program = subprocess.Popen([PROGRAM, where, "endure"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.stop, program)
        self.assertEqual(program.stdout.readline(), "enduring\n")
        return program

    def check_end(self, program):
        out, errors = program.communicate(timeout=PATIENCE_S)
        self.assertEqual((errors, program.returncode), ("", 0))
        lines = out.splitlines()
        self.assertEqual(len(lines), 12)
        for line in lines:
            self.assertRegex(line, "^ended: (Server closed the connection|Connection reset|Broken)")

    def test_a_server_that_is_killed_ends_all_waits(self):
        server, path = self.serve_socket()
        program = self.endure(path)
        server.kill()
        self.check_end(program)

    def test_a_server_that_is_killed_ends_all_waits_by_tcp(self):
        server, port = self.serve_port()
        program = self.endure(f"127.0.0.1:{port}")
        server.kill()
        self.check_end(program)

    def test_a_server_that_shuts_down_ends_all_waits(self):
        server, path = self.serve_socket()
        program = self.endure(path)
        server.send_signal(signal.SIGTERM)
        self.check_end(program)

    def test_a_server_that_talks_nonsense_ends_all_waits(self):
        with socket.create_server(("127.0.0.1", 0)) as nonsense:
            def talk():
                connection, _ = nonsense.accept()
                with connection:
                    connection.recv(100)
                    connection.sendall(b"?what\r\n")
                    connection.recv(100)
            talking = threading.Thread(target=talk)
            talking.start()
            done = self.run_program(PROGRAM, f"127.0.0.1:{nonsense.getsockname()[1]}")
            talking.join()
        self.assertEqual(done.returncode, 1)
        self.assertIn("Protocol error", done.stderr)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
