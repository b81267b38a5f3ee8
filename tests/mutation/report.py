#!/usr/bin/python3
"""Makes docs/mutation-evidence.md from mutations.toml and figures.json.

--take puts the results of mutate.py into figures.json, then writes the page."""

import json
import os
import sys

import daemon_plan as plan

evidence = plan.of_lifetime("evidence")

DOCUMENT = os.path.join(plan.ROOT, "docs", "mutation-evidence.md")
FIGURES = os.path.join(plan.HERE, "figures.json")
HEAD = """# Registry, watch and service: the evidence

`tests/mutation/report.py --write` makes this page; [its README](../tests/mutation/README.md)
explains it. `./test` fails while the page is out of date. `tests/mutation/mutate.py`, then
`tests/mutation/report.py --take`, measures what catches each bug.
"""
# The number of test cases named per mutation.
NAMED = 3


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def document():
    """The up-to-date text of the page."""
    found = {figure["name"]: figure for figure in json.loads(plan.read(FIGURES))["mutations"]}
    counts, rows = {room: [0, 0] for room in plan.ROOMS}, []
    for mutation in plan.mutations():
        by = found.get(mutation["name"], {"count": 0, "caught_by": []})
        counts[mutation["room"]][0] += 1
        counts[mutation["room"]][1] += by["count"] > 0
        names = ", ".join(f"`{name}`" for name in by["caught_by"])
        more = by["count"] - len(by["caught_by"])
        caught = (names or "not caught") + (f" and {more} more" if more else "")
        rows.append([mutation["room"], mutation["bug"], caught])
    rooms = [[room, str(all_of_it), str(caught)] for room, (all_of_it, caught) in counts.items()]
    rooms.append(["all", *(str(sum(column)) for column in zip(*counts.values()))])
    return (f"{HEAD}\n## Rooms\n\n{table(['room', 'mutations', 'caught'], rooms)}\n"
            f"## Mutations\n\n{table(['room', 'the bug', 'caught by'], rows)}")


def take(results):
    """Collects the results. Keeps the figures of mutations that were not judged."""
    figures = {figure["name"]: figure for figure in json.loads(plan.read(FIGURES))["mutations"]}
    for result in plan.results(results):
        caught = [] if "error" in result else sorted(result["caught_by"])
        figures[result["name"]] = {"name": result["name"], "count": len(caught), "caught_by": caught[:NAMED]}
    known = [mutation["name"] for mutation in plan.mutations()]
    kept = [figures[name] for name in sorted(known) if name in figures]
    plan.write(FIGURES, json.dumps({"mutations": kept}, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(evidence.main(__doc__, DOCUMENT, document, take, plan.RESULTS))
