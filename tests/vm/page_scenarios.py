"""docs/virtual-hba.md, as a reader follows it: its fabric, its command line, and its commands in the guest and beside it."""

import os
import re
import shlex
import subprocess

import kernel_log
from scenarios import NORMAL, expect, scenario
from variants import PAGE

SASCTL = os.path.join(os.path.dirname(PAGE), "../bazel-bin/cli/sasctl")
BAYS = 60
# Options of the page that say what its reader's own guest is.
OF_THE_GUEST = ("-m", "-object", "-drive", "-nographic")


def page():
    with open(PAGE, encoding="utf-8") as source:
        return source.read()


def blocks(kind):
    return re.findall(rf"(?ms)^```{kind}\n(.*?)^```$", page())


def disks(rig):
    return int(rig.vm.run("ls -d /sys/block/sd* 2>/dev/null | wc -l").out)


@scenario(length=NORMAL, fabrics=("jbod60",))
def page_starts_the_guest(rig):
    """The machine has the options of the page; the guest finds the HBA, loads mpt3sas and has the JBOD."""
    (start,) = [block for block in blocks("sh") if "qemu-system" in block]
    words = shlex.split(start.replace("\\\n", " "))
    sashba, qemu = words[1 : words.index("--")], words[words.index("--") + 2 :]
    ours = rig.vm.command()
    for option in ("--hba", "--fabric", "--listen"):
        expect(option in sashba and option in ours, f"no {option} in {sashba} or {ours}")
    expect(sashba[sashba.index("--hba") + 1] == ours[ours.index("--hba") + 1], f"another board: {ours}")
    for i in range(0, len(qemu) - 1, 2):
        if qemu[i] not in OF_THE_GUEST:
            expect(any(ours[at : at + 2] == qemu[i : i + 2] for at in range(len(ours))), f"{qemu[i : i + 2]} not in {ours}")
    memory = qemu[qemu.index("-object") + 1]
    expect(re.sub(r"size=\w+", "", memory) == re.sub(r"size=\w+", "", ours[ours.index("-object") + 1]), memory)
    rig.load_driver()
    rig.agree()
    rig.vm.run("udevadm settle")
    expect(disks(rig) == BAYS, f"{disks(rig)} disks")


@scenario(length=NORMAL, fabrics=("jbod60",))
def page_commands_in_the_guest(rig):
    """Each command that the page shows in the guest works there, and shows what the page says."""
    (block,) = [block for block in blocks("") if "lspci" in block]
    shown = {}
    for command in block.strip().splitlines():
        # busybox has an lspci of its own.
        shown[command.split()[0]] = rig.vm.run(re.sub(r"^(lspci|lsscsi)\b", r"/usr/bin/\1", command)).out
    (device,) = re.findall(r"`(Serial Attached SCSI controller: .*?)`", page().replace("\n", " "))
    name, numbers = re.match(r"(.*) (\[\w+:\w+\])", device).groups()
    words = re.sub(r" \[0107\]", "", shown["lspci"])
    expect(name in words and numbers in words, f"{device!r} instead of {shown['lspci']!r}")
    kinds = [line.split()[1] for line in shown["lsscsi"].splitlines()]
    expect(kinds.count("disk") == BAYS and kinds.count("enclosu") == 1, f"{kinds}")
    expect(shown["ls"].count("\n") >= BAYS, f"{shown['ls']}")
    expect("5000cca26128b101" in shown["sg_ses"].replace("0x", ""), shown["sg_ses"][-500:])


@scenario(kernel_log.REMOVAL, length=NORMAL, fabrics=("jbod60",))
def page_acts(rig):
    """The acts of the page, in their order: the guest loses the drive and gets it back."""
    (block,) = [block for block in blocks("sh") if "sasctl emulator" in block]
    acts = [shlex.split(line) for line in block.splitlines() if line.startswith("sasctl ")]
    verbs = [words[2] for words in acts]
    expect(verbs == ["list", "pull", "insert"], f"{verbs}")
    for words, left in zip(acts, (BAYS, BAYS - 1, BAYS)):
        environment = {**os.environ, "SASD_ADDR": rig.listen}
        done = subprocess.run([SASCTL, *words[1:]], env=environment, capture_output=True, text=True, check=False)
        expect(done.returncode == 0, f"{words}: {done.stderr}")
        rig.poll(lambda n=left: disks(rig) == n, 60, f"{left} disks after {words}")
    rig.agree()
