#!/usr/bin/python3
"""Makes millions of abusive calls, and looks whether memory and descriptors of sasd stay flat:

  calls.py [--calls N] [--clients N] [--fabric F]

Each client is a process. It writes HTTP/2 by hand: calls that are good, cannot be decoded, break a
limit, name nothing, are cancelled, or are begun and left behind with their connection. After each
tenth of the calls everything is closed, and what sasd holds at rest is printed. Exit code 1 if the
memory grows by more than 2 MiB for a million calls over the second half, or descriptors are lost.
"""

import argparse
import multiprocessing
import os
import random
import socket
import sys
import time

from edge_node import TIMEOUT_S, Node, descriptors, rss_mib
from http2 import (ACK, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, MAX_WINDOW, PREFACE,
                   RST_STREAM, SETTINGS, WINDOW_UPDATE, call_headers, frame, message, settings)

import grpc
from sas.v1 import history_service_pb2 as history
from sas.v1 import node_service_pb2 as node
from sas.v1 import node_service_pb2_grpc as node_grpc
from sas.v1 import topology_service_pb2 as topology

PARTS = 10
GROWTH_MIB = 2  # of a million calls
AT_ONCE, OF_A_CONNECTION = 100, 2000


def condition(values, count):
    request = topology.ListEndDevicesRequest(page_size=10)
    for _ in range(count):
        request.filter.conditions.add(field="serial", operator=2, values=values)
    return request


# (method, message, whether the client cancels at once)
KINDS = [
    ("sas.v1.NodeService/GetNode", node.GetNodeRequest(), False),
    ("sas.v1.NodeService/GetNode", b"\xff\xff\xff", False),
    ("sas.v1.NodeService/GetNode", node.GetNodeRequest(), True),
    ("sas.v1.NodeService/WaitSettled", node.WaitSettledRequest(), True),
    ("sas.v1.NodeService/ListFindings", node.ListFindingsRequest(hosts=["x"] * 50), False),
    ("sas.v1.NodeService/Nothing", b"", False),
    ("sas.v1.TopologyService/GetHost", topology.GetHostRequest(name="hosts/0"), False),
    ("sas.v1.TopologyService/ListEndDevices", condition(["X*"] * 50, 1), False),
    ("sas.v1.TopologyService/ListEndDevices", condition(["X"] * 300, 1), False),
    ("sas.v1.TopologyService/ListEndDevices", condition(["X"], 1), True),
    ("sas.v1.TopologyService/FindResources", topology.FindResourcesRequest(query="y" * 5000), False),
    ("sas.v1.TopologyService/FindResources", topology.FindResourcesRequest(query="xyzzy"), False),
    ("sas.v1.HistoryService/ListEvents", history.ListEventsRequest(page_token="z"), False),
    ("sas.v1.HistoryService/ListEvents", history.ListEventsRequest(page_size=5), True),
    ("sas.v1.BaselineService/Undismiss", b"", False),
    ("sas.v1.WatchService/Watch", b"", True),
    ("sas.v1.WatchService/Watch", b"\xff\xff", False),
]


def encoded():
    for method, request, cancel in KINDS:
        data = request if isinstance(request, bytes) else request.SerializeToString()
        yield call_headers("/" + method), message(data), cancel


CALLS = list(encoded())


class Connection:
    """Calls over one connection: AT_ONCE are begun, then their ends are awaited."""

    def __init__(self, path):
        self.peer = socket.socket(socket.AF_UNIX)
        self.peer.settimeout(TIMEOUT_S)
        self.peer.connect(path)
        self.peer.sendall(PREFACE + settings(window=MAX_WINDOW) + frame(
            WINDOW_UPDATE, 0, 0, (MAX_WINDOW - 65535).to_bytes(4, "big")))
        self.stream, self.left = 1, b""

    def begin(self, calls):
        """Returns the streams whose end is to come."""
        out, open_ones = [], set()
        for headers, data, cancel in calls:
            out.append(frame(HEADERS, END_HEADERS, self.stream, headers))
            out.append(frame(DATA, END_STREAM, self.stream, data))
            if cancel:
                out.append(frame(RST_STREAM, 0, self.stream, (8).to_bytes(4, "big")))
            else:
                open_ones.add(self.stream)
            self.stream += 2
        self.peer.sendall(b"".join(out))
        return open_ones

    def finish(self, open_ones):
        """Waits until these have ended. False: sasd has closed the connection."""
        while open_ones:
            chunk = self.peer.recv(1 << 18)
            if not chunk:
                return False
            data, at = self.left + chunk, 0
            while len(data) >= at + 9:
                size = int.from_bytes(data[at:at + 3], "big")
                if len(data) < at + 9 + size:
                    break
                kind, flags = data[at + 3], data[at + 4]
                if kind == GOAWAY:
                    return False
                ends = kind == RST_STREAM or (kind in (HEADERS, DATA) and flags & END_STREAM)
                if ends:
                    open_ones.discard(int.from_bytes(data[at + 5:at + 9], "big"))
                if kind == SETTINGS and not flags & ACK:
                    self.peer.sendall(frame(SETTINGS, ACK, 0))
                at += 9 + size
            self.left = data[at:]
        return True


def call_again_and_again(path, calls, seed):
    """A client. Returns how many connections sasd has closed."""
    os.sched_setaffinity(0, {os.cpu_count() - 1})
    rng, closed = random.Random(seed), 0
    while calls > 0:
        connection = Connection(path)
        of_connection = min(calls, OF_A_CONNECTION)
        try:
            while of_connection > 0:
                count = min(AT_ONCE, of_connection)
                waits = connection.begin(rng.choices(CALLS, k=count))
                calls -= count
                of_connection -= count
                # The last ones are left behind with the connection.
                if of_connection > 0 and not connection.finish(waits):
                    closed += 1
                    break
        except (BrokenPipeError, ConnectionResetError):
            closed += 1
        connection.peer.close()
    return closed


def slope(points):
    """Of the line nearest to the points."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return (sum((x - mean_x) * (y - mean_y) for x, y in points) /
            sum((x - mean_x) ** 2 for x, _ in points))


def at_rest(sasd, stub):
    """What sasd holds once all connections but the stub's have ended: MiB and descriptors."""
    fds, deadline = None, time.monotonic() + TIMEOUT_S
    # A number rests for 5 seconds after its connection.
    while time.monotonic() < deadline:
        before, fds = fds, descriptors(sasd.process.pid)
        if before == fds and stub.GetNode(node.GetNodeRequest()).subscriber_count == 0:
            break
        time.sleep(6)
    return rss_mib(sasd.process.pid), fds


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10_000_000)
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--fabric", default="demo")
    arguments = parser.parse_args()
    with Node("--log-level", "off", tls=False, fabric=arguments.fabric) as sasd, \
            sasd.channel() as channel, multiprocessing.get_context("spawn").Pool(
                arguments.clients) as clients:
        stub = node_grpc.NodeServiceStub(channel)
        stub.WaitSettled(node.WaitSettledRequest(), timeout=600)
        memory, fds = at_rest(sasd, stub)
        print(f"{'calls':>10} {'a second':>9} {'MiB':>7} {'descriptors':>12}\n"
              f"{0:10} {'':9} {memory:7.1f} {fds:12}", flush=True)
        points, first_fds, share = [], fds, arguments.calls // (PARTS * arguments.clients)
        for part in range(1, PARTS + 1):
            start = time.monotonic()
            closed = clients.starmap(call_again_and_again, [
                (sasd.socket, share, f"{part}.{i}") for i in range(arguments.clients)])
            rate = share * arguments.clients / (time.monotonic() - start)
            assert sum(closed) == 0, f"sasd has closed {sum(closed)} connections"
            memory, fds = at_rest(sasd, stub)
            made = part * share * arguments.clients
            points.append((made / 1e6, memory))
            print(f"{made:10} {rate:9.0f} {memory:7.1f} {fds:12}", flush=True)
        growth = slope(points[PARTS // 2:])
        print(f"a million calls more: {growth:+.2f} MiB (second half), descriptors {first_fds} to "
              f"{fds}")
        # With few calls the noise of the allocator is larger than any slope.
        grows = arguments.calls >= 1_000_000 and growth > GROWTH_MIB
        noisy = points[-1][1] > points[PARTS // 2][1] + 16
        return 1 if grows or noisy or fds > first_fds + 2 else 0


if __name__ == "__main__":
    sys.exit(main())
