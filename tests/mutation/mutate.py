#!/usr/bin/python3
"""Puts bugs into the registry, the watch log and the services, one at a time.

mutations.toml has the bugs and the tests that judge each. Each is put into a copy of the tree, built
without sanitizers, and caught if a case of its tests fails (or if the compiler must refuse it). The
last line is "N passed, N failed".

--sample N judges only N of them, others for another --seed. --seconds ends the run in time: what has
not begun by then is left out."""

import argparse
import json
import os
import queue
import sys
import threading
import time

import daemon_plan as plan
from daemon_plan import lifetime

CONFIG = ("--noshow_progress", "--color=no")


def choose(options):
    """The mutations to judge. Those of one program come together: it is linked already."""
    mutations = lifetime.choose(plan.mutations(), options)
    return sorted(mutations, key=lambda mutation: (mutation["tests"], mutation["edit"][0]["file"]))


def judge(mutation, tree):
    """Returns {"name", "caught_by": [...], "seconds"}, and "error" if it cannot be judged."""
    start = time.monotonic()
    result = {"name": mutation["name"], "caught_by": []}
    by_compiler = mutation.get("caught_by") == "compiler"
    originals = {}
    try:
        originals = tree.apply(mutation)
        tree.build(mutation["tests"])
        result["caught_by"] = tree.run(mutation["tests"])[0]
        if by_compiler:
            result["error"] = "the compiler takes it"
    except lifetime.BuildError as error:
        if by_compiler and "-Wthread-safety" in str(error):
            result["caught_by"] = ["clang -Wthread-safety"]
        else:
            result["error"] = str(error)
    finally:
        for path, text in originals.items():
            plan.write(path, text)
    result["seconds"] = round(time.monotonic() - start, 1)
    return result


def prepare(number, mutations):
    """A tree whose tests pass without a mutation; exits if they do not."""
    tree = lifetime.Tree(f"daemon{number}", [], dict(os.environ), CONFIG)
    labels = sorted({label for mutation in mutations for label in mutation["tests"]})
    tree.build(labels)
    failed, cases = tree.run(labels)
    if failed or not cases:
        print("failed without a mutation:", *failed)
        print("0 passed, 1 failed")
        sys.exit(1)
    return tree


def judge_all(mutations, trees, end, done):
    """Judges on one thread per tree."""
    waiting = queue.SimpleQueue()
    for mutation in mutations:
        waiting.put(mutation)
    lock = threading.Lock()

    def work(tree):
        while time.monotonic() < end:
            try:
                mutation = waiting.get_nowait()
            except queue.Empty:
                return
            result = judge(mutation, tree)
            with lock:
                done(mutation, result)

    threads = [threading.Thread(target=work, args=(tree,)) for tree in trees]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="judge only these mutations")
    lifetime.sampling.add_options(parser)
    parser.add_argument("--jobs", type=int, default=1, help="judge so many at a time, each in its own tree")
    parser.add_argument("--results", default=plan.RESULTS, help="file for the results in JSON, for report.py")
    options = parser.parse_args()
    mutations = choose(options)
    os.makedirs(lifetime.FOLDER, exist_ok=True)
    start = time.monotonic()
    trees = [prepare(number, mutations) for number in range(min(options.jobs, len(mutations)))]
    print(f"{len(mutations)} mutations, tests built in {time.monotonic() - start:.0f} s", flush=True)
    known = {result["name"]: result for result in plan.results(options.results)}
    results = []

    def done(mutation, result):
        lifetime.show(mutation, result)
        results.append(result)
        known[result["name"]] = result
        lines = {"mutations": [known[name] for name in sorted(known)]}
        plan.write(options.results, json.dumps(lines, indent=1) + "\n")

    judge_all(mutations, trees, start + options.seconds, done)
    if len(results) < len(mutations):
        print(f"{len(mutations) - len(results)} left out: the time is over")
    passed = sum(map(lifetime.is_caught, results))
    print(f"{passed} passed, {len(results) - passed} failed")
    return 0 if passed == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
