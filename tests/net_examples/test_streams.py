#!/usr/bin/env python3
"""Tries the examples of plain TCP: an echo, and a proxy in front of it.

    test_streams.py ECHO PROXY
"""

import os
import socket
import sys
import threading
import unittest

from serving import Case

ECHO, PROXY = "", ""


class Streams(Case):
    def check_echo(self, port):
        client = self.connect(port)
        sent = os.urandom(2_000_000)

        def send():
            client.send(sent)
            client.socket.shutdown(socket.SHUT_WR)
        sender = threading.Thread(target=send)
        sender.start()
        self.assertEqual(client.rest(), sent)
        sender.join()

    def test_echo(self):
        echo = self.start(ECHO)
        self.check_echo(echo.port)
        self.end_gracefully(echo)

    def test_proxy(self):
        echo = self.start(ECHO)
        proxy = self.start(PROXY, f"127.0.0.1:{echo.port}")
        for _ in range(3):
            self.check_echo(proxy.port)
        self.end_gracefully(proxy)

    def test_the_server_may_end_first(self):
        with socket.create_server(("127.0.0.1", 0)) as target:
            proxy = self.start(PROXY, f"127.0.0.1:{target.getsockname()[1]}")
            client = self.connect(proxy.port)
            server, _ = target.accept()
            with server:
                server.sendall(b"goodbye")
                server.shutdown(socket.SHUT_WR)
                self.assertEqual(client.rest(), b"goodbye")
                client.send(b"still here")
                client.socket.shutdown(socket.SHUT_WR)
                got = b""
                while more := server.recv(100):
                    got += more
                self.assertEqual(got, b"still here")

    def test_a_target_that_refuses(self):
        with socket.create_server(("127.0.0.1", 0)) as target:
            port = target.getsockname()[1]
        proxy = self.start(PROXY, f"127.0.0.1:{port}")
        with self.assertRaises(ConnectionResetError):
            self.connect(proxy.port).rest()


if __name__ == "__main__":
    PROXY = sys.argv.pop(2)
    ECHO = sys.argv.pop(1)
    unittest.main()
