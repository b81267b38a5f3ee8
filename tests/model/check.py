#!/usr/bin/python3
"""Checks lifetime.pml with spin: it has no error, and each bug put back (-DBUG_...) gives its error.

    check.py [--acts N]

Each search is exhaustive. A search that ends early (depth, memory) fails. The last line is
"N passed, N failed".
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

MODEL = os.path.join(os.path.dirname(os.path.realpath(__file__)), "lifetime.pml")
SAFETY = ["-DSAFETY", "-DNOCLAIM", "-DNOFAIR"]
LIVENESS = ["-DNFAIR=3"]
COMMON = ["-O2", "-w", "-DCOLLAPSE", "-DVECTORSZ=2048", "-DMEMLIM=8000"]
PROPERTIES = ("removal_is_honoured", "presence_is_honoured")
# Each bug with its error.
BUGS = {
    "BUG_UNCONDITIONAL_MAKE_ACTIVE": "assertion violated",
    "BUG_IGNORE_WHILE_ADDING": "assertion violated",
    "BUG_PRIVATE_HEAD": "assertion violated",
    "BUG_UNOWNED_TICKET": "assertion violated (object[o].refs>0)",
    "BUG_UNOWNED_LOOKUP": "assertion violated (object[seen_].refs>0)",
    "BUG_CACHED_NEXT": "assertion violated (object[next].refs>0)",
    "BUG_ATTACH_BEFORE_REPORTED": "assertion violated (reported_object[object[o].drive]==o)",
    "BUG_OLD_ANSWER": "assertion violated (reported_units[d]==d)",
    "BUG_RESET_KEEPS_HANDLES": "assertion violated",
    "BUG_GAP_NOT_DECLARED": "assertion violated",
}


def search(defines, compile_options, arguments):
    """Returns the output of spin's verifier for the model with these defines."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["spin", *defines, "-a", MODEL], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["gcc", *COMMON, *compile_options, "-o", "pan", "pan.c"], cwd=folder, check=True)
        done = subprocess.run(["./pan", "-m2000000", *arguments], cwd=folder, stdout=subprocess.PIPE, text=True)
    return done.stdout


def figures(said):
    states = re.search(r"(\S+) states, stored", said)
    depth = re.search(r"depth reached (\d+)", said)
    return f"{float(states[1]):,.0f} states, depth {depth[1]}" if states and depth else "no figures"


def is_clean(said):
    return "errors: 0" in said and "Search not completed" not in said and "max search depth" not in said


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--acts", type=int, default=3, help="number of acts of the hardware")
    options = parser.parse_args()
    for program in ("spin", "gcc"):
        if shutil.which(program) is None:
            sys.exit(f"check.py: {program} is missing; bazel/setup.sh long installs it")
    acts = [f"-DACTS={options.acts}"]
    passed = failed = 0

    def judge(name, good, said):
        nonlocal passed, failed
        passed, failed = passed + good, failed + (not good)
        print(f"{name}: {'as expected' if good else 'WRONG'}, {figures(said)}", flush=True)
        if not good:
            print(said)

    said = search(acts, SAFETY, [])
    judge("safety", is_clean(said), said)
    for name in PROPERTIES:
        said = search(acts, LIVENESS, ["-a", "-f", "-N", name])
        judge(name, is_clean(said), said)
    for bug, sign in BUGS.items():
        said = search([f"-D{bug}", *acts], SAFETY, [])
        judge(bug, sign in said, said)
    # A bug must break a property, too.
    said = search(["-DBUG_GAP_NOT_DECLARED", *acts], LIVENESS, ["-A", "-a", "-f", "-N", PROPERTIES[0]])
    judge(f"{PROPERTIES[0]} with BUG_GAP_NOT_DECLARED", "acceptance cycle" in said, said)
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
