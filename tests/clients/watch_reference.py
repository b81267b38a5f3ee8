"""The contract of Watch as a client can check it: what each change must be, and what filters let pass.

Works on the messages of sas.v1. It is an implementation of its own and shares nothing with sasd.
"""

import fnmatch

from sas.v1 import events_pb2 as events
from sas.v1 import filter_pb2 as filters
from sas.v1 import resources_pb2 as resources

ADDED, MODIFIED, REMOVED = (
    events.CHANGE_KIND_ADDED,
    events.CHANGE_KIND_MODIFIED,
    events.CHANGE_KIND_REMOVED,
)
EQUAL, DIFFERENT, LESS, MOST, GREATER, LEAST = range(1, 7)  # sas.v1.Operator

SPEEDS = range(resources.LINK_RATE_1_5_GBPS, resources.LINK_RATE_22_5_GBPS + 1)

# Fields that messages show elsewhere.
DERIVED = {
    ("host", "discovery_state"): "discovery.state",
    ("phy", "attached"): "attached_sas_address",
    ("logical_unit", "path_count"): "paths",
    ("logical_unit", "host"): "paths.host",
    ("logical_unit", "state"): "paths.state",
    ("logical_unit", "block_device"): "paths.block_device",
}
STAMPS = ("revision", "update_time")
DOCUMENTED_KINDS = [field.name for field in resources.Resource.DESCRIPTOR.fields]


def kind_of(resource):
    return resource.WhichOneof("resource")


def inner(resource):
    return getattr(resource, kind_of(resource))


def name_of(resource):
    return inner(resource).name


def descriptor_of(kind):
    return resources.Resource.DESCRIPTOR.fields_by_name[kind].message_type


def path_of(kind, field):
    """The descriptors from the message of the kind to a field; None if the kind does not have it."""
    path, message = [], descriptor_of(kind)
    for part in DERIVED.get((kind, field), field).split("."):
        if message is None or part not in message.fields_by_name:
            return None
        path.append(message.fields_by_name[part])
        message = path[-1].message_type
    return path


def elements(message, path):
    """The values at a path, without unset ones."""
    field = path[0]
    if field.label == field.LABEL_REPEATED:
        values = list(getattr(message, field.name))
    elif field.has_presence and field.message_type is None:
        values = [getattr(message, field.name)] if message.HasField(field.name) else []
    else:
        values = [getattr(message, field.name)]
    if len(path) == 1:
        return values
    return [value for each in values for value in elements(each, path[1:])]


def rate_number(value):
    return resources.LinkRate.Value("LINK_RATE_" + value)


def holds(kind, state, field, operator, values):
    path = path_of(kind, field)
    last = path[-1]
    found = elements(state, path)
    if (kind, field) == ("phy", "attached"):
        found = ["true" if found[0] else "false"]
    elif (kind, field) == ("logical_unit", "path_count"):
        found = [len(found)]
    elif last.enum_type is not None:
        prefix = last.enum_type.values[0].name[: -len("UNSPECIFIED")]
        if last.enum_type.name == "LinkRate" and operator not in (EQUAL, DIFFERENT):
            found = [number for number in found if number in SPEEDS]
            values = [rate_number(value) for value in values]
        else:
            values = [prefix + value for value in values]
            names = last.enum_type.values_by_number
            found = [names[number].name for number in found]
    elif last.type == last.TYPE_BOOL:
        found = ["true" if found[0] else "false"]
    if found and isinstance(found[0], int):
        values = [int(value) for value in values]
    if operator == LESS:
        return any(value < values[0] for value in found)
    if operator == MOST:
        return any(value <= values[0] for value in found)
    if operator == GREATER:
        return any(value > values[0] for value in found)
    if operator == LEAST:
        return any(value >= values[0] for value in found)
    equal = any(
        fnmatch.fnmatchcase(value, wanted) if isinstance(wanted, str) else value == wanted
        for value in found
        for wanted in values
    )
    return equal if operator == EQUAL else not equal


def hosts_of(resource):
    kind, state = kind_of(resource), inner(resource)
    if kind == "logical_unit":
        return {path.host for path in state.paths}
    if kind in ("enclosure", "slot"):
        return set(state.hosts)
    return {"/".join(state.name.split("/")[:2])}


def host_of(name):
    """The host in the name of what belongs to one."""
    return "/".join(name.split("/")[:2])


class Places:
    """Where expanders and end devices hang, of all that were ever seen. For fabrics in which nothing moves."""

    def __init__(self):
        self.known = {}  # by name: parent, enclosure

    def learn(self, resource):
        if kind_of(resource) not in ("expander", "end_device"):
            return
        state = inner(resource)
        parent, enclosure = self.known.get(state.name, (state.parent, ""))
        assert parent == state.parent, f"{state.name} has moved"
        self.known[state.name] = (parent, state.enclosure or enclosure)


class Behind:
    """Filter.behind: what some hosts, expanders, end devices and enclosures (names) are, hold and lead to."""

    def __init__(self, names, places):
        self.names = set(names)
        self.places = places

    def leads_to(self, name):
        """Whether the expander or end device is one of the objects or hangs below one."""
        while name in self.places.known and name not in self.names:
            parent, enclosure = self.places.known[name]
            if enclosure in self.names:
                return True
            name = parent
        return name in self.names or host_of(name) in self.names

    def passes(self, resource):
        kind, state = kind_of(resource), inner(resource)
        if state.name in self.names:
            return True
        if kind == "host":
            return False
        if kind in ("phy", "port"):
            return self.leads_to(state.owner)
        if kind in ("expander", "end_device"):
            return self.leads_to(state.name)
        if kind == "logical_unit":
            return any(self.leads_to(path.end_device) for path in state.paths)
        if self.names & set(state.hosts):
            return True
        if kind == "slot":
            return state.enclosure in self.names or any(map(self.leads_to, state.end_devices))
        return any(map(self.leads_to, [*state.ses_devices, *state.expanders]))


class Filter:
    """One of FILTERS, on a node with these hosts.

    `objects`: those that its `behind` names otherwise, by that name; `places`: what Behind needs.
    """

    def __init__(self, spec, hosts, objects=None, places=None):
        self.spec = spec
        self.hosts = {hosts[i] for i in spec.get("hosts", [])}
        names = [(objects or {}).get(n) or self.resolve(n, hosts) for n in spec.get("behind", [])]
        self.behind = Behind(names, places) if names else None
        self.where = [
            (field, operator, [self.resolve(value, hosts) for value in values])
            for field, operator, values in spec.get("where", [])
        ]
        self.kinds = {
            kind
            for kind in spec.get("kinds", DOCUMENTED_KINDS)
            if all(path_of(kind, field) for field, _, _ in self.where)
        }

    @staticmethod
    def resolve(value, hosts):
        return hosts[int(value[4:])] if value.startswith("HOST") else value

    def request(self, kinds=True):
        request = filters.Filter(hosts=sorted(self.hosts))
        request.behind.extend(sorted(self.behind.names) if self.behind else [])
        if kinds:
            for kind in self.spec.get("kinds", []):
                request.kinds.append(resources.ResourceKind.Value("RESOURCE_KIND_" + kind.upper()))
        for field, operator, values in self.where:
            request.conditions.add(field=field, operator=operator, values=values)
        return request

    def passes(self, resource):
        kind = kind_of(resource)
        return (
            kind in self.kinds
            and (not self.hosts or bool(self.hosts & hosts_of(resource)))
            and (self.behind is None or self.behind.passes(resource))
            and all(holds(kind, inner(resource), *condition) for condition in self.where)
        )

    def notice_passes(self, notice):
        parts = notice.resource.split("/")
        kind = {
            "hosts": "host",
            "phys": "phy",
            "ports": "port",
            "expanders": "expander",
            "endDevices": "end_device",
            "logicalUnits": "logical_unit",
            "enclosures": "enclosure",
            "slots": "slot",
        }[parts[-2]]
        of_one_host = parts[0] == "hosts"
        # Where an expander or end device hangs decides what passes, so those with `behind` see them all.
        is_wanted = kind in self.kinds or self.behind and kind in ("expander", "end_device")
        return bool(is_wanted) and (not of_one_host or not self.hosts or "/".join(parts[:2]) in self.hosts)

    def see(self, event, befores):
        """The event as a subscriber must see it; None if it does not. `befores`: of its changes."""
        seen = events.Event()
        seen.CopyFrom(event)
        if not self.spec:
            return seen
        del seen.changes[:]
        del seen.notices[:]
        for change, before in zip(event.changes, befores):
            was = before is not None and self.passes(before)
            now = change.kind != REMOVED and self.passes(change.resource)
            if not was and not now:
                continue
            kept = seen.changes.add()
            kept.CopyFrom(change)
            if change.kind != MODIFIED or was == now:
                continue
            kept.Clear()
            kept.severity = change.severity
            kept.kind = ADDED if now else REMOVED
            kept.left_filter = was
            kept.resource.CopyFrom(change.resource if now else before)
        seen.notices.extend(notice for notice in event.notices if self.notice_passes(notice))
        if seen.changes or seen.notices:
            return seen
        if event.changes or event.notices or event.HasField("audit"):
            return None
        return seen if not self.hosts or event.cause.host in self.hosts else None


class Reference:
    """What the client without a filter holds. It proves each change."""

    def __init__(self, snapshot, revision):
        self.states = dict(snapshot)
        self.revision = revision
        self.checks = 0

    def apply(self, event):
        """Applies the event; returns the state before each change (None: it was not there)."""
        declared = event.HasField("gap")  # a stalled journal lacks what this client has seen
        assert declared or event.previous_revision == self.revision, (event, self.revision)
        assert event.revision > self.revision
        assert event.resume_token and not event.continued
        self.revision = event.revision
        names = [name_of(change.resource) for change in event.changes]
        assert len(names) == len(set(names)), "an object twice in an event"
        return [self.apply_change(change) for change in event.changes]

    def apply_change(self, change):
        self.checks += 1
        name = name_of(change.resource)
        before = self.states.get(name)
        assert not change.left_filter, change
        if change.kind == ADDED:
            assert before is None, f"added twice: {name}"
            assert not change.HasField("previous") and not change.changed_fields.paths, change
            self.states[name] = change.resource
            return None
        assert before is not None, f"never added: {name}"
        if change.kind == REMOVED:
            del self.states[name]
            last = resources.Resource()
            last.CopyFrom(change.resource)
            if last.HasField("end_device"):
                assert last.end_device.state == resources.DEVICE_STATE_GONE
                last.end_device.state = change.previous.end_device.state
            assert last == before, (last, before)
            return before
        self.check_mask(change, before)
        self.states[name] = change.resource
        return before

    @staticmethod
    def check_mask(change, before):
        old, new = inner(before), inner(change.resource)
        different = [
            field.name
            for field in new.DESCRIPTOR.fields
            if field.name not in STAMPS and not same(old, new, field)
        ]
        assert different, f"a change without a change: {change}"
        assert list(change.changed_fields.paths) == different, (change, before)
        previous = type(new)()
        for name in different:
            copy_field(old, previous, name)
        assert inner(change.previous) == previous, (change, before)
        assert change.previous_revision == old.revision, (change, before)
        assert change.previous_update_time == old.update_time, (change, before)


def same(a, b, field):
    if field.has_presence and a.HasField(field.name) != b.HasField(field.name):
        return False
    return getattr(a, field.name) == getattr(b, field.name)


def copy_field(source, target, name):
    field = source.DESCRIPTOR.fields_by_name[name]
    if field.label == field.LABEL_REPEATED:
        if field.message_type is None:
            getattr(target, name).extend(getattr(source, name))
        else:
            for element in getattr(source, name):
                getattr(target, name).add().CopyFrom(element)
    elif field.message_type is not None:
        if source.HasField(name):
            getattr(target, name).CopyFrom(getattr(source, name))
    elif not field.has_presence or source.HasField(name):
        setattr(target, name, getattr(source, name))
