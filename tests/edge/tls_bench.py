#!/usr/bin/python3
"""Compares TLS with plain TCP in one run: tls_bench.py [--fabric F] [--seconds S]

Handshakes per second: one client connects, waits for the SETTINGS of sasd, and closes. Watch: one
client reads whole snapshots, one after the other, without decoding them. Both alternate, so that
what else the machine does is in both.
"""

import argparse
import socket
import ssl
import sys
import time

from edge_node import Node

import grpc
from sas.v1 import node_service_pb2 as node
from sas.v1 import node_service_pb2_grpc as node_grpc
from sas.v1 import watch_service_pb2 as watch

HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"  # the preface, and empty SETTINGS
ROUNDS = 10


def connect(address, tls):
    host, port = address.rsplit(":", 1)
    peer = socket.create_connection((host, int(port)))
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls is not None:
        peer = tls.wrap_socket(peer, server_hostname="node.example.org")
    with peer:
        peer.sendall(HELLO)
        assert peer.recv(9), "sasd closes the connection"


def handshakes(address, tls, seconds):
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        connect(address, tls)
        count += 1
    return count


def snapshots(channel, seconds):
    """Bytes of messages, and how many snapshots."""
    call = channel.unary_stream("/sas.v1.WatchService/Watch")
    end, size, count = time.monotonic() + seconds, 0, 0
    while time.monotonic() < end:
        stream = call(watch.WatchRequest().SerializeToString())
        for response in stream:
            size += len(response)
            if len(response) < 1000 and watch.WatchResponse.FromString(response).HasField("synced"):
                break
        stream.cancel()
        count += 1
    return size, count


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fabric", default="oak-816")
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement")
    arguments = parser.parse_args()
    step = arguments.seconds / ROUNDS
    with Node("--admin", "certificate:bench.example.org", fabric=arguments.fabric) as sasd:
        certificate, key = sasd.ca.issue("bench.example.org")
        with sasd.channel() as channel:
            node_grpc.NodeServiceStub(channel).WaitSettled(node.WaitSettledRequest(), timeout=600)
        made, read = {}, {}
        for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            context = ssl.create_default_context(cafile=sasd.ca.certificate)
            context.load_cert_chain(certificate, key)
            context.set_alpn_protocols(["h2"])
            context.minimum_version = context.maximum_version = version
            made[version.name] = [sasd.tls, context, 0]
        made["plain"] = [sasd.tcp, None, 0]
        for _ in range(ROUNDS):
            for each in made.values():
                each[2] += handshakes(each[0], each[1], step)
        with sasd.tcp_channel() as plain, sasd.tls_channel(certificate, key) as tls:
            channels = {"plain": plain, "TLS": tls}
            for _ in range(ROUNDS):
                for name, channel in channels.items():
                    size, count = snapshots(channel, step)
                    before = read.get(name, (0, 0))
                    read[name] = (before[0] + size, before[1] + count)
        for name, (_, _, count) in made.items():
            print(f"connections and handshakes, {name:8} {count / arguments.seconds:8.0f} a second")
        for name, (size, count) in read.items():
            print(f"Watch, snapshots, {name:8} {size / arguments.seconds / 2**20:8.1f} MiB/s, "
                  f"{count / arguments.seconds:.0f} a second")
        print(f"TLS 1.3 to plain: handshakes {made['TLSv1_3'][2] / made['plain'][2]:.2f}, "
              f"Watch {read['TLS'][0] / read['plain'][0]:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
