"""What the tests of the HTTP example share: the server with a folder of files, and requests."""

import os
import subprocess

from serving import PATIENCE_S, Case

HELLO = b"Hello, world!\n"


def get(path, *fields, verb="GET"):
    return "\r\n".join([f"{verb} {path} HTTP/1.1", "Host: here", *fields, "", ""]).encode()


class Server(Case):
    program = ""  # set by the command line

    def serve(self, *options):
        return self.start(self.program, *options)

    def serve_folder(self, *options):
        self.write("public/a.txt", b"a file\n")
        self.write("public/index.html", b"<p>index")
        self.write("public/sub/index.html", b"<p>sub")
        self.write("public/empty", b"")
        self.write("public/big", os.urandom(3_000_000))
        self.write("public/.hidden", b"hidden")
        self.write("secret", b"secret")
        public = os.path.join(self.folder, "public")
        os.symlink("../secret", os.path.join(public, "link"))
        os.symlink("..", os.path.join(public, "up"))
        os.mkfifo(os.path.join(public, "pipe"))
        return self.serve("--root", public, *options)

    def curl(self, *arguments):
        self.needs("curl")
        return subprocess.run(["curl", "--silent", "--show-error", "--path-as-is", *arguments],
                              capture_output=True, timeout=PATIENCE_S, check=True).stdout

    def still_serves(self, server):
        client = self.connect(server.port)
        client.send(get("/hello", "Connection: close"))
        self.assertEqual(client.take_response()[2], HELLO)
        self.assertTrue(client.ended())
        client.close()
