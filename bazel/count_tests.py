"""Counts the tests in a file of Bazel's build events: prints "passed failed unbuilt cases".

The first three are test targets; those that did not build count as failed, too. "cases" are the
test cases that ran, by the test.xml files: a target whose file lists none counts as one.
"""

import json
import sys
import urllib.parse
import xml.etree.ElementTree


def cases_in(uri):
    """How many test cases a test.xml lists as run; 0 for a file that cannot be read."""
    try:
        root = xml.etree.ElementTree.parse(urllib.parse.unquote(urllib.parse.urlparse(uri).path))
    except (OSError, xml.etree.ElementTree.ParseError):
        return 0
    # googletest lists disabled tests and those of other shards as "notrun".
    return sum(case.get("status") != "notrun" for case in root.iter("testcase"))


def count(path):
    status = {}  # label -> overall status, None where it never ran
    cases = {}  # label -> shard -> test cases of the first run's last attempt
    with open(path, encoding="utf-8") as events:
        for line in events:
            event = json.loads(line)
            identity = event.get("id", {})
            if "testSize" in event.get("configured", {}):
                status.setdefault(identity["targetConfigured"]["label"])
            elif "testSummary" in event:
                label = identity["testSummary"]["label"]
                status[label] = event["testSummary"]["overallStatus"]
            elif "testResult" in event and identity["testResult"].get("run", 1) == 1:
                result = identity["testResult"]
                shards = cases.setdefault(result["label"], {})
                for output in event["testResult"].get("testActionOutput", []):
                    if output["name"] == "test.xml":
                        shards[result.get("shard", 1)] = cases_in(output["uri"])
    passed = sum(s in ("PASSED", "FLAKY") for s in status.values())
    unbuilt = sum(s in (None, "NO_STATUS") for s in status.values())
    ran = sum(max(1, sum(shards.values())) for shards in cases.values())
    return passed, len(status) - passed, unbuilt, ran


if __name__ == "__main__":
    print(*count(sys.argv[1]))
