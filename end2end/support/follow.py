#!/usr/bin/env python3
"""Follows an engine through Quaylight by docs/protocol.md alone: Python, its standard library, nothing of ours.

    follow.py ws://127.0.0.1:7300/ws

Commands on standard input, one a line; each is answered by one line of JSON:
    dump    what this client holds: revision, tables, and how often a rule of the protocol was broken
    drop    cuts the connection without a goodbye; the client reconnects with what it has
    quit    closes properly and ends
"""

import base64
import hashlib
import json
import os
import random
import select
import socket
import struct
import sys
import time
from urllib.parse import urlsplit

KINDS = {"host": "hosts", "container": "containers", "image": "images", "volume": "volumes", "network": "networks"}


class Closed(Exception):
    """The connection is gone."""


class WebSocket:
    """As much of RFC 6455 as a client needs. `messages` never blocks."""

    def __init__(self, url):
        parts = urlsplit(url)
        self.buffer = b""
        self.fragments = b""
        self.sock = socket.create_connection((parts.hostname, parts.port or 80), timeout=10)
        key = base64.b64encode(os.urandom(16)).decode()
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.sock.sendall(
            (
                f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
            ).encode()
        )
        while b"\r\n\r\n" not in self.buffer:
            self._receive()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        if " 101 " not in f"{lines[0]} ":
            raise Closed(f"refused: {lines[0]}")
        accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        if not any(line.lower().startswith("sec-websocket-accept:") and line.endswith(accept) for line in lines):
            raise Closed("the upgrade was not signed")

    def fileno(self):
        return self.sock.fileno()

    def send(self, text):
        self._frame(1, text.encode())

    def messages(self):
        """Reads once, and gives the text messages that are complete."""
        self._receive()
        return self.pending()

    def pending(self):
        """The text messages that are complete already."""
        complete = []
        while (frame := self._take()) is not None:
            final, opcode, payload = frame
            if opcode in (0, 1):
                self.fragments += payload
                if final:
                    complete.append(self.fragments.decode())
                    self.fragments = b""
            elif opcode == 8:
                code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005
                raise Closed(f"closed with {code} {payload[2:].decode()}")
            elif opcode == 9:
                self._frame(10, payload)
        return complete

    def close(self):
        self._frame(8, struct.pack(">H", 1000))
        self.sock.close()

    def cut(self):
        self.sock.close()

    def _receive(self):
        try:
            chunk = self.sock.recv(65536)
        except OSError as error:
            raise Closed(str(error)) from error
        if not chunk:
            raise Closed("the connection ended")
        self.buffer += chunk

    def _frame(self, opcode, payload):
        mask = os.urandom(4)
        size = len(payload)
        if size < 126:
            head = struct.pack(">BB", 0x80 | opcode, 0x80 | size)
        elif size < 65536:
            head = struct.pack(">BBH", 0x80 | opcode, 0xFE, size)
        else:
            head = struct.pack(">BBQ", 0x80 | opcode, 0xFF, size)
        self.sock.sendall(head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)))

    def _take(self):
        data = self.buffer
        if len(data) < 2:
            return None
        size, start = data[1] & 0x7F, 2
        if size == 126:
            if len(data) < 4:
                return None
            size, start = struct.unpack(">H", data[2:4])[0], 4
        elif size == 127:
            if len(data) < 10:
                return None
            size, start = struct.unpack(">Q", data[2:10])[0], 10
        if len(data) < start + size:
            return None
        self.buffer = data[start + size :]
        return data[0] & 0x80, data[0] & 0x0F, data[start : start + size]


class Follower:
    """The whole client of docs/protocol.md."""

    def __init__(self):
        self.epoch = None
        self.revision = None
        self.tables = {kind: {} for kind in KINDS}
        self.resuming = False
        # Counters and faults that the test reads afterwards.
        self.hellos = self.updates = self.diffs = self.changes = 0
        self.gaps, self.faults = [], []

    def url(self, base):
        return base if self.epoch is None else f"{base}?epoch={self.epoch}&rev={self.revision}"

    def receive(self, text):
        """Applies a message; what to answer, or None."""
        message = json.loads(text)
        kind = message["type"]
        if kind == "hello":
            self.hellos += 1
            if message["protocol"] != 1:
                self.faults.append(f"protocol {message['protocol']}")
        elif kind == "engine_state_update":
            self.updates += 1
            self.tables = {kind: {key(value): value for value in message["data"][name]} for kind, name in KINDS.items()}
            self.epoch, self.revision = message["epoch"], message["revision"]
            self.resuming = False
        elif kind == "engine_state_diff":
            return self.diff(message)
        elif kind == "error":
            self.faults.append(f"{message['kind']}: {message['message']}")
        return None

    def diff(self, message):
        if message["epoch"] != self.epoch or message["from"] != self.revision:
            if self.resuming:
                return None
            self.gaps.append({"have": [self.epoch, self.revision], "got": [message["epoch"], message["from"], message["to"]]})
            self.resuming = True
            return json.dumps({"type": "resume", "epoch": self.epoch, "revision": self.revision})
        if message["to"] <= message["from"]:
            self.faults.append(f"a diff from {message['from']} to {message['to']}")
        for change in message["data"]["changes"]:
            table = self.tables[change["kind"]]
            if change["op"] == "put":
                table[key(change["value"])] = change["value"]
            elif change["op"] == "gone":
                table.pop((change["host"], change["id"]), None)
            else:
                self.faults.append(f"op {change['op']}")
            self.changes += 1
        self.diffs += 1
        self.revision = message["to"]
        self.resuming = False
        return None

    def dump(self):
        return {
            "epoch": self.epoch,
            "revision": self.revision,
            "hellos": self.hellos,
            "updates": self.updates,
            "diffs": self.diffs,
            "changes": self.changes,
            "gaps": self.gaps,
            "faults": self.faults,
            **{name: list(self.tables[kind].values()) for kind, name in KINDS.items()},
        }


def key(value):
    """A host has its id and no `host`; `gone` repeats the id in both."""
    return value.get("host", value["id"]), value["id"]


def follow(base):
    follower, commands, tries = Follower(), b"", 0
    while True:
        try:
            ws = WebSocket(follower.url(base))
            for text in ws.pending():
                follower.receive(text)
            tries = 0
            while True:
                ready, _, _ = select.select([ws, sys.stdin], [], [])
                if ws in ready:
                    for text in ws.messages():
                        answer = follower.receive(text)
                        if answer is not None:
                            ws.send(answer)
                if sys.stdin in ready:
                    chunk = os.read(sys.stdin.fileno(), 4096)
                    if not chunk:
                        return
                    *lines, commands = (commands + chunk).split(b"\n")
                    for line in lines:
                        if line == b"dump":
                            print(json.dumps(follower.dump()), flush=True)
                        elif line == b"drop":
                            ws.cut()
                            print("{}", flush=True)
                            raise Closed("we cut it")
                        elif line == b"quit":
                            ws.close()
                            print("{}", flush=True)
                            return
        except (Closed, OSError) as error:
            # 0.25 s, 0.5 s … 10 s with jitter, as the protocol requires.
            wait = min(10, 0.25 * 2**tries) * random.uniform(0.5, 1)
            print(f"{error}; again in {wait:.2f} s", file=sys.stderr, flush=True)
            tries += 1
            time.sleep(wait)


if __name__ == "__main__":
    follow(sys.argv[1])
