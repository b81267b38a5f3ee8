"""The most expensive requests of each method, within the limits: what a hog asks for."""

import edge_node  # the path of the generated modules  # pylint: disable=unused-import

from google.protobuf import message_factory
from sas.emulator.v1 import emulator_service_pb2 as emulator
from sas.v1 import alias_service_pb2 as alias
from sas.v1 import baseline_service_pb2 as baseline
from sas.v1 import history_service_pb2 as history
from sas.v1 import metrics_service_pb2 as metrics
from sas.v1 import node_service_pb2 as node
from sas.v1 import topology_service_pb2 as topology
from sas.v1 import watch_service_pb2 as watch

MODULES = (alias, baseline, emulator, history, metrics, node, topology, watch)
PLURALS = ("Hosts", "Phys", "Ports", "Expanders", "EndDevices", "LogicalUnits", "Enclosures", "Slots")
EQUAL, NOT_EQUAL = 1, 2
# As many bytes of patterns as the filter of a list may have, none of which fits a name soon.
PATTERNS = [f"*0*0*0*0*{i:03}*?" for i in range(256)]


def add_patterns(condition_filter, operator=NOT_EQUAL, count=256):
    """32 conditions: every one of them is compared with every object."""
    each = count // 32
    for i in range(32):
        condition_filter.conditions.add(field="name", operator=operator,
                                        values=PATTERNS[each * i:each * i + each])


def add_watch_patterns(condition_filter):
    """As many as the filter of a Watch may have: 32 of 14 bytes."""
    add_patterns(condition_filter, EQUAL, 32)


def add_values(condition_filter):
    """32 conditions of 256 values, which pass everything."""
    for i in range(32):
        condition_filter.conditions.add(field="serial", operator=NOT_EQUAL,
                                        values=[f"X{i}.{j}" for j in range(256)])


class Named:
    """Some names of the node, for requests about single objects."""

    def __init__(self, topology_stub):
        first = topology_stub.ListHosts(topology.ListHostsRequest()).hosts
        self.host = first[0].name
        self.drive = topology_stub.ListLogicalUnits(
            topology.ListLogicalUnitsRequest(page_size=1)).logical_units[0].name
        self.slot = topology_stub.ListSlots(topology.ListSlotsRequest(page_size=1)).slots[0].name
        expanders = topology_stub.ListExpanders(
            topology.ListExpandersRequest(page_size=16)).expanders
        self.behind = [self.host] + [each.name for each in expanders][:15]


def requests(named):
    """(label, method, request) of what only reads. `named`: Named."""
    for plural in PLURALS:
        method = f"sas.v1.TopologyService/List{plural}"
        kind = getattr(topology, f"List{plural}Request")
        yield f"List{plural}, full", method, kind(page_size=1000, view=2)
        request = kind(page_size=1000, view=2)
        add_patterns(request.filter)
        yield f"List{plural}, 256 patterns", method, request
    request = topology.ListEndDevicesRequest(page_size=1000)
    add_values(request.filter)
    yield "ListEndDevices, 8192 values", "sas.v1.TopologyService/ListEndDevices", request
    request = topology.ListPhysRequest(page_size=1000)
    request.filter.behind.extend(named.behind)
    yield "ListPhys, behind 16", "sas.v1.TopologyService/ListPhys", request
    for label, query in (("nothing", "xyzzy" * 8), ("4 kB", "5000" * 1000), ("digits", "5" * 30)):
        yield (f"FindResources, {label}", "sas.v1.TopologyService/FindResources",
               topology.FindResourcesRequest(query=query))
    yield ("ListFieldSources", "sas.v1.TopologyService/ListFieldSources",
           topology.ListFieldSourcesRequest(name=named.drive))
    yield "GetNode", "sas.v1.NodeService/GetNode", node.GetNodeRequest()
    yield ("ListFindings", "sas.v1.NodeService/ListFindings",
           node.ListFindingsRequest(show_consequences=True, show_affected=True))
    yield "Diagnose", "sas.v1.NodeService/Diagnose", node.DiagnoseRequest()
    yield "ListScsiHosts", "sas.v1.NodeService/ListScsiHosts", node.ListScsiHostsRequest()
    yield ("ListBaseline", "sas.v1.BaselineService/ListBaseline",
           baseline.ListBaselineRequest(page_size=1000))
    yield ("ListDismissals", "sas.v1.BaselineService/ListDismissals",
           baseline.ListDismissalsRequest())
    yield "ListAliases", "sas.v1.AliasService/ListAliases", alias.ListAliasesRequest()
    yield ("GetMetrics", "sas.v1.MetricsService/GetMetrics",
           metrics.GetMetricsRequest(show_objects=True))
    yield ("ListEvents", "sas.v1.HistoryService/ListEvents",
           history.ListEventsRequest(page_size=1000))
    for newest in (0, 5):
        request = history.ListEventsRequest(page_size=1000, newest_count=newest)
        add_patterns(request.filter, EQUAL)
        yield (f"ListEvents, 256 patterns, newest {newest}", "sas.v1.HistoryService/ListEvents",
               request)
    request = history.ListEventsRequest(page_size=1000)
    request.filter.behind.extend(named.behind)
    yield "ListEvents, behind 16", "sas.v1.HistoryService/ListEvents", request
    yield ("ListEvents, 64 objects", "sas.v1.HistoryService/ListEvents",
           history.ListEventsRequest(page_size=1000, objects=[named.drive] * 64))
    yield ("ListEvents, of what never was", "sas.v1.HistoryService/ListEvents",
           history.ListEventsRequest(objects=["xyzzy"]))
    for label, name in (("drive", named.drive), ("slot", named.slot), ("host", named.host)):
        yield (f"GetTimeline, {label}", "sas.v1.HistoryService/GetTimeline",
               history.GetTimelineRequest(object=name, page_size=1000))
    yield ("GetDifferences", "sas.v1.HistoryService/GetDifferences",
           history.GetDifferencesRequest(revision=1, page_size=1000))


def watches(named):
    """(label, request) of Watches whose filter passes little."""
    for label, resume in (("snapshot", False), ("live", True)):
        request = watch.WatchRequest(skip_snapshot=resume)
        add_watch_patterns(request.filter)
        yield f"Watch, 32 patterns, {label}", request
        request = watch.WatchRequest(skip_snapshot=resume)
        request.filter.behind.extend(named.behind)
        yield f"Watch, behind 16, {label}", request


def types():
    """{method: (type of the request, type of the response)}, of all of the API."""
    factory = message_factory.MessageFactory()
    return {f"{service.full_name}/{method.name}": (factory.GetPrototype(method.input_type),
                                                   factory.GetPrototype(method.output_type))
            for module in MODULES
            for service in module.DESCRIPTOR.services_by_name.values()
            for method in service.methods}


def caller(channel, method):
    """The method as a function of a request; its response stays bytes, and is not decoded."""
    return channel.unary_unary("/" + method, request_serializer=lambda r: r.SerializeToString())


def holds(metrics_text):
    """{method: {clock: seconds}} of sas_call_hold_seconds_max."""
    out = {}
    for line in metrics_text.splitlines():
        if line.startswith("sas_call_hold_seconds_max{"):
            labels, value = line[line.index("{") + 1:].rsplit("} ", 1)
            pairs = dict(each.split("=") for each in labels.replace('"', "").split(","))
            out.setdefault(pairs["method"], {})[pairs["clock"]] = float(value)
    return out
