"""Holds the lines of `sasctl watch --snapshot -o jsonl` to the contract of Watch.

Each change must be what it says: a mask that names the real differences, no change without one, nothing added
twice. What an event said is kept, so that filtered listings of the same events can be compared.
"""

import json
import os
import sys

from google.protobuf import json_format

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "clients"))

from sas.v1 import events_pb2 as events  # noqa: E402
from sas.v1 import resources_pb2 as resources  # noqa: E402
from watch_reference import Reference, name_of  # noqa: E402


class Broken(AssertionError):
    """A line that breaks the contract."""


class WatchContract:
    """One client, from its snapshot on."""

    def __init__(self):
        self.snapshot = {}
        self.reference = None  # from SYNCED on
        self.part = None  # the parts so far of an event that comes in several
        self.happened = []  # (event, the states before its changes)

    def read(self, line):
        message = json.loads(line)
        if "gap" in message:  # fell behind: a new snapshot follows
            self.__init__()
        elif "snapshot" in message:
            resource = parse(message["snapshot"]["resource"], resources.Resource())
            self.snapshot[name_of(resource)] = resource
        elif "synced" in message:
            revision = int(message["synced"].get("revision", 0))
            self.reference = self.reference or Reference(self.snapshot, revision)
        elif "revision" in message:
            self.take(parse(message, events.Event()))

    def take(self, part):
        event = self.join(part)
        if event is None:
            return
        try:
            self.happened.append((event, self.reference.apply(event)))
        except AssertionError as error:
            raise Broken(f"the event of revision {event.revision} breaks Watch's contract: {error}") from error

    def join(self, part):
        """The event that the part completes; None if more parts follow."""
        event = part
        if self.part is not None:
            event = self.part
            event.changes.extend(part.changes)
            event.notices.extend(part.notices)
            event.resume_token, event.continued = part.resume_token, part.continued
        self.part = event if event.continued else None
        return None if event.continued else event

    @staticmethod
    def whole(messages):
        """The events of listed messages, each whole."""
        joiner = WatchContract()
        joined = [joiner.join(parse(message, events.Event())) for message in messages]
        return [event for event in joined if event is not None]

    def seen_by(self, a_filter, after):
        """The events later than a revision that a subscriber with the Filter must see."""
        seen = [a_filter.see(event, befores) for event, befores in self.happened if event.revision > after]
        return [event for event in seen if event is not None]


def parse(fields, message):
    return json_format.ParseDict(fields, message)
