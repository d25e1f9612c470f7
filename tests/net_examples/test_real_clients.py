#!/usr/bin/env python3
"""Tries the example servers with the tools of others: wrk, netcat, curl through the proxy.

    test_real_clients.py ECHO PROXY HTTP_SERVER
"""

import os
import re
import subprocess
import sys
import unittest

from serving import PATIENCE_S, Case

ECHO, PROXY, HTTP = "", "", ""
HELLO = b"Hello, world!\n"


class RealClients(Case):
    def run_tool(self, *command, **options):
        self.needs(command[0])
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False,
                              **options)
        self.assertEqual(done.returncode, 0, done)
        return done.stdout

    def netcat(self, port, sent):
        """What comes back until the server ends. -N: after the last byte say that it was that."""
        self.needs("nc")
        usage = subprocess.run(["nc", "-h"], capture_output=True, check=False)
        if b"-N" not in usage.stdout + usage.stderr:
            self.skipTest("this nc does not close its sending side: install netcat-openbsd")
        return self.run_tool("nc", "-N", "127.0.0.1", str(port), input=sent)

    def through_proxy(self, server):
        return self.start(PROXY, f"127.0.0.1:{server.port}")

    def test_netcat_and_the_echo(self):
        echo = self.start(ECHO)
        sent = os.urandom(1_000_000)
        self.assertEqual(self.netcat(echo.port, sent), sent)
        self.assertEqual(self.netcat(self.through_proxy(echo).port, sent), sent)
        self.end_gracefully(echo)

    def test_netcat_speaks_http(self):
        server = self.start(HTTP)
        request = b"GET /hello HTTP/1.1\r\nHost: here\r\n\r\n"
        answer = self.netcat(server.port, 3 * request)
        self.assertEqual(answer.count(b"HTTP/1.1 200 OK\r\n"), 3)
        self.assertEqual(answer.count(HELLO), 3)
        self.end_gracefully(server)

    def test_curl_through_the_proxy(self):
        path = self.write("public/big", os.urandom(3_000_000))
        server = self.start(HTTP, "--root", os.path.dirname(path))
        url = f"http://127.0.0.1:{self.through_proxy(server).port}"
        with open(path, "rb") as big:
            content = big.read()
        got = self.run_tool("curl", "-sS", url + "/hello", url + "/files/big")
        self.assertEqual(got, HELLO + content)
        got = self.run_tool("curl", "-sS", "--data-binary", "@-", url + "/echo",
                            input=content[:1_000_000])
        self.assertEqual(got, content[:1_000_000])

    def wrk(self, port):
        said = self.run_tool("wrk", "-t2", "-c64", "-d1s", f"http://127.0.0.1:{port}/hello",
                             text=True)
        self.assertNotIn("Socket errors", said)
        self.assertNotIn("Non-2xx", said)
        self.assertGreater(int(re.search(r"(\d+) requests in", said)[1]), 0, said)

    def test_wrk(self):
        server = self.start(HTTP, "--no-log")
        self.wrk(server.port)
        self.wrk(self.through_proxy(server).port)
        self.end_gracefully(server)


if __name__ == "__main__":
    ECHO, PROXY, HTTP = sys.argv[1:4]
    del sys.argv[1:4]
    unittest.main()
