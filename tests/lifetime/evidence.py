"""The command line of a report.py, which makes a page of docs from figures."""

import argparse
import os
import sys

import plan


def command():
    """The program that runs, as one names it in the tree."""
    return os.path.relpath(os.path.realpath(sys.argv[0]), plan.ROOT)


def main(description, page, document, take, results):
    """`page`: its path. `document`: makes its text. `take`: puts results into figures. `results`: their file."""
    parser = argparse.ArgumentParser(description=description)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="check that the page is up to date")
    what.add_argument("--write", action="store_true", help="write the page")
    what.add_argument("--take", action="store_true", help="collect the figures of a run, then write the page")
    parser.add_argument("--results", default=results, help="file with the results of mutate.py")
    options = parser.parse_args()
    if options.take:
        take(options.results)
    if not options.check:
        plan.write(page, document())
    elif plan.read(page) != document():
        print(f"{os.path.relpath(page, plan.ROOT)} is out of date; run {command()} --write")
        return 1
    return 0
