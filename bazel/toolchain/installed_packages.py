"""Prints the versions of the installed packages that a group of bazel/packages.txt compiles with.

installed_packages.py STATUS PACKAGES GROUP: STATUS is dpkg's status file, PACKAGES the list. A line
of the output is "package version". It has the packages of the group, and of all that these depend
on those in the sections "devel" and "libdevel": headers, static libraries and compilers. Packages
that nothing here depends on are left out, so that installing one rebuilds nothing.
"""

import re
import sys

_NAME = re.compile(r"(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]+)")


def installed(status):
    """Package -> its fields, of the installed packages in the text of a status file."""
    packages = {}
    for paragraph in status.split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", paragraph, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            packages[fields["Package"]] = fields
    return packages


def members(packages_txt, group):
    """The packages of a group."""
    rows = (line.split() for line in packages_txt.splitlines() if not line.startswith("#"))
    return {row[1] for row in rows if row and row[0] == group}


def closure(packages, names):
    """The installed ones among `names` and all that they depend on."""
    found, to_visit = set(), list(names)
    while to_visit:
        name = to_visit.pop()
        if name in packages and name not in found:
            found.add(name)
            for field in ("Depends", "Pre-Depends"):
                to_visit += _NAME.findall(packages[name].get(field, ""))
    return found


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        packages = installed(file.read())
    with open(sys.argv[2], encoding="utf-8") as file:
        names = members(file.read(), sys.argv[3])
    for name in sorted(closure(packages, names)):
        section = packages[name].get("Section", "").split("/")[-1]
        if name in names or section in ("devel", "libdevel"):
            print(name, packages[name]["Version"])


if __name__ == "__main__":
    main()
