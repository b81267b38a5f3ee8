#!/usr/bin/python3
"""Re-encodes fuzz inputs that hold messages after a break of the API, by the names of their fields.

reencode.py OLD NEW FOLDER [MESSAGE...]

OLD and NEW are descriptor sets (protoc --descriptor_set_out, or proto/baseline.binpb). FOLDER is an
unpacked corpus, which is changed in place. A MESSAGE is a full name, or OLD_NAME=NEW_NAME; the default
is what api_fuzz_test parses. --rename MESSAGE.OLD_FIELD=NEW_FIELD names a renamed field.

An input that is one of the messages in OLD is replaced with the same message in NEW. An input that can be
read as several messages whose encodings now differ is replaced with one input for each. Other inputs stay
as they are. Fields and enum values get the numbers that their names have in NEW. An enum number without a
name stays the same number. A field that NEW does not have, or has with another type, is left out and
reported.
"""

import argparse
import collections
import pathlib
import sys

from google.protobuf import descriptor_pb2

# The messages that api_fuzz_test.cc parses.
API_MESSAGES = ["sas.v1.Filter", "sas.v1.Resource"]

_Field = descriptor_pb2.FieldDescriptorProto
# Wire types, and the types of fields that have them. Those of one line can be exchanged.
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_KINDS = {
    "integer": (_VARINT, "INT32 INT64 UINT32 UINT64 BOOL ENUM"),
    "zigzag": (_VARINT, "SINT32 SINT64"),
    "fixed64": (_FIXED64, "FIXED64 SFIXED64"),
    "double": (_FIXED64, "DOUBLE"),
    "fixed32": (_FIXED32, "FIXED32 SFIXED32"),
    "float": (_FIXED32, "FLOAT"),
    "text": (_LENGTH, "STRING BYTES"),
    "message": (_LENGTH, "MESSAGE"),
}
_KIND_OF = {
    getattr(_Field, "TYPE_" + name): kind for kind, (_, names) in _KINDS.items() for name in names.split()
}


class NotThisMessage(Exception):
    """The bytes are not a message of the type."""


class Schema:
    """The messages and enums of a descriptor set, by full name."""

    def __init__(self, data):
        self.messages = {}
        self.enums = {}
        for file in descriptor_pb2.FileDescriptorSet.FromString(data).file:
            self._add(file.package, file.message_type, file.enum_type)

    def _add(self, scope, messages, enums):
        prefix = scope + "." if scope else ""
        for enum in enums:
            self.enums[prefix + enum.name] = {value.name: value.number for value in enum.value}
        for message in messages:
            self.messages[prefix + message.name] = message.field
            self._add(prefix + message.name, message.nested_type, message.enum_type)


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data, at):
    """Returns the number at `at` and the offset after it."""
    value = 0
    for i in range(10):
        if at + i >= len(data):
            break
        value |= (data[at + i] & 0x7F) << (7 * i)
        if data[at + i] < 0x80:
            return value & (1 << 64) - 1, at + i + 1
    raise NotThisMessage("a number has no end")


def read_fields(data):
    """Yields field number, wire type and value: a number for a varint, else bytes."""
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        number, wire_type = tag >> 3, tag & 7
        if number == 0:
            raise NotThisMessage("field number 0")
        if wire_type == _VARINT:
            value, at = read_varint(data, at)
        else:
            if wire_type == _LENGTH:
                size, at = read_varint(data, at)
            elif wire_type in (_FIXED64, _FIXED32):
                size = 8 if wire_type == _FIXED64 else 4
            else:
                raise NotThisMessage("groups are not supported")
            if size > len(data) - at:
                raise NotThisMessage("a value is longer than the input")
            value, at = data[at : at + size], at + size
        yield number, wire_type, value


def write_field(number, wire_type, value):
    out = varint(number << 3 | wire_type)
    if wire_type == _VARINT:
        return out + varint(value)
    return out + (varint(len(value)) if wire_type == _LENGTH else b"") + value


class Reencoder:
    """Turns messages of one schema into messages of another one.

    `names` maps a message's full name, or MESSAGE.FIELD, to its new name. `left_out` counts the fields,
    as MESSAGE.FIELD, that the new schema cannot hold.
    """

    def __init__(self, old, new, names):
        self._old = old
        self._new = new
        self._names = names
        self.left_out = collections.Counter()

    def reencode(self, data, message):
        """Returns the new encoding; raises NotThisMessage, also if the message has no known field."""
        before = self.left_out.copy()
        try:
            out, known = self._message(data, message, self._names.get(message, message))
            if not known:
                raise NotThisMessage("no known field")
        except NotThisMessage:
            self.left_out = before
            raise
        return out

    def _message(self, data, old_name, new_name):
        """Returns the new encoding and the number of known fields. Without a new name it only checks."""
        old_fields = {field.number: field for field in self._old.messages[old_name]}
        new_fields = {field.name: field for field in self._new.messages[new_name]} if new_name else {}
        new_numbers = {field.number: field for field in new_fields.values()}
        out, known = [], 0
        for number, wire_type, value in read_fields(data):
            field = old_fields.get(number)
            if field is None or not self._fits(field, wire_type):
                # An unknown field is kept if it stays unknown.
                if number not in new_numbers or not self._fits(new_numbers[number], wire_type):
                    out.append(write_field(number, wire_type, value))
                continue
            known += 1
            self._check(field, value)
            name = f"{old_name}.{field.name}"
            target = new_fields.get(self._names.get(name, field.name))
            if target is None or _KIND_OF[target.type] != _KIND_OF[field.type]:
                if new_name:
                    self.left_out[name] += 1
                continue
            out.append(write_field(target.number, wire_type, self._value(field, target, wire_type, value)))
        return b"".join(out), known

    @staticmethod
    def _fits(field, wire_type):
        expected = _KINDS[_KIND_OF[field.type]][0]
        packed = field.label == _Field.LABEL_REPEATED and expected != _LENGTH and wire_type == _LENGTH
        return wire_type == expected or packed

    def _check(self, field, value):
        if field.type == _Field.TYPE_STRING:
            try:
                value.decode()
            except UnicodeDecodeError as error:
                raise NotThisMessage("a string is not UTF-8") from error
        elif field.type == _Field.TYPE_MESSAGE:
            self._message(value, field.type_name[1:], None)

    def _value(self, field, target, wire_type, value):
        if field.type == _Field.TYPE_MESSAGE:
            return self._message(value, field.type_name[1:], target.type_name[1:])[0]
        if field.type != _Field.TYPE_ENUM or target.type != _Field.TYPE_ENUM:
            return value
        if wire_type == _VARINT:
            return self._enum(field, target, value)
        out, at = [], 0
        while at < len(value):
            number, at = read_varint(value, at)
            out.append(varint(self._enum(field, target, number)))
        return b"".join(out)

    def _enum(self, field, target, number):
        for name, value in self._old.enums[field.type_name[1:]].items():
            if value == number:
                return self._new.enums[target.type_name[1:]].get(name, number)
        return number


def reencode_folder(folder, reencoder, messages):
    """Changes the inputs of `folder`; returns how many were replaced and how many stay."""
    replaced = stay = 0
    for path in sorted(p for p in folder.iterdir() if p.is_file()):
        data = path.read_bytes()
        encodings = {}  # -> the first message that gives it
        for message in messages:
            try:
                encodings.setdefault(reencoder.reencode(data, message), message)
            except NotThisMessage:
                pass
        if not encodings or list(encodings) == [data]:
            stay += 1
            continue
        replaced += 1
        path.unlink()
        for encoded, message in encodings.items():
            name = path.name if len(encodings) == 1 else f"{path.name}-{message.rpartition('.')[2]}"
            (folder / name).write_bytes(encoded)
    return replaced, stay


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=pathlib.Path)
    parser.add_argument("new", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("messages", nargs="*", metavar="message", default=API_MESSAGES)
    parser.add_argument("--rename", action="append", default=[], metavar="MESSAGE.OLD_FIELD=NEW_FIELD")
    args = parser.parse_args()
    names = {}
    for pair in args.messages + args.rename:
        old_name, _, new_name = pair.partition("=")
        names[old_name] = new_name or old_name
    messages = [pair.partition("=")[0] for pair in args.messages]
    old, new = Schema(args.old.read_bytes()), Schema(args.new.read_bytes())
    for name in messages:
        if name not in old.messages:
            sys.exit(f"{args.old} has no message {name}")
        if names[name] not in new.messages:
            sys.exit(f"{args.new} has no message {names[name]}; give {name}=NEW_NAME")
    reencoder = Reencoder(old, new, names)
    replaced, stay = reencode_folder(args.folder, reencoder, messages)
    print(f"{args.folder}: {replaced} inputs re-encoded, {stay} unchanged")
    for name, count in sorted(reencoder.left_out.items()):
        print(f"left out: {name}, {count} times")


if __name__ == "__main__":
    main()
