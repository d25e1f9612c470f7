#!/usr/bin/env python3
"""Tries the chat with a WebSocket client that others have written, and with raw connections.

    test_websocket_chat.py PROGRAM
"""

import asyncio
import collections
import json
import os
import re
import socket
import struct
import sys
import unittest
import urllib.parse

from modules import need
from serving import PATIENCE_S, Case, Program

(websockets,) = need("websockets")

PROGRAM = ""
MORE_THAN_THE_KERNEL_KEEPS = 3000  # messages of 4,000 bytes, for one client
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def target(room, name):
    return "/chat?" + urllib.parse.urlencode({"room": room, "name": name})


def upgrade(path, *fields, key="Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="):
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: here", "Connection: Upgrade",
                        "Upgrade: websocket", "Sec-WebSocket-Version: 13", key, *fields,
                        "", ""]).encode()


def frame(opcode, payload=b"", final=True):
    """As a client sends it; the mask is zero."""
    size = len(payload)
    head = bytes([opcode | (128 if final else 0)])
    if size < 126:
        head += bytes([128 | size])
    elif size < 65536:
        head += bytes([128 | 126]) + struct.pack("!H", size)
    else:
        head += bytes([128 | 127]) + struct.pack("!Q", size)
    return head + bytes(4) + payload


def take_frame(client):
    """(opcode, payload)"""
    first, size = client.take(2)
    assert first & 128 and not size & 128, "a whole frame without a mask"
    if size == 126:
        size = struct.unpack("!H", client.take(2))[0]
    elif size == 127:
        size = struct.unpack("!Q", client.take(8))[0]
    return first & 15, client.take(size)


def close_code(payload):
    return struct.unpack("!H", payload[:2])[0]


class Person:
    """Somebody in a room, by the library."""

    def __init__(self, connection, first):
        self.connection, self.welcome, self.name = connection, first, first["name"]
        self.passed_over = collections.defaultdict(collections.deque)

    async def say(self, text):
        await self.connection.send(text)

    async def next(self, kind="said"):
        """The next message of a kind; the others are kept."""
        while not self.passed_over[kind]:
            message = json.loads(await self.connection.recv())
            self.passed_over[message["type"]].append(message)
        return self.passed_over[kind].popleft()

    async def hears(self, count):
        return [await self.next() for _ in range(count)]

    async def end_code(self):
        try:
            while True:
                await self.connection.recv()
        except websockets.ConnectionClosed:
            return self.connection.close_code


class Server(Program):
    asked_to_end = False

    def ask_to_end(self):
        self.asked_to_end = True  # a second signal would end it at once
        super().ask_to_end()


class Chat(Case):
    def setUp(self):
        super().setUp()
        self.connections, self.raw_clients = [], []

    def connect(self, port):
        self.raw_clients.append(super().connect(port))
        return self.raw_clients[-1]

    def leave(self):
        """Otherwise the server waits for an answer to its farewell."""
        for client in self.raw_clients:
            client.close()

    def serve(self, *options):
        server = Server(PROGRAM, *options)
        self.addCleanup(server.stop)
        return server

    def run_with(self, body, *options):
        """Runs `body(server)`. Then the server ends, unless it was asked already, and is well."""
        server = self.serve(*options)

        async def bounded():
            await asyncio.wait_for(body(server), 2 * PATIENCE_S)
            await asyncio.gather(*(each.close() for each in self.connections))
        asyncio.run(bounded())
        self.leave()
        if not server.asked_to_end:
            server.ask_to_end()
        self.assertEqual((server.wait(), server.errors), (0, ""))

    async def enter(self, server, name, room="lobby", **options):
        connection = await websockets.connect(
            f"ws://127.0.0.1:{server.port}{target(room, name)}", ping_interval=None,
            close_timeout=1, **options)
        self.connections.append(connection)
        first = json.loads(await connection.recv())
        self.assertEqual(first["type"], "welcome")
        return Person(connection, first)

    async def enter_when_there_is_a_place(self, server, name, room):
        """Who leaves has heard of it before the room is empty."""
        while True:
            try:
                return await self.enter(server, name, room)
            except websockets.ConnectionClosed as refused:
                self.assertEqual(refused.code, 1013)

    def enter_raw(self, server, name="raw", room="lobby"):
        client = self.connect(server.port)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)  # and no more
        client.send(upgrade(target(room, name)))
        self.assertIn(b" 101 ", client.take_until(b"\r\n\r\n"))
        opcode, payload = take_frame(client)
        self.assertEqual((opcode, json.loads(payload)["type"]), (TEXT, "welcome"))
        return client

    def say_and_hear(self, client, size=4000):
        client.send(frame(TEXT, b"x" * size))
        while json.loads(take_frame(client)[1])["type"] != "said":
            pass

    def take_close(self, client):
        while True:
            opcode, payload = take_frame(client)
            if opcode == CLOSE:
                return close_code(payload)


class Talk(Chat):
    def test_two_people_talk_and_see_each_other_come_and_go(self):
        async def body(server):
            ann = await self.enter(server, "ann")
            bob = await self.enter(server, "bob")
            self.assertEqual(ann.welcome["people"], ["ann"])
            self.assertEqual(bob.welcome["people"], ["ann", "bob"])
            self.assertEqual(await ann.next("joined"),
                             {"type": "joined", "name": "bob", "people": 2})
            await ann.say("hello")
            for person in (ann, bob):
                heard = await person.next()
                self.assertEqual((heard["name"], heard["text"]), ("ann", "hello"))
            await bob.connection.close()
            self.assertEqual(bob.connection.close_code, 1000)
            self.assertEqual(await ann.next("left"), {"type": "left", "name": "bob", "people": 1})
            await ann.connection.close()
        self.run_with(body)

    def test_rooms_are_separate(self):
        async def body(server):
            here = await self.enter(server, "a", "tea")
            there = await self.enter(server, "a", "mate")
            self.assertEqual(there.welcome["people"], ["a"])
            await here.say("only here")
            await here.next()
            await there.say("only there")
            self.assertEqual((await there.next())["text"], "only there")
        self.run_with(body)

    def test_a_newcomer_sees_the_last_messages(self):
        async def body(server):
            ann = await self.enter(server, "ann")
            for number in range(5):
                await ann.say(f"message {number}")
            await ann.hears(5)
            bob = await self.enter(server, "bob")
            self.assertEqual([m["text"] for m in bob.welcome["history"]],
                             ["message 2", "message 3", "message 4"])
            self.assertEqual({m["name"] for m in bob.welcome["history"]}, {"ann"})
        self.run_with(body, "--history", "3")

    def test_a_name_that_is_taken_gets_a_number(self):
        async def body(server):
            people = [await self.enter(server, "ann") for _ in range(3)]
            self.assertEqual([p.name for p in people], ["ann", "ann (2)", "ann (3)"])
        self.run_with(body)

    def test_text_arrives_as_it_was_sent(self):
        async def body(server):
            name, room = 'q"\\<b>&\u00e9\U0001f600', "a b+c%/?&="
            ann = await self.enter(server, name, room)
            self.assertEqual((ann.name, ann.welcome["room"]), (name, room))
            for text in ('"\\/\b\f\n\r\t\0\x1f\x7f', "<b>\u2028\u2029</script>",
                         "\U0001f9f6" * 900, "", "{}", "x" * 4096):
                await ann.say(text)
                self.assertEqual((await ann.next())["text"], text)
        self.run_with(body)

    def test_a_message_in_pieces_is_one_message(self):
        async def body(server):
            ann = await self.enter(server, "ann")
            await ann.connection.send(["one ", "mess", "age"])
            self.assertEqual((await ann.next())["text"], "one message")
        self.run_with(body)

    def test_a_room_is_forgotten_when_another_needs_its_place(self):
        async def body(server):
            for room in ("first", "second"):
                ann = await self.enter_when_there_is_a_place(server, "ann", room)
                await ann.say("said in " + room)
                await ann.next()
                if room == "first":
                    await ann.connection.close()
            with self.assertRaises(websockets.ConnectionClosed) as refused:
                await self.enter(server, "bob", "third")
            self.assertEqual(refused.exception.code, 1013)
            bob = await self.enter(server, "bob", "second")
            self.assertEqual(len(bob.welcome["history"]), 1)
        self.run_with(body, "--rooms", "1")

    def test_200_people_each_hear_everything_once_and_in_order(self):
        people_count, messages = 200, 3

        async def body(server):
            people = [await self.enter(server, f"p{i}") for i in range(people_count)]

            async def talk(person):
                for number in range(messages):
                    await person.say(f"{person.name} {number}")

            async def listen(person):
                return [m["text"] for m in await person.hears(people_count * messages)]
            heard, *_ = await asyncio.gather(
                asyncio.gather(*(listen(p) for p in people)), *(talk(p) for p in people))
            for each in heard:
                self.assertEqual(each, heard[0], "one order for all")
            for person in people:
                mine = [text for text in heard[0] if text.split()[0] == person.name]
                self.assertEqual(mine, [f"{person.name} {n}" for n in range(messages)])
        self.run_with(body, "--no-log", "--outbox", "2000")


class Limits(Chat):
    def test_an_oversized_message_ends_its_connection_only(self):
        async def body(server):
            ann, bob = await self.enter(server, "ann"), await self.enter(server, "bob")
            await ann.say("x" * 101)
            self.assertEqual(await ann.end_code(), 1009)
            await bob.next("left")
            await bob.say("y" * 100)
            self.assertEqual((await bob.next())["text"], "y" * 100)
        self.run_with(body, "--message-bytes", "100")

    def test_what_breaks_the_protocol(self):
        server = self.serve("--message-bytes", "1000")
        cases = {
            "bad UTF-8": (frame(TEXT, b"ok \xff"), 1007),
            "UTF-8 that ends early": (frame(TEXT, b"\xe2\x82"), 1007),
            "a surrogate": (frame(TEXT, b"\xed\xa0\x80"), 1007),
            "oversized in pieces": (frame(TEXT, b"x" * 999, final=False) +
                                    frame(CONTINUATION, b"x" * 2), 1009),
            "binary": (frame(BINARY, b"bytes"), 1003),
            "an unknown opcode": (frame(3), 1002),
            "a continuation of nothing": (frame(CONTINUATION, b"x"), 1002),
            "a ping that is too long": (frame(PING, b"x" * 126), 1002),
            "a reserved bit": (b"\xf1" + frame(TEXT, b"x")[1:], 1002),
            "no mask": (b"\x81\x01x", 1002),
            "a close with half a code": (frame(CLOSE, b"\x03"), 1002),
        }
        for what, (sent, code) in cases.items():
            with self.subTest(what):
                client = self.enter_raw(server)
                client.send(sent)
                self.assertEqual(self.take_close(client), code)
                client.send(frame(CLOSE, struct.pack("!H", code)))
                self.assertTrue(client.ended())
                client.close()
        self.end_gracefully(server)

    def test_pings_are_answered_while_the_server_writes(self):
        async def body(server):
            ann = await self.enter(server, "ann")
            raw = self.enter_raw(server)
            got = {TEXT: [], PONG: []}

            def listen():
                while len(got[TEXT]) < 300 or len(got[PONG]) < 300:
                    opcode, payload = take_frame(raw)
                    got[opcode].append(payload)

            def ping():
                for number in range(300):
                    raw.send(frame(PING, b"%d" % number))

            async def talk():
                for number in range(300):
                    await ann.say(f"message {number}")
            loop = asyncio.get_running_loop()
            await asyncio.gather(loop.run_in_executor(None, listen),
                                 loop.run_in_executor(None, ping), talk(), ann.hears(300))
            self.assertEqual(got[PONG], [b"%d" % n for n in range(300)])
            self.assertEqual([json.loads(t)["text"] for t in got[TEXT]],
                             [f"message {n}" for n in range(300)])
        self.run_with(body, "--burst", "400", "--outbox", "2000")

    def test_no_pong_gets_into_the_middle_of_a_message(self):
        size, count = 500_000, 40
        server = self.serve("--message-bytes", str(size), "--outbox", "100",
                            "--burst", "100", "--write-ms", "60000")
        slow, fast = self.enter_raw(server, "slow"), self.enter_raw(server, "fast")
        for _ in range(count):
            self.say_and_hear(fast, size)
        # More than the kernel keeps: one message has been written to `slow` in part.
        pings = [b"%d" % number for number in range(100)]
        slow.send(b"".join(frame(PING, each) for each in pings))
        pongs, said = [], 0
        while len(pongs) < len(pings) or said < count:
            opcode, payload = take_frame(slow)
            if opcode == PONG:
                pongs.append(payload)
            else:
                said += json.loads(payload).get("text") == "x" * size
        self.assertEqual(pongs, pings)
        self.leave()
        self.end_gracefully(server)

    def test_who_does_not_read_is_dropped_and_the_others_go_on(self):
        async def body(server):
            ann, bob = await self.enter(server, "ann"), await self.enter(server, "bob")
            self.enter_raw(server, "deaf")
            for batch in range(MORE_THAN_THE_KERNEL_KEEPS // 100):
                sent = [f"{batch} {number} " + "x" * 3900 for number in range(100)]
                for text in sent:
                    await ann.say(text)
                for person in (ann, bob):
                    self.assertEqual([m["text"] for m in await person.hears(100)], sent)
            for person in (ann, bob):
                self.assertEqual((await person.next("left"))["name"], "deaf")
        self.run_with(body, "--burst", "100000", "--outbox", "200", "--write-ms", "200")

    def test_one_who_reads_too_late_is_told_so(self):
        server = self.serve("--burst", "100000", "--outbox", "5", "--write-ms", "60000")
        slow, fast = self.enter_raw(server, "slow"), self.enter_raw(server, "fast")
        for _ in range(MORE_THAN_THE_KERNEL_KEEPS):
            self.say_and_hear(fast)
        self.assertEqual(self.take_close(slow), 1013)
        slow.send(frame(CLOSE, struct.pack("!H", 1013)))
        self.assertTrue(slow.ended())
        self.leave()
        self.end_gracefully(server)

    def test_who_is_silent_is_asked_and_then_dropped(self):
        async def body(server):
            silent = self.enter_raw(server, "silent")
            ann = await self.enter(server, "ann")  # the library answers pings
            self.assertEqual((await ann.next("left"))["name"], "silent")
            opcode = TEXT
            while opcode == TEXT:
                opcode, _ = take_frame(silent)
            self.assertEqual(opcode, PING)
            await ann.say("still here")
            await ann.next()
        self.run_with(body, "--ping-ms", "100", "--silence-ms", "1000")

    def test_one_who_talks_too_much_is_slowed_down_and_not_lost(self):
        async def body(server):
            ann, bob = await self.enter(server, "ann"), await self.enter(server, "bob")
            for number in range(200):
                await ann.say(str(number))
            self.assertEqual([m["text"] for m in await bob.hears(200)],
                             [str(n) for n in range(200)])
        self.run_with(body, "--burst", "5", "--pace-ms", "2", "--outbox", "50")


class Http(Chat):
    def setUp(self):
        super().setUp()
        self.server = self.serve()

    def answer_to(self, request):
        client = self.connect(self.server.port)
        client.send(request)
        return client.take_response()

    def test_the_page(self):
        status, fields, body = self.answer_to(b"GET /?room=tea HTTP/1.1\r\nHost: here\r\n\r\n")
        self.assertEqual(status, 200)
        self.assertEqual(fields["content-type"], "text/html; charset=utf-8")
        self.assertIn("default-src 'none'", fields["content-security-policy"])
        with open(os.path.join(os.path.dirname(__file__),
                               "../../examples/net/chat/page.html"), "rb") as file:
            self.assertEqual(body, file.read())
        self.assertEqual(re.findall(rb"https?://[^']*", body), [b"http://www.w3.org/2000/svg"],
                         "it loads nothing from elsewhere")

    def test_malformed_upgrades(self):
        path = target("tea", "ann")
        for request, status in ((upgrade(path, key="Sec-WebSocket-Key: " + "x" * 99), b"400"),
                                (upgrade(path, key="X: y"), b"400"),
                                (upgrade(path).replace(b": 13", b": 12"), b"426")):
            client = self.connect(self.server.port)
            client.send(request)
            self.assertEqual(client.rest().split()[1], status)

    def test_upgrades_that_are_none(self):
        path = target("tea", "ann")
        self.assertEqual(self.answer_to(upgrade(path).replace(b"Upgrade: w", b"X: w"))[0], 426)
        self.assertEqual(self.answer_to(upgrade("/elsewhere"))[0], 404)
        self.assertEqual(self.answer_to(upgrade("/"))[0], 200)

    def test_names_that_cannot_be_shown(self):
        bad = ["", "   ", "x" * 33, "\u202eabc", "a\nb", "\x7f", "\u0085"]
        for name in bad:
            self.assertEqual(self.answer_to(upgrade(target("tea", name)))[0], 400, repr(name))
            self.assertEqual(self.answer_to(upgrade(target(name, "ann")))[0], 400, repr(name))
        for query in ("", "?", "?room=a", "?name=a", "?room=a&name=%", "?room=a&name=%ff",
                      "?room=a&name=%ed%a0%80", "?room=a&name=%00", "?room&name"):
            self.assertEqual(self.answer_to(upgrade("/chat" + query))[0], 400, query)
        for name in ("x" * 32, "\U0001f600" * 32, "  a  "):
            client = self.connect(self.server.port)
            client.send(upgrade(target("tea", name)))
            self.assertIn(b" 101 ", client.take_until(b"\r\n\r\n"))
            self.assertEqual(json.loads(take_frame(client)[1])["name"], name.strip())

    def test_another_sites_page_is_refused(self):
        path = target("tea", "ann")
        self.assertEqual(self.answer_to(upgrade(path, "Origin: http://elsewhere"))[0], 403)
        self.assertEqual(self.answer_to(upgrade(path, "Origin: null"))[0], 403)
        client = self.connect(self.server.port)
        client.send(upgrade(path, "Origin: http://here"))
        self.assertIn(b" 101 ", client.take_until(b"\r\n\r\n"))

    def test_frames_before_the_upgrade_is_answered_are_refused(self):
        self.assertEqual(self.answer_to(upgrade(target("tea", "ann")) + frame(TEXT, b"x"))[0], 400)

    def tearDown(self):
        self.leave()
        self.end_gracefully(self.server)


class End(Chat):
    def test_everybody_is_told_that_the_server_ends(self):
        async def body(server):
            people = [await self.enter(server, f"p{i}", f"room {i % 3}") for i in range(10)]
            idle = self.connect(server.port)
            server.ask_to_end()
            self.assertEqual([await p.end_code() for p in people], [1001] * len(people))
            self.assertTrue(idle.ended())
        self.run_with(body)

    def test_messages_on_their_way_arrive_before_the_farewell(self):
        async def body(server):
            ann, bob = await self.enter(server, "ann"), await self.enter(server, "bob")
            for number in range(20):
                await ann.say(str(number))
            await ann.hears(20)
            server.ask_to_end()
            self.assertEqual([m["text"] for m in await bob.hears(20)],
                             [str(n) for n in range(20)])
            self.assertEqual(await bob.end_code(), 1001)
            self.assertEqual(await ann.end_code(), 1001)
        self.run_with(body)

    def test_one_who_does_not_answer_the_farewell_does_not_hold_it_up(self):
        server = self.serve()
        rude = self.enter_raw(server)
        half = self.enter_raw(server, "half")
        half.send(frame(TEXT, b"never finished")[:-3])
        server.ask_to_end()
        self.assertEqual(self.take_close(rude), 1001)
        self.assertEqual(self.take_close(half), 1001)
        rude.send(frame(TEXT, b"goes on talking"))
        self.assertEqual(server.wait(), 0)
        self.assertEqual(server.errors, "")
        self.assertEqual(server.lines[-1], "ended")

    def test_one_who_does_not_read_does_not_hold_it_up(self):
        server = self.serve("--burst", "100000", "--outbox", "100000", "--write-ms", "500")
        deaf = self.connect(server.port)
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.send(upgrade(target("lobby", "deaf")))
        ann = self.enter_raw(server, "ann")
        for _ in range(MORE_THAN_THE_KERNEL_KEEPS):
            self.say_and_hear(ann)
        server.ask_to_end()
        self.assertEqual(self.take_close(ann), 1001)
        self.assertEqual(server.wait(), 0)
        self.assertEqual(server.errors, "")


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
