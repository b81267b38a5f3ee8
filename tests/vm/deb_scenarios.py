"""Scenarios of the packages, in a Debian 12 with systemd (deb_rig.py). All of sasd_scenarios run there as well."""

import re

import kernel_log
import sasd_scenarios
import scenarios
from scenarios import NORMAL, expect

CAP_NET_ADMIN = 1 << 12
SCENARIOS = []
# What apt, dpkg and journald keep of packages that are gone.
RECORDS = re.compile(r"^/(var/log|var/cache|var/lib/(apt|dpkg)|run/(log|systemd|udev)|etc/(passwd|group|g?shadow)-)")


def scenario(*allow):
    def mark(function):
        function.allow = allow
        function.length = NORMAL
        function.fabrics = ("deb",)
        SCENARIOS.append(function)
        return function

    return mark


def facts_of(rig, pid):
    """The lines of a process' status: name -> text."""
    lines = rig.vm.run(f"cat /proc/{pid}/status").out.splitlines()
    return {name: text.strip() for name, _, text in (line.partition(":") for line in lines)}


@scenario()
def system_runs(rig):
    """The packages were installed: systemd has no failed unit, and sasd's is active and enabled."""
    state = rig.debian("systemctl is-system-running --wait", check=False)
    failed = rig.debian("systemctl --failed --no-legend --plain").out
    expect(state.out.strip() == "running" and not failed, f"{state.out.strip()}: {failed}")
    for unit in ("sasd.service", "sasd.socket"):
        shown = rig.debian(f"systemctl is-active {unit}; systemctl is-enabled {unit}").out.split()
        expect(shown == ["active", "enabled"], f"{unit}: {shown}")
    first = rig.debian("cat /proc/1/comm").out.strip()
    expect(first == "systemd", f"process 1 is {first}")


@scenario()
def unit_confines_sasd(rig):
    """sasd runs as user sasd, with one capability, a filter of system calls, no network and a read-only system."""
    pid = rig.sasd.main_pid()
    facts = facts_of(rig, pid)
    uid, gid = rig.debian("id -u sasd; getent group sasd | cut -d: -f3").out.split()
    hba = rig.debian("getent group sasd-hba | cut -d: -f3").out.strip()
    expect(set(facts["Uid"].split()) == {uid} and uid != "0", f"user {facts['Uid']} instead of {uid}")
    expect(set(facts["Gid"].split()) == {gid}, f"group {facts['Gid']} instead of {gid}")
    expect(hba in facts["Groups"].split(), f"groups {facts['Groups']} without {hba}")
    for name in ("CapEff", "CapPrm", "CapBnd"):
        expect(int(facts[name], 16) == CAP_NET_ADMIN, f"{name} is {facts[name]}")
    expect((facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2"), f"{facts['NoNewPrivs']} {facts['Seccomp']}")
    links = rig.debian(f"nsenter --target {pid} --net ls /sys/class/net 2>&1; readlink /proc/1/ns/net /proc/{pid}/ns/net").out
    spaces = re.findall(r"net:\[\d+\]", links)
    expect(len(set(spaces)) == 2, f"the network namespaces are {spaces}")
    enter = f"nsenter --target {pid} --mount"
    written = rig.debian(f"{enter} touch /usr/x /etc/x /var/x; {enter} touch /var/lib/sasd/x && rm /var/lib/sasd/x", check=False)
    refused = written.err.count("Read-only file system")
    expect(written.code == 0 and refused == 3, f"of three files {refused} were refused: {written.err}")
    print("     " + rig.debian("systemd-analyze security --no-pager sasd.service").out.strip().splitlines()[-1])


@scenario()
def group_may_query(rig):
    """A member of the group sasd queries sasd; another user is refused."""
    rig.debian("useradd --create-home --groups sasd alice && useradd --create-home bob")
    alice = rig.debian("su --login alice -c 'sasctl --timeout 60s summary'")
    expect(" drives, " in alice.out and "2 hosts" in alice.out, alice.out)
    bob = rig.debian("su --login bob -c 'sasctl --timeout 5s summary'", check=False)
    expect(bob.code != 0 and "ermission" in bob.err, f"{bob.code}: {bob.err}")


@scenario()
def man_pages_and_completion(rig):
    """`man` shows each page, and Tab in an interactive shell completes a command."""
    for page in ("sasctl", "sas-events", "sasd", "sasd.toml", "sasd-hba"):
        shown = rig.debian(f"MANPAGER=cat MANWIDTH=80 man {page}").out
        expect("NAME" in shown and "sas" in shown and len(shown) > 1000, f"man {page}: {shown[:200]}")
    # A login shell on a terminal of its own, as it is typed. Without completion the command would be "hea-h".
    typed = "printf 'sasctl hea\\t-h\\nexit\\n' | script --quiet --return --command 'bash --login -i' /dev/null"
    shown = rig.debian(typed, check=False).out
    expect("Report what is wrong" in shown, shown)


@scenario(kernel_log.REMOVAL)
def upgrade_keeps_history(rig):
    """A drive is pulled and put back; the packages are upgraded: no client is refused, and nothing is forgotten."""
    rig.call("Pull", element="jbod1-disk03")
    rig.agree()
    rig.call("Insert", element="jbod1-disk03")
    rig.agree()
    before, pid = rig.sasd.status(), rig.sasd.main_pid()
    history = rig.sasd.events()
    expect(rig.debian("dpkg-query -W -f '${Version}' sasd").out == "0.0.9", "the old version is not installed")
    # Nice, because the guest has one processor, which apt needs.
    client = "nice -n 19 sasctl --timeout 240s status >/dev/null || echo refused"
    rig.vm.start_job("client", f"until [ -e /run/client.stop ]; do {client}; done")
    rig.debian("echo '# of this node' >>/etc/sasd/sasd.toml")
    rig.apt("install /debs/new/sasd.deb /debs/new/sasctl.deb")
    rig.sasd.pid = rig.sasd.main_pid()
    expect(rig.sasd.pid != pid, "the old sasd still runs")
    rig.sasd.settle()
    rig.sasd.follow()  # the former Watch ended with its sasd
    rig.vm.run("touch /run/client.stop")
    rig.poll(lambda: rig.vm.job_result("client")[0] is not None, 60, "the client ends")
    expect(rig.vm.job_result("client") == (0, ""), f"{rig.vm.job_result('client')}")
    expect(rig.debian("dpkg-query -W -f '${Version}' sasd").out != "0.0.9", "the old version is installed")
    expect(rig.debian("tail -n 1 /etc/sasd/sasd.toml").out == "# of this node\n", "the configuration is not kept")
    after = rig.sasd.status()
    expect(after["epoch"] == before["epoch"], f"epoch {after['epoch']} instead of {before['epoch']}")
    kept = rig.sasd.events()[: len(history)]
    expect(kept == history, f"{len(history)} events before, of which other ones after the upgrade")
    expect(int(after["revision"]) >= int(before["revision"]), f"revision {after['revision']} after {before['revision']}")


@scenario(kernel_log.UNLOAD)
def modprobe_asks_sasd(rig):
    """`modprobe -r mpt3sas` alone unloads the driver: our rule makes sasd close the control nodes first."""
    expect(rig.sasd.nodes(), "sasd has no control node open")
    rig.debian("modprobe -r mpt3sas")
    rig.poll(lambda: not rig.sasd.table(), 60, "sasd reports no objects")
    rig.load_driver()
    rig.agree()


@scenario()
def unit_confines_sasd_again(rig):
    """The upgraded sasd is confined as well."""
    unit_confines_sasd(rig)


@scenario()
def purge_leaves_nothing(rig):
    """The packages are removed, then purged: no file, unit, process or user of them stays."""
    rig.vm.run(f"kill {rig.sasd.watch_pid}")
    rig.apt("remove sasd sasctl")
    rig.sasd.purged = True
    expect(rig.vm.run("ls /var/lib/sasd").out.split(), "a removal keeps no history")
    rig.apt("purge sasd sasctl")
    left = {name for name in rig.names() - rig.names_before if re.search(r"sas(d|ctl|-hba|-events)", name)}
    left = sorted(name for name in left if not RECORDS.match(name))
    expect(not left, f"left: {left}")
    accounts = rig.debian("getent passwd sasd; getent group sasd sasd-hba; true").out
    expect(not accounts, f"left: {accounts}")
    processes = rig.debian("ps -e -o comm= | grep '^sas'; true").out
    expect(not processes, f"left: {processes}")
    units = rig.debian("systemctl list-units --all --no-legend --plain 'sas*'").out
    expect(not units, f"left: {units}")
    failed = rig.debian("systemctl --failed --no-legend --plain").out
    expect(not failed, f"failed: {failed}")


# In the order of a machine's life: the old version is there from the boot on.
BY_NAME = {function.__name__: function for function in (*scenarios.SCENARIOS, *SCENARIOS)}
LIFE = [
    *("enumeration", "system_runs", "unit_confines_sasd", "group_may_query", "man_pages_and_completion"),
    *("upgrade_keeps_history", "unit_confines_sasd_again"),
    *(s.__name__ for s in scenarios.SCENARIOS if s.__module__ == sasd_scenarios.__name__),
    *("host_reset", "short_storm", "modprobe_asks_sasd", "pci_remove", "purge_leaves_nothing"),
]
SCENARIOS = [BY_NAME[name] for name in LIFE]
