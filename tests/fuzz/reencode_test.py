"""reencode.py keeps what a message says when its fields get other numbers."""

import pathlib
import tempfile
import unittest

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

import reencode

OLD = """
name: "old.proto" package: "t" syntax: "proto3"
enum_type { name: "Color" value { name: "NONE" } value { name: "RED" number: 1 } value { name: "BLUE" number: 2 } }
message_type {
  name: "Inner"
  field { name: "text" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
}
message_type {
  name: "Filter"
  field { name: "host" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
  field { name: "colors" number: 2 label: LABEL_REPEATED type: TYPE_ENUM type_name: ".t.Color" }
  field { name: "inner" number: 3 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".t.Inner" }
  field { name: "count" number: 4 label: LABEL_OPTIONAL type: TYPE_UINT32 }
  field { name: "rate" number: 5 label: LABEL_OPTIONAL type: TYPE_DOUBLE }
}
message_type {
  name: "Other"
  field { name: "name" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
}
"""

NEW = """
name: "new.proto" package: "t" syntax: "proto3"
enum_type { name: "Color" value { name: "NONE" } value { name: "BLUE" number: 1 } value { name: "RED" number: 5 } }
message_type {
  name: "Inner"
  field { name: "text" number: 4 label: LABEL_OPTIONAL type: TYPE_STRING }
}
message_type {
  name: "Filter"
  field { name: "count" number: 1 label: LABEL_OPTIONAL type: TYPE_INT64 }
  field { name: "inner" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".t.Inner" }
  field { name: "node" number: 3 label: LABEL_OPTIONAL type: TYPE_STRING }
  field { name: "colors" number: 40 label: LABEL_REPEATED type: TYPE_ENUM type_name: ".t.Color" }
  field { name: "rate" number: 5 label: LABEL_OPTIONAL type: TYPE_ENUM type_name: ".t.Color" }
}
message_type {
  name: "Named"
  field { name: "name" number: 9 label: LABEL_OPTIONAL type: TYPE_STRING }
}
"""


def parse_file(text):
    return text_format.Parse(text, descriptor_pb2.FileDescriptorProto())


def schema(text):
    return reencode.Schema(descriptor_pb2.FileDescriptorSet(file=[parse_file(text)]).SerializeToString())


def message(text, name):
    """An empty message of a file's type."""
    pool = descriptor_pool.DescriptorPool()
    file = pool.AddSerializedFile(parse_file(text).SerializeToString()) or pool.FindFileByName(
        parse_file(text).name
    )
    return message_factory.MessageFactory(pool).GetPrototype(file.message_types_by_name[name])()


def old_bytes(fields, name="Filter"):
    return text_format.Parse(fields, message(OLD, name)).SerializeToString()


def new_text(data, name="Filter"):
    read = message(NEW, name)
    read.ParseFromString(data)
    return text_format.MessageToString(read, as_one_line=True)


class ReencodeTest(unittest.TestCase):
    def setUp(self):
        names = {"t.Filter.host": "node", "t.Other": "t.Named"}
        self.reencoder = reencode.Reencoder(schema(OLD), schema(NEW), names)

    def test_values_keep_their_names(self):
        data = old_bytes('host: "h1" colors: RED colors: BLUE inner { text: "x" } count: 300')
        self.assertEqual(
            new_text(self.reencoder.reencode(data, "t.Filter")),
            'count: 300 inner { text: "x" } node: "h1" colors: RED colors: BLUE',
        )
        self.assertFalse(self.reencoder.left_out)

    def test_unpacked_and_unknown_enum_numbers_are_kept(self):
        encoded = self.reencoder.reencode(bytes.fromhex("1001 1009"), "t.Filter")
        self.assertEqual(encoded.hex(), "c00205" + "c00209")

    def test_messages_can_be_renamed(self):
        encoded = self.reencoder.reencode(old_bytes('name: "n"', "Other"), "t.Other")
        self.assertEqual(new_text(encoded, "Named"), 'name: "n"')

    def test_fields_of_another_type_are_reported(self):
        self.assertEqual(self.reencoder.reencode(old_bytes("rate: 1.5"), "t.Filter"), b"")
        self.assertEqual(dict(self.reencoder.left_out), {"t.Filter.rate": 1})

    def test_unknown_fields_stay_unknown(self):
        # Neither message has field 9. The new one has a field 40.
        kept = self.reencoder.reencode(bytes.fromhex("2001 4807"), "t.Filter")
        self.assertEqual(kept.hex(), "0801" + "4807")
        gone = self.reencoder.reencode(bytes.fromhex("2001 c00205"), "t.Filter")
        self.assertEqual(gone.hex(), "0801")

    def test_other_bytes_are_not_this_message(self):
        for data in ("", "4807", "0a05", "0a01ff", "1a0208", "20", "0b0c", "00"):
            with self.subTest(data), self.assertRaises(reencode.NotThisMessage):
                self.reencoder.reencode(bytes.fromhex(data), "t.Filter")
        self.assertFalse(self.reencoder.left_out)

    def test_a_folder_keeps_what_is_no_message(self):
        with tempfile.TemporaryDirectory() as place:
            folder = pathlib.Path(place)
            (folder / "text").write_bytes(b"drives state=failed")
            (folder / "both").write_bytes(old_bytes('host: "h"'))
            (folder / "filter").write_bytes(old_bytes("count: 1"))
            counts = reencode.reencode_folder(folder, self.reencoder, ["t.Filter", "t.Other"])
            self.assertEqual(counts, (2, 1))
            found = {path.name: path.read_bytes().hex() for path in folder.iterdir()}
        self.assertEqual(
            found,
            {
                "text": b"drives state=failed".hex(),
                "both-Filter": "1a0168",
                "both-Other": "4a0168",
                "filter": "0801",
            },
        )

    def test_an_unchanged_api_changes_no_input(self):
        same = reencode.Reencoder(schema(OLD), schema(OLD), {})
        data = old_bytes('host: "h1" colors: RED inner { text: "x" } count: 300 rate: 2') + b"\x48\x07"
        self.assertEqual(same.reencode(data, "t.Filter"), data)


if __name__ == "__main__":
    unittest.main()
