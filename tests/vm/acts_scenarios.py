"""Many random acts in one boot, on the fabric "acts": `run.py --acts 300 --seed 1`; `run.py --long` samples them."""

import kernel_log
from chaos import ACTS, storm
from scenarios import LONG, expect, scenario
from watch_contract import WatchContract
from watch_reference import Filter

# What `--acts` and `--seed` set.
RUN = {"acts": 40, "seed": 1}
WHOLE_RUN = ["enumeration", "io_begins", "random_acts", "io_ends"]
AGREE_EVERY, LIST_EVERY = 5, 20
# Options of `sasctl events`, and the same filter of watch_reference.
FILTERS = (
    ("-f host={hosts[1]}", {"hosts": [1]}),
    ("-f host={hosts[0]} -f kind=slots,lus,enclosures", {"hosts": [0], "kinds": ["slot", "logical_unit", "enclosure"]}),
    ("-f kind=end-devices", {"kinds": ["end_device"]}),
)


@scenario(kernel_log.ACTS, length=LONG, fabrics=("acts",), before="io_ends")
def random_acts(rig):
    """Random acts with resets and faults: fabric, kernel, Watch and lists agree; Watch keeps its contract."""
    table = rig.agree()
    start = rig.sasd.contract.reference.revision
    done = storm(rig, ACTS, RUN["acts"], RUN["seed"], AGREE_EVERY, LIST_EVERY)
    rig.lists_agree()
    contract = rig.sasd.contract
    happened = [event for event, _ in contract.happened if event.revision > start]
    changes = sum(len(event.changes) for event in happened)
    kinds = {what.split()[0] for what in done}
    print(f"     seed {RUN['seed']}: {len(done)} acts ({', '.join(sorted(kinds))})")
    print(f"     {changes} changes of {len(happened)} events")
    expect(changes > len(done) / 2, f"only {changes} changes")
    hosts = ["hosts/" + rig.call("GetHostTruth", element=host).truth.sas_address for host in rig.host_ids]
    for options, spec in FILTERS:
        compare_filtered(rig, start, options.format(hosts=hosts), Filter(spec, hosts))


def compare_filtered(rig, start, options, a_filter):
    """`sasctl events` with a filter lists what the unfiltered client has seen of it."""
    listed = WatchContract.whole(rig.sasd.events(start, options))
    expected = rig.sasd.contract.seen_by(a_filter, start)
    revisions = [[event.revision for event in events] for events in (listed, expected)]
    expect(revisions[0] == revisions[1], f"{options}: events {revisions[0]} instead of {revisions[1]}")
    for one, other in zip(listed, expected):
        expect(one == other, f"{options}: {one} instead of {other}")
