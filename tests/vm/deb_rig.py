"""A machine with Debian 12 and systemd, in which sasd and sasctl come from our packages: the unit runs sasd, as user
sasd, under its hardening."""

import json
import os
import shlex
import time

import debian
import programs
from rig import Rig
from sasd import Sasd

OLD = "0.0.9"  # the version that is upgraded
MEMORY_MB = 1024
BOOT_DEADLINE_S = 1200
PATIENCE = 4  # times the usual deadlines: a whole Debian takes longer
KERNEL = (
    "vm.disk modprobe.blacklist=mpt3sas,mptsas"
    " systemd.show_status=error systemd.default_timeout_start_sec=600"
)
# They would use apt and the processor whenever they like; and nobody logs in.
MASKED = (
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "man-db.timer", "fstrim.timer"),
    *("e2scrub_all.timer", "systemd-tmpfiles-clean.timer", "serial-getty@ttyS0.service", "getty@tty1.service"),
)
INSTALL_S = 300  # of packages, on a busy machine
# The agent's shell is busybox', which runs its own applets whatever PATH says.
DEBIAN_SHELL = (
    "exec /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C"
    " DEBIAN_FRONTEND=noninteractive /usr/bin/dash -c "
)
# Lines of a whole system's boot.
SYSTEMD = (
    (r"^systemd(\[1\]|-[\w-]+\[\d+\]): ", "systemd's own; is-system-running judges it"),
    (r"^(EXT4-fs|virtio_blk|input:|random:|fuse:|loop:|audit: )", "no trouble"),
)
LEVELS = {"0": "critical", "1": "critical", "2": "critical", "3": "error", "4": "warning", "7": "debug"}


class PackagedSasd(Sasd):
    """sasd as its unit runs it. Its log is journald's."""

    program = "/usr/sbin/sasd"

    def __init__(self, vm):
        super().__init__(vm)
        self.purged = False

    def launch(self, options, prefix):
        self.vm.run("systemctl start sasd.service || { journalctl -u sasd.service >&2; false; }")
        return self.main_pid()

    def main_pid(self):
        return int(self.vm.run("systemctl show --property MainPID --value sasd.service").out)

    def log(self):
        # A finding goes to journald with its fields instead of a line of text.
        lines = []
        for raw in self.vm.run("journalctl -o json --no-pager _SYSTEMD_UNIT=sasd.service").out.splitlines():
            entry = json.loads(raw)
            text = entry["MESSAGE"]
            if entry.get("SASD_OBJECT"):
                text += f" [{entry['SASD_OBJECT']}]"
            if not text.startswith("["):
                text = f"[0] [sasd] [{LEVELS.get(entry.get('PRIORITY'), 'info')}] {text}"
            lines.append(text)
        return lines

    def judge(self, *allow_lists):
        if not self.purged:
            super().judge(*allow_lists)


class DebRig(Rig):
    """`old`, `new`: package -> path of its .deb."""

    # pylint: disable-next=too-many-arguments
    def __init__(self, sashba, fabric, path, image, options, folder, tested):
        # The programs in the packages are those of the build.
        self.old = debian.build_packages(os.path.join(folder, "old"), "--version", OLD)
        self.new = debian.build_packages(os.path.join(folder, "new"))
        super().__init__(sashba, fabric, path, image, options, folder, tested)
        disk = debian.disk([self.new[name] for name in ("sasd", "sasctl")])
        self.sasd = PackagedSasd(self.vm)
        self.vm.memory_mb, self.vm.boot_deadline_s = MEMORY_MB, BOOT_DEADLINE_S
        self.vm.patience = PATIENCE
        # The driver under test comes when a scenario loads it. The disk's file is not changed, and what the guest writes
        # need not survive the machine.
        self.vm.append = " ".join([KERNEL, *("systemd.mask=" + unit for unit in MASKED)])
        self.vm.qemu_arguments += [
            *("-drive", f"file={disk},if=none,id=root,format=raw,snapshot=on,cache=unsafe"),
            *("-device", "virtio-blk-pci,drive=root,addr=1d"),
        ]
        self.names_before = set()

    def archive(self, tested):
        ctl_user = [path for path in tested if os.path.basename(path) == "ctl_user"]
        debs = [
            (packages[name], f"debs/{age}/{name}.deb")
            for age, packages in (("old", self.old), ("new", self.new))
            for name in ("sasd", "sasctl")
        ]
        return programs.archive(ctl_user, debs)

    def install(self):
        self.names_before = self.names()
        self.apt("install /debs/old/sasd.deb /debs/old/sasctl.deb")

    def debian(self, script, check=True, timeout_s=INSTALL_S):
        """Runs a script with Debian's programs instead of busybox'."""
        return self.vm.run(DEBIAN_SHELL + shlex.quote(script), check=check, timeout_s=timeout_s)

    def apt(self, words):
        """Runs apt offline, without a recommendation or a question."""
        begin = time.monotonic()
        self.debian(f"apt-get --yes --no-install-recommends {words} </dev/null")
        print(f"     apt {words.split(maxsplit=1)[0]}: {time.monotonic() - begin:.0f} s")

    def names(self):
        """The paths on the disk and in /run."""
        return set(self.debian("find / /run -xdev").out.splitlines())

    def judge_logs(self, *allow_lists):
        super().judge_logs(SYSTEMD, *allow_lists)

    def keep_logs(self):
        super().keep_logs()
        with open(os.path.join(self.vm.folder, "journal.log"), "w", encoding="utf-8") as out:
            out.write(self.vm.run("journalctl --no-pager").out)
