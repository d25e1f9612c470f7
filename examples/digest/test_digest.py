#!/usr/bin/env python3
"""Compares weft-digest with coreutils, byte for byte: lists, checks, errors, interruptions.

    test_digest.py PROGRAM [unittest's arguments]
"""

import fcntl
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import unittest

PROGRAM = b""
PATIENCE_S = 120  # how long a hang may last before it counts as one; never waited for otherwise
NOBODY = 65534
# ThreadSanitizer sleeps a second at each exit unless told otherwise, and here are many exits.
SANITIZER = "atexit_sleep_ms=50 " + os.environ.get("TSAN_OPTIONS", "")
ENVIRONMENT = dict(os.environ, LC_ALL="C", TSAN_OPTIONS=SANITIZER)


def run(command, **options):
    options.setdefault("env", ENVIRONMENT)
    options.setdefault("stdin", subprocess.DEVNULL)
    if "input" in options:
        del options["stdin"]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=PATIENCE_S, **options)


def start(arguments, **options):
    """As a shell in the foreground would: Ctrl-C is not ignored."""
    return subprocess.Popen([PROGRAM, *arguments], env=ENVIRONMENT, bufsize=0,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
                            **options)


def walk(path):
    """The documented order: depth first, entries sorted by the bytes of their names."""
    for name in sorted(os.listdir(path)):
        full = path.rstrip(b"/") + b"/" + name
        if os.path.islink(full):
            continue
        if os.path.isdir(full):
            yield from walk(full)
        elif os.path.isfile(full):
            yield full


def coreutils(tool, files):
    """What TOOL prints for these files, in this order."""
    done = run(["xargs", "-0", "-r", tool, "--"], input=b"".join(f + b"\0" for f in files))
    assert done.returncode == 0, done.stderr
    return done.stdout


class Case(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.mkdtemp().encode()
        self.addCleanup(shutil.rmtree, self.place)
        os.chmod(self.place, 0o755)
        self.enterFolder(self.place)

    def enterFolder(self, folder):
        before = os.getcwd()
        os.chdir(folder)
        self.addCleanup(os.chdir, before)

    def write(self, name, content):
        if os.path.dirname(name):
            os.makedirs(os.path.dirname(name), exist_ok=True)
        with open(name, "wb") as file:
            file.write(content)

    def make_tree(self):
        names = [b"plain", b"empty", b"with space", b" leading", b"new\nline", b"\n",
                 b"back\\slash", b"carriage\rreturn", b"all\\of\nthem\r", b"tab\tbed", b"quo'te",
                 b'quo"te', b"*star", b"-dash", b"#hash", b"\xff\xfe", b"gr\xc3\xbcn", b"a.b",
                 b"a/x", b"a-b", b"a/b/c/d", b"a/b/c-d", b"new\ndir/file", b"z/.hidden", b"Z/upper"]
        for i, name in enumerate(names):
            self.write(b"tree/" + name, b"" if name == b"empty" else b"content %d\n" % i)
        for i in range(300):
            self.write(b"tree/many/%d" % i, b"%d" % i)
        self.write(b"tree/large", bytes(range(256)) * 4 * 1024 * 3)
        self.write(b"tree/just one buffer", b"x" * 256 * 1024)
        os.mkdir(b"tree/nothing in here")
        os.symlink(b"plain", b"tree/link to a file")
        os.symlink(b".", b"tree/link to a directory")
        os.symlink(b"gone", b"tree/dangling")
        os.mkfifo(b"tree/pipe")
        return b"tree"

    def same_as_coreutils(self, arguments, tool="sha256sum", **options):
        """Output, messages and status, with the program's name exchanged."""
        ours = run([PROGRAM, *arguments], **options)
        theirs = run([tool, *arguments], **options)
        self.assertEqual(ours.stdout, theirs.stdout)
        self.assertEqual(ours.stderr.replace(b"weft-digest:", tool.encode() + b":"), theirs.stderr)
        self.assertEqual(ours.returncode, theirs.returncode)
        return ours


class Sums(Case):
    def test_a_tree_is_printed_in_the_documented_order_and_in_coreutils_format(self):
        tree = self.make_tree()
        for tool, algorithm in (("sha256sum", "sha256"), ("sha1sum", "sha1"), ("md5sum", "md5"),
                                ("sha512sum", "sha512"), ("b2sum", "blake2b512")):
            expected = coreutils(tool, walk(tree))
            for jobs in ("1", "2", "7"):
                done = run([PROGRAM, "-a", algorithm, "-j", jobs, tree])
                self.assertEqual(done.stdout, expected)
                self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_sha256_and_one_goroutine_for_each_processor_are_the_default(self):
        tree = self.make_tree()
        self.assertEqual(run([PROGRAM, tree]).stdout, coreutils("sha256sum", walk(tree)))

    def test_more_files_than_the_window_holds(self):
        long = b"tree" + (b"/" + b"d" * 250) * 15  # a window of such names is 3072 files
        for i in range(4000):
            self.write(long + b"/%d" % i, b"%d" % i)
        done = run([PROGRAM, "tree"])
        self.assertEqual(done.stdout, coreutils("sha256sum", walk(b"tree")))

    def test_paths_are_taken_as_they_are_given(self):
        tree = self.make_tree()
        os.symlink(tree, b"link")
        for path in (b"tree/", b"./tree", self.place + b"/tree", b"link", b"tree/a"):
            self.assertEqual(run([PROGRAM, path]).stdout, coreutils("sha256sum", walk(path)))
        done = run([PROGRAM, b"tree/plain", b"tree/a", b"tree/link to a file", b"tree/plain"])
        files = [b"tree/plain", *walk(b"tree/a"), b"tree/link to a file", b"tree/plain"]
        self.assertEqual(done.stdout, coreutils("sha256sum", files))

    def test_standard_input(self):
        self.write(b"plain", b"from a file")
        for arguments in ([], ["-"], ["plain", "-"]):
            self.same_as_coreutils(arguments, input=b"from a pipe")

    def test_what_cannot_be_read_is_reported_and_the_rest_goes_on(self):
        self.write(b"good", b"good")
        self.write(b"better", b"better")
        done = self.same_as_coreutils(["good", "gone", "gone too", "better"])
        self.assertEqual(done.returncode, 1)

    def test_no_permission(self):
        self.write(b"tree/a", b"a")
        self.write(b"tree/locked file", b"b")
        self.write(b"tree/locked folder/c", b"c")
        self.write(b"tree/z", b"z")
        os.chmod(b"tree/locked file", 0)
        os.chmod(b"tree/locked folder", 0)
        self.addCleanup(os.chmod, self.place + b"/tree/locked folder", 0o755)
        identity = {}
        program = PROGRAM
        if os.geteuid() == 0:  # to whom nothing is forbidden
            identity = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            program = shutil.copy(PROGRAM, self.place)
        done = run([program, "tree"], **identity)
        self.assertEqual(done.stdout, coreutils("sha256sum", [b"tree/a", b"tree/z"]))
        self.assertEqual(done.stderr, b"weft-digest: 'tree/locked file': Permission denied\n"
                                      b"weft-digest: 'tree/locked folder': Permission denied\n")
        self.assertEqual(done.returncode, 1)

    def test_messages_quote_names_as_coreutils_does(self):
        for locale in ("C", "C.UTF-8"):
            for name in ("plain", "two words", "it's", 'say "it\'s"', "new\nline", "\n\n", "tab\t",
                         "\x01", "#a", "~a", "a#", "a=b", "a:b", "a\\b", "$a", "{", "a{",
                         "gr\u00fcn", b"\xff", b"a\xffb", " \n "):
                self.same_as_coreutils(["--", name], env=dict(ENVIRONMENT, LC_ALL=locale))

    def test_a_tree_deeper_than_a_path_may_be_long(self):
        self.write(b"tree/file", b"")
        folder = os.open(b"tree", os.O_RDONLY)
        for _ in range(30):
            os.mkdir(b"d" * 200, dir_fd=folder)
            folder, parent = os.open(b"d" * 200, os.O_RDONLY, dir_fd=folder), folder
            os.close(parent)
        os.close(folder)
        done = run([PROGRAM, "tree"])
        self.assertEqual(done.stdout, coreutils("sha256sum", [b"tree/file"]))
        self.assertRegex(done.stderr, rb"\Aweft-digest: tree(/d{200})+: File name too long\n\Z")
        self.assertEqual(done.returncode, 1)

    def test_many_levels(self):
        path = b"tree" + b"/d" * 700
        self.write(path + b"/file", b"deep")
        self.assertEqual(run([PROGRAM, "tree"]).stdout, coreutils("sha256sum", [path + b"/file"]))

    def test_wrong_use(self):
        for arguments in (["-a", "rot13"], ["-j", "0"], ["-j", "x"], ["--nonsense"], ["--quiet"]):
            done = run([PROGRAM, *arguments])
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertNotEqual(done.stderr, b"")


class Check(Case):
    def make_list(self, tool="sha256sum"):
        tree = self.make_tree()
        self.write(b"list", coreutils(tool, walk(tree)))

    def spoil(self):
        """Changes and removes some of the files, and adds lines of every kind to the list."""
        self.write(b"tree/plain", b"changed")
        self.write(b"tree/new\nline", b"changed")
        os.remove(b"tree/with space")
        os.remove(b"tree/new\ndir/file")
        some = b"0123456789abcdef" * 4
        more = [b"# a comment", b"", b"no list at all", some[1:] + b"  too short", some + b"  ",
                some + b"0  too long", some + b" one blank", some + b"  gone", some + b" *gone too",
                b"  " + some + b"  indented", some.upper() + b"  tree/empty", some + b"  tree",
                b"\\" + some + b"  bad\\escape", b"\\" + some + b"  trailing\\",
                b"SHA256 (tree/empty) = " + some, b"SHA256(tree/empty)= " + some,
                b"SHA256 (tree/empty) = " + some[1:], b"MD5 (tree/empty) = " + some[:32],
                b"SHA256 (a) b) = " + some, some + b"  tree/empty\r"]
        with open(b"list", "ab") as file:
            file.write(b"\n".join(more))  # the last line without its end

    def test_a_good_list(self):
        self.make_list()
        self.assertEqual(self.same_as_coreutils(["-c", "list"]).returncode, 0)
        self.same_as_coreutils(["-c", "--quiet", "list"])
        self.same_as_coreutils(["-c", "--status", "list"])

    def test_our_own_list_is_accepted_by_both(self):
        tree = self.make_tree()
        self.write(b"list", run([PROGRAM, tree]).stdout)
        self.assertEqual(self.same_as_coreutils(["-c", "list"]).returncode, 0)

    def test_a_bad_list(self):
        self.make_list()
        self.spoil()
        for option in ([], ["--quiet"], ["--status"], ["--warn"], ["--strict"],
                       ["--ignore-missing"], ["--quiet", "--ignore-missing", "--strict"]):
            done = self.same_as_coreutils(["-c", *option, "list"])
            self.assertEqual(done.returncode, 1)

    def test_each_kind_of_trouble_alone(self):
        self.make_list()
        with open(b"list", "rb") as file:
            good = file.read()
        some = b"0" * 64
        for line in (b"malformed", some + b"  gone", some + b"  tree/empty"):
            self.write(b"list", good + line + b"\n")
            for option in ([], ["--strict"], ["--ignore-missing"]):
                self.same_as_coreutils(["-c", *option, "list"])

    def test_a_name_with_a_nul_is_no_name(self):
        self.write(b"short", b"")
        self.write(b"list", coreutils("sha256sum", [b"short"]).replace(b"\n", b"\0er\n"))
        done = run([PROGRAM, "-c", "list"])
        self.assertEqual(done.stderr,
                         b"weft-digest: list: no properly formatted checksum lines found\n")
        self.assertEqual((done.returncode, done.stdout), (1, b""))

    def test_other_algorithms(self):
        for tool, algorithm in (("md5sum", "md5"), ("sha1sum", "sha1")):
            shutil.rmtree(b"tree", ignore_errors=True)
            self.make_list(tool)
            self.write(b"tree/plain", b"changed")
            ours = run([PROGRAM, "-a", algorithm, "-c", "list"])
            theirs = run([tool, "-c", "list"])
            self.assertEqual(ours.stdout, theirs.stdout)
            self.assertEqual(ours.returncode, 1)

    def test_lists_that_are_none(self):
        self.write(b"empty", b"")
        self.write(b"text", b"This is not a list.\n")
        self.write(b"all gone", b"0" * 64 + b"  gone\n")
        os.mkdir(b"folder")
        for name in ("empty", "text", "gone", "folder", "all gone"):
            self.assertEqual(self.same_as_coreutils(["-c", name]).returncode, 1)
        self.same_as_coreutils(["-c", "--ignore-missing", "all gone"])

    def test_a_list_on_standard_input(self):
        self.make_list()
        with open(b"list", "rb") as file:
            content = file.read()
        self.same_as_coreutils(["-c"], input=content)
        self.same_as_coreutils(["-c", "-"], input=content + b"0" * 64 + b"  -\n")

    def test_several_lists(self):
        self.make_list()
        self.write(b"second", b"0" * 64 + b"  tree/empty\n")
        self.same_as_coreutils(["-c", "list", "second", "gone", "list"])


class Ends(Case):
    """However the program ends, its output ends with a whole line."""

    def check_whole_lines(self, output, expected):
        self.assertTrue(output.endswith(b"\n"), output[-80:])
        self.assertEqual(expected[:len(output)], output)

    def test_interrupted_while_it_hashes(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            for i in range(100):
                self.write(b"tree/a/%d" % i, b"%d" % i)
            self.write(b"tree/endless", b"")
            os.truncate(b"tree/endless", 1 << 42)
            expected = coreutils("sha256sum", walk(b"tree/a"))
            program = start(["tree"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            output = program.stdout.readline()
            program.send_signal(number)
            rest, errors = program.communicate(timeout=PATIENCE_S)
            self.check_whole_lines(output + rest, expected)
            self.assertEqual((program.returncode, errors), (status, b""))

    def test_interrupted_while_it_waits_for_a_pipe(self):
        self.write(b"plain", b"plain")
        os.mkfifo(b"pipe")
        expected = coreutils("sha256sum", [b"plain"])
        program = start(["plain", "pipe"], stdout=subprocess.PIPE)
        writer = os.open(b"pipe", os.O_WRONLY)  # returns when the program has opened it
        program.send_signal(signal.SIGINT)
        output, _ = program.communicate(timeout=PATIENCE_S)
        os.close(writer)
        self.assertIn(output, (b"", expected))
        self.assertEqual(program.returncode, 130)

    def test_interrupted_while_nobody_reads_its_output(self):
        for i in range(500):
            self.write(b"tree/" + b"a long name " * 15 + b"%d" % i, b"")
        expected = coreutils("sha256sum", walk(b"tree"))
        program = start(["tree"], stdout=subprocess.PIPE)
        waiting = 0
        while waiting < 32 * 1024:
            answer = fcntl.ioctl(program.stdout, termios.FIONREAD, b"\0" * 4)
            waiting, = struct.unpack("i", answer)
        program.send_signal(signal.SIGINT)
        self.assertEqual(program.wait(timeout=PATIENCE_S), 130)
        self.check_whole_lines(program.stdout.read(), expected)
        program.stdout.close()

    def test_a_full_disk(self):
        tree = self.make_tree()
        self.write(b"list", coreutils("sha256sum", walk(tree)))
        for arguments in (["tree"], ["-c", "list"]):
            with open("/dev/full", "wb") as full:
                program = start(arguments, stdout=full, stderr=subprocess.PIPE)
                _, errors = program.communicate(timeout=PATIENCE_S)
            self.assertEqual(errors, b"weft-digest: write error: No space left on device\n")
            self.assertEqual(program.returncode, 1)

    def test_a_reader_that_has_left(self):
        self.make_tree()
        reader, writer = os.pipe()
        os.close(reader)
        program = start(["tree"], stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        _, errors = program.communicate(timeout=PATIENCE_S)
        self.assertEqual((program.returncode, errors), (128 + signal.SIGPIPE, b""))


class Bar(Case):
    def start_on_terminal(self):
        """A program that waits for a pipe, when its bar has been drawn."""
        self.write(b"some", b"some")
        os.mkfifo(b"pipe")
        terminal, side = pty.openpty()
        self.addCleanup(os.close, terminal)
        program = start(["some", "pipe"], stdout=subprocess.PIPE, stderr=side)
        os.close(side)
        writer = os.open(b"pipe", os.O_WRONLY)
        shown = b""
        while not all(part in shown for part in (b"0/2 files", b" MB/s", b"ETA -:--")):
            shown += os.read(terminal, 4096)
        return program, terminal, writer, shown

    def rest_of(self, terminal):
        text = b""
        try:
            while more := os.read(terminal, 4096):
                text += more
        except OSError:  # the other side is closed
            pass
        return text

    def test_is_drawn_on_a_terminal_and_wiped_at_the_end(self):
        program, terminal, writer, shown = self.start_on_terminal()
        os.close(writer)
        output, _ = program.communicate(timeout=PATIENCE_S)
        self.assertTrue((shown + self.rest_of(terminal)).endswith(b"\r\x1b[K"))
        self.assertEqual(program.returncode, 0)
        self.assertEqual(output.count(b"\n"), 2)

    def test_is_wiped_when_interrupted(self):
        program, terminal, writer, shown = self.start_on_terminal()
        program.send_signal(signal.SIGINT)
        program.communicate(timeout=PATIENCE_S)
        os.close(writer)
        self.assertTrue((shown + self.rest_of(terminal)).endswith(b"\r\x1b[K"))
        self.assertEqual(program.returncode, 130)


if __name__ == "__main__":
    PROGRAM = os.fsencode(os.path.abspath(sys.argv.pop(1)))
    unittest.main()
