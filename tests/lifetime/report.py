#!/usr/bin/python3
"""Makes docs/lifetime-evidence.md from rules.toml, mutations.toml and figures.json.

figures.json has the figures of a long run: --take collects them after `./test --whole`."""

import glob
import json
import os
import sys
import zipfile

import evidence
import plan

DOCUMENT = os.path.join(plan.ROOT, "docs", "lifetime-evidence.md")
FIGURES = os.path.join(plan.HERE, "figures.json")
HEAD = """# Device lifetime: the evidence

`tests/lifetime/report.py --write` makes this page; [lifetime.md](lifetime.md) explains it. `./test`
fails while the page is out of date. `./test --whole`, then `tests/lifetime/report.py --take`,
measures the figures.
"""
# The number of test cases named per mutation.
NAMED = 3


def figures():
    return json.loads(plan.read(FIGURES))


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def number(count):
    return f"{count:,}" if count else "-"


def scenarios_cell(rule, tests):
    cases = sum(len(tests.get(scenario, [])) for scenario in rule["scenarios"])
    return f"{', '.join(map(str, rule['scenarios']))}: {cases} test cases"


def schedules_of(rule, programs):
    return sum(program["schedules"] for program in programs if rule["id"] in program["rules"])


def rules_table(measured):
    tests = plan.scenario_tests()
    caught = {mutation["name"] for mutation in measured["mutations"] if mutation["count"]}
    seeds, events = (sum(build[what] for build in measured["storms"].values()) for what in ("seeds", "events"))
    storms = f"{number(seeds)} with {number(events)} events" if seeds else "-"
    rows = []
    for rule in plan.rules():
        own = [mutation["name"] for mutation in plan.mutations() if mutation["rule"] == rule["id"]]
        rows.append([
            f"**{rule['id']}**: {rule['text']}",
            scenarios_cell(rule, tests),
            f"{len(caught.intersection(own))} of {len(own)}",
            number(schedules_of(rule, measured["programs"])),
            storms,
        ])
    return table(["rule", "scenarios", "mutations caught", "schedules explored", "storm seeds"], rows)


def storms_table(measured):
    header = ["storms", "seeds", "events", "resets", "most devices"]
    rows = [[config, *(number(build[what]) for what in header[1:])]
            for config, build in sorted(measured["storms"].items())]
    return table(header, rows)


def mutations_table(measured):
    found = {mutation["name"]: mutation for mutation in measured["mutations"]}
    rows = []
    for mutation in plan.mutations():
        by = found.get(mutation["name"], {"count": 0, "caught_by": []})
        names = ", ".join(f"`{name}`" for name in by["caught_by"])
        more = by["count"] - len(by["caught_by"])
        rows.append([mutation["rule"], mutation["bug"], (names or "-") + (f" and {more} more" if more else "")])
    return table(["rule", "the bug put back", "caught by"], rows)


def document():
    """The up-to-date text of docs/lifetime-evidence.md."""
    measured = figures()
    tables = (
        ("Rules", rules_table(measured)),
        ("Storms", storms_table(measured)),
        ("Mutations", mutations_table(measured)),
    )
    return HEAD + "".join(f"\n## {title}\n\n{text}" for title, text in tables)


def take(results):
    """Collects the figures of a long run."""
    measured = {"mutations": [], "programs": [], "storms": {}}
    for mutation in plan.results(results):
        caught = [] if "error" in mutation else sorted(mutation["caught_by"], key=rank)
        measured["mutations"].append(
            {"name": mutation["name"], "count": len(caught), "caught_by": caught[:NAMED]})
    outputs = os.path.join(plan.ROOT, "bazel-out", "*", "testlogs", "**", "outputs.zip")
    for path in sorted(glob.glob(outputs, recursive=True)):
        with zipfile.ZipFile(path) as archive:
            for name in ("explorer.json", "storm.json"):
                if name in archive.namelist():
                    found = json.loads(archive.read(name))
                    add_storms(measured["storms"], found.get("seeds", []))
                    measured["programs"] += found.get("programs", [])
    measured["programs"] = deepest(measured["programs"])
    plan.write(FIGURES, json.dumps(measured, indent=1) + "\n")


def add_storms(builds, seeds):
    """Adds up storms per build."""
    for seed in seeds:
        build = builds.setdefault(seed["config"], {"seeds": 0, "events": 0, "resets": 0, "most devices": 0})
        build["seeds"] += 1
        build["events"] += seed["events"]
        build["resets"] += seed["resets"]
        build["most devices"] = max(build["most devices"], seed["devices"])


def rank(case):
    """The order in which test cases are named: scenarios, then schedules."""
    return plan.scenario_of(case) is None, not plan.is_explored(case), case


def deepest(programs):
    """The run with the most schedules of each program."""
    best = {}
    for program in programs:
        known = best.setdefault(program["name"], program)
        if program["schedules"] > known["schedules"]:
            best[program["name"]] = program
    return [best[name] for name in sorted(best)]


if __name__ == "__main__":
    sys.exit(evidence.main(__doc__, DOCUMENT, document, take, plan.RESULTS))
