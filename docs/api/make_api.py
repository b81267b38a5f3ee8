#!/usr/bin/python3
"""Writes docs/api/README.md: make_api.py sas_v1.binpb >docs/api/README.md

From a descriptor set with comments (bazel build //proto/sas/v1:sas_v1_descriptor) and, for the
errors, docs/api/errors.txt. Needs python3-protobuf.
"""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from proto_page import METHOD, SERVICES, Page, anchor, files_of, prose  # noqa: E402

HEAD = """# sas.v1

`docs/api/make_api.py` makes this page from `proto/sas/v1` and `docs/api/errors.txt`; a test holds
it to them.

"""


def write_service(page, file, index):
    service = file.proto.service[index]
    page.out.append(f"## {service.name}\n\n{prose(file.comment(SERVICES, index))}\n")
    for i, method in enumerate(service.method):
        stream = "stream " if method.server_streaming else ""
        page.out.append(f"### {service.name}.{method.name}\n")
        page.out.append(
            f"{page.link(method.input_type)} ->\n{stream}{page.link(method.output_type)}\n"
        )
        page.out.append(prose(file.comment(SERVICES, index, METHOD, i)) + "\n")


def write_errors(out):
    """errors.txt: a block of "NAME: value" lines for each reason."""
    with open(os.path.join(HERE, "errors.txt"), encoding="utf-8") as file:
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
    files = files_of(sys.argv[1], "sas.v1")
    page = Page("sas.v1")
    services = [(file, i) for file in files for i in range(len(file.proto.service))]
    for file, i in services:
        service = file.proto.service[i]
        page.out.append(f"- [{service.name}](#{anchor(service.name)})")
        for method in service.method:
            name = f"{service.name}.{method.name}"
            page.out.append(f"  - [{method.name}](#{anchor(name)})")
    page.out.append("- [Errors](#errors)\n- [Messages](#messages)\n")
    for file, i in services:
        write_service(page, file, i)
    write_errors(page.out)
    page.out.append("## Messages\n")
    for file in files:
        page.write_types(file)
    sys.stdout.write(HEAD + page.text())


if __name__ == "__main__":
    main()
