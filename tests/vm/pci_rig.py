"""A machine whose HBAs sasd drives itself: no kernel driver has them, and firmware is the only source."""

import os
import re
import time

import grpc
import sasd
from rig import FIRST_SLOT, LOOK_S, RPC_TIMEOUT_S, SETTLE_S, Disagreement, Rig
from sas.emulator.v1 import emulator_service_pb2 as api
from table import KINDS, differences

# sasd runs as this user, as its unit has it: no root, and the one capability that uevents want.
USER = 1000
AS_USER = (
    f"/usr/bin/as-user --reuid {USER} --regid {USER} --clear-groups --bounding-set=-all,+net_admin"
    " --inh-caps=-all,+net_admin --ambient-caps=-all,+net_admin"
)
# The time in which sasd brings a few IOCs up, in the guest.
START_S = 2.0
DMA_FAULT = re.compile(r"^sashba: .*: DMA (.*)$")


class PciRig(Rig):
    """`way`: how sasd gets at the HBAs: "vfio" or "uio"."""

    # pylint: disable-next=too-many-arguments
    def __init__(self, sashba, fabric, path, image, options, folder, tested, way):
        super().__init__(sashba, fabric, path, image, options, folder, tested)
        self.way = way
        self.variant = os.path.basename(folder)
        self.dma_faults_judged = 0
        self.driven_by_sasd = False
        if way == "vfio":
            # Before all other devices; with remapping of interrupts, MSI-X by qtest does not arrive.
            self.vm.first_devices = ["-device", "intel-iommu,intremap=off"]
            # QEMU 7.2's proxy gives up the big lock while it sends a change of the memory map. When a guest turns
            # translation on or off, at its boot and at its end, another thread may change the map then, and QEMU
            # crashes (SIGSEGV): once in some boots.
            self.exit_codes = (0, 128 + 11)
        else:
            self.vm.append = "hugepages=8"

    def start(self):
        self.vm.start()
        grpc.channel_ready_future(self.channel).result(timeout=RPC_TIMEOUT_S)
        self.host_ids = [element.id for element in self.elements(api.ELEMENT_KIND_HOST)]
        self.pci = {host: f"0000:00:{FIRST_SLOT + i:02x}.0" for i, host in enumerate(self.host_ids)}
        self.vm.run(
            f"/usr/bin/modprobe -a scsi_transport_sas sd_mod sg ses\n"
            f"mkdir -p /etc {sasd.FOLDER} /var/lib/sasd\n"
            f"echo root:x:0: >/etc/group; echo sasd-hba:x:{USER}: >>/etc/group\n"
            f"echo root:x:0:0::/:/bin/sh >/etc/passwd; echo sasd:x:{USER}:{USER}::/:/bin/sh >>/etc/passwd\n"
        )
        if self.way == "vfio":
            self.vm.run(f"chown {USER}:{USER} {sasd.FOLDER} /var/lib/sasd")
            self.vm.run("/usr/bin/modprobe vfio_iommu_type1 allow_unsafe_interrupts=1")
        self.hba("take")
        self.driven_by_sasd = True
        self.start_sasd()

    def start_sasd(self):
        self.sasd.start(*self.sasd_words())

    def sasd_words(self):
        """sasd's options, and the command that becomes sasd."""
        prefix = AS_USER if self.way == "vfio" else ""
        return " ".join(f"--pci {address}" for address in self.pci.values()), prefix

    def die_at_start(self, moment):
        """Starts sasd, and kills it at a moment of its start: from 0, at once, to 1, when it usually is at work."""
        options, prefix = self.sasd_words()
        begin = time.monotonic()
        pid = self.sasd.launch(options, prefix)
        self.vm.run(f"usleep {int(1e6 * moment * START_S)}; kill -KILL {pid}; while [ -e /proc/{pid} ]; do :; done")
        return time.monotonic() - begin

    def hba(self, verb, check=True):
        """Runs `sasd-hba VERB` for all HBAs."""
        option = "--uio " if self.way == "uio" and verb == "take" else ""
        return self.vm.run(f"sasd-hba {verb} {option}{' '.join(self.pci.values())}", check=check, timeout_s=600)

    def agree(self, timeout_s=SETTLE_S):
        """Waits until sasd shows the true state, and the kernel as well while it has the HBAs."""
        if not self.driven_by_sasd:
            return super().agree(timeout_s)
        deadline = time.monotonic() + timeout_s
        while True:
            seen, late = self.vm.lines.position(), time.monotonic() > deadline
            table = self.sasd_table()
            lines = differences(self.truth(), table, "sasd", KINDS)
            if not lines:
                return table
            if late:
                raise Disagreement(f"after {timeout_s} s:\n" + "\n".join(lines))
            self.vm.lines.await_more(seen, LOOK_S)

    def kernel_has_nothing(self):
        lines = self.vm.run("cd /sys/class && ls -d sas_host/* scsi_host/* sas_device/*", check=False).out.split()
        if lines:
            raise Disagreement(f"the kernel shows {lines}")

    def dma_faults(self):
        """What sashba reported of accesses that reached no memory, since the last call."""
        with open(os.path.join(self.vm.folder, "qemu.log"), encoding="utf-8", errors="replace") as log:
            found = [m.group(1) for m in map(DMA_FAULT.match, log.read().splitlines()) if m]
        new, self.dma_faults_judged = found[self.dma_faults_judged :], len(found)
        return new

    def judge_logs(self, *allow_lists):
        super().judge_logs(*allow_lists)
        faults = self.dma_faults()
        if faults:
            raise AssertionError(f"{len(faults)} accesses of HBAs reached no memory: {faults[:5]}")
