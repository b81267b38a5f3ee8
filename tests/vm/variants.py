"""The machines for the scenarios: one fabric with different boards, and fabrics for scenarios of their own."""

import os
import re
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
FABRIC = os.path.join(HERE, "../../emulator/fabrics/judge.textproto")

PAGE = os.path.join(HERE, "../../docs/virtual-hba.md")


SHORT_ARRAYS = {6: 6, 13: 4, 18: 6, 42: 12}  # devices of an array


@dataclass(frozen=True)
class Variant:
    board: str
    chip: str
    firmware: str
    mpi: str  # of fabric.proto
    options: tuple = ()  # of sashba
    # For a gen 3.5 HBA mpt3sas keeps a list of physical ports (multipath_on_hba), and frees a port that lost its last
    # expander. A drive with the same port number would then point at freed memory. So such firmware gives each
    # cable its own number.
    port_per_link: bool = False
    # Real boards: 32, room for 22 phys in an event. An expander of the fabric has 41.
    reply_frame_dwords: int = 32
    removes_deepest_first: bool = False  # of fabric.proto
    name: str = "judge"  # of the fabric
    way: str = ""  # how sasd drives the HBAs itself (pci_rig.py); empty: the kernel does
    # sasd comes from our packages, in a whole Debian (deb_rig.py). Its udev has all rules and its systemd a unit for
    # each disk, which under TCG takes minutes; so the arrays are shorter, with all that the scenarios name.
    packaged: bool = False

    def text(self):
        """The text of the fabric with these boards."""
        with open(FABRIC, encoding="utf-8") as source:
            text = source.read()
        if self.packaged:
            text = re.sub(r"\bcount: (\d+)", lambda count: f"count: {SHORT_ARRAYS[int(count.group(1))]}", text)
        boards = re.compile(r'board: "[^"]*" chip: "[^"]*" assembly: "([^"]*)" firmware: "[^"]*"')
        return boards.sub(
            rf'board: "{self.board}" chip: "{self.chip}" assembly: "\1" '
            rf'firmware: "{self.firmware}" mpi: {self.mpi} port_per_link: {str(self.port_per_link).lower()} '
            rf"reply_frame_dwords: {self.reply_frame_dwords} "
            rf"removes_deepest_first: {str(self.removes_deepest_first).lower()}",
            text,
        )


@dataclass(frozen=True)
class Fabric:
    """A fabric of tests/vm/fabrics with the boards that it has."""

    name: str
    options: tuple = ()  # of sashba
    way: str = ""
    packaged: bool = False

    def text(self):
        with open(os.path.join(HERE, "fabrics", self.name + ".textproto"), encoding="utf-8") as source:
            return source.read()


@dataclass(frozen=True)
class Page:
    """The fabric of docs/virtual-hba.md, with the option of the page for the board."""

    name: str = "jbod60"
    options: tuple = ("--hba", "sas3008")
    way: str = ""
    packaged: bool = False

    @staticmethod
    def text():
        with open(PAGE, encoding="utf-8") as source:
            (fabric,) = re.findall(r"(?ms)^```textproto\n(.*?)^```$", source.read())
        return fabric


VARIANTS = {
    "sas3008": Variant("SAS9300-8e", "LSISAS3008", "16.00.12.00", "MPI_2_5"),
    "sas3008-intx": Variant(
        "SAS9300-8e", "LSISAS3008", "16.00.12.00", "MPI_2_5", ("--intx",), removes_deepest_first=True
    ),
    "sas2008": Variant("SAS9200-8e", "LSISAS2008", "20.00.07.00", "MPI_2_0"),
    "sas3508": Variant("HBA 9400-8e", "SAS3508", "24.00.00.00", "MPI_2_6", port_per_link=True, reply_frame_dwords=128),
    "vfio": Variant("SAS9300-8e", "LSISAS3008", "16.00.12.00", "MPI_2_5", ("--iommu",), way="vfio"),
    "vfio-intx": Variant("HBA 9400-8e", "SAS3508", "24.00.00.00", "MPI_2_6", ("--iommu", "--intx"), way="vfio"),
    "deb": Variant("SAS9300-8e", "LSISAS3008", "16.00.12.00", "MPI_2_5", packaged=True),
    "uio": Variant("SAS9200-8e", "LSISAS2008", "20.00.07.00", "MPI_2_0", way="uio"),
    "trips": Fabric("trips", ("--iommu",), way="vfio"),
    "jbod60": Page(),
    "twins": Fabric("twins"),
    "acts": Fabric("acts"),
}
