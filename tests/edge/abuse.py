#!/usr/bin/python3
"""Measures what one abusive client does to another: abuse.py [--fabric F] [--seconds S] [NAME...]

1. The most expensive requests of every method, one at a time: how long each holds a thread, and how
   soon its work ends after a cancellation.
2. For each kind of abuse: a well-behaved client calls GetNode and follows a Watch while drives come
   and go, first in quiet, then beside the abuser, which has one core. Prints p50 and p99 of both, the
   ratio to quiet, and the memory and descriptors of sasd. SUBSCRIBERS others follow everything.
3. What 5,000 parked calls of WaitSettled cost the discovery (tests/bench:isolation_bench).

NAMEs choose of the second part, and leave out the others. Exit code 1 if a bound does not hold: of
times; of memory, which is what a quiet sasd takes and memory_bytes; or MemoryMax of sasd.service is
less than twice the largest memory.
"""

import argparse
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

import worst
from edge_node import ROOT, TIMEOUT_S, Node, descriptors, rss_mib
from http2 import PREFACE

import grpc
from sas.emulator.v1 import emulator_service_pb2 as emulator
from sas.emulator.v1 import emulator_service_pb2_grpc as emulator_grpc
from sas.v1 import events_pb2 as events
from sas.v1 import node_service_pb2 as node
from sas.v1 import node_service_pb2_grpc as node_grpc
from sas.v1 import topology_service_pb2 as topology
from sas.v1 import topology_service_pb2_grpc as topology_grpc
from sas.v1 import watch_service_pb2 as watch
from sas.v1 import watch_service_pb2_grpc as watch_grpc

GET_NODE_P99_MS, WATCH_P99_MS = 100, 200
HOLD_MS, END_MS = 100, 100
WAITS_RATIO = 1.1
MIB = {"M": 1, "G": 1024}
ABUSES = {}


def abuse(function):
    ABUSES[function.__name__.replace("_", "-")] = function
    return function


def channel_to(path):
    return grpc.insecure_channel("unix:" + path, [("grpc.use_local_subchannel_pool", 1)])


def ignore(call):
    try:
        return call()
    except (grpc.RpcError, OSError):
        return None


@abuse
def unread_watches(path, _):
    """Opens 10,000 Watches and reads none."""
    streams = []
    while True:
        channel = channel_to(path)
        stub = watch_grpc.WatchServiceStub(channel)
        streams.append((channel, [stub.Watch(watch.WatchRequest()) for _ in range(1000)]))
        time.sleep(0.5)
        if len(streams) == 10:
            for old, calls in streams:
                for call in calls:
                    call.cancel()
                old.close()
            streams = []


@abuse
def filtered_watches(path, _):
    """Follows with filters that compare every change with 32 patterns."""
    channel = channel_to(path)
    stub = watch_grpc.WatchServiceStub(channel)
    request = watch.WatchRequest(skip_snapshot=True)
    worst.add_watch_patterns(request.filter)
    streams = [stub.Watch(request) for _ in range(1000)]
    for stream in streams:
        ignore(lambda stream=stream: next(stream))
    threading.Event().wait()


@abuse
def filtered_snapshots(path, _):
    """Begins snapshots of which hardly anything passes."""
    channel = channel_to(path)
    stub = watch_grpc.WatchServiceStub(channel)
    request = watch.WatchRequest()
    worst.add_watch_patterns(request.filter)
    while True:
        streams = [stub.Watch(request) for _ in range(50)]
        time.sleep(2)
        for stream in streams:
            stream.cancel()


@abuse
def every_method(path, _):
    """Keeps the most expensive requests of all methods under way."""
    channel = channel_to(path)
    named = worst.Named(topology_grpc.TopologyServiceStub(channel))
    every = [(worst.caller(channel, method), request)
             for _, method, request in worst.requests(named)]
    at = 0

    def call(_):
        nonlocal at
        at += 1
        method, request = every[at % len(every)]
        return method.future(request, timeout=TIMEOUT_S)

    hog(path, call, at_once=100)


@abuse
def large_filters(path, _):
    """Lists with as many values in a condition as it may have."""
    request = topology.ListEndDevicesRequest(page_size=1000)
    worst.add_values(request.filter)
    hog(path, lambda c: topology_grpc.TopologyServiceStub(c).ListEndDevices.future(
        request, timeout=TIMEOUT_S))


@abuse
def empty_values(path, _):
    """Sends requests of nearly 256 KiB that take long to decode, and are refused then."""
    request = topology.ListEndDevicesRequest()
    for _ in range(125_000):
        request.filter.conditions.add()
    text = request.SerializeToString()
    hog(path, lambda c: c.unary_unary("/sas.v1.TopologyService/ListEndDevices").future(
        text, timeout=TIMEOUT_S))


@abuse
def finds(path, _):
    """Looks for what is not there, so that every name is compared."""
    hog(path, lambda c: topology_grpc.TopologyServiceStub(c).FindResources.future(
        topology.FindResourcesRequest(query="x" * random.randrange(4, 40)), timeout=TIMEOUT_S))


@abuse
def findings(path, _):
    """Asks for all findings."""
    hog(path, lambda c: node_grpc.NodeServiceStub(c).ListFindings.future(
        node.ListFindingsRequest(show_consequences=True, show_affected=True), timeout=TIMEOUT_S))


@abuse
def cancel_storm(path, _):
    """Begins large calls and cancels them."""
    stub = topology_grpc.TopologyServiceStub(channel_to(path))
    cancel(lambda: stub.ListEndDevices.future(topology.ListEndDevicesRequest(page_size=1000)))


@abuse
def cancel_quick_calls(path, _):
    """Begins calls that are answered at once, and cancels them."""
    stub = node_grpc.NodeServiceStub(channel_to(path))
    cancel(lambda: stub.GetNode.future(node.GetNodeRequest()))


@abuse
def cancel_watches(path, _):
    """Begins Watches and cancels them."""
    stub = watch_grpc.WatchServiceStub(channel_to(path))
    cancel(lambda: stub.Watch(watch.WatchRequest()))


@abuse
def cancel_resumes(path, _):
    """Begins Watches that skip the snapshot, and cancels them."""
    stub = watch_grpc.WatchServiceStub(channel_to(path))
    cancel(lambda: stub.Watch(watch.WatchRequest(skip_snapshot=True)))


@abuse
def parked_waits(path, _):
    """Parks calls of WaitSettled."""
    channel = channel_to(path)
    stub = node_grpc.NodeServiceStub(channel)
    while True:
        calls = [stub.WaitSettled.future(node.WaitSettledRequest()) for _ in range(2000)]
        time.sleep(0.2)
        for call in calls:
            call.cancel()


@abuse
def idle_connections(path, _):
    """Opens connections that say nothing."""
    peers = []
    while True:
        peer = socket.socket(socket.AF_UNIX)
        if ignore(lambda: peer.connect(path)) is None:
            peers.append(peer)
        if len(peers) == 500:
            peers = []


@abuse
def half_handshakes(path, _):
    """Begins HTTP/2 and stops."""
    peers = []
    while True:
        peer = socket.socket(socket.AF_UNIX)
        ignore(lambda: (peer.connect(path), peer.sendall(PREFACE + b"\0\0\0\4\0\0\0\0")))
        peers.append(peer)
        if len(peers) == 500:
            peers = []


@abuse
def half_tls_handshakes(_, address):
    """Begins TLS and stops."""
    host, port = address.rsplit(":", 1)
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(32)
    peers = []
    while True:
        peer = socket.socket()
        ignore(lambda: (peer.connect((host, int(port))), peer.sendall(hello)))
        peers.append(peer)
        if len(peers) == 500:
            peers = []


@abuse
def garbage(path, _):
    """Sends frames of random bytes."""
    while True:
        with socket.socket(socket.AF_UNIX) as peer:
            ignore(lambda: (peer.connect(path), peer.sendall(PREFACE + os.urandom(4000))))


def cancel(begin):
    """Cancels what `begin` begins, a hundred at a time, without end."""
    while True:
        calls = [begin() for _ in range(100)]
        for call in calls:
            call.cancel()


def hog(path, call, at_once=200):
    """Keeps `at_once` calls under way."""
    channel = channel_to(path)
    calls = []
    while True:
        calls = [c for c in calls if not c.done()]
        calls += [call(channel) for _ in range(at_once - len(calls))]
        time.sleep(0.01)


def cpu_s(pid):
    """What all threads of the process have used."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0])
        except FileNotFoundError:
            pass  # the thread has ended
    return total / 1e9


def await_rest(pid, window_s=0.02, part=0.1):
    """Seconds until the process begins to use less than `part` of a core."""
    start = time.monotonic()
    while True:
        begin, used = time.monotonic(), cpu_s(pid)
        time.sleep(window_s)
        if cpu_s(pid) - used < part * (time.monotonic() - begin) or begin - start > 10:
            return begin - start


def measure_holds(sasd, seconds):
    """The first part. Returns how many bounds do not hold."""
    channel = sasd.channel([("grpc.max_receive_message_length", 1 << 30)])
    named = worst.Named(topology_grpc.TopologyServiceStub(channel))
    answers = worst.caller(channel, "sas.v1.MetricsService/GetMetrics")
    print(f"{'request':36} {'answer':>10} {'MiB':>6} {'ends after':>11}")
    failed = 0
    for label, method, request in worst.requests(named):
        call = worst.caller(channel, method)
        start = time.monotonic()
        try:
            size = len(call(request, timeout=TIMEOUT_S)) / 2**20
        except grpc.RpcError as error:
            print(f"{label}: {error.code().name} {error.details()[:80]}")
            size = 0
        took, ends = time.monotonic() - start, "-"
        if took > 0.2:
            future = call.future(request, timeout=TIMEOUT_S)
            time.sleep(took / 3)
            future.cancel()
            rest = await_rest(sasd.process.pid) * 1000
            failed += rest > END_MS
            ends = f"{rest:.0f} ms"
        print(f"{label:36} {took * 1000:7.0f} ms {size:6.1f} {ends:>11}", flush=True)
    for label, request in worst.watches(named):
        stream = watch_grpc.WatchServiceStub(channel).Watch(request)
        start, chunks = time.monotonic(), 0
        timer = threading.Timer(seconds, stream.cancel)
        timer.start()
        try:
            for response in stream:
                chunks += response.HasField("snapshot")
                if response.HasField("synced"):
                    break
        except grpc.RpcError:
            pass
        timer.cancel()
        stream.cancel()
        print(f"{label:36} {(time.monotonic() - start) * 1000:7.0f} ms", flush=True)
    metrics = worst.types()["sas.v1.MetricsService/GetMetrics"]
    held = worst.holds(metrics[1].FromString(answers(metrics[0](show_objects=True))).text)
    print("longest holding of a thread, by method:")
    for method, clocks in sorted(held.items(), key=lambda each: -each[1]["wall"]):
        print(f"  {method:44} {clocks['wall'] * 1000:7.1f} ms, of a core "
              f"{clocks['cpu'] * 1000:7.1f} ms")
        failed += clocks["wall"] * 1000 > HOLD_MS
    channel.close()
    return failed


def measure_waits():
    """The third part. Returns how many bounds do not hold."""
    done = subprocess.run([os.path.join(ROOT, "tests/bench/isolation_bench")], check=True,
                          capture_output=True, text=True)
    print(done.stdout, end="")
    ratio = float(re.search(r"beside 5,000 waits.*?([0-9.]+) \(median", done.stdout).group(1))
    return ratio > WAITS_RATIO


def memory_max_mib():
    with open(os.path.join(ROOT, "packaging/systemd/sasd.service"), encoding="utf-8") as file:
        value, unit = re.search(r"^MemoryMax=(\d+)([MG])$", file.read(), re.MULTILINE).groups()
    return int(value) * MIB[unit]


class Subscribers:
    """Well-behaved clients that read a snapshot and follow everything, in a process of their own."""

    def __init__(self, path, count):
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--socket", path, "--follow", str(count)],
            stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"synced\n"

    @staticmethod
    def follow(path, count):
        """The process."""
        channel = grpc.insecure_channel("unix:" + path, [("grpc.max_receive_message_length", 64 << 20)])
        watch_all = channel.unary_stream("/sas.v1.WatchService/Watch")  # bytes: nothing is decoded
        barrier = threading.Barrier(count + 1)

        def read():
            synced = False
            try:
                for response in watch_all(b""):
                    if not synced and len(response) < 1000:
                        synced = watch.WatchResponse.FromString(response).HasField("synced")
                        if synced:
                            barrier.wait()
            except grpc.RpcError:
                os._exit(1)  # sasd has ended

        for _ in range(count):
            threading.Thread(target=read, daemon=True).start()
        barrier.wait()
        print("synced", flush=True)
        threading.Event().wait()

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))] if values else float("inf")


class Victim:
    """The well-behaved client: calls GetNode, follows a Watch, and checks it."""

    def __init__(self, sasd):
        self.sasd = sasd
        self.channel = sasd.channel([("grpc.max_receive_message_length", 64 << 20)])
        self.stub = node_grpc.NodeServiceStub(self.channel)
        self.fabric = emulator_grpc.EmulatorServiceStub(self.channel)
        self.stub.WaitSettled(node.WaitSettledRequest(), timeout=600)
        self.drive = next(
            element.id for element in self.fabric.ListElements(
                emulator.ListElementsRequest(kinds=[emulator.ELEMENT_KIND_DEVICE])).elements
            if self.can_be_pulled(element.id))
        self.arrivals, self.ended, self.revision = [], None, 0
        self.stream = watch_grpc.WatchServiceStub(self.channel).Watch(
            watch.WatchRequest(skip_snapshot=True))
        self.follower = threading.Thread(target=self.follow, daemon=True)
        self.follower.start()

    def can_be_pulled(self, element):
        try:
            self.fabric.Pull(emulator.PullRequest(element=element), timeout=30)
        except grpc.RpcError:
            return False  # the SES device of an enclosure
        self.fabric.Insert(emulator.InsertRequest(element=element), timeout=30)
        return True

    def follow(self):
        try:
            for response in self.stream:
                for event in response.events.events:
                    if event.cause.kind == events.CAUSE_KIND_AUDIT:
                        self.revision = event.revision
                        continue
                    if event.revision <= self.revision:
                        self.ended = f"revision {event.revision} after {self.revision}"
                    self.revision = event.revision
                    self.arrivals.append(time.monotonic())
        except grpc.RpcError as error:
            self.ended = error.details()

    def measure(self, seconds):
        gets, watched = [], []
        end = time.monotonic() + seconds
        pulled = False
        while time.monotonic() < end:
            start = time.monotonic()
            self.stub.GetNode(node.GetNodeRequest(), timeout=30)
            gets.append((time.monotonic() - start) * 1000)
            seen = len(self.arrivals)
            start = time.monotonic()
            if pulled:
                self.fabric.Insert(emulator.InsertRequest(element=self.drive), timeout=30)
            else:
                self.fabric.Pull(emulator.PullRequest(element=self.drive), timeout=30)
            pulled = not pulled
            while len(self.arrivals) == seen and time.monotonic() - start < 30:
                time.sleep(0.0005)
            watched.append((self.arrivals[seen] - start) * 1000 if len(self.arrivals) > seen
                           else float("inf"))
            time.sleep(0.02)
        if pulled:
            self.fabric.Insert(emulator.InsertRequest(element=self.drive), timeout=30)
        return gets, watched


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fabric", default="oak-816")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--subscribers", type=int, default=20)
    parser.add_argument("--follow", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--socket", help=argparse.SUPPRESS)
    parser.add_argument("--tls", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", choices=[*ABUSES, []])
    arguments = parser.parse_args()
    if arguments.follow:
        Subscribers.follow(arguments.socket, arguments.follow)
    if arguments.run:
        os.sched_setaffinity(0, {os.cpu_count() - 1})
        ABUSES[arguments.run](arguments.socket, arguments.tls)
        return 0
    failed = 0
    with tempfile.TemporaryDirectory() as state, Node(
            "--state-dir", state,
            fabric=arguments.fabric) as sasd:
        victim = Victim(sasd)
        if not arguments.names:
            failed += measure_holds(sasd, arguments.seconds)
        subscribers = Subscribers(sasd.socket, arguments.subscribers)
        largest = rss_mib(sasd.process.pid)
        quiet = victim.measure(arguments.seconds)
        rss, fds = rss_mib(sasd.process.pid), descriptors(sasd.process.pid)
        count = victim.stub.GetNode(node.GetNodeRequest(), timeout=30).resource_count
        print(f"{arguments.fabric}: {count} resources, {arguments.subscribers} subscribers: "
              f"{rss:.0f} MiB, {fds} descriptors in quiet")
        print(f"{'abuse':18} {'GetNode p50':>12} {'p99':>8} {'ratio':>6} {'Watch p50':>10}"
              f" {'p99':>8} {'ratio':>6} {'MiB':>6} {'fds':>5}")

        def show(name, gets, watched):
            nonlocal largest
            largest = max(largest, rss_mib(sasd.process.pid))
            line = [percentile(gets, 0.5), percentile(gets, 0.99),
                    percentile(watched, 0.5), percentile(watched, 0.99)]
            print(f"{name:18} {line[0]:9.2f} ms {line[1]:5.1f} ms"
                  f" {line[1] / percentile(quiet[0], 0.99):6.1f} {line[2]:7.2f} ms {line[3]:5.1f} ms"
                  f" {line[3] / percentile(quiet[1], 0.99):6.1f}"
                  f" {rss_mib(sasd.process.pid):6.0f} {descriptors(sasd.process.pid):5}", flush=True)
            fits = line[1] <= GET_NODE_P99_MS and line[3] <= WATCH_P99_MS
            if not fits:
                print(f"  {name}: at most GetNode {GET_NODE_P99_MS} ms, Watch {WATCH_P99_MS} ms")
            return fits

        show("(quiet)", *quiet)
        for name in arguments.names or ABUSES:
            abuser = subprocess.Popen(
                [sys.executable, __file__, "--run", name, "--socket", sasd.socket, "--tls", sasd.tls],
                stderr=subprocess.DEVNULL)
            time.sleep(1)  # let it begin; what follows is measured
            failed += not show(name, *victim.measure(arguments.seconds))
            abuser.kill()
            abuser.wait()
        if victim.ended:
            print("the Watch broke:", victim.ended)
            failed += 1
        end = time.monotonic() + 30
        while descriptors(sasd.process.pid) > fds + 2 and time.monotonic() < end:
            time.sleep(0.1)
        print(f"afterwards: {rss_mib(sasd.process.pid):.0f} MiB, "
              f"{descriptors(sasd.process.pid)} descriptors")
        quota = rss + next(each.value for each in victim.stub.GetNode(node.GetNodeRequest()).limits
                           if each.name == "memory_bytes") / 2**20
        print(f"largest memory {largest:.0f} MiB; the quota (in quiet, and memory_bytes) is "
              f"{quota:.0f} MiB, {largest / quota:.2f} of it")
        failed += largest > quota
        limit = memory_max_mib()
        print(f"largest memory {largest:.0f} MiB; MemoryMax is {limit} MiB, "
              f"{limit / largest:.1f} times that")
        failed += limit < 2 * largest
        subscribers.end()
        if not arguments.names:
            failed += measure_waits()
        victim.channel.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
