"""The system under test: a virtual fabric, QEMU with its HBAs, the kernel that drives them, and sasd."""

import dataclasses
import os
import re
import shutil
import tempfile
import time

import grpc
import kernel_log
import programs
from sas.emulator.v1 import emulator_service_pb2 as api
from sas.emulator.v1 import emulator_service_pb2_grpc as api_grpc
from sasd import Sasd
from sysfs_table import Reader, Sysfs, TornError, from_sysfs
from table import KINDS, address, as_read, differences
from tool_tables import from_lsscsi, from_sg_ses_join, from_smp_discover
from truth_table import from_truth
from vm import Vm

RPC_TIMEOUT_S = 60
SETTLE_S = 120
LOAD_S = 600  # of the driver with its devices, on a busy machine
LOOK_S = 1  # between two looks at a state that reports no change
# MPT_DEBUG_EVENTS | MPT_DEBUG_EVENT_WORK_TASK (mpt3sas_debug.h): the driver logs each event.
LOG_EVENTS = 0x18
# sashba gives the HBAs the slots from 4 on.
FIRST_SLOT = 4


# Fields that the kernel and sasd have, but the fabric does not.
KERNEL_FIELDS = ("hctl", "name", "names", "state")


class Disagreement(AssertionError):
    """Two of fabric, kernel and sasd differ. The text lists the differences."""


class Node:
    """One boot of a machine with HBAs, its kernel and sasd. `tested`: the paths of sasd and sasctl."""

    # pylint: disable-next=too-many-arguments
    def __init__(self, image, tested, folder, wrapper=(), qemu_arguments=()):
        whole = os.path.join(folder, "initramfs")
        programs.add_to(image.initramfs, self.archive(tested), whole)
        image = dataclasses.replace(image, initramfs=whole)
        self.vm = Vm(image, wrapper, qemu_arguments, folder=folder)
        self.sasd = Sasd(self.vm)
        self.log_lines_judged = 0
        self.exit_codes = (0,)  # of QEMU

    def archive(self, tested):
        """The archive in front of the image's."""
        return programs.archive(tested)

    def start(self):
        self.vm.start()
        self.vm.run("/usr/bin/modprobe -a scsi_transport_sas sd_mod sg ses")
        self.install()
        self.sasd.start()

    def install(self):
        """Puts sasd and sasctl on the machine. They are in the initramfs already, except for DebRig."""

    def close(self):
        self.vm.close()

    def keep_logs(self):
        """Copies the logs in the machine to the folder of its console's log."""
        with open(os.path.join(self.vm.folder, "sasd.log"), "w", encoding="utf-8") as out:
            out.write("\n".join(self.sasd.log()) + "\n")

    def truth(self):
        """The Table of the true state."""
        raise NotImplementedError

    def sysfs(self):
        return from_sysfs(self.vm.run("/collect", timeout_s=LOAD_S).out)

    def sasd_table(self):
        return self.sasd.table()

    def poll(self, condition, timeout_s, what):
        """Waits until condition() is true. It looks at the state; its own cost is the interval."""
        deadline = self.vm.deadline(timeout_s)
        while not condition():
            if time.monotonic() > deadline:
                raise self.vm.failure(f"not within {timeout_s} s: {what}")

    def agree(self, timeout_s=SETTLE_S):
        """Waits until sysfs and sasd show the true state. Returns sysfs' table.

        The picture of sasd's Watch client costs the guest nothing. So sysfs is read once that one is right, and not
        while the guest's one CPU adds devices."""
        deadline = self.vm.deadline(timeout_s)
        while True:
            seen, late = self.vm.lines.position(), time.monotonic() > deadline
            watched = self.sasd_table()
            lines = differences(as_read(self.truth(), watched), watched, "sasd", KINDS)
            if not lines or late:
                try:
                    sysfs = self.sysfs()
                    truth = as_read(self.truth(), sysfs)
                    lines = differences(truth, sysfs, "sysfs", KINDS)
                    lines = lines or differences_of_sasd(truth, sysfs, self.sasd_table())
                except TornError as error:
                    lines = [str(error)]
                if not lines:
                    return sysfs
            elif self.vm.lines.await_more(seen, LOOK_S):
                continue
            if late:
                raise Disagreement(f"after {timeout_s} s:\n" + "\n".join(lines))

    def kernel_agrees(self, timeout_s=SETTLE_S):
        """Waits until sysfs shows the true state, while sasd does not run. The firmware of an HBA may wait before it
        reports a loss."""
        deadline = self.vm.deadline(timeout_s)
        while True:
            try:
                sysfs = self.sysfs()
                lines = differences(as_read(self.truth(), sysfs), sysfs, "sysfs", KINDS)
            except TornError as error:
                lines = [str(error)]
            if not lines:
                return
            if time.monotonic() > deadline:
                raise Disagreement(f"after {timeout_s} s:\n" + "\n".join(lines))

    def lists_agree(self, timeout_s=SETTLE_S):
        """Waits until `sasctl list` shows the same as a Watch client, and both the true state."""
        deadline = self.vm.deadline(timeout_s)
        while True:
            sysfs = self.agree(timeout_s)
            watched, listed = self.sasd_table(), self.sasd.listed_table()
            lines = differences(watched, listed, "sasctl list", KINDS, truth_name="Watch snapshot")
            lines += differences_of_sasd(as_read(self.truth(), sysfs), sysfs, listed)
            if not lines:
                return listed
            if time.monotonic() > deadline:
                raise Disagreement("\n".join(lines))

    def judge_logs(self, *allow_lists):
        """Raises for new bad lines in the kernel's or sasd's log, and if sasd is gone."""
        self.sasd.judge(*allow_lists)
        lines = self.vm.kernel_log()
        new, self.log_lines_judged = lines[self.log_lines_judged :], len(lines)
        bad = kernel_log.bad_lines(new, *allow_lists)
        if bad:
            shown = "\n".join(bad[:30])
            raise AssertionError(f"{len(bad)} bad lines in the kernel's log:\n{shown}")


def differences_of_sasd(truth, sysfs, sasd):
    """Differences of sasd from the truth. If none: from sysfs, in the fields that only the kernel has."""
    lines = differences(truth, sasd, "sasd", KINDS)
    return lines or differences(sysfs, sasd, "sasd", KINDS, fields=KERNEL_FIELDS, truth_name="sysfs")


class Rig(Node):
    """A virtual fabric and mpt3sas on its HBAs. `fabric`: its name; `path`: its file. `options` go to sashba."""

    # pylint: disable-next=too-many-arguments
    def __init__(self, sashba, fabric, path, image, options, folder, tested):
        self.fabric = fabric
        self.socket_folder = tempfile.mkdtemp(prefix="vm", dir="/tmp")
        self.listen = "unix:" + os.path.join(self.socket_folder, "s")
        wrapper = [sashba, "--fabric", path, "--listen", self.listen, *options, "--"]
        super().__init__(image, tested, folder, wrapper)
        self.channel = grpc.insecure_channel(self.listen)
        self.emulator = api_grpc.EmulatorServiceStub(self.channel)
        self.host_ids = []
        self.replacements = 0  # drives that were replaced since the boot
        self.pci = {}  # id of a host -> its PCI address

    def start(self):
        super().start()
        grpc.channel_ready_future(self.channel).result(timeout=RPC_TIMEOUT_S)
        hosts = self.elements(api.ELEMENT_KIND_HOST)
        self.host_ids = [element.id for element in hosts]
        self.pci = {host: f"0000:00:{FIRST_SLOT + i:02x}.0" for i, host in enumerate(self.host_ids)}

    def close(self):
        self.channel.close()
        super().close()
        shutil.rmtree(self.socket_folder, ignore_errors=True)

    def load_driver(self):
        self.vm.run(f"/usr/bin/modprobe mpt3sas logging_level={LOG_EVENTS}", timeout_s=LOAD_S)

    def unload_driver(self):
        self.sasd.let_go()
        self.vm.run("/usr/bin/modprobe -r mpt3sas")

    # The fabric. ----------------------------------------------------------------------------------

    def call(self, method, **fields):
        """Calls a verb of the fabric: call("Pull", element="jbod1/3")."""
        request = getattr(api, method + "Request")(**fields)
        return getattr(self.emulator, method)(request, timeout=RPC_TIMEOUT_S)

    def elements(self, *kinds):
        elements, token = [], ""
        while True:
            page = self.call("ListElements", kinds=kinds, page_size=1000, page_token=token)
            elements += page.elements
            token = page.next_page_token
            if not token:
                return elements

    def truth(self):
        truths = [self.call("GetHostTruth", element=host).truth for host in self.host_ids]
        table = from_truth(truths, [self.pci[host] for host in self.host_ids])
        for (host,) in table.of_kind("host"):
            table.put("host", host, firmware=True)  # through mpt3sas' control node
        return table

    def scsi_generic_of(self, host):
        """A SCSI generic node ("sg3") of a device behind a host; None without one."""
        found = self.vm.run(
            f"cd /sys/class/scsi_generic && for g in *; do readlink -f $g/device | grep -q '/{self.pci[host]}/'"
            f" && echo $g && break; done; true"
        )
        return found.out.strip() or None

    def log_name(self, host):
        """The name of a host in the kernel's log ("mpt3sas_cm0")."""
        found = self.vm.run(
            f"cd /sys/class/scsi_host && for h in *; do readlink -f $h/device | grep -q '/{self.pci[host]}/'"
            f" && echo $(cat $h/proc_name)_cm$(cat $h/unique_id) && break; done; true"
        )
        return found.out.strip()

    # The tools. -----------------------------------------------------------------------------------

    def tool_tables(self):
        """(name, Table) of each tool's view."""
        collected = Sysfs(self.vm.run("/collect").out)
        hosts = {name[len("host") :]: host for name, host in Reader(collected).hosts.items()}
        transport = self.vm.run("/usr/bin/lsscsi -t").out
        units = self.vm.run("/usr/bin/lsscsi -u").out
        yield "lsscsi", from_lsscsi(transport, units, hosts)
        for name in collected.of_class("sas_expander"):
            host = hosts[re.match(r"expander-(\d+):", name).group(1)]
            node = address(collected.attribute(f"sas_device/{name}", "sas_address"))
            text = self.vm.run(f"smp_discover /dev/bsg/{name}").out
            yield f"smp_discover {name}", from_smp_discover(text, host, node)
        for name in collected.of_class("enclosure"):
            host = hosts[name.split(":")[0]]
            enclosure = address(collected.attribute(f"enclosure/{name}", "id"))
            sg = self.vm.run(f"ls /sys/class/enclosure/{name}/device/scsi_generic").out.strip()
            text = self.vm.run(f"sg_ses --join /dev/{sg}").out
            yield f"sg_ses {name}", from_sg_ses_join(text, host, enclosure)

    def all_agree(self):
        """Compares every source with the fabric, once all have settled."""
        self.agree()
        lines = []
        for name, table in self.tool_tables():
            if not table:
                lines.append(f"{name} shows nothing")
            lines += self.differences_of_tool(name, table)
        if lines:
            raise Disagreement("\n".join(lines))

    def differences_of_tool(self, name, table):
        """A tool shows one expander or enclosure: compares only the truth about that object."""
        truth = self.truth()
        if name.startswith("smp_discover") and table:
            about = {key[:3] for key in table}
            for key in [k for k in truth if k[0] == "phy" and k[:3] not in about]:
                del truth[key]
            for key in [k for k in truth if k[0] == "phy" and k not in table]:
                if truth[key]["rate"] == 0:  # the tool leaves out phys with nothing attached
                    del truth[key]
        if name.startswith("sg_ses") and table:
            about = {key[:3] for key in table}
            for key in [k for k in truth if k[0] == "bay" and k[:3] not in about]:
                del truth[key]
        return differences(truth, table, name)
