"""A virtual fabric, QEMU with its HBAs, and the kernel that drives them: what the scenarios act on."""

import os
import re
import shutil
import tempfile
import time

import grpc
import kernel_log
from sas.v1 import emulator_service_pb2 as api
from sas.v1 import emulator_service_pb2_grpc as api_grpc
from sysfs_table import Sysfs, TornError, from_sysfs
from table import address, differences
from tool_tables import from_lsscsi, from_sg_ses_join, from_smp_discover
from truth_table import from_truth
from vm import Vm

RPC_TIMEOUT_S = 60
SETTLE_S = 120
# MPT_DEBUG_EVENTS | MPT_DEBUG_EVENT_WORK_TASK (mpt3sas_debug.h): the driver tells each event.
LOG_EVENTS = 0x18


class Disagreement(AssertionError):
    """Kernel and fabric differ; the text has the differences."""


class Rig:
    """One boot of a fabric. `options` go to sashba."""

    # pylint: disable=too-many-instance-attributes
    def __init__(self, sashba, fabric, image, options, folder):
        self.socket_folder = tempfile.mkdtemp(prefix="vm", dir="/tmp")
        self.listen = "unix:" + os.path.join(self.socket_folder, "s")
        wrapper = [sashba, "--fabric", fabric, "--listen", self.listen, *options, "--"]
        self.vm = Vm(image, wrapper, folder=folder)
        self.channel = grpc.insecure_channel(self.listen)
        self.emulator = api_grpc.EmulatorServiceStub(self.channel)
        self.log_lines_judged = 0

    def start(self):
        self.vm.start()
        grpc.channel_ready_future(self.channel).result(timeout=RPC_TIMEOUT_S)
        hosts = self.elements(api.ELEMENT_KIND_HOST)
        self.host_ids = [element.id for element in hosts]
        self.vm.run("/usr/bin/modprobe -a scsi_transport_sas sd_mod sg ses")

    def close(self):
        self.channel.close()
        self.vm.close()
        shutil.rmtree(self.socket_folder, ignore_errors=True)

    def load_driver(self):
        self.vm.run(f"/usr/bin/modprobe mpt3sas logging_level={LOG_EVENTS}")

    # The fabric. ----------------------------------------------------------------------------------

    def call(self, method, **fields):
        """Calls a verb of the fabric: call("Pull", element="jbod1/3")."""
        request = getattr(api, method + "Request")(**fields)
        return getattr(self.emulator, method)(request, timeout=RPC_TIMEOUT_S)

    def elements(self, *kinds):
        return self.call("ListElements", kinds=kinds).elements

    def truth(self):
        truths = [self.call("GetHostTruth", element=host).truth for host in self.host_ids]
        return from_truth(truths)

    # The kernel. ----------------------------------------------------------------------------------

    def sysfs(self):
        return from_sysfs(self.vm.run("/collect").out)

    def poll(self, condition, timeout_s, what):
        """Waits until condition() is true; it is a look at the state, its cost is the interval."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                raise self.vm.failure(f"not so in {timeout_s} s: {what}")

    def agree(self, timeout_s=SETTLE_S):
        """Waits until sysfs tells what the fabric has. Returns sysfs' table."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                sysfs = self.sysfs()
                lines = differences(self.truth(), sysfs, "sysfs")
            except TornError as error:
                lines = [str(error)]
            if not lines:
                return sysfs
            if time.monotonic() > deadline:
                raise Disagreement(f"after {timeout_s} s:\n" + "\n".join(lines))

    def tool_tables(self):
        """(name, Table) of each tool's view."""
        collected = Sysfs(self.vm.run("/collect").out)
        hosts = {
            name[len("host") :]: address(collected.attribute(f"scsi_host/{name}", "host_sas_address"))
            for name in collected.of_class("sas_host")
        }
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
        """Compares every source with the fabric, once they have settled."""
        self.agree()
        lines = []
        for name, table in self.tool_tables():
            if not table:
                lines.append(f"{name} told nothing")
            lines += self.differences_of_tool(name, table)
        if lines:
            raise Disagreement("\n".join(lines))

    def differences_of_tool(self, name, table):
        """A tool tells of one expander or enclosure: only what concerns it is compared."""
        truth = self.truth()
        if name.startswith("smp_discover") and table:
            about = {key[:3] for key in table}
            for key in [k for k in truth if k[0] == "phy" and k[:3] not in about]:
                del truth[key]
            for key in [k for k in truth if k[0] == "phy" and k not in table]:
                if truth[key]["rate"] == 0:  # the tool leaves out what has nothing attached
                    del truth[key]
        if name.startswith("sg_ses") and table:
            about = {key[:3] for key in table}
            for key in [k for k in truth if k[0] == "bay" and k[:3] not in about]:
                del truth[key]
        return differences(truth, table, name)

    def judge_log(self, *allow_lists):
        """Raises for bad lines of the kernel's log since the last call."""
        lines = self.vm.kernel_log()
        new, self.log_lines_judged = lines[self.log_lines_judged :], len(lines)
        bad = kernel_log.bad_lines(new, *allow_lists)
        if bad:
            shown = "\n".join(bad[:30])
            raise AssertionError(f"{len(bad)} bad lines in the kernel's log:\n{shown}")
