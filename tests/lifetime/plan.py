"""Reads rules.toml, mutations.toml and the names of the scenarios' tests."""

import glob
import json
import os
import re
import tomllib

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SCENARIOS = range(1, 36)
# The results of mutate.py.
RESULTS = "/var/tmp/sasd-mutations/results.json"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def load(name):
    with open(os.path.join(HERE, name), "rb") as file:
        return tomllib.load(file)


def rules():
    return load("rules.toml")["rule"]


def mutations():
    return load("mutations.toml")["mutation"]


def results(path=RESULTS):
    """The results of mutate.py: dictionaries with name, caught_by, seconds and, after a failure, error."""
    return json.loads(read(path))["mutations"] if os.path.exists(path) else []


def scenario_of(case):
    """The number in the name of a test case, as in "ScenarioTest.S02_..."; None if there is none."""
    found = re.search(r"\bS(\d\d)_", case)
    return int(found[1]) if found else None


def is_explored(case):
    """Whether a test case is one of the explorer's programs."""
    return case.startswith("Interleavings/")


def scenario_tests():
    """{scenario: [test cases]} of tests/lifetime."""
    tests = {}
    for path in sorted(glob.glob(os.path.join(ROOT, "tests", "lifetime", "*_test.cc"))):
        for suite, case in re.findall(r"TEST(?:_F|_P)?\((\w+),\s*(S\d\d_\w+)\)", read(path)):
            tests.setdefault(scenario_of(case), []).append(f"{suite}.{case}")
    return tests
