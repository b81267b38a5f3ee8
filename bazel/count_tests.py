"""Counts the test targets in a file of Bazel's build events: prints "passed failed unbuilt".

Those that did not build count among the failed.
"""

import json
import sys


def count(path):
    status = {}  # label -> overall status, None where it never ran
    with open(path, encoding="utf-8") as events:
        for line in events:
            event = json.loads(line)
            identity = event.get("id", {})
            if "testSize" in event.get("configured", {}):
                status.setdefault(identity["targetConfigured"]["label"])
            elif "testSummary" in event:
                label = identity["testSummary"]["label"]
                status[label] = event["testSummary"]["overallStatus"]
    passed = sum(s in ("PASSED", "FLAKY") for s in status.values())
    unbuilt = sum(s in (None, "NO_STATUS") for s in status.values())
    return passed, len(status) - passed, unbuilt


if __name__ == "__main__":
    print(*count(sys.argv[1]))
