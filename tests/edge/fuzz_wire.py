#!/usr/bin/python3
"""Fuzzes a live sasd over its socket: fuzz_wire.py [--seconds S] [--seed N]

Four fuzzers run at once: random and mutated HTTP/2 frames, streams whose windows stay closed, random
messages at every method, and random bytes in place of messages. Meanwhile a well-behaved subscriber
checks the contract of Watch: revisions ascend without a hole, each token resumes, and what it has put
together equals a new snapshot. sasd must live, answer, keep its descriptors, and end in order. With
a sasd of --config=asan each error of memory ends it.
"""

import argparse
import os
import random
import struct
import sys
import threading
import time

from edge_node import TIMEOUT_S, Node, descriptors, rss_mib
from http2 import PREFACE, call_headers, connect, frame, message, settings

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../clients"))

import grpc
from google.protobuf import descriptor as types
from google.protobuf import message_factory
from sas.emulator.v1 import emulator_service_pb2 as emulator
from sas.emulator.v1 import emulator_service_pb2_grpc as emulator_grpc
from sas.v1 import node_service_pb2 as node
from sas.v1 import node_service_pb2_grpc as node_grpc
from sas.v1 import watch_service_pb2 as watch
from sas.v1 import watch_service_pb2_grpc as watch_grpc
from watch_stream import Stream
from worst import MODULES

# What only a server that is broken answers. UNKNOWN is what gRPC makes of an exception.
BROKEN = {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.DATA_LOSS}
WORDS = ["", "x", "hba0", "jbod0", "*", "hosts/-", "enclosures/1/slots/2", "sda", "naa.5", "0" * 16,
         "\x00", "é", "%s%n", "a" * 300, "-1", "18446744073709551616"]
NUMBERS = [0, 1, 2, 7, 100, 1000, -1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, -2**31, -2**63]


# --------------------------------------------------------------------------- connections

def session(rng):
    """The bytes of a client that makes some calls."""
    method = rng.choice(METHODS)
    out = [PREFACE, settings(window=rng.choice((0, 1, 65535, 2**31 - 1)))]
    for i in range(rng.randrange(1, 6)):
        stream = 2 * i + 1
        out.append(frame(1, 4, stream, call_headers(method)))
        out.append(frame(0, 1, stream, message(random_message(rng, REQUESTS[method]))))
        out.append(frame(rng.choice((2, 3, 6, 8)), 0, rng.choice((0, stream)),
                         rng.randbytes(rng.choice((4, 5, 8)))))
    return out


def random_frame(rng):
    size = rng.choice((0, 1, 4, 5, 6, 8, 9, 40, 16384))
    data = frame(rng.randrange(0, 12), rng.randrange(256), rng.choice((0, 1, 2, 3, 2**31 - 1)),
                 rng.randbytes(size))
    if rng.random() < 0.2:  # a length that lies
        data = struct.pack(">I", rng.randrange(2**24))[1:] + data[3:]
    return data


def mutated(rng, data):
    data = bytearray(data)
    for _ in range(rng.randrange(1, 8)):
        if not data:
            break
        at = rng.randrange(len(data))
        if rng.random() < 0.5:
            data[at] = rng.randrange(256)
        elif rng.random() < 0.5:
            del data[at:at + rng.randrange(1, 9)]
        else:
            data[at:at] = rng.randbytes(rng.randrange(1, 9))
    return bytes(data)


# --------------------------------------------------------------------------- messages

def all_methods():
    for module in MODULES:
        for service in module.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                yield f"/{service.full_name}/{method.name}", method.input_type


REQUESTS = dict(all_methods())
METHODS = sorted(REQUESTS)


def random_value(rng, field, depth):
    if field.type == types.FieldDescriptor.TYPE_STRING:
        return rng.choice(WORDS + KNOWN)
    if field.type == types.FieldDescriptor.TYPE_BYTES:
        return rng.randbytes(rng.randrange(20))
    if field.type in (types.FieldDescriptor.TYPE_FLOAT, types.FieldDescriptor.TYPE_DOUBLE):
        return rng.choice((0.0, -1.0, 1e300, float("nan"), float("inf")))
    if field.type == types.FieldDescriptor.TYPE_BOOL:
        return rng.random() < 0.5
    if field.type == types.FieldDescriptor.TYPE_ENUM:
        return rng.choice([value.number for value in field.enum_type.values] + [99, -1, 2**31 - 1])
    if field.type == types.FieldDescriptor.TYPE_MESSAGE:
        return fill(rng, message_factory.MessageFactory().GetPrototype(field.message_type)(),
                    depth + 1)
    return rng.choice(NUMBERS)


def fill(rng, out, depth=0):
    for field in out.DESCRIPTOR.fields:
        if rng.random() < 0.4 or depth > 4:
            continue
        count = rng.choice((1, 1, 2, 50)) if field.label == field.LABEL_REPEATED else 1
        for _ in range(count):
            try:
                value = random_value(rng, field, depth)
                if field.label == field.LABEL_REPEATED:
                    if field.type == field.TYPE_MESSAGE:
                        getattr(out, field.name).add().CopyFrom(value)
                    else:
                        getattr(out, field.name).append(value)
                elif field.type == field.TYPE_MESSAGE:
                    getattr(out, field.name).CopyFrom(value)
                else:
                    setattr(out, field.name, value)
            except (ValueError, TypeError):  # does not fit into its type
                pass
    return out


def random_message(rng, kind):
    out = message_factory.MessageFactory().GetPrototype(kind)()
    fill(rng, out)
    # These hold up only their own thread, and the fuzzer that waits for it.
    for name, most in (("count", 3), ("interval", None), ("duration", None), ("delay", None)):
        if name in out.DESCRIPTOR.fields_by_name:
            if most is None:
                out.ClearField(name)
            elif isinstance(getattr(out, name), int):
                setattr(out, name, min(max(getattr(out, name), 0), most))
    return out.SerializePartialToString()


KNOWN = []


# --------------------------------------------------------------------------- fuzzers

class Fuzz:
    def __init__(self, sasd, seed):
        self.sasd, self.seed = sasd, seed
        self.stop = threading.Event()
        self.failures, self.counts, self.codes = [], {}, {}
        self.threads = []

    def start(self):
        for number, fuzzer in enumerate(
                (self.frames, self.stalled_windows, self.messages, self.raw_messages)):
            rng = random.Random(f"{self.seed}.{number}")
            self.counts[fuzzer.__name__] = 0
            self.threads.append(threading.Thread(target=self.run, args=(fuzzer, rng)))
            self.threads[-1].start()

    def run(self, fuzzer, rng):
        while not self.stop.is_set():
            try:
                fuzzer(rng)
                self.counts[fuzzer.__name__] += 1
            except OSError:  # sasd has closed the connection
                self.counts[fuzzer.__name__] += 1
            except Exception as error:  # pylint: disable=broad-except
                self.failures.append(f"{fuzzer.__name__}: {error!r}")
                return

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def frames(self, rng):
        with connect(self.sasd.socket) as peer:
            if rng.random() < 0.5:
                peer.sendall(mutated(rng, b"".join(session(rng))))
            else:
                parts = session(rng)
                for _ in range(rng.randrange(1, 5)):
                    parts.insert(rng.randrange(1, len(parts) + 1), random_frame(rng))
                peer.sendall(b"".join(parts))
            peer.settimeout(0.05)
            try:
                while peer.recv(65536):
                    pass
            except TimeoutError:
                pass

    def stalled_windows(self, rng):
        with connect(self.sasd.socket) as peer:
            peer.sendall(PREFACE + settings(window=rng.choice((0, 1, 100))))
            for i in range(rng.randrange(1, 50)):
                peer.sendall(frame(1, 4, 2 * i + 1, call_headers("/sas.v1.WatchService/Watch")) +
                             frame(0, 1, 2 * i + 1, message(b"")))
                if rng.random() < 0.2:
                    peer.sendall(frame(8, 0, rng.choice((0, 2 * i + 1)),
                                       struct.pack(">I", rng.choice((0, 1, 2**31 - 1)))))
                if rng.random() < 0.2:
                    peer.sendall(frame(3, 0, 2 * i + 1, struct.pack(">I", 8)))
            self.stop.wait(rng.random() * 0.3)

    def call(self, method, data):
        with self.sasd.channel() as channel:
            call = channel.unary_stream(method)(data, timeout=2)
            try:
                for count, _ in enumerate(call):
                    if count == 20:
                        call.cancel()
                code = grpc.StatusCode.OK
            except grpc.RpcError as error:
                code = error.code()
                if code in BROKEN:
                    self.failures.append(f"{method} {data.hex()[:400]}: {error.details()}")
            self.codes[code.name] = self.codes.get(code.name, 0) + 1

    def messages(self, rng):
        method = rng.choice(METHODS)
        self.call(method, random_message(rng, REQUESTS[method]))

    def raw_messages(self, rng):
        method = rng.choice(METHODS)
        data = random_message(rng, REQUESTS[method])
        self.call(method, mutated(rng, data) if rng.random() < 0.7 else rng.randbytes(50))


# --------------------------------------------------------------------------- the subscriber

LARGE = [("grpc.max_receive_message_length", 64 << 20)]


def name_of(resource):
    return getattr(resource, resource.WhichOneof("resource")).name


class Subscriber(Stream):
    """Follows everything, and checks it."""

    def __init__(self, sasd):
        self.channel = sasd.channel(LARGE)
        self.state, self.revision, self.token, self.count = None, 0, None, 0
        super().__init__(watch_grpc.WatchServiceStub(self.channel), watch.WatchRequest())
        self.wait(lambda: self.token is not None, "SYNCED")

    def take(self, response):
        super().take(response)
        if response.HasField("synced"):
            self.state = self.resources
            self.revision, self.token = response.synced.revision, response.synced.resume_token

    def on_event(self, event):
        assert event.previous_revision == self.revision, (
            f"event {event.revision} follows {event.previous_revision}, "
            f"and the one before was {self.revision}")
        for change in event.changes:
            self.apply(change)
        self.revision, self.token = event.revision, event.resume_token
        self.count += 1

    def apply(self, change):
        name = name_of(change.resource)
        if change.kind == 3:
            assert self.state.pop(name, None) is not None, f"{name} went and was not there"
        else:
            assert (name in self.state) == (change.kind == 2), f"{name}: kind {change.kind}"
            self.state[name] = change.resource

    def check_against_a_snapshot(self, sasd):
        """A new subscriber sees at its revision what this one has put together."""
        with sasd.channel(LARGE) as channel:
            new = Stream(watch_grpc.WatchServiceStub(channel), watch.WatchRequest()).wait_synced()
            new.end()
        there, revision = new.resources, new.synced.revision
        self.wait(lambda: self.revision >= revision, f"revision {revision}")
        with self.lock:
            if self.revision != revision:
                return False  # it has gone on
            assert there.keys() == self.state.keys(), there.keys() ^ self.state.keys()
            for name, resource in there.items():
                assert resource == self.state[name], name
            return True

    def check_resume(self, sasd):
        with self.lock:
            token, revision = self.token, self.revision
        with sasd.channel() as channel:
            call = watch_grpc.WatchServiceStub(channel).Watch(
                watch.WatchRequest(resume_token=token), timeout=TIMEOUT_S)
            first = next(call)
            call.cancel()
        assert not first.HasField("snapshot"), f"the token of revision {revision} does not resume"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(10**6)))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    # A refusal per user would end the subscriber as well: it is the same user.
    sasd = Node("--limit", "watches_per_peer=4096", tls=False)
    with sasd, sasd.channel() as channel:
        node_grpc.NodeServiceStub(channel).WaitSettled(node.WaitSettledRequest(), timeout=TIMEOUT_S)
        fabric = emulator_grpc.EmulatorServiceStub(channel)
        elements = fabric.ListElements(emulator.ListElementsRequest()).elements
        KNOWN.extend(element.id for element in elements)
        drives = [e.id for e in elements if e.kind == emulator.ELEMENT_KIND_DEVICE]
        subscriber = Subscriber(sasd)
        KNOWN.extend(sorted(subscriber.state)[::10])
        before, memory = descriptors(sasd.process.pid), rss_mib(sasd.process.pid)
        fuzz = Fuzz(sasd, arguments.seed)
        fuzz.start()
        end = time.monotonic() + arguments.seconds
        rng, slowest, compared = random.Random(arguments.seed), 0, 0
        try:
            while time.monotonic() < end and sasd.process.poll() is None:
                drive = rng.choice(drives)
                for act in (lambda: fabric.Pull(emulator.PullRequest(element=drive), timeout=60),
                            lambda: fabric.Insert(emulator.InsertRequest(element=drive), timeout=60)):
                    try:
                        act()
                    except grpc.RpcError as error:
                        if error.code() not in (grpc.StatusCode.FAILED_PRECONDITION,
                                                grpc.StatusCode.INVALID_ARGUMENT,
                                                grpc.StatusCode.NOT_FOUND):
                            raise
                start = time.monotonic()
                node_grpc.NodeServiceStub(channel).GetNode(node.GetNodeRequest(), timeout=60)
                slowest = max(slowest, time.monotonic() - start)
                subscriber.check_resume(sasd)
                compared += subscriber.check_against_a_snapshot(sasd)
        finally:
            fuzz.end()
        assert sasd.process.poll() is None, f"sasd ended: {sasd.log_text()[-4000:]}"
        assert not fuzz.failures, fuzz.failures[:5]
        # Quiet now: the comparison must succeed.
        for _ in range(20):
            if subscriber.check_against_a_snapshot(sasd):
                compared += 1
                break
            time.sleep(0.1)
        else:
            raise AssertionError("sasd does not come to rest")
        assert subscriber.ended is None, subscriber.ended
        subscriber.end()
        subscriber.channel.close()
        deadline = time.monotonic() + 60
        while descriptors(sasd.process.pid) > before and time.monotonic() < deadline:
            time.sleep(0.1)
        after = descriptors(sasd.process.pid)
        print(f"{fuzz.counts}, codes {fuzz.codes}")
        print(f"subscriber: {subscriber.count} events, equal to {compared} snapshots; slowest "
              f"GetNode {slowest * 1000:.0f} ms; descriptors {before} to {after}, memory "
              f"{memory:.0f} to {rss_mib(sasd.process.pid):.0f} MiB")
        assert after <= before, "descriptors are lost"
        log = sasd.log_text()
        assert "AddressSanitizer" not in log and "runtime error" not in log, log[-4000:]
    return 0


if __name__ == "__main__":
    sys.exit(main())
