"""Judges the kernel's log: what a healthy machine with a real HBA would not have written.

A line is bad when it is of level warning or worse, or has words of trouble at any level, unless it
matches an entry of the allow-lists, each with the reason why it is no trouble.
"""

import re

WARNING = 4
LINE = re.compile(r"^<(\d+)>(\[ *[\d.]+\] )?(.*)$")

TROUBLE = re.compile(
    r"WARNING:|BUG:|\bOops|Call Trace|cut here|Kernel panic|general protection|unable to handle"
    r"|blocked for more than|soft lockup|hung task|rcu.*(stall|self-detected)|UBSAN|KASAN"
    r"|segfault|nobody cared|Tainted"
)
# What mpt3sas writes when the firmware does what it should not, or does not answer.
MPT3SAS = re.compile(r"mpt[23]sas|mpt3")
MPT3SAS_TROUBLE = re.compile(
    r"fail|fault|timeout|timed out|invalid|error|unknown|not found|could not|mismatch|reset"
    r"|no memory|\bUNUSED|out of|overflow|underrun|coredump|retry|ioc_status|unexpected",
    re.IGNORECASE,
)

# (pattern, reason). These are always fine.
ALWAYS = (
    (r"^(ACPI|PCI|pci |acpi|APIC|tsc|clocksource|RAS|MTRR|x86/|Spectre|ITLB|RETBleed|MDS)", "QEMU's machine"),
    (r"^(process: |L1TF|MMIO Stale|Speculative|Retpoline|Register File|unchecked MSR)", "QEMU's CPU"),
    (r"^hpet: Lost \d+ RTC interrupts|^hrtimer: interrupt took", "QEMU's timer, when the machine is busy"),
    (r"^\.\.MP-BIOS bug: 8254 timer not connected to IO-APIC", "QEMU's timer, when the machine is busy"),
    (r"^device-mapper|^i8042|^platform|^rtc_cmos|^fail to initialize ptp_kvm", "QEMU's machine"),
    (r"^systemd-udevd\[|^udevd\[|^init: |^agent: ", "the guest's own programs"),
    (r"^SCSI subsystem initialized|^Run /init|^  with (arguments|environment)", "no trouble"),
)
# Lines that a real HBA's driver writes too.
HBA = (
    (r"CurrentHostPageSize is 0: Setting default host page size to 4k", "boards without NVMe"),
    (r"TimeSync Interval in Manuf page-11 is not enabled", "boards whose firmware sets no clock"),
    (r"set ignore_delay_remove for handle", "an SES device: told at level warning"),
)
# While devices come and go.
REMOVAL = (
    (r"sd [\d:]+: \[sd\w+\] Synchronize Cache\(10\) failed", "the disk was pulled"),
    (r"mpt[23]sas_cm\d: [ts][rc]_complete:.*, ioc_status\(0x0000\)", "the removal handshake went well"),
    (r"sd [\d:]+: device_unblock and setting to running", "told at level warning"),
    (r"mpt[23]sas_cm\d: (removing|mpt3sas_transport_port_remove|enclosure|_scsih|device is not)", "told"),
)
# While the IOC is reset.
RESET = (
    (r"mpt[23]sas_cm\d: (sending diag reset|diag reset|.*host reset|.*_base_fault_reset_work)", "asked for"),
    (r"mpt[23]sas_cm\d: .*(fault_state|IOC is in FAULT|hard reset|message unit reset)", "asked for"),
    (r"mpt[23]sas_cm\d: mpt3sas_base_hard_reset_handler: SUCCESS", "it went well"),
    (
        r"mpt[23]sas_cm\d fault info from func: (mpt3sas_base_make_ioc_ready|_base_fault_reset_work)",
        "the fault that was asked for",
    ),
    (r"mpt3sas_cm\d: coredump_state\(0x\w+\)!", "so a gen 3.5 HBA faults"),
    # CONFIG_INVALID_PAGE, as firmware ends a list.
    (r"\tbreak from (expander|end device|pcie end device) scan: ioc_status\(0x0022\)", "all were seen"),
)
UNLOAD = (
    (r"mpt[23]sas_cm\d: (sending message unit reset !!|message unit reset: SUCCESS)", "the driver's farewell"),
)
# What goes while the driver looks at it.
STORM = REMOVAL + (
    (
        r"mpt[23]sas_cm\d: handle\(0x\w+\), ioc_status\(0x0022\) failure at .*/_transport_set_identify\(\)!",
        "gone before its page was read",
    ),
    (r"mpt[23]sas_cm\d: failure at .*/_scsih_add_device\(\)!", "so too"),
)
SATA_INIT = (
    (r"mpt[23]sas_cm\d: .*sata init failure", "what the scenario does"),
    (r"mpt[23]sas_cm\d: discovery errors\(sata initialization failed\)", "so too"),
)
DISCOVERY_ERROR = (
    (r"mpt[23]sas_cm\d: .*\(stop\) ?discovery_status", "what the scenario does"),
    (r"mpt[23]sas_cm\d: SMP command sent to the expander .* has (failed|timed out)", "so too"),
    (r"mpt[23]sas_cm\d: SAS Device Discovery Error", "so too"),
)
TEMPERATURE = (
    (r"mpt[23]sas_cm\d: Temperature Threshold flags .* exceeded for Sensor", "what the scenario does"),
    (r"mpt[23]sas_cm\d: Current Temp In Celsius", "so too"),
)


def bad_lines(raw_lines, *allow_lists):
    """Those of `dmesg -r` that are bad."""
    allowed = [re.compile(p) for group in (ALWAYS, HBA) + allow_lists for p, _ in group]
    bad = []
    for line in raw_lines:
        match = LINE.match(line)
        if not match:
            continue
        level, stamp, text = int(match.group(1)) & 7, match.group(2) or "", match.group(3)
        trouble = TROUBLE.search(text)
        if not trouble:
            trouble = level <= WARNING
        if not trouble and MPT3SAS.search(text):
            trouble = MPT3SAS_TROUBLE.search(text)
        if trouble and not any(p.search(text) for p in allowed):
            bad.append(stamp + text)
    return bad
