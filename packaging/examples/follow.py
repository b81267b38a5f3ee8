#!/usr/bin/python3
"""Keeps a picture of a node and prints what changes: follow.py [ADDRESS]

Needs python3-grpcio and the package sasd-dev. Ctrl-C ends it.
"""

import sys
import time

import grpc
from sas.v1 import events_pb2, watch_service_pb2, watch_service_pb2_grpc


def name_of(resource):
    return getattr(resource, resource.WhichOneof("resource")).name


def follow(channel, picture, out=print):
    watch = watch_service_pb2_grpc.WatchServiceStub(channel)
    token = ""  # "": from a snapshot on
    while True:
        try:
            for answer in watch.Watch(watch_service_pb2.WatchRequest(resume_token=token)):
                kind = answer.WhichOneof("response")
                if kind == "resync":  # we fell behind: a new snapshot follows
                    out(f"resync: events after {answer.resync.sent_revision} are not shown")
                    picture.clear()
                elif kind == "snapshot":
                    picture.update((name_of(r), r) for r in answer.snapshot.resources)
                elif kind == "synced":
                    token = answer.synced.resume_token
                    out(f"synced at {answer.synced.revision}: {len(picture)} objects")
                elif kind == "bookmark":
                    token = answer.bookmark.resume_token
                for event in answer.events.events:
                    if event.HasField("gap"):  # of the node: nobody has these
                        out(f"gap: {event.gap.first_revision} to {event.gap.last_revision}")
                    for change in event.changes:
                        name = name_of(change.resource)
                        out(f"{event.revision} {events_pb2.ChangeKind.Name(change.kind)} {name}")
                        if change.kind == events_pb2.CHANGE_KIND_REMOVED:
                            picture.pop(name, None)
                        else:
                            picture[name] = change.resource
                    token = event.resume_token or token  # parts of an event have none but the last
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.OUT_OF_RANGE:  # compacted, lost, or a new epoch
                out(f"start over: {error.details()}")
                picture.clear()
                token = ""
            elif error.code() != grpc.StatusCode.UNAVAILABLE:
                raise
            time.sleep(0.2)
        if not token:
            picture.clear()  # a snapshot that broke off


if __name__ == "__main__":
    address = sys.argv[1] if len(sys.argv) > 1 else "unix:/run/sasd/sasd.sock"
    with grpc.insecure_channel(address) as node:
        try:
            follow(node, {}, lambda line: print(line, flush=True))
        except KeyboardInterrupt:
            pass
