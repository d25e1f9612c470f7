#!/usr/bin/env python3
"""Tries the HTTP example with curl and with raw connections.

    test_http_server.py PROGRAM
"""

import os
import socket
import subprocess
import sys
import unittest

from http_serving import HELLO, Server, get
from serving import PATIENCE_S


class Curl(Server):
    def setUp(self):
        super().setUp()
        self.server = self.serve_folder()
        self.url = f"http://127.0.0.1:{self.server.port}"

    def status(self, path, *options):
        return self.curl("-o", os.devnull, "-w", "%{http_code}", *options, self.url + path)

    def test_a_route(self):
        self.assertEqual(self.curl(self.url + "/hello"), HELLO)
        self.assertEqual(self.curl(self.url + "/hello?with=query"), HELLO)

    def test_one_connection_serves_several_requests(self):
        out = self.curl("-w", "%{num_connects} ", "-o", os.devnull, self.url + "/hello",
                        "-o", os.devnull, self.url + "/nowhere",
                        "-o", os.devnull, self.url + "/files/big")
        self.assertEqual(out, b"1 0 0 ")

    def test_http_1_0_is_answered_and_closed(self):
        self.assertEqual(self.curl("--http1.0", self.url + "/hello"), HELLO)

    def test_head(self):
        head = self.curl("--head", self.url + "/hello")
        self.assertIn(b"200 OK", head)
        self.assertIn(b"Content-Length: %d" % len(HELLO), head)
        self.assertIn(b"Content-Length: 3000000", self.curl("--head", self.url + "/files/big"))

    def test_a_body_comes_back(self):
        body = os.urandom(200_000)
        path = self.write("body", body)
        sent = ["--data-binary", "@" + path]
        self.assertEqual(self.curl(*sent, self.url + "/echo"), body)
        self.assertEqual(self.curl(*sent, "-H", "Transfer-Encoding: chunked", self.url + "/echo"),
                         body)

    def test_statuses(self):
        for path, status in (("/nowhere", b"404"), ("/fail", b"500"), ("/echo", b"405"),
                             ("/files/%zz", b"400"), ("/files/a%00.txt", b"400")):
            self.assertEqual(self.status(path), status, path)
        self.assertEqual(self.status("/hello", "-X", "DELETE"), b"405")
        self.assertEqual(self.status("/files/a.txt", "-X", "PUT"), b"405")
        self.assertIn(b"Allow: GET, HEAD", self.curl("-i", "-X", "DELETE", self.url + "/hello"))
        self.assertEqual(self.status("/echo", "--data-binary",
                                     "@" + self.write("too big", bytes(2_000_000))), b"413")

    def test_files(self):
        files = self.url + "/files/"
        with open(os.path.join(self.folder, "public/big"), "rb") as big:
            self.assertEqual(self.curl(files + "big"), big.read())
        self.assertEqual(self.curl(files + "a.txt"), b"a file\n")
        self.assertEqual(self.curl(files + "%61.txt"), b"a file\n")
        self.assertEqual(self.curl(files + "empty"), b"")
        self.assertEqual(self.curl(files), b"<p>index")
        self.assertEqual(self.curl(files + "sub/"), b"<p>sub")
        self.assertIn(b"Content-Type: text/plain", self.curl("-i", files + "a.txt"))

    def test_what_is_not_below_the_root_is_not_served(self):
        for path in ("../secret", "%2e%2e/secret", "..%2fsecret", "sub/../../secret", "link",
                     "up/secret", "%2fetc/passwd", "/etc/passwd", "./a.txt", ".hidden", "pipe",
                     "sub", "a.txt/", "..", "%2e%2e%2f%2e%2e%2fetc/passwd",
                     "a.txt%2f..%2f../secret"):
            self.assertEqual(self.status("/files/" + path), b"404", path)

    def test_the_access_log(self):
        self.curl(self.url + "/hello")
        self.curl("--head", self.url + "/hello")
        stamp = r"127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "
        self.server.wait_for_line(f'^{stamp}"GET /hello HTTP/1.1" 200 {len(HELLO)}$')
        self.server.wait_for_line(f'^{stamp}"HEAD /hello HTTP/1.1" 200 0$')

    def test_a_log_line_cannot_be_forged(self):
        client = self.connect(self.server.port)
        client.send(get('/"\\forged"'))
        self.assertEqual(client.take_response()[0], 404)
        self.server.wait_for_line(r'"GET /\\x22\\x5cforged\\x22 HTTP/1.1" 404')


class Raw(Server):
    def test_pipelining_is_answered_in_order(self):
        client = self.connect(self.serve().port)
        wanted = []
        for i in range(200):
            body = b"%d" % i
            client.send(get("/echo", f"Content-Length: {len(body)}", verb="POST") + body)
            wanted.append((200, body))
        client.send(get("/nowhere", "Connection: close") + get("/hello"))
        answers = [client.take_response() for _ in range(201)]
        self.assertEqual([(status, body) for status, _, body in answers[:200]], wanted)
        self.assertEqual(answers[200][0], 404)
        self.assertTrue(client.ended())  # what follows `close` is not answered

    def test_a_request_in_pieces(self):
        client = self.connect(self.serve().port)
        for byte in get("/hello"):
            client.send(bytes([byte]))
        self.assertEqual(client.take_response()[2], HELLO)

    def test_a_client_that_waits_for_100(self):
        client = self.connect(self.serve().port)
        client.send(get("/echo", "Content-Length: 4", "Expect: 100-continue", verb="POST"))
        self.assertEqual(client.take_response()[0], 100)
        client.send(b"body")
        self.assertEqual(client.take_response()[2], b"body")

    def test_a_client_that_sends_no_more_is_answered(self):
        client = self.connect(self.serve().port)
        client.send(get("/hello"))
        client.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(client.take_response()[2], HELLO)
        self.assertTrue(client.ended())

    def test_malformed_requests_are_refused(self):
        server = self.serve()
        host = b"Host: a\r\n"
        understood = (b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n" + host + host + b"\r\n",
                      b"GET nowhere HTTP/1.1\r\n" + host + b"\r\n")
        for text in (*understood, b"nonsense\r\n\r\n", b"\0\0\0\0\0\0\r\n\r\n",
                     b"GET / HTTP/9.9\r\n\r\n",
                     b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
                     b"GET / HTTP/1.1\r\n" + host + b"A b: c\r\n\r\n",
                     b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                     b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
                     b"POST /echo HTTP/1.1\r\n" + host + b"Content-Length: x\r\n\r\n",
                     b"POST /echo HTTP/1.1\r\n" + host + b"Content-Length: -1\r\n\r\n",
                     b"POST /echo HTTP/1.1\r\n" + host + b"Content-Length: 1\r\n"
                     b"Content-Length: 2\r\n\r\nabc",
                     b"POST /echo HTTP/1.1\r\n" + host + b"Content-Length: 3\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                     b"POST /echo HTTP/1.1\r\n" + host +
                     b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n"):
            client = self.connect(server.port)
            client.send(text)
            client.socket.shutdown(socket.SHUT_WR)
            status, fields, _ = client.take_response()
            self.assertEqual(status, 400, text)
            if text not in understood:
                self.assertEqual(fields.get("connection"), "close", text)
            self.assertTrue(client.ended(), text)
        self.still_serves(server)

    def test_clients_that_leave_at_once(self):
        server = self.serve()
        for text in (b"", b"G", b"GET / HTTP/1.1\r\n", get("/hello"),
                     get("/echo", "Content-Length: 10", verb="POST") + b"half"):
            for reset in (False, True):
                client = self.connect(server.port)
                if reset:
                    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                             b"\1\0\0\0\0\0\0\0")
                client.send(text)
                client.close()
        self.still_serves(server)
        self.end_gracefully(server)

    def test_a_header_that_is_too_large(self):
        server = self.serve("--header-bytes", "2000")
        for text in (get("/hello", "A: " + 4000 * "a"), get("/" + 4000 * "a"),
                     get("/hello", *("A: b" for _ in range(1000)))):
            client = self.connect(server.port)
            client.send(text)
            status, fields, _ = client.take_response()
            self.assertEqual((status, fields["connection"]), (431, "close"))
            self.assertTrue(client.ended())
        client = self.connect(server.port)
        client.send(get("/hello", "A: " + 1500 * "a"))
        self.assertEqual(client.take_response()[0], 200)

    def test_a_header_without_end_is_cut_off(self):
        client = self.connect(self.serve().port)
        with self.assertRaises(ConnectionError):
            client.send(b"GET / HTTP/1.1\r\n")
            while True:
                client.send(10_000 * b"A: b\r\n")

    def test_a_body_that_is_too_large(self):
        client = self.connect(self.serve("--body-bytes", "10").port)
        client.send(get("/echo", "Content-Length: 10", verb="POST") + b"0123456789")
        self.assertEqual(client.take_response()[2], b"0123456789")
        client.send(get("/echo", "Transfer-Encoding: chunked", verb="POST") +
                    b"8\r\n01234567\r\n8\r\n01234567\r\n0\r\n\r\n")
        self.assertEqual(client.take_response()[0], 413)
        self.assertTrue(client.ended())


class Slow(Server):
    def test_who_dribbles_is_cut_off_while_others_are_served(self):
        server = self.serve("--request-ms", "700")
        slow = [self.connect(server.port) for _ in range(20)]
        for client in slow:
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
        for _ in range(50):
            quick = self.connect(server.port)
            quick.send(get("/hello", "Connection: close"))
            self.assertEqual(quick.take_response()[2], HELLO)
        for client in slow:
            client.dribble(b"x")
            self.assertEqual(client.take_response()[0], 408)

    def test_a_body_that_dribbles(self):
        client = self.connect(self.serve("--request-ms", "300").port)
        client.send(get("/echo", "Content-Length: 1000000", verb="POST"))
        client.dribble(b"x")
        self.assertEqual(client.take_response()[0], 408)

    def test_who_says_nothing_is_cut_off(self):
        client = self.connect(self.serve("--idle-ms", "200").port)
        self.assertTrue(client.ended())

    def test_the_next_request_has_its_own_time(self):
        client = self.connect(self.serve("--request-ms", "5000", "--idle-ms", "300").port)
        for _ in range(3):
            client.send(get("/hello"))
            self.assertEqual(client.take_response()[2], HELLO)
        self.assertTrue(client.ended())

    def test_who_does_not_read_is_cut_off(self):
        server = self.serve_folder("--response-ms", "300")
        client = self.connect(server.port)
        for _ in range(10):  # 30 MB: more than the buffers of both sides take
            client.send(get("/files/big"))
        server.wait_for_line(r'"GET /files/big HTTP/1.1" 200 (?!3000000)\d+$')


class Ending(Server):
    def test_idle_connections_are_closed(self):
        server = self.serve()
        idle = [self.connect(server.port) for _ in range(20)]
        used = self.connect(server.port)
        used.send(get("/hello"))
        self.assertEqual(used.take_response()[2], HELLO)
        self.end_gracefully(server)
        for client in [*idle, used]:
            self.assertTrue(client.ended())
        self.assertEqual(server.lines[-1], "ended")

    def test_a_request_in_progress_is_answered(self):
        server = self.serve()
        client = self.connect(server.port)
        client.send(get("/echo", "Content-Length: 8", "Expect: 100-continue", verb="POST"))
        self.assertEqual(client.take_response()[0], 100)  # so the server is in the request
        client.send(b"half")
        server.ask_to_end()
        server.wait_until_it_accepts_no_more()
        self.assertIsNone(server.process.poll())
        client.send(b"half" + get("/hello"))
        status, fields, body = client.take_response()
        self.assertEqual((status, fields["connection"], body), (200, "close", b"halfhalf"))
        self.assertTrue(client.ended())
        client.close()
        self.assertEqual((server.wait(), server.lines[-1]), (0, "ended"))

    def test_who_takes_too_long_is_cut_off(self):
        server = self.serve("--grace-ms", "300")
        client = self.connect(server.port)
        client.send(get("/echo", "Content-Length: 8", "Expect: 100-continue", verb="POST"))
        self.assertEqual(client.take_response()[0], 100)
        server.ask_to_end()
        self.assertEqual(server.wait(), 0)
        self.assertEqual(server.lines[-1], "ended; some connections were cut off")

    def test_a_port_in_use_is_said(self):
        server = self.serve()
        second = subprocess.run([self.program, "--port", str(server.port)], capture_output=True,
                                text=True, timeout=PATIENCE_S, check=False)
        self.assertEqual(second.returncode, 1)
        self.assertIn("Address already in use", second.stderr)


if __name__ == "__main__":
    Server.program = sys.argv.pop(1)
    unittest.main()
