#!/usr/bin/env python3
"""Prints the share of each decoder that the inputs of its fuzz target reach (bazel/fuzz.sh --coverage).

fuzz_coverage.py DECODERS JSON...
Each line of DECODERS is the name of a target and a source file that it covers. NAME.json is the output
of `llvm-cov export -summary-only` for the target NAME. A file without a covered line is an error.
"""

import json
import pathlib
import sys


def files_of(path):
    """Returns source file, relative to the workspace -> its summary."""
    files = json.loads(path.read_text())["data"][0]["files"]
    roots = ("driver/", "emulator/", "rpc/", "daemon/", "cli/")
    found = {}
    for file in files:
        starts = [file["filename"].find("/" + root) for root in roots]
        start = min((s for s in starts if s >= 0), default=None)
        if start is not None:
            found[file["filename"][start + 1 :]] = file["summary"]
    return found


def main():
    rows = [line.split() for line in pathlib.Path(sys.argv[1]).read_text().splitlines()]
    rows = [row for row in rows if row and not row[0].startswith("#")]
    print(f"{'target':8} {'source file':52} {'lines':>6} {'covered':>8} {'regions':>8} {'covered':>8}")
    total = {"lines": [0, 0], "regions": [0, 0]}
    unreached = []
    for path in map(pathlib.Path, sys.argv[2:]):
        files = files_of(path)
        for _, source in (row for row in rows if row[0] == path.stem):
            summary = files.get(source)
            if summary is None:
                unreached.append(source)
                continue
            cells = []
            for what, counts in total.items():
                counts[0] += summary[what]["count"]
                counts[1] += summary[what]["covered"]
                cells += [summary[what]["count"], summary[what]["percent"]]
            print(f"{path.stem:8} {source:52} {cells[0]:6} {cells[1]:7.1f}% {cells[2]:8} {cells[3]:7.1f}%")
            if summary["lines"]["covered"] == 0:
                unreached.append(source)
    lines, regions = total["lines"], total["regions"]
    print(
        f"{'all':61} {lines[0]:6} {100 * lines[1] / max(lines[0], 1):7.1f}%"
        f" {regions[0]:8} {100 * regions[1] / max(regions[0], 1):7.1f}%"
    )
    if unreached:
        sys.exit("not reached: " + ", ".join(unreached))


if __name__ == "__main__":
    main()
