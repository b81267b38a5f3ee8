"""Judges the kernel's log: finds lines that a healthy machine with a real HBA would not write.

A line is bad if it has level warning or worse, or words of trouble at any level. Lines that match
an entry of the allow-lists are fine. Each entry has a reason.
"""

import re

WARNING = 4
LINE = re.compile(r"^<(\d+)>(\[ *[\d.]+\] )?(.*)$")

TROUBLE = re.compile(
    r"WARNING:|BUG:|\bOops|Call Trace|cut here|Kernel panic|general protection|unable to handle"
    r"|blocked for more than|soft lockup|hung task|rcu.*(stall|self-detected)|UBSAN|KASAN"
    r"|segfault|nobody cared|Tainted"
)
# Words that mpt3sas writes when the firmware misbehaves or does not answer.
MPT3SAS = re.compile(r"mpt[23]sas|mpt3")
MPT3SAS_TROUBLE = re.compile(
    r"fail|fault|timeout|timed out|invalid|error|unknown|not found|could not|mismatch|reset"
    r"|no memory|\bUNUSED|out of|overflow|underrun|coredump|retry|ioc_status|unexpected",
    re.IGNORECASE,
)

# (pattern, reason). Lines that are always fine.
ALWAYS = (
    (r"^(ACPI|PCI|pci |acpi|APIC|tsc|TSC|clocksource|RAS|MTRR|x86/|Spectre|ITLB|RETBleed|MDS)", "QEMU's machine"),
    (r"^(process: |L1TF|MMIO Stale|Speculative|Retpoline|Register File|unchecked MSR)", "QEMU's CPU"),
    (r"^hpet: Lost \d+ RTC interrupts|^hrtimer: interrupt took", "QEMU's timer, when the machine is busy"),
    (r"^\.\.MP-BIOS bug: 8254 timer not connected to IO-APIC", "QEMU's timer, when the machine is busy"),
    (r"^device-mapper|^i8042|^platform|^rtc_cmos|^fail to initialize ptp_kvm", "QEMU's machine"),
    (r"^systemd-udevd\[|^udevd\[|^init: |^agent: ", "the guest's own programs"),
    (r"^Unstable clock detected|^If you want to keep using the local clock|trace_clock=local|^on the kernel command line", "a busy machine"),
    (r"^(Kernel command|Command) line: ", "our own options, which name the driver"),
    (r"^SCSI subsystem initialized|^Run /init|^  with (arguments|environment)", "no trouble"),
)
# mpt3sas writes some lines in parts (pr_cont in mpt3sas_base.c: _base_display_ioc_capabilities, and
# _base_display_event_data, whose last part is only the line's end). Where another line of the kernel comes
# between, the rest is a line of its own with the default level, warning.
LINE_PARTS = (
    r"Initiator|,?Target|\), Capabilities=\(|,?(Raid|TLR|Multicast|BIDI Target|EEDP|Snapshot Buffer"
    r"|Diag Trace Buffer|Diag Extended Buffer|Task Set Full|NCQ)|\)"
)
# Lines that the driver also writes with a real HBA.
HBA = (
    (rf"^({LINE_PARTS})*$", "the rest of a line of mpt3sas, or its end"),
    (r"CurrentHostPageSize is 0: Setting default host page size to 4k", "boards without NVMe"),
    (r"TimeSync Interval in Manuf page-11 is not enabled", "boards whose firmware sets no clock"),
    (r"set ignore_delay_remove for handle", "an SES device: logged at level warning"),
)
# Lines while devices come and go.
REMOVAL = (
    (r"sd [\d:]+: \[sd\w+\] Synchronize Cache\(10\) failed", "the disk was pulled"),
    (r"mpt[23]sas_cm\d: [ts][rc]_complete:.*, ioc_status\(0x0000\)", "the removal handshake succeeded"),
    (r"sd [\d:]+: device_unblock and setting to running", "logged at level warning"),
    (r"mpt[23]sas_cm\d: (removing|mpt3sas_transport_port_remove|enclosure|_scsih|device is not)", "a removal"),
)
# Lines while the IOC is reset.
RESET = (
    (r"mpt[23]sas_cm\d: (sending diag reset|diag reset|.*host reset|.*_base_fault_reset_work)", "the requested reset"),
    (r"mpt[23]sas_cm\d: .*(fault_state|IOC is in FAULT|hard reset|message unit reset)", "the requested reset"),
    (r"mpt[23]sas_cm\d: mpt3sas_base_hard_reset_handler: SUCCESS", "the reset succeeded"),
    (
        r"mpt[23]sas_cm\d fault info from func: (mpt3sas_base_make_ioc_ready|_base_fault_reset_work)",
        "the requested fault",
    ),
    (r"mpt3sas_cm\d: coredump_state\(0x\w+\)!", "the fault of a gen 3.5 HBA"),
    # CONFIG_INVALID_PAGE: firmware ends a list with it.
    (r"\tbreak from (expander|end device|pcie end device) scan: ioc_status\(0x0022\)", "the end of a list"),
)
UNLOAD = (
    (r"mpt[23]sas_cm\d: (sending message unit reset !!|message unit reset: SUCCESS)", "the driver unloads"),
)
# Lines about devices that vanish while the driver reads them.
STORM = REMOVAL + (
    (
        r"mpt[23]sas_cm\d: handle\(0x\w+\), ioc_status\(0x0022\) failure at .*/_transport_set_identify\(\)!",
        "gone before its page was read",
    ),
    (r"mpt[23]sas_cm\d: failure at .*/_scsih_add_device\(\)!", "as above"),
)
# Random acts with resets and faults of the firmware between them. A request of the driver is in flight when
# the firmware faults: nothing answers it until the driver's watchdog resets the HBA within a second. The scan
# after the reset adds what the request was about, and the scenario proves that it does.
ACTS = (
    STORM
    + RESET
    + (
        (r"mpt[23]sas_cm\d: \w+: (command )?timeout$", "the watchdog's reset ends the request"),
        (r"mpt[23]sas_cm\d: Command terminated due to Host Reset", "as above (mpt3sas_base_check_cmd_timeout)"),
        (
            r"mpt[23]sas_cm\d: failure at .*/"
            r"(mpt3sas_transport_(port_add|add_host_phy|add_expander_phy)|_scsih_expander_add)\(\)!",
            "the reset took a handle whose page they read; the scan after the reset adds what they could not",
        ),
        (
            r"sd [\d:]+: \[sd\w+\] (Asking for cache data failed|Assuming drive cache: write through)",
            "the reset ended sd's MODE SENSE",
        ),
    )
)
SATA_INIT = (
    (r"mpt[23]sas_cm\d: .*sata init failure", "the scenario causes it"),
    (r"mpt[23]sas_cm\d: discovery errors\(sata initialization failed\)", "as above"),
)
DISCOVERY_ERROR = (
    (r"mpt[23]sas_cm\d: .*\(stop\) ?discovery_status", "the scenario causes it"),
    (r"mpt[23]sas_cm\d: SMP command sent to the expander .* has (failed|timed out)", "as above"),
    (r"mpt[23]sas_cm\d: SAS Device Discovery Error", "as above"),
)
TEMPERATURE = (
    (r"mpt[23]sas_cm\d: Temperature Threshold flags .* exceeded for Sensor", "the scenario causes it"),
    (r"mpt[23]sas_cm\d: Current Temp In Celsius", "as above"),
)


def bad_lines(raw_lines, *allow_lists):
    """The bad lines of `dmesg -r`."""
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
