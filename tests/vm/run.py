#!/usr/bin/python3
"""Runs the scenarios in virtual machines: see README.md. The last line is "N passed, N failed"."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "bazel-bin", "proto"))

BUILD = "bazel build //packaging:programs //tests/vm:ctl_user //proto/sas/emulator/v1:sas_emulator_v1_py"
INSTALL = "bazel/setup.sh vm installs it"
try:
    import image  # noqa: E402
    import mptsas  # noqa: E402
    from rig import Rig  # noqa: E402
    import acts_scenarios  # noqa: E402
    import deb_scenarios  # noqa: E402
    import debian  # noqa: E402
    from deb_rig import DebRig  # noqa: E402
    import pci_scenarios  # noqa: E402
    from pci_rig import PciRig  # noqa: E402
    import page_scenarios  # noqa: E402,F401 pylint: disable=unused-import
    import offline_scenarios  # noqa: E402,F401 pylint: disable=unused-import
    import sasd_scenarios  # noqa: E402,F401 pylint: disable=unused-import
    import twins_scenarios  # noqa: E402,F401 pylint: disable=unused-import
    from scenarios import LONG, NORMAL, SCENARIOS, SHORT  # noqa: E402
    from variants import VARIANTS  # noqa: E402
    from vm import QEMU, VmError  # noqa: E402
except ModuleNotFoundError as missing:
    top = missing.name.split(".")[0]
    print(f"no Python module {missing.name}; " + (f"build it: {BUILD}" if top == "sas" else INSTALL))
    sys.exit(2)

SASHBA = os.environ.get("SASHBA") or os.path.join(ROOT, "bazel-bin", "emulator", "qemu", "sashba")
# The programs for the guest. Its busybox has no nice.
PROGRAMS = [os.path.join(ROOT, "bazel-bin", path) for path in ("daemon/sasd", "cli/sasctl", "daemon/hba/sasd-hba", "tests/vm/ctl_user")]
PROGRAMS += ["/usr/bin/nice", "/usr/bin/setpriv"]


CRASHES = [3]  # of QEMU at the boot that one run lives through
# The machine without a virtual HBA of ours.
MPTSAS = "mptsas1068"
# What runs without --long, and the variants that are the first of their fabric.
ORDINARY = ("sas3008",)
ALONE = ("sas3008", "jbod60", "twins", "acts")


def make_rig(name, built, folder):
    os.makedirs(folder, exist_ok=True)
    if name == MPTSAS:
        return mptsas.Mpi1Node(built, folder, PROGRAMS)
    fabric = os.path.join(folder, "fabric.textproto")
    with open(fabric, "w", encoding="utf-8") as out:
        out.write(VARIANTS[name].text())
    variant = VARIANTS[name]
    common = (SASHBA, variant.name, fabric, built, variant.options, folder, PROGRAMS)
    if variant.packaged:
        return DebRig(*common)
    return PciRig(*common, variant.way) if variant.way else Rig(*common)


def run_boot(variant, scenarios, built, folder):
    """Boots once and runs the scenarios in turn. Returns (passed, failed)."""
    passed = failed = 0
    try:
        rig = make_rig(variant, built, folder)
    except image.ImageError as error:
        print(f"FAILED {variant}: {error}")
        return 0, 1
    try:
        start = time.monotonic()
        while not boots(rig):
            print(f"   {variant}: QEMU crashed at the boot; again")
            rig.close()
            rig = make_rig(variant, built, folder)
        print(f"   {variant}: booted in {time.monotonic() - start:.0f} s")
        for scenario in scenarios:
            if run_one(rig, variant, scenario):
                passed += 1
            else:
                failed += 1
                if not alive(rig):
                    break
        if alive(rig):
            rig.keep_logs()
            code = rig.vm.power_off()
            if code not in rig.exit_codes:
                print(f"FAILED {variant}: exit code {code} at the end")
                failed += 1
    except Exception as error:  # pylint: disable=broad-except
        print(f"FAILED {variant}: {error}")
        failed += 1
    finally:
        rig.close()
    return passed, failed


def boots(rig):
    """Starts the machine. False: QEMU crashed, in a way that is known of this kind of machine, at most CRASHES times."""
    try:
        rig.start()
        return True
    except VmError:
        code = rig.vm.process.wait(timeout=10) if rig.vm.process else 0
        CRASHES[0] -= 1
        if code == 0 or code not in rig.exit_codes or CRASHES[0] < 0:
            raise
        return False


def alive(rig):
    return rig.vm.process is not None and rig.vm.process.poll() is None


def run_one(rig, variant, scenario):
    start = time.monotonic()
    try:
        scenario(rig)
        rig.judge_logs(*scenario.allow)
    except Exception as error:  # pylint: disable=broad-except
        where = traceback.extract_tb(error.__traceback__)[-1]
        print(f"FAILED {variant} {scenario.__name__} ({os.path.basename(where.filename)}:{where.lineno})")
        print("     " + str(error).replace("\n", "\n     "))
        return False
    print(f"PASSED {variant} {scenario.__name__} {time.monotonic() - start:.1f} s", flush=True)
    return True


def of_fabric(name):
    return [s for s in SCENARIOS if name in s.fabrics]


def scenarios_of(variant):
    if variant == MPTSAS:
        return mptsas.SCENARIOS
    if VARIANTS[variant].packaged:
        return deb_scenarios.SCENARIOS
    if variant == "trips":
        return pci_scenarios.TRIPS
    return pci_scenarios.SCENARIOS if VARIANTS[variant].way else of_fabric(VARIANTS[variant].name)


def choose(variant, names, length):
    """The variant's scenarios with these names, or of that length. Adds the one that loads the driver."""
    all_known = SCENARIOS + mptsas.SCENARIOS + deb_scenarios.SCENARIOS + pci_scenarios.SCENARIOS + pci_scenarios.TRIPS
    unknown = [name for name in names if name not in {s.__name__ for s in all_known}]
    if unknown:
        sys.exit(f"run.py: no scenario {unknown[0]}; --list shows all")
    own = scenarios_of(variant)
    if not names:
        return [s for s in own if s.length <= length]
    chosen = [s for s in own if s.__name__ in names]
    return chosen if own[0] in chosen or not chosen else own[:1] + chosen


def shell(variant, built, folder):
    """Runs a shell in the guest, on this terminal; `exit` ends it."""
    rig = make_rig(variant, built, folder)
    print(f"sasctl --addr {rig.listen} emulator ... acts on the fabric; C-a x ends QEMU")
    try:
        return subprocess.run(rig.vm.command(shell=True), check=False).returncode
    finally:
        rig.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", help="run only these, after enumeration")
    parser.add_argument("--short", action="store_true", help="run a few quick scenarios")
    parser.add_argument("--long", action="store_true", help="run all scenarios on all variants")
    parser.add_argument("--acts", type=int, help="run so many random acts on the fabric \"acts\", and nothing else")
    parser.add_argument("--round-trips", type=int, help="give the HBAs to mpt3sas and take them, so often")
    parser.add_argument("--kills", type=int, help="kill sasd so often, while it drives the HBAs in a storm")
    parser.add_argument("--record", metavar="FILE", help="record the session of docs/userspace.md")
    parser.add_argument("--seed", type=int, default=1, help="seed of --acts")
    parser.add_argument("--variant", action="append", choices=[*VARIANTS, MPTSAS], help="run on this kind of HBA only")
    parser.add_argument("--shell", action="store_true", help="open a shell in the guest, run no scenarios")
    parser.add_argument("--list", action="store_true", help="list scenarios and variants")
    parser.add_argument("--folder", default="/tmp/sasd-vm", help="folder for the machines' logs")
    options = parser.parse_args()
    if options.list:
        own = [s for s in deb_scenarios.SCENARIOS if s not in SCENARIOS]
        for scenario in SCENARIOS + mptsas.SCENARIOS + pci_scenarios.SCENARIOS + pci_scenarios.TRIPS + own:
            print(f"{scenario.__name__:28} {scenario.__doc__}")
        print("variants:", *VARIANTS, MPTSAS)
        return 0
    if not shutil.which(QEMU):
        print(f"{QEMU} is missing; {INSTALL}")
        return 2
    for program in [SASHBA, *PROGRAMS]:
        if not os.path.exists(program):
            print(f"no {program}; build it: {BUILD}")
            return 2
    # Whoever ends this program ends its guests, too: rigs close in `finally`.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        built = image.build()
    except image.ImageError as error:
        print(f"no image: {error}")
        return 2
    if options.shell:
        return shell((options.variant or list(VARIANTS))[0], built, options.folder)
    variants = options.variant or [*(VARIANTS if options.long else ORDINARY), MPTSAS]
    lacking = debian.lacking()
    if "deb" in variants and lacking:
        print(f"SKIPPED deb: no {lacking[0]}; bazel/setup.sh vm-debian installs it")
        variants.remove("deb")
    if options.acts:
        acts_scenarios.RUN.update(acts=options.acts, seed=options.seed)
        variants, options.scenarios = ["acts"], acts_scenarios.WHOLE_RUN
    pci_runs = [pci_scenarios.round_trips] * bool(options.round_trips) + [pci_scenarios.kills] * bool(options.kills)
    pci_runs += [pci_scenarios.recorded_session] * bool(options.record)
    if pci_runs:
        pci_scenarios.RUN.update(
            round_trips=options.round_trips, kills=options.kills, seed=options.seed, record=options.record
        )
        variants = options.variant or ["vfio" if options.record else "trips"]
    passed = failed = 0
    for variant in variants:
        # Long scenarios run on one variant of a fabric only.
        length = LONG if options.long and variant in ALONE else NORMAL
        chosen = pci_runs or choose(variant, options.scenarios, SHORT if options.short else length)
        if not chosen:
            continue
        folder = os.path.join(options.folder, variant)
        counts = run_boot(variant, chosen, built, folder)
        passed, failed = passed + counts[0], failed + counts[1]
    if not variants:
        return 2
    if failed:
        print(f"logs: {options.folder}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
