#!/usr/bin/env python3
"""What the HTTP example must live through: broken chunks, bytes that do not belong, paths that
lead out, connections that do nothing, and clients that vanish in the middle of a response.

    test_http_hostile.py PROGRAM
"""

import os
import resource
import socket
import sys
import unittest

from http_serving import HELLO, Server, get

HOST = b"Host: a\r\n"
CHUNKED = b"POST /echo HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
RESET_AT_CLOSE = b"\1\0\0\0\0\0\0\0"  # struct linger: on, no time


class Hostile(Server):
    def answers(self, server, text, status):
        """One request that is answered with this status, and ends its connection."""
        client = self.connect(server.port)
        client.send(text)
        client.socket.shutdown(socket.SHUT_WR)
        got, _, body = client.take_response()
        self.assertEqual(got, status, text)
        self.assertTrue(client.ended(), text)
        return body

    def test_chunks_that_are_none(self):
        server = self.serve()
        for chunks in (b"\r\n0\r\n\r\n", b"-1\r\nx\r\n0\r\n\r\n", b"0x1\r\nx\r\n0\r\n\r\n",
                       b"fffffffffffffffff\r\nx\r\n0\r\n\r\n", b"5\r\nhello0\r\n\r\n",
                       b"5\r\nhelloXX0\r\n\r\n", b"5\nhello\n0\n\n", b"5\r\nhe", b"5\r\nhello\r\n",
                       b"5;\0\r\nhello\r\n0\r\n\r\n", b"0\r\nno colon\r\n\r\n"):
            self.answers(server, CHUNKED + chunks, 400)
        self.answers(server, CHUNKED + b"7fffffffffffffff\r\nx", 413)
        self.still_serves(server)

    def test_chunks_with_extensions_and_trailers(self):
        chunks = b"5;a=b\r\nhello\r\n00001\r\n!\r\n0\r\nTrailer: x\r\n\r\n"
        self.assertEqual(self.answers(self.serve(), CHUNKED + chunks, 200), b"hello!")

    def test_a_transfer_that_is_not_understood(self):
        server = self.serve()
        for coding in (b"identity", b"gzip", b"chunked, gzip", b"xchunked"):
            client = self.connect(server.port)
            client.send(b"POST /echo HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: " + coding +
                        b"\r\n\r\n" + get("/hello"))
            status, fields, _ = client.take_response()
            self.assertEqual((status, fields["connection"]), (501, "close"), coding)
            self.assertTrue(client.ended())  # nobody knows where the next request begins

    def test_bytes_that_do_not_belong(self):
        server = self.serve()
        for text in (b"GET /hel\rlo HTTP/1.1\r\n" + HOST, b"GET /hel\0lo HTTP/1.1\r\n" + HOST,
                     b"GET /hello\tHTTP/1.1\r\n" + HOST, b"GET /hello HTTP/1.1\r" + HOST,
                     b"GE\0T /hello HTTP/1.1\r\n" + HOST, b" GET /hello HTTP/1.1\r\n" + HOST,
                     b"GET /hello HTTP/1.1\r\n" + HOST + b"A: b\rInjected: c\r\n",
                     b"GET /hello HTTP/1.1\r\n" + HOST + b"A: b\0c\r\n",
                     b"GET /hello HTTP/1.1\r\n" + HOST + b"A\0: b\r\n",
                     b"GET /hello HTTP/1.1\r\n" + HOST + b"A : b\r\n",
                     b"GET /hello HTTP/1.1\r\n" + HOST + b": b\r\n"):
            self.answers(server, text + b"\r\n", 400)
        self.still_serves(server)

    def test_paths_that_lead_out(self):
        server = self.serve_folder()
        for path in ("/files/../secret", "/files/%2e%2e/secret", "/files/.%2e/secret",
                     "/files/%2e%2e%2fsecret", "/files/sub/../../secret", "/files//etc/passwd",
                     "/files/%2fetc/passwd", "/files/link", "/files/up/secret", "/../secret",
                     "/files/..%5csecret", "/files/sub/%2e/index.html",
                     "http://here/files/../secret", "//files/../secret"):
            for verb in ("GET", "HEAD"):
                client = self.connect(server.port)
                client.send(get(path, verb=verb))
                status, _, body = client.take_response(head_only=verb == "HEAD")
                self.assertIn(status, (400, 404), path)
                self.assertNotIn(b"secret", body, path)
        for path in ("/files/a.txt%00", "/files/%00", "/files/%", "/files/%4", "/files/%g0"):
            self.answers(server, get(path, "Connection: close"), 400)

    def test_what_it_does_not_support_is_answered_in_full(self):
        client = self.connect(self.serve_folder().port)
        for field in ("Range: bytes=2-3", "Range: bytes=9-1", "If-None-Match: *", "Upgrade: h2c",
                      "If-Modified-Since: Sun, 06 Nov 2094 08:49:37 GMT", "Connection: Upgrade"):
            client.send(get("/files/a.txt", field))
            status, _, body = client.take_response()
            self.assertEqual((status, body), (200, b"a file\n"), field)

    def test_http_1_0_goes_on_only_if_asked_to(self):
        client = self.connect(self.serve().port)
        for _ in range(3):
            client.send(b"GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            status, fields, body = client.take_response()
            self.assertEqual((status, body), (200, HELLO))
            self.assertEqual(fields["connection"], "keep-alive")
        client.send(b"GET /hello HTTP/1.0\r\n\r\n" + get("/hello"))
        self.assertEqual(client.take_response()[2], HELLO)
        self.assertTrue(client.ended())


class Many(Server):
    count = 1000

    def setUp(self):
        super().setUp()
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        if most != resource.RLIM_INFINITY and most < self.count + 100:
            self.skipTest(f"no more than {most} descriptors")
        resource.setrlimit(resource.RLIMIT_NOFILE, (self.count + 100, most))

    def test_idle_connections_hinder_nobody(self):
        server = self.serve()
        idle = [self.connect(server.port) for _ in range(self.count)]
        for client in idle[::2]:  # one half has been served already
            client.send(get("/hello"))
            self.assertEqual(client.take_response()[2], HELLO)
        for _ in range(100):
            self.still_serves(server)
        for client in idle:
            client.send(get("/hello"))
        for client in idle:
            self.assertEqual(client.take_response()[2], HELLO)
        self.end_gracefully(server)
        for client in idle:
            self.assertTrue(client.ended())


class Vanishing(Server):
    size = 64_000_000  # far more than the buffers of both sides take

    def serve_large(self, *options):
        os.mkdir(os.path.join(self.folder, "public"))
        with open(os.path.join(self.folder, "public/large"), "wb") as file:
            file.truncate(self.size)
        return self.serve("--root", os.path.join(self.folder, "public"), *options)

    def start_of_large(self, server):
        """A client that has read the header and one byte of it."""
        client = self.connect(server.port)
        client.send(get("/files/large"))
        client.take_until(b"\r\n\r\n")
        client.take(1)
        return client

    def test_resets_in_the_middle_of_a_response(self):
        server = self.serve_large()
        for _ in range(20):
            client = self.start_of_large(server)
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
            client.close()
        server.wait_for_line(r'"GET /files/large HTTP/1.1" 200 (?!64000000)\d+$')
        self.still_serves(server)
        self.end_gracefully(server)

    def test_a_long_response_is_finished_though_the_server_ends(self):
        server = self.serve_large("--grace-ms", "60000")
        client = self.start_of_large(server)
        server.ask_to_end()
        server.wait_until_it_accepts_no_more()
        self.assertIsNone(server.process.poll())
        got = 1 + len(client.buffer)
        while more := len(client.socket.recv(1 << 20)):
            got += more
        self.assertEqual(got, self.size)
        client.close()
        self.assertEqual((server.wait(), server.lines[-1]), (0, "ended"))

    def test_a_response_that_nobody_reads_is_cut_off_at_the_end(self):
        server = self.serve_large("--grace-ms", "300")
        self.start_of_large(server)
        server.ask_to_end()
        self.assertEqual(server.wait(), 0)
        self.assertEqual(server.lines[-1], "ended; some connections were cut off")


if __name__ == "__main__":
    Server.program = sys.argv.pop(1)
    unittest.main()
