"""A client in another language: Debian's Python gRPC reads a snapshot and follows a Watch."""

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.environ["TEST_SRCDIR"], "sasd", "proto"))

import grpc

from sas.emulator.v1 import emulator_service_pb2 as emulator
from sas.emulator.v1 import emulator_service_pb2_grpc as emulator_grpc
from sas.v1 import events_pb2 as events
from sas.v1 import node_service_pb2 as node
from sas.v1 import node_service_pb2_grpc as node_grpc
from sas.v1 import resources_pb2 as resources
from sas.v1 import topology_service_pb2 as topology
from sas.v1 import topology_service_pb2_grpc as topology_grpc
from sas.v1 import watch_service_pb2 as watch
from sas.v1 import watch_service_pb2_grpc as watch_grpc

SASD = os.path.join(os.environ["TEST_SRCDIR"], "sasd", "daemon", "sasd")
TIMEOUT_S = 60


class PythonClientTest(unittest.TestCase):
    def setUp(self):
        # The path of a unix socket must be short.
        self.folder = tempfile.TemporaryDirectory(dir="/tmp")
        address = "unix:" + os.path.join(self.folder.name, "sasd.sock")
        self.sasd = subprocess.Popen([SASD, "--fabric", "demo", "--listen", address])
        self.channel = grpc.insecure_channel(address)
        grpc.channel_ready_future(self.channel).result(timeout=TIMEOUT_S)
        self.topology = topology_grpc.TopologyServiceStub(self.channel)
        self.node = node_grpc.NodeServiceStub(self.channel)
        self.watch = watch_grpc.WatchServiceStub(self.channel)
        self.emulator = emulator_grpc.EmulatorServiceStub(self.channel)
        self.node.WaitSettled(node.WaitSettledRequest(), timeout=TIMEOUT_S)

    def tearDown(self):
        self.channel.close()
        self.sasd.terminate()
        self.assertEqual(self.sasd.wait(timeout=TIMEOUT_S), 0)
        self.folder.cleanup()

    def test_snapshot_matches_the_lists(self):
        listed, token = 0, ""
        while True:
            page = self.topology.ListEndDevices(
                topology.ListEndDevicesRequest(page_size=10, page_token=token)
            )
            listed += len(page.end_devices)
            token = page.next_page_token
            if not token:
                break
        self.assertEqual(listed, page.total_size)

        watched = 0
        for response in self.watch.Watch(watch.WatchRequest(), timeout=TIMEOUT_S):
            for resource in response.snapshot.resources:
                watched += resource.HasField("end_device")
            if response.HasField("synced"):
                break
        self.assertEqual(watched, listed)

    def test_resume_token_replays_a_pull(self):
        stream = self.watch.Watch(watch.WatchRequest(skip_snapshot=True), timeout=TIMEOUT_S)
        token = next(stream).synced.resume_token
        self.assertTrue(token)
        self.emulator.Pull(emulator.PullRequest(element="jbod1-disk03"))
        self.assertEqual(self.removed_devices(stream), 2)
        stream.cancel()

        again = self.watch.Watch(watch.WatchRequest(resume_token=token), timeout=TIMEOUT_S)
        self.assertEqual(self.removed_devices(again), 2)
        again.cancel()

    def test_missed_events_come_in_one_batch(self):
        """sasd sends the log's bytes of several events as one message; each is whole."""
        stream = self.watch.Watch(watch.WatchRequest(skip_snapshot=True), timeout=TIMEOUT_S)
        start = next(stream).synced
        for _ in range(3):
            self.emulator.InjectNotice(
                emulator.InjectNoticeRequest(
                    element="hba0", log_entry=emulator.LogEntryNotice(qualifier=1, text="batch")
                )
            )
        revision = start.revision
        for response in stream:
            revision = max([revision] + [event.revision for event in response.events.events])
            if revision >= start.revision + 3:
                break
        stream.cancel()

        again = self.watch.Watch(
            watch.WatchRequest(resume_token=start.resume_token), timeout=TIMEOUT_S
        )
        batch = next(again).events.events
        again.cancel()
        self.assertGreaterEqual(len(batch), 3)
        previous = start.revision
        for event in batch:
            self.assertEqual(event.previous_revision, previous)
            self.assertTrue(event.resume_token and event.HasField("time"))
            previous = event.revision

    def removed_devices(self, stream):
        """Counts removed paths, until both of a drive are gone."""
        removed = 0
        for response in stream:
            for event in response.events.events:
                for change in event.changes:
                    gone = change.kind == events.CHANGE_KIND_REMOVED
                    removed += gone and change.resource.HasField("end_device")
            if removed >= 2:
                return removed
        return removed

    def test_lists_match_the_truth_of_the_fabric(self):
        devices = {}
        for host in ("hba0", "hba1"):
            request = emulator.GetHostTruthRequest(element=host)
            truth = self.emulator.GetHostTruth(request).truth
            devices.update({(truth.sas_address, d.sas_address): d for d in truth.devices})
        request = topology.ListEndDevicesRequest(page_size=1000, view=topology.VIEW_FULL)
        listed = self.topology.ListEndDevices(request).end_devices
        self.assertEqual(len(listed), len(devices))
        for device in listed:
            host = device.host.removeprefix("hosts/")
            truth = devices[host, device.sas_address]
            self.assertEqual(
                (device.slot, device.serial, device.device_handle, device.model),
                (truth.slot, truth.serial, truth.handle, truth.product),
            )

    def test_drive_with_access_error_becomes_failed(self):
        element = {"element": "jbod2-sata09"}
        stream = self.watch.Watch(watch.WatchRequest(skip_snapshot=True), timeout=TIMEOUT_S)
        next(stream)
        self.emulator.Pull(emulator.PullRequest(**element))
        self.emulator.SetAccessStatus(emulator.SetAccessStatusRequest(**element, access_status=1))
        self.emulator.Insert(emulator.InsertRequest(**element))
        for response in stream:
            states = [
                (change.resource.end_device.state, change.resource.end_device.access_status)
                for event in response.events.events
                for change in event.changes
            ]
            if (resources.DEVICE_STATE_FAILED, 1) in states:
                break
        stream.cancel()

    def test_missing_and_oversized_notices_are_refused(self):
        for notice in ({}, {"temperature": emulator.TemperatureNotice(sensor=256)}):
            with self.assertRaises(grpc.RpcError) as refused:
                request = emulator.InjectNoticeRequest(element="hba0", **notice)
                self.emulator.InjectNotice(request)
            self.assertEqual(refused.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        notice = emulator.TemperatureNotice(sensor=0, celsius=70)
        self.emulator.InjectNotice(
            emulator.InjectNoticeRequest(element="hba0", temperature=notice)
        )

    def test_errors_have_specific_codes(self):
        with self.assertRaises(grpc.RpcError) as refused:
            self.topology.GetHost(topology.GetHostRequest(name="hosts/0000000000000001"))
        self.assertEqual(refused.exception.code(), grpc.StatusCode.NOT_FOUND)
        with self.assertRaises(grpc.RpcError) as refused:
            self.topology.GetHost(topology.GetHostRequest(name="nonsense"))
        self.assertEqual(refused.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        with self.assertRaises(grpc.RpcError) as refused:
            next(self.watch.Watch(watch.WatchRequest(resume_token="nonsense")))
        self.assertEqual(refused.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertIn("resume_token", refused.exception.details())


if __name__ == "__main__":
    unittest.main()
