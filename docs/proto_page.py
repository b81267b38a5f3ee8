"""What pages share that are made from protos: docs/api/make_api.py and docs/make_fabric.py.

They read a descriptor set with comments (bazel build :NAME_descriptor). Needs python3-protobuf.
"""

import re
import textwrap

from google.protobuf import descriptor_pb2

TYPES = {
    number: name[len("TYPE_") :].lower()
    for name, number in descriptor_pb2.FieldDescriptorProto.Type.items()
}
FIELD, NESTED, ENUM, METHOD, VALUE = 2, 3, 4, 2, 2  # field numbers in descriptor.proto
MESSAGES, ENUMS, SERVICES, SYNTAX = 4, 5, 6, 12  # of FileDescriptorProto


def anchor(name):
    return re.sub(r"[^a-z0-9_-]", "", name.lower())


def one_line(comment):
    return " ".join(comment.split()).replace("|", "\\|")


def prose(comment):
    """Paragraphs of at most 100 columns. An indented line stays as it is."""
    out = []
    for paragraph in comment.strip("\n").split("\n\n"):
        out.append(
            textwrap.fill(
                " ".join(paragraph.split()), 100, break_long_words=False, break_on_hyphens=False
            )
        )
    return "\n\n".join(out)


class File:
    def __init__(self, proto):
        self.proto = proto
        self.comments = {
            tuple(each.path): each.leading_comments or each.trailing_comments
            for each in proto.source_code_info.location
        }

    def comment(self, *path):
        return self.comments.get(path, "")


def files_of(path, package):
    """The files of the package in the descriptor set, by name."""
    with open(path, "rb") as file:
        descriptors = descriptor_pb2.FileDescriptorSet.FromString(file.read())
    files = [File(f) for f in descriptors.file if f.package == package]
    return sorted(files, key=lambda file: file.proto.name)


class Page:
    """Messages and enums of one package, as sections with tables. `out`: its parts."""

    def __init__(self, package):
        self.prefix = package + "."
        self.out = []

    def link(self, type_name):
        """A type: a link where this page has it."""
        name = type_name.lstrip(".")
        if name.startswith(self.prefix):
            name = name[len(self.prefix) :]
            return f"[{name}](#{anchor(name)})"
        return name

    def type_of(self, field, message):
        text = self.link(field.type_name) if field.type_name else TYPES[field.type]
        if field.label == field.LABEL_REPEATED:
            text = "repeated " + text
        if field.proto3_optional:
            text = "optional " + text
        elif field.HasField("oneof_index"):
            text += f" (one of {message.oneof_decl[field.oneof_index].name})"
        return text

    def write_enum(self, file, path, enum, prefix=""):
        self.out.append(f"### {prefix}{enum.name}\n")
        comment = file.comment(*path)
        if comment:
            self.out.append(prose(comment) + "\n")
        self.out.append("| value | number | |\n|---|---|---|")
        for i, value in enumerate(enum.value):
            comment = one_line(file.comment(*path, VALUE, i))
            self.out.append(f"| `{value.name}` | {value.number} | {comment} |")
        self.out.append("")

    def write_message(self, file, path, message, prefix=""):
        self.out.append(f"### {prefix}{message.name}\n")
        comment = file.comment(*path)
        if comment:
            self.out.append(prose(comment) + "\n")
        if message.field:
            self.out.append("| field | number | type | |\n|---|---|---|---|")
            for i, field in enumerate(message.field):
                self.out.append(
                    f"| `{field.name}` | {field.number} | {self.type_of(field, message)} | "
                    f"{one_line(file.comment(*path, FIELD, i))} |"
                )
            self.out.append("")
        inner = f"{prefix}{message.name}."
        for i, nested in enumerate(message.nested_type):
            if not nested.options.map_entry:
                self.write_message(file, (*path, NESTED, i), nested, inner)
        for i, enum in enumerate(message.enum_type):
            self.write_enum(file, (*path, ENUM, i), enum, inner)

    def write_types(self, file):
        """All messages of the file, then its enums."""
        for i, message in enumerate(file.proto.message_type):
            self.write_message(file, (MESSAGES, i), message)
        for i, enum in enumerate(file.proto.enum_type):
            self.write_enum(file, (ENUMS, i), enum)

    def text(self):
        return "\n".join(self.out).rstrip() + "\n"
