#!/usr/bin/python3
"""Writes docs/api/README.md: make_api.py sas_v1.binpb >docs/api/README.md

From a descriptor set with comments (bazel build //proto/sas/v1:sas_v1_descriptor) and, for the
errors, docs/api/errors.txt. Needs python3-protobuf.
"""

import os
import re
import sys
import textwrap

from google.protobuf import descriptor_pb2

HEAD = """# sas.v1

`docs/api/make_api.py` makes this page from `proto/sas/v1` and `docs/api/errors.txt`; a test holds
it to them.

"""
TYPES = {
    number: name[len("TYPE_") :].lower()
    for name, number in descriptor_pb2.FieldDescriptorProto.Type.items()
}
FIELD, NESTED, ENUM, METHOD, VALUE = 2, 3, 4, 2, 2  # field numbers in descriptor.proto
MESSAGES, ENUMS, SERVICES = 4, 5, 6  # of FileDescriptorProto


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


def link(type_name):
    """A type: a link where this page has it."""
    name = type_name.lstrip(".")
    if name.startswith("sas.v1."):
        name = name[len("sas.v1.") :]
        return f"[{name}](#{anchor(name)})"
    return name


def type_of(field, message):
    text = link(field.type_name) if field.type_name else TYPES[field.type]
    if field.label == field.LABEL_REPEATED:
        text = "repeated " + text
    if field.proto3_optional:
        text = "optional " + text
    elif field.HasField("oneof_index"):
        text += f" (one of {message.oneof_decl[field.oneof_index].name})"
    return text


def write_service(file, index, out):
    service = file.proto.service[index]
    out.append(f"## {service.name}\n\n{prose(file.comment(SERVICES, index))}\n")
    for i, method in enumerate(service.method):
        stream = "stream " if method.server_streaming else ""
        out.append(f"### {service.name}.{method.name}\n")
        out.append(f"{link(method.input_type)} ->\n{stream}{link(method.output_type)}\n")
        out.append(prose(file.comment(SERVICES, index, METHOD, i)) + "\n")


def write_enum(file, path, enum, prefix, out):
    out.append(f"### {prefix}{enum.name}\n")
    comment = file.comment(*path)
    if comment:
        out.append(prose(comment) + "\n")
    out.append("| value | number | |\n|---|---|---|")
    for i, value in enumerate(enum.value):
        out.append(f"| `{value.name}` | {value.number} | {one_line(file.comment(*path, VALUE, i))} |")
    out.append("")


def write_message(file, path, message, prefix, out):
    out.append(f"### {prefix}{message.name}\n")
    comment = file.comment(*path)
    if comment:
        out.append(prose(comment) + "\n")
    if message.field:
        out.append("| field | number | type | |\n|---|---|---|---|")
        for i, field in enumerate(message.field):
            out.append(
                f"| `{field.name}` | {field.number} | {type_of(field, message)} | "
                f"{one_line(file.comment(*path, FIELD, i))} |"
            )
        out.append("")
    inner = f"{prefix}{message.name}."
    for i, nested in enumerate(message.nested_type):
        if not nested.options.map_entry:
            write_message(file, (*path, NESTED, i), nested, inner, out)
    for i, enum in enumerate(message.enum_type):
        write_enum(file, (*path, ENUM, i), enum, inner, out)


def write_errors(out):
    """errors.txt: a block of "NAME: value" lines for each reason."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "errors.txt")
    with open(path, encoding="utf-8") as file:
        blocks = re.sub(r"(?m)^#.*\n", "", file.read()).strip().split("\n\n")
    out.append(
        "## Errors\n\nThe details of a status are messages of google.rpc. The domain of an ErrorInfo "
        "is\n`sasd`; its reason never changes its meaning. Text is for people, and may change.\n"
    )
    out.append("| code | detail | reason | metadata | when, and what to do |\n|---|---|---|---|---|")
    anchors = set()
    for block in blocks:
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        name = fields.get("reason", "")
        reason = f"`{name}`" if name else ""
        if name and name not in anchors:
            reason = f'<a id="{name}"></a>{reason}'
        anchors.add(name)
        out.append(
            f"| {fields['code']} | {fields['detail']} | {reason} | "
            f"{fields.get('metadata', '')} | {fields['when']} |"
        )
    out.append("")


def main():
    with open(sys.argv[1], "rb") as file:
        descriptors = descriptor_pb2.FileDescriptorSet.FromString(file.read())
    files = [File(f) for f in descriptors.file if f.package == "sas.v1"]
    files.sort(key=lambda file: file.proto.name)
    out = []
    services = [(file, i) for file in files for i in range(len(file.proto.service))]
    for file, i in services:
        service = file.proto.service[i]
        out.append(f"- [{service.name}](#{anchor(service.name)})")
        for method in service.method:
            name = f"{service.name}.{method.name}"
            out.append(f"  - [{method.name}](#{anchor(name)})")
    out.append("- [Errors](#errors)\n- [Messages](#messages)\n")
    for file, i in services:
        write_service(file, i, out)
    write_errors(out)
    out.append("## Messages\n")
    for file in files:
        for i, message in enumerate(file.proto.message_type):
            write_message(file, (MESSAGES, i), message, "", out)
        for i, enum in enumerate(file.proto.enum_type):
            write_enum(file, (ENUMS, i), enum, "", out)
    sys.stdout.write(HEAD + "\n".join(out).rstrip() + "\n")


if __name__ == "__main__":
    main()
