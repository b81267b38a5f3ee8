"""Reads mutations.toml and the results, and lends the code of tests/lifetime."""

import importlib.util
import os
import sys
import tomllib

HERE = os.path.dirname(os.path.realpath(__file__))
LIFETIME = os.path.join(os.path.dirname(HERE), "lifetime")


def of_lifetime(name):
    """A module of tests/lifetime, which has a mutate.py and a report.py of its own."""
    sys.path.append(LIFETIME)
    spec = importlib.util.spec_from_file_location(f"lifetime_{name}", os.path.join(LIFETIME, f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.remove(LIFETIME)
    return module


lifetime = of_lifetime("mutate")

ROOT = lifetime.plan.ROOT
RESULTS = os.path.join(lifetime.FOLDER, "daemon_results.json")
results, read, write = lifetime.plan.results, lifetime.plan.read, lifetime.plan.write
ROOMS = ("registry", "watch", "service", "driver")


def mutations():
    with open(os.path.join(HERE, "mutations.toml"), "rb") as file:
        return tomllib.load(file)["mutation"]
