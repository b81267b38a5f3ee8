#!/usr/bin/python3
"""Puts bugs back into the driver, one at a time, and shows which tests catch them.

mutations.toml has the bugs. Each is put into a copy of the tree, built with AddressSanitizer and judged
by the tests of driver/device, driver/discovery and tests/lifetime. Prints the test cases that caught it,
and the scenarios that no bug has broken. The last line is "N passed, N failed". --sample N judges only N of
them, others for another --seed. --seconds ends the run in time: what has not begun by then is left out."""

import argparse
import concurrent.futures
import json
import os
import queue
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time

import plan
import sampling

# Copies of the tree, one per job. Bazel keeps the outputs of each from run to run.
FOLDER = "/var/tmp/sasd-mutations"
JUDGES = ("//driver/device/...", "//driver/discovery/...", "//tests/lifetime/...")
# The explorer is slow: it judges only mutations that it must find, up to its first failing program.
EXPLORER = "//tests/lifetime:interleavings_test"
# A case that runs so long hangs (the longest takes some 3 s). The rest of its program is left out.
CASE_SECONDS = 20
# After this many crashes the rest of a program is left out.
MOST_CRASHES = 5
IGNORED = shutil.ignore_patterns(".git", "bazel-*", "node_modules", "__pycache__")
BAZEL = shlex.split(os.environ.get("SASD_BAZEL", "bazel"))
# The trees share compiled files.
CACHE = f"--disk_cache={FOLDER}/cache"
CONFIG = ("--config=asan", "--noshow_progress", "--color=no")


class BuildError(Exception):
    """Has the compiler's messages."""


class Tree:
    """A copy of the tree, and its tests. tests/mutation uses it, too."""

    def __init__(self, name, run_under, environment, config=CONFIG):
        self.root = os.path.join(FOLDER, name)
        self.run_under = run_under
        self.environment = environment
        self.config = config
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(plan.ROOT, self.root, symlinks=True, ignore=IGNORED)
        self.programs = self.bazel("info", *config, "bazel-bin").strip()

    def bazel(self, command, *arguments):
        done = subprocess.run([*BAZEL, command, *arguments], cwd=self.root, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise BuildError(done.stderr)
        return done.stdout

    def judges(self):
        tests = f"tests({' + '.join(JUDGES)})"
        labels = self.bazel("query", "--noshow_progress",
                            rf'kind("cc_test", {tests}) except attr("tags", "\b(long|noasan|fuzz)\b", {tests})')
        return labels.split()

    def build(self, labels, jobs=1):
        cache = () if os.path.exists(os.path.join(self.root, ".bazelrc.local")) else (CACHE,)
        self.bazel("build", *self.config, *cache, f"--jobs={jobs}", *labels)

    def apply(self, mutation):
        """Edits the files. Returns their original texts by path."""
        originals = {}
        for edit in mutation["edit"]:
            path = os.path.join(self.root, edit["file"])
            text = plan.read(path)
            originals.setdefault(path, text)
            plan.write(path, text.replace(edit["old"], edit["new"]))
        return originals

    def run(self, labels):
        """Runs the tests. Returns the failed cases and all cases that ran."""
        failed, ran = [], []
        for label in labels:
            program = label.removeprefix("//").replace(":", "/")
            self.run_program(program, label == EXPLORER, failed, ran)
        return failed, ran

    def run_program(self, program, fail_fast, failed, ran):
        before = []  # cases that ran already
        for _ in range(MOST_CRASHES):
            cases, broken, ended, hung = self.run_cases(program, before, fail_fast)
            before += cases
            failed += broken
            if ended or hung or (fail_fast and broken):
                break
            if not cases:  # it crashed outside of a case
                failed.append(os.path.basename(program))
                break
        ran += before

    def run_cases(self, program, without, fail_fast):
        """Returns the cases that ran, the failed cases, whether the program ended, and whether it hung."""
        command = [*self.run_under, os.path.join(self.programs, program)]
        if without:
            command.append("--gtest_filter=-" + ":".join(without))
        if fail_fast:
            command.append("--gtest_fail_fast")
        cases, failed, ended, hung = [], [], False, threading.Event()
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              env=self.environment, cwd=FOLDER, text=True, errors="replace") as process:
            def kill():
                hung.set()
                process.kill()

            watchdog = threading.Timer(CASE_SECONDS, kill)
            watchdog.start()
            for line in process.stdout:
                mark, _, rest = line.partition(" ] ")
                name = re.split("[ ,]", rest.strip())[0]
                if mark.startswith("[ RUN"):
                    watchdog.cancel()
                    watchdog = threading.Timer(CASE_SECONDS, kill)
                    watchdog.start()
                    cases.append(name)
                    failed.append(name)  # until it reports success
                elif mark in ("[       OK", "[  SKIPPED") and failed and failed[-1] == name:
                    failed.pop()
                elif line.startswith("[==========]") and " ran." in line:
                    ended = True
            process.wait()
            watchdog.cancel()
        # The leak sanitizer reports after the last case.
        if ended and process.returncode != 0 and not failed:
            failed.append(os.path.basename(program) + " (leaks)")
        return cases, failed, ended, hung.is_set()


def judge(mutation, trees, labels):
    """Returns {"name", "caught_by": [...], "seconds"}, and "error" if it cannot be judged."""
    start = time.monotonic()
    result = {"name": mutation["name"], "caught_by": []}
    explored = mutation.get("explored", False)
    labels = [label for label in labels if label != EXPLORER or explored]
    tree = trees.get()
    originals = {}
    try:
        originals = tree.apply(mutation)
        tree.build(labels)
        result["caught_by"] = tree.run(labels)[0]
        if explored and not any(map(plan.is_explored, result["caught_by"])):
            result["error"] = "the explorer does not find it"
    except BuildError as error:
        if mutation.get("caught_by") == "compiler" and "-Wthread-safety" in str(error):
            result["caught_by"] = ["clang -Wthread-safety"]
        else:
            result["error"] = str(error)
    finally:
        for path, text in originals.items():
            plan.write(path, text)
        trees.put(tree)
    result["seconds"] = round(time.monotonic() - start, 1)
    return result


def show(mutation, result):
    caught = result["caught_by"]
    by = f"{len(caught)} test case{'' if len(caught) == 1 else 's'}: {', '.join(caught[:4])}"
    if len(caught) > 4:
        by += ", ..."
    verdict = "PASSED" if is_caught(result) else "FAILED"
    print(f"{verdict} {result['name']} | {mutation['bug']} | {by if caught else 'nothing'} | {result['seconds']:.0f} s")
    if "error" in result:
        print("     " + result["error"].replace("\n", "\n     "))
    sys.stdout.flush()


def is_caught(result):
    return bool(result["caught_by"]) and "error" not in result


def unbroken(cases, results):
    """The test cases of scenarios that no mutation has broken."""
    broken = {name for result in results for name in result["caught_by"]}
    return [name for name in cases if plan.scenario_of(name) and name not in broken]


def write_results(path, results, keep):
    """Writes the results. `keep`: keeps earlier results of other mutations."""
    known = {result["name"]: result for result in plan.results(path)} if keep else {}
    known.update({result["name"]: result for result in results})
    plan.write(path, json.dumps({"mutations": [known[name] for name in sorted(known)]}, indent=1) + "\n")


def choose(mutations, options):
    """The mutations that the options name."""
    names = options.names
    known = {mutation["name"] for mutation in mutations}
    for name in names:
        if name not in known:
            sys.exit(f"mutate.py: no mutation {name}; see mutations.toml")
    return sampling.sample([mutation for mutation in mutations if not names or mutation["name"] in names], options)


def judge_until(end, mutation, trees, labels):
    """As judge(); None if `end` (monotonic) is over."""
    return None if time.monotonic() > end else judge(mutation, trees, labels)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="judge only these mutations")
    sampling.add_options(parser)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(),
                        help="judge this many at a time, each in its own tree")
    parser.add_argument("--results", default=plan.RESULTS, help="file for the results in JSON, for report.py")
    parser.add_argument("--run_under", default="", help="command to put before each test")
    parser.add_argument("--test_env", default=[], action="append", metavar="NAME=VALUE",
                        help="environment variable for each test")
    options = parser.parse_args()
    mutations = choose(plan.mutations(), options)
    environment = dict(os.environ, **dict(pair.split("=", 1) for pair in options.test_env))
    os.makedirs(FOLDER, exist_ok=True)
    trees = queue.Queue()
    start = time.monotonic()
    jobs = min(options.jobs, len(mutations))
    for number in range(jobs):
        tree = Tree(f"tree{number}", shlex.split(options.run_under), environment)
        labels = tree.judges()
        tree.build(labels, jobs)
        trees.put(tree)
    failed, cases = tree.run(labels)
    if failed:
        print("failed without a mutation:", *failed)
        print("0 passed, 1 failed")
        return 1
    print(f"{len(labels)} tests of {len(cases)} cases, built in {time.monotonic() - start:.0f} s", flush=True)
    results = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        end = start + options.seconds
        running = {pool.submit(judge_until, end, mutation, trees, labels): mutation for mutation in mutations}
        for future in concurrent.futures.as_completed(running):
            if future.result() is not None:
                results.append(future.result())
                show(running[future], results[-1])
    if len(results) < len(mutations):
        print(f"{len(mutations) - len(results)} left out: the time is over")
    whole = len(results) == len(plan.mutations())
    missed = unbroken(cases, results) if whole else []
    for name in missed:
        print(f"FAILED {name}: no mutation breaks it")
    write_results(options.results, results, keep=not whole)
    passed = sum(map(is_caught, results))
    print(f"{passed} passed, {len(results) - passed + len(missed)} failed")
    return 0 if passed == len(results) and not missed else 1


if __name__ == "__main__":
    sys.exit(main())
