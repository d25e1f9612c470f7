#!/usr/bin/env python3
"""Tries the link checker and the HTTP client with servers of Python's.

    test_linkcheck.py LINKCHECK HTTP_CLIENT
"""

import json
import os
import random
import signal
import ssl
import subprocess
import sys
import threading
import unittest

from pages import Answer, Meeting, Pages, Raw, moved, page, read_head, refusing_url
from serving import PATIENCE_S, Case

LINKCHECK, CLIENT = "", ""
LEAKS = {**os.environ, "WEFT_LEAKS": "fail"}


class Web(Case):
    def serve(self, table, **more):
        server = Pages(table, **more)
        self.addCleanup(server.stop)
        return server

    def serve_raw(self, answer):
        server = Raw(answer)
        self.addCleanup(server.stop)
        return server

    def run_program(self, program, *arguments):
        return subprocess.run([program, *arguments], capture_output=True, text=True, env=LEAKS,
                              timeout=PATIENCE_S, check=False)

    def check(self, *arguments, status=None):
        """The report; its broken links as {address: problem}."""
        got = self.run_program(LINKCHECK, "--json", *arguments)
        self.assertEqual(got.stderr, "")
        report = json.loads(got.stdout)
        report["problems"] = {each["address"]: each["problem"] for each in report["broken"]}
        wanted = (1 if report["broken"] else 0) if status is None else status
        self.assertEqual(got.returncode, wanted, got)
        return report

    def problem(self, url, *options):
        """Of a page that leads to this address only."""
        start = self.serve({"/": page(url)})
        return self.check(start.url(), *options)["problems"].get(url)


class Report(Web):
    def test_a_site_without_fault(self):
        server = self.serve({"/": page("a", "b"), "/a": page("/", "b"),
                             "/b": Answer(b"text", kind="text/plain")})
        report = self.check(server.url())
        self.assertEqual(report["ended"], "complete")
        self.assertEqual((report["addresses"], report["pages"], report["links"]), (3, 2, 4))
        got = self.run_program(LINKCHECK, server.url())
        self.assertEqual((got.returncode, got.stdout),
                         (0, "4 links on 2 pages to 3 addresses, 0 broken\n"))

    def test_broken_links_and_where_they_stand(self):
        server = self.serve({"/": page("a", "gone"), "/a": page("/", "/gone", "bad"),
                             "/bad": Answer(status=500)})
        report = self.check(server.url())
        self.assertEqual(report["broken"], [
            {"address": server.url("/bad"), "problem": "500 Internal Server Error", "status": 500,
             "places": [{"page": server.url("/a"), "line": 4}]},
            {"address": server.url("/gone"), "problem": "404 Not Found", "status": 404,
             "places": [{"page": server.url("/"), "line": 3},
                        {"page": server.url("/a"), "line": 3}]}])
        text = self.run_program(LINKCHECK, server.url()).stdout
        self.assertIn(f"{server.url('/bad')}: 500 Internal Server Error\n"
                      f"    in {server.url('/a')}, line 4\n", text)
        self.assertIn("5 links on 2 pages to 4 addresses, 2 broken\n", text)

    def test_a_first_page_that_is_broken(self):
        report = self.check(self.serve({}).url("/no"))
        self.assertEqual(report["broken"][0]["places"], [{"start": True}])

    def test_bad_usage(self):
        for words in ((), ("ftp://host/",), ("nonsense",), ("http://h/", "--per-host", "0"),
                      ("http://h/", "--timeout", "x"), ("http://h/", "--no-such"),
                      ("http://h/", "--ca", "/nowhere"), ("http://h:99999/",)):
            got = self.run_program(LINKCHECK, *words)
            self.assertEqual((got.returncode, got.stdout), (2, ""), words)
            self.assertNotEqual(got.stderr, "", words)

    def test_a_servers_words_cannot_forge_the_report(self):
        def answer(connection):
            read_head(connection)
            connection.sendall(b"HTTP/1.1 404 \x1b[2J\xff\"\r\nContent-Length: 0\r\n\r\n")
        start = self.serve({"/": page(url := self.serve_raw(answer).url())})
        report = self.check(start.url())  # it is JSON
        self.assertIn(report["problems"][url],
                      ('404 \x1b[2J\ufffd"', "the answer is not HTTP: bad reason"))
        self.assertNotIn("\x1b", self.run_program(LINKCHECK, start.url()).stdout)


class Links(Web):
    def test_all_kinds_of_addresses(self):
        server = self.serve({})
        other = f"//127.0.0.1:{server.server_port}"
        server.table["/d/e/page"] = page(
            "one", "./two", "../three", "/four", "../../../five", server.url("/six"),
            other + "/seven", "eight?q=1&amp;r=2", "?nine", " ten ", "el even", "a%2Fb",
            "mailto:a@b", "javascript:go()", "data:text/html,x", "tel:1", "#", "tw[el]ve")
        self.check(server.url("/d/e/page"))
        self.assertEqual(server.paths(), {
            "/d/e/page", "/d/e/one", "/d/e/two", "/d/three", "/four", "/five", "/six", "/seven",
            "/d/e/eight?q=1&r=2", "/d/e/page?nine", "/d/e/ten", "/d/e/el%20even", "/d/e/a%2Fb",
            "/d/e/tw%5Bel%5Dve"})

    def test_what_is_no_address(self):
        report = self.check(self.serve({"/": page("http://[x", "http://h:1x/", "http:foo")}).url())
        self.assertEqual(report["problems"], dict.fromkeys(
            ("http://[x", "http://h:1x/", "http:foo"), "not an address"))

    def test_a_base(self):
        server = self.serve({"/": Answer(b"<base href=/elsewhere/><a href=a></a>")})
        self.check(server.url())
        self.assertEqual(server.paths(), {"/", "/elsewhere/a"})

    def test_fragments(self):
        server = self.serve({
            "/": page("b#one", "b#tw%6f", "b#name", "b#nine", "#here", "b#top", "b#", "t#any"),
            "/b": Answer(b"<p id=one><p ID='two'><a name=name>"),
            "/t": Answer(b"", kind="text/plain")})
        self.assertEqual(self.check(server.url())["problems"], dict.fromkeys(
            (server.url("/#here"), server.url("/b#nine")), "the page has no such part"))
        self.assertEqual(server.asked["GET", "/b"], 1)

    def test_malformed_pages(self):
        noise = random.Random(1)
        server = self.serve({
            "/": page("a", "b", "c", "d"),
            "/a": Answer(b"<<<a href=x1><a href='x2><b></b>' <a \0 href=x3\xff></z <a href = \"x4\""
                         b"/><!-- <a href=no> --><script><a href=no></script ><!--><a href=x5>"
                         b"<a href=x6 href=no><title><a href=no></title><a href=no"),
            "/b": Answer(b"<a " * 100_000 + b"<!--" * 100_000),
            "/c": Answer(noise.randbytes(500_000)),
            "/d": Answer(b"")})
        report = self.check(server.url())
        self.assertEqual(report["pages"], 5)
        self.assertEqual({p for p in server.paths() if "no" in p}, set())
        for wanted in ("/x1", "/x4", "/x5", "/x6"):
            self.assertEqual(server.asked["GET", wanted], 1, wanted)

    def test_pages_that_lead_to_each_other(self):
        server = self.serve({"/": page("a", "/"), "/a": page("b", "a"), "/b": page("/", "a#")})
        self.check(server.url())
        self.assertEqual(server.asked, {("GET", "/"): 1, ("GET", "/a"): 1, ("GET", "/b"): 1})

    def test_other_sites_are_checked_but_not_crawled(self):
        other = self.serve({"/": page("no"), "/deaf": self.get_only})
        server = self.serve({"/": page(other.url(), other.url("/gone"), other.url("/deaf"))})
        report = self.check(server.url())
        self.assertEqual(report["problems"], {other.url("/gone"): "404 Not Found"})
        self.assertEqual(other.asked, {("HEAD", "/"): 1, ("HEAD", "/gone"): 1,
                                       ("HEAD", "/deaf"): 1, ("GET", "/deaf"): 1})
        self.assertEqual(self.check(server.url(), "--only-here")["not_checked"], 3)

    @staticmethod
    def get_only(request):
        Answer(b"here", status=405 if request.command == "HEAD" else 200)(request)

    def test_2000_pages_are_asked_for_once_each(self):
        choice, count = random.Random(2), 2000
        table = {"/0": page()}
        for i in range(count):
            ahead = [str(j) for j in (2 * i + 1, 2 * i + 2) if j < count]
            table[f"/{i}"] = page(*ahead, *(str(choice.randrange(count)) for _ in range(3)))
        server = self.serve(table)
        report = self.check(server.url("/0"))
        self.assertEqual((report["pages"], report["addresses"]), (count, count))
        self.assertEqual(server.asked, {("GET", f"/{i}"): 1 for i in range(count)})


class Redirections(Web):
    def test_a_chain(self):
        server = self.serve({"/": page("1", "3", "old#x"), "/1": moved("2"), "/2": moved("/3", 301),
                             "/3": page("/gone"), "/old": moved("/3", 308)})
        report = self.check(server.url())
        self.assertEqual(report["problems"], {server.url("/gone"): "404 Not Found",
                                              server.url("/old#x"): "the page has no such part"})
        self.assertEqual(set(server.asked.values()), {1})

    def test_loops_and_endless_ones(self):
        server = self.serve({"/": page("a", "self", "r0", "far"), "/a": moved("b"),
                             "/b": moved("a"), "/self": moved("self"), "/far": moved("gone")})
        server.table.update({f"/r{i}": moved(f"r{i + 1}") for i in range(1000)})
        circle = "redirections go round in a circle"
        report = self.check(server.url(), "--max-redirections", "20")
        self.assertEqual(report["problems"], {
            server.url("/a"): circle, server.url("/self"): circle,
            server.url("/r0"): "too many redirections",
            server.url("/far"): f"404 Not Found (redirected to {server.url('/gone')})"})
        self.assertIn("/r20", server.paths())
        self.assertNotIn("/r21", server.paths())

    def test_the_first_page_may_be_elsewhere(self):
        other = self.serve({"/": page("a"), "/a": page("gone")})
        server = self.serve({"/": moved(other.url("/"))})
        self.assertEqual(self.check(server.url())["problems"],
                         {other.url("/gone"): "404 Not Found"})

    def test_what_was_somebody_elses_site_may_turn_out_to_be_ours(self):
        checked = threading.Event()

        def x(request):
            checked.set()
            page("gone")(request)
        other = self.serve({"/": page(), "/x": x})
        server = self.serve({"/": page(other.url("/x"))})

        def late(request):
            checked.wait(PATIENCE_S)
            moved(other.url("/"))(request)
        server.table["/late"] = late
        report = self.check(server.url(), server.url("/late"))
        self.assertEqual(report["problems"], {other.url("/gone"): "404 Not Found"})
        self.assertEqual(other.asked["GET", "/x"], 1)

    def test_to_what_is_no_address(self):
        server = self.serve({"/": page("a", "b"), "/a": moved("mailto:x@y"),
                             "/b": Answer(status=302)})
        self.assertEqual(self.check(server.url())["problems"], {
            server.url("/a"): "302 Found, to what is no address of the web",
            server.url("/b"): "302 Found"})


class Bounds(Web):
    def test_requests_to_one_host(self):
        meeting = Meeting(3)
        server = self.serve({f"/{i}": meeting for i in range(12)})
        server.table["/"] = page(*range(12))
        self.check(server.url(), "--per-host", "3")
        self.assertEqual(meeting.most, 3)

    def test_requests_in_all(self):
        meeting = Meeting(2)
        one, other = (self.serve({f"/{i}": meeting for i in range(6)}) for _ in range(2))
        one.table["/"] = page(*range(6), *(other.url(f"/{i}") for i in range(6)))
        self.check(one.url(), "--in-all", "2", "--per-host", "10")
        self.assertEqual(meeting.most, 2)

    def test_a_busy_host_holds_up_no_other(self):
        other, arrived = self.serve({}), threading.Semaphore(0)

        def arrive(request):
            arrived.release()
            Answer(b"ok")(request)

        def wait(request):
            for _ in range(3):
                arrived.acquire(timeout=PATIENCE_S)
            arrived.release(3)
            Answer(b"ok")(request)
        other.table = {f"/{i}": arrive for i in range(3)}
        server = self.serve({f"/{i}": wait for i in range(8)})
        server.table["/"] = page(*range(8), *(other.url(f"/{i}") for i in range(3)))
        report = self.check(server.url(), "--in-all", "4", "--per-host", "1")
        self.assertEqual(report["addresses"], 12)

    def test_connections_are_used_again(self):
        server = self.serve({f"/{i}": page("/gone") for i in range(60)})
        server.table["/"] = page(*range(60))
        self.check(server.url(), "--per-host", "2")
        self.assertLessEqual(server.connections, 2)

    def test_connections_that_the_server_closes(self):
        def answer_once(connection):
            path = read_head(connection).split()[1]
            body = page(*range(20)).body if path == b"/" else b"ok"
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
                               b"Content-Length: %d\r\n\r\n" % len(body) + body)
        server = self.serve_raw(answer_once)
        self.assertEqual(self.check(server.url())["addresses"], 21)

    def test_depth(self):
        server = self.serve({f"/{i}": page(str(i + 1)) for i in range(10)})
        self.check(server.url("/0"), "--depth", "3")
        self.assertEqual(server.paths(), {"/0", "/1", "/2", "/3", "/4"})

    def test_depth_is_that_of_the_shortest_way(self):
        far_first = threading.Event()

        def late(request):  # the short way is found when the long one has been gone
            far_first.wait(PATIENCE_S)
            page("3")(request)

        def last(request):
            far_first.set()
            page("4")(request)
        server = self.serve({"/0": page("1", "short"), "/1": page("2"), "/2": page("3"),
                             "/3": last, "/short": late, "/4": page("5"), "/5": page("6")})
        self.check(server.url("/0"), "--depth", "3")
        self.assertEqual(server.paths(),
                         {"/0", "/1", "/2", "/3", "/4", "/5", "/short"})

    def test_pages(self):
        server = self.serve({"/": page(*range(50))})
        report = self.check(server.url(), "--max-pages", "10")
        self.assertEqual((report["addresses"], report["not_checked"]), (10, 41))
        self.assertEqual(len(server.asked), 10)


class Bodies(Web):
    def test_chunks(self):
        def answer(request):
            request.send_response(200)
            request.send_header("Content-Type", "text/html")
            request.send_header("Transfer-Encoding", "chunked")
            request.end_headers()
            for piece in (b"<a hr", b"ef=go", b"ne>"):
                request.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                request.wfile.flush()
            request.wfile.write(b"0\r\n\r\n")
        server = self.serve({"/": answer})
        self.assertEqual(list(self.check(server.url())["problems"]), [server.url("/gone")])
        self.assertEqual(server.connections, 1)

    def test_until_the_end_of_the_connection(self):
        def answer(connection):
            if b" / " in read_head(connection):
                connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n"
                                   b"<a href=gone>")
            else:
                connection.sendall(b"HTTP/1.0 404 Not Found\r\n\r\n")
        server = self.serve_raw(answer)
        self.assertEqual(list(self.check(server.url())["problems"]), [server.url("/gone")])

    @staticmethod
    def endless(kind):
        def answer(request):
            request.send_response(200)
            request.send_header("Content-Type", kind)
            request.end_headers()
            request.wfile.write(b"<a href=gone></a>")
            while True:  # until nobody listens
                request.wfile.write(b"<a href=never></a>".rjust(5000))
        return answer

    def test_a_huge_page_is_cut_off(self):
        server = self.serve({"/": self.endless("text/html")})
        report = self.check(server.url(), "--max-bytes", "5000", "--timeout", str(PATIENCE_S))
        self.assertEqual(report["too_large"], [server.url()])
        self.assertEqual(list(report["problems"]), [server.url("/gone")])

    def test_what_is_no_page_is_not_read(self):
        server = self.serve({"/": page("video"), "/video": self.endless("video/mp4")})
        report = self.check(server.url(), "--timeout", str(PATIENCE_S))
        self.assertEqual((report["problems"], report["addresses"]), ({}, 2))


class Failures(Web):
    def test_nobody_is_there(self):
        self.assertEqual(self.problem(refusing_url()), "Connection refused")

    def test_no_answer(self):
        server = self.serve_raw(lambda c: c.recv(1 << 20) and c.recv(1))
        self.assertEqual(self.problem(server.url(), "--timeout", "0.3"), "timed out")

    def test_an_answer_that_dribbles(self):
        def answer(connection):
            read_head(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nA: ")
            gone = threading.Event()
            while not gone.wait(0.02):
                connection.sendall(b"x")
        server = self.serve_raw(answer)
        self.assertEqual(self.problem(server.url(), "--timeout", "0.3"), "timed out")

    def test_broken_answers(self):
        closed = "the connection was closed without an answer"
        for answer, wanted in (
                (b"", closed),
                (b"HTTP/1.1 200 OK\r\n", "the answer was cut off"),
                (b"220 mail.example ESMTP\r\n\r\n", "the answer is not HTTP: bad version"),
                (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 20_000,
                 "the answer is not HTTP: header limit exceeded")):
            def reply(connection, answer=answer):
                read_head(connection)
                connection.sendall(answer)
            got = self.problem(self.serve_raw(reply).url())
            if not (answer == b"" and got == "Connection reset by peer"):
                self.assertEqual(got, wanted)

    def test_a_connection_closed_at_once(self):
        got = self.problem(self.serve_raw(lambda c: None).url())
        self.assertIn(got, ("the connection was closed without an answer",
                            "Connection reset by peer", "Broken pipe"))

    def test_a_body_that_is_cut_off(self):
        def answer(connection):
            read_head(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
                               b"Content-Length: 100\r\n\r\nhalf")
        server = self.serve_raw(answer)
        self.assertEqual(self.check(server.url())["problems"],
                         {server.url(): "the answer was cut off"})

    def test_a_name_that_cannot_exist(self):
        # Too long to be asked for: no name server hears of it.
        self.assertTrue(self.problem("http://" + "a" * 64 + ".test/"))


class Ending(Web):
    def setUp(self):
        super().setUp()
        self.asked = threading.Semaphore(0)
        self.server = self.serve({f"/h{i}": self.hang for i in range(200)})
        self.server.table |= {"/": page("a#nothing"), "/a": page(*(f"h{i}" for i in range(200)))}
        self.expected = {self.server.url("/a#nothing"): "the page has no such part"}

    def hang(self, request):
        self.asked.release()
        self.server.hang(request)

    def interrupt(self, number, status):
        program = subprocess.Popen([LINKCHECK, "--json", "--timeout", "600", self.server.url()],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=LEAKS)
        self.addCleanup(program.kill)
        for _ in range(4):
            self.assertTrue(self.asked.acquire(timeout=PATIENCE_S))
        program.send_signal(number)
        out, errors = program.communicate(timeout=PATIENCE_S)
        self.assertEqual((program.returncode, errors), (status, ""))
        report = json.loads(out)
        self.assertEqual({b["address"]: b["problem"] for b in report["broken"]}, self.expected)
        self.assertEqual((report["ended"], report["not_checked"]), ("interrupted", 200))

    def test_an_interrupt(self):
        self.interrupt(signal.SIGINT, 130)

    def test_sigterm(self):
        self.interrupt(signal.SIGTERM, 143)

    def test_too_long_in_all(self):
        server = self.serve({"/": page("h")})
        server.table["/h"] = server.hang
        report = self.check(server.url(), "--timeout", "600", "--total-timeout", "1", status=124)
        self.assertEqual(report["ended"], "the time is over")


class Https(Web):
    def setUp(self):
        super().setUp()
        self.needs("openssl")
        got = self.run_program(CLIENT, refusing_url().replace("http:", "https:"))
        if "built without TLS" in got.stderr:
            self.skipTest("built without TLS")

    def certificate(self, names):
        path = os.path.join(self.folder, "certificate.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=test", "-addext", "subjectAltName=" + names, "-out", path,
                        "-keyout", path + ".key"],
                       check=True, capture_output=True, timeout=PATIENCE_S)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path, path + ".key")
        return path, context

    def test_a_certificate(self):
        path, context = self.certificate("IP:127.0.0.1,DNS:localhost")
        server = self.serve({"/": page("a", "b"), "/a": page("/"), "/b": page("gone")},
                            context=context)
        self.assertEqual(self.check(server.url())["problems"],
                         {server.url(): "certificate: self-signed certificate"})
        named = server.url().replace("127.0.0.1", "localhost")
        for url in (server.url(), named):
            report = self.check(url, "--ca", path)
            self.assertEqual(report["problems"], {url + "gone": "404 Not Found"})

    def test_a_certificate_for_somebody_else(self):
        path, context = self.certificate("DNS:elsewhere.example")
        server = self.serve({"/": page()}, context=context)
        named = server.url().replace("127.0.0.1", "localhost")
        for url, what in ((server.url(), "IP address"), (named, "hostname")):
            self.assertEqual(self.check(url, "--ca", path)["problems"],
                             {url: f"certificate: {what} mismatch"})

    def test_what_is_not_tls(self):
        url = self.serve({"/": page()}).url().replace("http:", "https:")
        self.assertTrue(self.check(url)["problems"][url].startswith("TLS: "))

    def test_the_client(self):
        path, context = self.certificate("IP:127.0.0.1")
        server = self.serve({"/": Answer(b"secret\n")}, context=context)
        self.assertEqual(self.run_program(CLIENT, server.url()).returncode, 1)
        got = self.run_program(CLIENT, server.url(), path)
        self.assertTrue(got.stdout.endswith("\n\nsecret\n"), got)


class Client(Web):
    def test_it_prints_the_answer(self):
        server = self.serve({"/": moved("/a"), "/a": Answer(b"body\n", kind="text/x", Extra="yes")})
        got = self.run_program(CLIENT, server.url())
        self.assertEqual(got.returncode, 0, got)
        first, second, body = got.stdout.split("\n\n")
        self.assertTrue(first.startswith("HTTP/1.1 302 Found\n"))
        self.assertIn("\nLocation: /a", first)
        self.assertTrue(second.startswith("HTTP/1.1 200 OK\n"))
        self.assertIn("\nExtra: yes", second)
        self.assertEqual(body, "body\n")
        self.assertEqual(server.connections, 1)

    def test_head_and_failures(self):
        server = self.serve({"/": Answer(b"body\n"), "/loop": moved("/loop")})
        got = self.run_program(CLIENT, "--head", server.url())
        self.assertNotIn("body", got.stdout)
        self.assertIn("Content-Length: 5", got.stdout)
        self.assertEqual(self.run_program(CLIENT).returncode, 2)
        got = self.run_program(CLIENT, server.url("/loop"))
        self.assertEqual(got.returncode, 1)
        self.assertIn("too many redirections", got.stderr)


if __name__ == "__main__":
    CLIENT = sys.argv.pop(2)
    LINKCHECK = sys.argv.pop(1)
    unittest.main()
