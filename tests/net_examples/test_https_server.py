#!/usr/bin/env python3
"""Tries the HTTPS example with curl, openssl s_client and Python's TLS.

    test_https_server.py PROGRAM
"""

import os
import ssl
import subprocess
import sys
import unittest

from serving import PATIENCE_S, Case, Client

PROGRAM = ""
HELLO = b"Hello, world!\n"
GET = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Https(Case):
    def serve(self, *options):
        self.certificate = os.path.join(self.folder, "certificate.pem")
        return self.start(PROGRAM, "--write-certificate", self.certificate, *options)

    def connect_tls(self, port):
        context = ssl.create_default_context(cafile=self.certificate)
        client = Client(port, lambda s: context.wrap_socket(s, server_hostname="localhost"))
        self.addCleanup(client.close)
        return client

    def test_curl(self):
        self.needs("curl")
        big = os.urandom(3_000_000)
        self.write("public/big", big)
        server = self.serve("--root", os.path.join(self.folder, "public"))
        url = f"https://127.0.0.1:{server.port}"
        got = subprocess.run(["curl", "-sS", "--cacert", self.certificate, url + "/hello",
                              url + "/files/big"],
                             capture_output=True, timeout=PATIENCE_S, check=True)
        self.assertEqual(got.stdout, HELLO + big)
        self.end_gracefully(server)

    def test_curl_refuses_a_certificate_that_it_does_not_know(self):
        self.needs("curl")
        server = self.serve()
        got = subprocess.run(["curl", "-sS", f"https://127.0.0.1:{server.port}/hello"],
                             capture_output=True, timeout=PATIENCE_S, check=False)
        self.assertEqual(got.returncode, 60)

    def test_openssl(self):
        self.needs("openssl")
        server = self.serve()
        request = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        for version in ("-tls1_2", "-tls1_3"):
            got = subprocess.run(["openssl", "s_client", "-quiet", version,
                                  "-ign_eof", "-verify_return_error", "-CAfile", self.certificate,
                                  "-connect", f"127.0.0.1:{server.port}"],
                                 input=request, capture_output=True, timeout=PATIENCE_S,
                                 check=False)
            self.assertTrue(got.stdout.endswith(b"\r\n\r\n" + HELLO), got)

    def test_keep_alive_and_a_clean_end(self):
        server = self.serve()
        client = self.connect_tls(server.port)
        for _ in range(10):
            client.send(GET)
            self.assertEqual(client.take_response()[2], HELLO)
        client.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        self.assertEqual(client.take_response()[2], HELLO)
        self.assertTrue(client.ended())  # raises if TLS was cut off

    def test_many_at_once(self):
        server = self.serve()
        clients = [self.connect_tls(server.port) for _ in range(50)]
        for client in clients:
            client.send(GET)
        for client in clients:
            self.assertEqual(client.take_response()[2], HELLO)
        self.end_gracefully(server)

    def test_what_is_not_tls_is_cut_off(self):
        server = self.serve("--request-ms", "300")
        for text in (GET, b"", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"):
            client = self.connect(server.port)
            client.send(text)
            client.rest()
        client = self.connect_tls(server.port)
        client.send(GET)
        self.assertEqual(client.take_response()[2], HELLO)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
