#!/usr/bin/python3
"""Writes docs/fabric.md: make_fabric.py fabric_proto.binpb >docs/fabric.md

From a descriptor set with comments (bazel build //emulator/fabric:fabric_proto_descriptor). Needs
python3-protobuf.
"""

import sys

import proto_page

HEAD = """# Fabrics

`docs/make_fabric.py` makes this page from `emulator/fabric/fabric.proto`; a test holds it to that.

COMMENT

A fabric with one HBA, an enclosure of four slots and two drives:

```
name: "small"
host { id: "hba0" address: "500605b00ab01230" board: "SAS9300-8e" chip: "SAS3008" }
enclosure { id: "jbod" logical_id: "5000ccab03001100" slots: 4 }
expander { id: "exp0" address: "5000ccab0300113f" phys: 13 enclosure: "jbod" ses {} }
link { a: "hba0" a_phy: 0 b: "exp0" b_phy: 8 width: 4 }
model { id: "hdd" vendor: "HGST" product: "HUH721010AL5200" revision: "A21D" size: "10TB" }
device_array {
  id: "bay%d" model: "hdd" count: 2 serial: "7JG%05d" wwn: "5000cca26128b100"
  port { at: "exp0" phy: 0 }
}
```

`sashba check FILE` prints every error of a file with its line and its remedy, or what is in it.
`sashba from-tree TREE.tar.gz` makes a fabric from the sysfs tree of a real machine.
[virtual-hba.md](virtual-hba.md) shows how to use one. A field that is not there has the value 0, an
empty text or false, unless its line names a default.
"""


def main():
    (file,) = proto_page.files_of(sys.argv[1], "sasd.emulator")
    page = proto_page.Page("sasd.emulator")
    page.out.append(HEAD.replace("COMMENT", proto_page.prose(file.comment(proto_page.SYNTAX))))
    names = [message.name for message in file.proto.message_type]
    names += [enum.name for enum in file.proto.enum_type]
    page.out.append("\n".join(f"- {page.link('sasd.emulator.' + name)}" for name in names) + "\n")
    page.out.append("## Elements\n")
    page.write_types(file)
    sys.stdout.write(page.text())


if __name__ == "__main__":
    main()
