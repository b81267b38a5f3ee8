"""Checks the contract of Watch from outside, over random acts on a virtual fabric.

A client without a filter sees everything, and proves that each change is what it says. From what it
saw, watch_reference.py works out what clients with filters must see, by an implementation of filters
of its own, and this file compares: live streams, streams resumed at every 50th token, ListEvents, new snapshots and
lists. Argument: how many acts.
"""

import os
import random
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.environ["TEST_SRCDIR"], "sasd", "proto"))

import grpc

from sas.emulator.v1 import emulator_service_pb2 as emulator
from sas.emulator.v1 import emulator_service_pb2_grpc as emulator_grpc
from sas.v1 import filter_pb2 as filters
from sas.v1 import history_service_pb2 as history
from sas.v1 import history_service_pb2_grpc as history_grpc
from sas.v1 import node_service_pb2 as node
from sas.v1 import node_service_pb2_grpc as node_grpc
from sas.v1 import resources_pb2 as resources
from sas.v1 import topology_service_pb2 as topology
from sas.v1 import topology_service_pb2_grpc as topology_grpc
from sas.v1 import watch_service_pb2 as watch
from sas.v1 import watch_service_pb2_grpc as watch_grpc
from watch_reference import (
    ADDED,
    DIFFERENT,
    EQUAL,
    GREATER,
    LEAST,
    LESS,
    MODIFIED,
    MOST,
    Filter,
    Places,
    Reference,
    descriptor_of,
    inner,
    kind_of,
    name_of,
)
from watch_stream import TIMEOUT_S, Stream

SASD = os.path.join(os.environ["TEST_SRCDIR"], "sasd", "daemon", "sasd")
ROUND = 100  # acts between two examinations
EVERY_TOKEN = 50
SEED = int(os.environ.get("WATCH_CONTRACT_SEED", "15"))

# A key of ours: hosts by number, kinds by name, conditions (field, operator, values), and objects by name or, of the
# hosts and the expanders at them, by number.
FILTERS = [
    {},
    {"hosts": [1]},
    {"hosts": [0]},
    {"hosts": [0, 1]},
    {"hosts": [1], "kinds": ["slot", "logical_unit", "enclosure"]},
    {"kinds": ["end_device"]},
    {"kinds": ["host", "expander", "port"]},
    {"where": [("state", EQUAL, ["ATTACHED"])]},
    {"where": [("state", DIFFERENT, ["ATTACHED"])]},
    {"where": [("model", EQUAL, ["*4*"])], "kinds": ["slot", "logical_unit", "end_device"]},
    {"where": [("slot", LESS, ["4"])], "hosts": [1]},
    {"where": [("occupied", EQUAL, ["false"])]},
    {"where": [("hosts", EQUAL, ["HOST0"])]},
    {"where": [("hosts", DIFFERENT, ["HOST1"])], "kinds": ["slot"]},
    {"where": [("path_count", GREATER, ["1"])]},
    {"where": [("path_count", LESS, ["2"]), ("peripheral_type", EQUAL, ["0"])]},
    {"where": [("link_rate", LESS, ["12_GBPS"])], "kinds": ["port", "end_device"]},
    {"where": [("negotiated_link_rate", LEAST, ["6_GBPS"])]},
    {"where": [("attached", EQUAL, ["true"])], "kinds": ["phy"]},
    {"where": [("attached", EQUAL, ["hosts/*/expanders/*"])], "kinds": ["port"]},
    {"where": [("width", GREATER, ["1"])]},
    {"where": [("lost_hosts", EQUAL, ["HOST1", "HOST0"])]},
    {"where": [("discovery_state", EQUAL, ["SETTLED"])]},
    {"where": [("occupied_slot_count", MOST, ["23"])]},
    {"where": [("block_device", DIFFERENT, [""])]},
    {"where": [("enclosure", EQUAL, ["enclosures/*1100"])]},
    {"where": [("target_protocols", EQUAL, ["SATA"])]},
    {"where": [("revision", GREATER, ["50"])], "kinds": ["end_device", "host"]},
    {"behind": ["HOST1"]},
    {"behind": ["EXPANDER1"]},
    {"behind": ["EXPANDER0", "EXPANDER1"], "kinds": ["logical_unit"], "hosts": [1]},
    {"behind": ["enclosures/5000ccab03001100"]},
    {"behind": ["enclosures/5000ccab03003100", "HOST1"], "where": [("state", EQUAL, ["ATTACHED"])]},
    {"behind": ["EXPANDER1"], "where": [("occupied", EQUAL, ["true"])], "kinds": ["slot"]},
]


class Acts:
    """Random acts on the fabric. Half of them repair what an earlier one has broken."""

    def __init__(self, stub, seed):
        self.stub = stub
        self.random = random.Random(seed)
        self.elements = {
            kind: self.list(getattr(emulator, "ELEMENT_KIND_" + kind.upper()))
            for kind in ("host", "expander", "device", "enclosure")
        }
        self.mends = []
        self.done = self.refused = self.replaced = 0

    def list(self, kind):
        request = emulator.ListElementsRequest(page_size=1000, kinds=[kind])
        return [element.id for element in self.stub.ListElements(request).elements]

    def any(self, kind):
        return self.random.choice(self.elements[kind])

    def act(self):
        if self.mends and self.random.random() < 0.5:
            act = self.mends.pop(self.random.randrange(len(self.mends)))
        else:
            act = self.break_something()
        try:
            act()
            self.done += 1
        except grpc.RpcError as error:
            refusals = (grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.INVALID_ARGUMENT,
                        grpc.StatusCode.NOT_FOUND)
            if error.code() not in refusals:
                raise
            self.refused += 1

    def break_something(self):
        kind = self.random.choices(
            ["pull", "phy", "slow", "flap", "expander", "power", "reset", "fault", "notice", "fail"],
            [40, 12, 6, 2, 6, 2, 2, 6, 6, 6],
        )[0]
        return getattr(self, kind)()

    def pull(self):
        device = self.any("device")
        insert = {"element": device}
        if self.random.random() < 0.15:
            self.replaced += 1
            insert["replacement_serial"] = f"NEW{self.replaced:05d}"
        self.mends.append(lambda: self.stub.Insert(emulator.InsertRequest(**insert)))
        return lambda: self.stub.Pull(emulator.PullRequest(element=device))

    def fail(self):
        device = self.any("device")

        def fail(status):
            request = emulator.SetAccessStatusRequest(element=device, access_status=status)
            self.stub.Pull(emulator.PullRequest(element=device))
            self.stub.SetAccessStatus(request)
            self.stub.Insert(emulator.InsertRequest(element=device))

        self.mends.append(lambda: fail(0))
        return lambda: fail(1)

    def set_phy(self, up, rate=0):
        node = self.any(self.random.choice(["host", "expander"]))
        where = {"element": node, "phy": self.random.randrange(8 if node.startswith("hba") else 24)}
        self.mends.append(lambda: self.stub.SetPhy(emulator.SetPhyRequest(**where, up=True)))
        return lambda: self.stub.SetPhy(emulator.SetPhyRequest(**where, up=up, link_rate=rate))

    def phy(self):
        return self.set_phy(up=False)

    def slow(self):
        return self.set_phy(up=True, rate=resources.LINK_RATE_3_GBPS)

    def flap(self):
        request = emulator.FlapPhyRequest(
            element=self.any("expander"), phy=self.random.randrange(24), count=3
        )
        return lambda: self.stub.FlapPhy(request)

    def expander(self):
        element = self.any("expander")
        back = emulator.SetExpanderRequest(element=element, present=True)
        self.mends.append(lambda: self.stub.SetExpander(back))
        return lambda: self.stub.SetExpander(emulator.SetExpanderRequest(element=element))

    def power(self):
        element = self.any("enclosure")
        on = emulator.SetEnclosurePowerRequest(element=element, on=True)
        self.mends.append(lambda: self.stub.SetEnclosurePower(on))
        return lambda: self.stub.SetEnclosurePower(
            emulator.SetEnclosurePowerRequest(element=element)
        )

    def reset(self):
        request = emulator.ResetHostRequest(element=self.any("host"))
        return lambda: self.stub.ResetHost(request)

    def fault(self):
        request = emulator.InjectFaultRequest(
            element=self.any("host"),
            kind=self.random.randrange(1, emulator.FAULT_KIND_EVENTS_REORDERED + 1),
            count=self.random.randrange(1, 4),
        )
        return lambda: self.stub.InjectFault(request)

    def notice(self):
        request = emulator.InjectNoticeRequest(
            element=self.any("device"), device_status=emulator.DeviceStatusNotice(reason=5)
        )
        return lambda: self.stub.InjectNotice(request)


class Contract:
    """The test: rounds of acts, each followed by an examination."""

    LISTS = {
        "host": "Hosts",
        "phy": "Phys",
        "port": "Ports",
        "expander": "Expanders",
        "end_device": "EndDevices",
        "logical_unit": "LogicalUnits",
        "enclosure": "Enclosures",
        "slot": "Slots",
    }

    def __init__(self, channel):
        self.topology = topology_grpc.TopologyServiceStub(channel)
        self.node = node_grpc.NodeServiceStub(channel)
        self.watch = watch_grpc.WatchServiceStub(channel)
        self.history = history_grpc.HistoryServiceStub(channel)
        self.acts = Acts(emulator_grpc.EmulatorServiceStub(channel), SEED)
        self.places = Places()
        hosts = [h.name for h in self.topology.ListHosts(topology.ListHostsRequest()).hosts]
        objects = {}
        for expander in self.topology.ListExpanders(topology.ListExpandersRequest()).expanders:
            if expander.parent in hosts:
                objects.setdefault(f"EXPANDER{hosts.index(expander.parent)}", expander.name)
        self.filters = [Filter(spec, hosts, objects, self.places) for spec in FILTERS]
        self.resumed = self.compared = self.additions = self.departures = self.refused_lists = 0

    def check_filters(self):
        """FILTERS has every field of a filter, every operator and every kind."""
        requests = [f.request() for f in self.filters]
        used = {field.name for request in requests for field, _ in request.ListFields()}
        assert used == set(filters.Filter.DESCRIPTOR.fields_by_name), used
        operators = {each.operator for request in requests for each in request.conditions}
        assert operators == set(filters.Operator.values()) - {0}, operators
        assert {k for request in requests for k in request.kinds} == set(
            resources.ResourceKind.values()
        ) - {0}

    def start(self):
        self.check_filters()
        self.settle()
        self.streams = [
            Stream(self.watch, watch.WatchRequest(filter=f.request())).wait_synced()
            for f in self.filters
        ]
        first = self.streams[0]
        self.reference = Reference(first.resources, first.snapshot_revision)
        for resource in first.resources.values():
            self.places.learn(resource)
        self.taken = 0  # events of the reference that are examined
        self.sent = [0] * len(self.filters)  # events of each stream that are examined
        self.compare_snapshots(self.streams)

    def settle(self):
        """Waits until nothing happens any more. Returns the newest revision."""
        last = None
        while True:
            self.node.WaitSettled(node.WaitSettledRequest(), timeout=TIMEOUT_S)
            page = self.history.ListEvents(history.ListEventsRequest(page_size=1, newest_count=1))
            if page.newest_revision == last:
                return last
            last = page.newest_revision
            # The firmware waits a little before it reports a drive as gone.
            time.sleep(1.5)

    def compare_snapshots(self, streams):
        for f, stream in zip(self.filters, streams):
            expected = {n: r for n, r in self.reference.states.items() if f.passes(r)}
            assert stream.synced.revision == self.reference.revision, f.spec
            assert stream.resources == expected, self.difference(f, stream.resources, expected)

    @staticmethod
    def difference(f, got, expected):
        return (
            f.spec,
            "stale:",
            sorted(set(got) - set(expected))[:5],
            "missing:",
            sorted(set(expected) - set(got))[:5],
            "different:",
            [n for n in expected if n in got and got[n] != expected[n]][:5],
        )

    def round(self, count):
        for _ in range(count):
            self.acts.act()
        while True:
            self.examine_events(self.settle())
            if self.examine_states():
                return

    def examine_events(self, newest):
        """Examines what has happened since the last time, up to the revision."""
        start = self.reference.revision
        first = self.streams[0]
        if newest > start:
            reached = lambda: first.events and first.events[-1].revision >= newest
            first.wait(reached, "the newest event")
        happened = [event for event in first.events[self.taken :] if event.revision <= newest]
        self.taken += len(happened)
        befores = [self.reference.apply(event) for event in happened]
        for event in happened:
            for change in event.changes:
                self.places.learn(change.resource)
        assert self.reference.revision == newest
        tokens = {event.revision: event.resume_token for event in happened}
        chosen = [r for i, r in enumerate(sorted(tokens)) if i % EVERY_TOKEN == 0]
        for i, f in enumerate(self.filters):
            seen = [f.see(event, before) for event, before in zip(happened, befores)]
            expected = [event for event in seen if event is not None]
            self.count(f, expected, happened)
            stream = self.streams[i]
            total = self.sent[i] + len(expected)
            stream.wait(lambda: len(stream.events) >= total, f"events of {f.spec}")
            self.compare(f, stream.events[self.sent[i] : total], expected, "live")
            self.sent[i] = total
            listed = [event for event in self.list_events(f, start) if event.revision <= newest]
            self.compare(f, listed, expected, "ListEvents")
            for revision in chosen:
                later = [event for event in expected if event.revision > revision]
                got = [e for e in self.resume(f, tokens[revision]) if e.revision <= newest]
                self.compare(f, got, later, f"resumed at {revision}")
                self.resumed += 1

    def examine_states(self):
        """Examines snapshots and lists. False: meanwhile something has happened."""
        lists = [(f, kind, self.list_all(f, kind)) for f in self.filters for kind in f.kinds]
        new = [
            Stream(self.watch, watch.WatchRequest(filter=f.request())).wait_synced()
            for f in self.filters
        ]
        for stream in new:
            stream.end()
        page = self.history.ListEvents(history.ListEventsRequest(page_size=1, newest_count=1))
        if page.newest_revision != self.reference.revision:
            return False
        self.compare_snapshots(new)
        for f, kind, listed in lists:
            if isinstance(listed, grpc.RpcError):
                gone = f.behind.names - set(self.reference.states)
                assert any(f'"{name}" is not there' in listed.details() for name in gone), listed
                self.refused_lists += 1
                continue
            expected = {
                n: inner(r)
                for n, r in self.reference.states.items()
                if kind_of(r) == kind and f.passes(r)
            }
            assert listed == expected, (kind, self.difference(f, listed, expected))
        return True

    def count(self, f, expected, happened):
        modified = {
            (event.revision, name_of(change.resource))
            for event in happened
            for change in event.changes
            if change.kind == MODIFIED
        }
        for event in expected:
            for change in event.changes:
                entered = (event.revision, name_of(change.resource)) in modified
                self.additions += change.kind == ADDED and entered
                self.departures += change.left_filter

    def compare(self, f, got, expected, where):
        self.compared += len(expected)
        assert len(got) == len(expected), (
            f.spec,
            where,
            "too many:",
            sorted({e.revision for e in got} - {e.revision for e in expected})[:5],
            "missing:",
            sorted({e.revision for e in expected} - {e.revision for e in got})[:5],
        )
        for one, other in zip(got, expected):
            assert one == other, (f.spec, where, "got", one, "expected", other)

    def list_events(self, f, after):
        listed, request = [], history.ListEventsRequest(
            page_size=1000, filter=f.request(), after_revision=after
        )
        while True:
            page = self.history.ListEvents(request, timeout=TIMEOUT_S)
            for event in page.events:
                if listed and listed[-1].continued:
                    listed[-1].changes.extend(event.changes)
                    listed[-1].notices.extend(event.notices)
                    listed[-1].resume_token = event.resume_token
                    listed[-1].continued = event.continued
                else:
                    listed.append(event)
            if not page.next_page_token:
                return listed
            request.page_token = page.next_page_token

    def resume(self, f, token):
        request = watch.WatchRequest(resume_token=token, filter=f.request())
        stream = Stream(self.watch, request).wait_synced()
        stream.end()
        assert not stream.resources
        return stream.events

    def list_all(self, f, kind):
        """The resources of a kind that a list with the same conditions has, by name; the refusal, where the
        filter names objects that may be gone."""
        method = "List" + self.LISTS[kind]
        request = getattr(topology, method + "Request")(
            page_size=1000, filter=f.request(kinds=False), view=topology.VIEW_FULL
        )
        listed = {}
        while True:
            try:
                page = getattr(self.topology, method)(request, timeout=TIMEOUT_S)
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.INVALID_ARGUMENT or not f.behind:
                    raise
                return error
            for field, found in page.ListFields():
                if field.message_type is descriptor_of(kind):
                    listed.update({each.name: each for each in found})
            if not page.next_page_token:
                return listed
            request.page_token = page.next_page_token

    def end(self):
        for stream in self.streams:
            stream.end()


def main():
    acts = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    # The path of a unix socket must be short.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        address = "unix:" + os.path.join(folder, "sasd.sock")
        sasd = subprocess.Popen(
            [SASD, "--fabric", "judge", "--listen", address, "--log-level", "error",
             # Hundreds of streams resume at their tokens within a second, and are cancelled.
             "--limit", "abandoned_calls=1000000"]
            + ["--log-bytes", str(64 << 20)]
        )
        try:
            with grpc.insecure_channel(address) as channel:
                grpc.channel_ready_future(channel).result(timeout=TIMEOUT_S)
                contract = Contract(channel)
                contract.start()
                try:
                    for begin in range(0, acts, ROUND):
                        contract.round(min(ROUND, acts - begin))
                finally:
                    contract.end()
        finally:
            sasd.terminate()
            code = sasd.wait(timeout=TIMEOUT_S)
        assert code == 0, code
    print(
        f"seed {SEED}: {contract.acts.done} acts ({contract.acts.refused} refused), "
        f"{contract.reference.checks} changes of {contract.taken} events, "
        f"{len(FILTERS)} filters, {contract.compared} events compared, "
        f"{contract.resumed} resumes, {contract.additions} entered a filter, "
        f"{contract.departures} left one"
    )
    assert contract.acts.done > contract.acts.refused
    assert contract.additions and contract.departures and contract.resumed


if __name__ == "__main__":
    main()
