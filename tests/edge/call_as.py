"""Calls a method of sasd as the user of this process: call_as.py SOCKET METHOD DESCRIPTOR."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["TEST_SRCDIR"], "sasd", "proto"))

import grpc
from sas.emulator.v1 import emulator_service_pb2 as emulator
from sas.emulator.v1 import emulator_service_pb2_grpc as emulator_grpc
from sas.v1 import baseline_service_pb2 as baseline
from sas.v1 import baseline_service_pb2_grpc as baseline_grpc
from sas.v1 import node_service_pb2 as node
from sas.v1 import node_service_pb2_grpc as node_grpc

path, method, descriptor = sys.argv[1:]
with grpc.insecure_channel("unix:" + path) as channel:
    call = {
        "GetNode": lambda: node_grpc.NodeServiceStub(channel).GetNode(node.GetNodeRequest()),
        "Dismiss": lambda: baseline_grpc.BaselineServiceStub(channel).Dismiss(
            baseline.DismissRequest(object="x", reason="y")),
        "Pull": lambda: emulator_grpc.EmulatorServiceStub(channel).Pull(
            emulator.PullRequest(element="nothing")),
    }[method]
    try:
        call()
        answer = "OK"
    except grpc.RpcError as error:
        answer = f"{error.code().name}: {error.details()}"
os.write(int(descriptor), answer.encode())
