"""A running Watch, for tests: reads the stream in a thread of its own, and puts parts of an event together."""

import threading

TIMEOUT_S = 120


class Stream:
    """`resources` has the snapshot by name; `synced` the mark; `events` the events, unless on_event() is overridden.

    What reading raises ends the stream and fails each wait. `lock` guards everything.
    """

    def __init__(self, stub, request):
        self.lock = threading.Condition()
        self.resources = {}
        self.snapshot_revision = None
        self.synced = None
        self.events = []
        self.ended = None
        self.part = None
        self.call = stub.Watch(request)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        try:
            for response in self.call:
                with self.lock:
                    self.take(response)
                    self.lock.notify_all()
        except Exception as error:  # pylint: disable=broad-except
            with self.lock:
                self.ended = error
                self.lock.notify_all()

    def take(self, response):
        assert not response.HasField("resync"), "fell behind"
        for resource in response.snapshot.resources:
            name = getattr(resource, resource.WhichOneof("resource")).name
            assert name not in self.resources, "twice in a snapshot"
            self.resources[name] = resource
        if response.HasField("snapshot"):
            self.snapshot_revision = response.snapshot.revision
        if response.HasField("synced"):
            self.synced = response.synced
        for event in response.events.events:
            if self.part is not None:
                self.part.changes.extend(event.changes)
                self.part.notices.extend(event.notices)
                self.part.resume_token = event.resume_token
                self.part.continued = event.continued
                event = self.part
            self.part = event if event.continued else None
            if not event.continued:
                self.on_event(event)

    def on_event(self, event):
        """Takes a whole event, under the lock."""
        self.events.append(event)

    def wait(self, condition, what):
        with self.lock:
            done = self.lock.wait_for(lambda: self.ended or condition(), timeout=TIMEOUT_S)
            assert done and not self.ended, (what, self.ended)

    def wait_synced(self):
        self.wait(lambda: self.synced is not None, "SYNCED does not come")
        return self

    def end(self):
        self.call.cancel()
        self.thread.join()
