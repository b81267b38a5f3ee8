"""HTTP/2 by hand (RFC 9113): frames, and what a client of gRPC writes."""

import socket
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
MAX_WINDOW = 2**31 - 1


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(
        ">I", stream & 0x7FFFFFFF) + payload


def literal(name, value):
    """A header without index and without Huffman (RFC 7541, 6.2.2)."""
    def text(data):
        data = data.encode()
        assert len(data) < 127
        return bytes([len(data)]) + data
    return b"\x00" + text(name) + text(value)


def call_headers(method):
    return b"".join(literal(*each) for each in (
        (":method", "POST"), (":scheme", "http"), (":path", method), (":authority", "x"),
        ("content-type", "application/grpc"), ("te", "trailers")))


def message(data):
    return b"\0" + struct.pack(">I", len(data)) + data


def settings(**values):
    numbers = {"table": 1, "streams": 3, "window": 4, "frame": 5}
    return frame(4, 0, 0, b"".join(
        struct.pack(">HI", numbers[name], value) for name, value in values.items()))


def connect(path):
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(5)
    peer.connect(path)
    return peer
