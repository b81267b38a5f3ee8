"""The kinds of HBA for the scenarios: the same fabric with different boards."""

import os
import re
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
FABRIC = os.path.join(HERE, "../../emulator/fabrics/judge.textproto")


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

    def fabric(self):
        """The text of the fabric with these boards."""
        with open(FABRIC, encoding="utf-8") as source:
            text = source.read()
        boards = re.compile(r'board: "[^"]*" chip: "[^"]*" assembly: "([^"]*)" firmware: "[^"]*"')
        return boards.sub(
            rf'board: "{self.board}" chip: "{self.chip}" assembly: "\1" '
            rf'firmware: "{self.firmware}" mpi: {self.mpi} port_per_link: {str(self.port_per_link).lower()}',
            text,
        )


VARIANTS = {
    "sas3008": Variant("SAS9300-8e", "LSISAS3008", "16.00.12.00", "MPI_2_5"),
    "sas3008-intx": Variant("SAS9300-8e", "LSISAS3008", "16.00.12.00", "MPI_2_5", ("--intx",)),
    "sas2008": Variant("SAS9200-8e", "LSISAS2008", "20.00.07.00", "MPI_2_0"),
    "sas3508": Variant("HBA 9400-8e", "SAS3508", "24.00.00.00", "MPI_2_6", port_per_link=True),
}
