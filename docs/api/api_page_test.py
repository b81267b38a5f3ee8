"""The page of the API is what make_api.py makes, and has every reason of an error in the code."""

import glob
import os
import re
import subprocess
import unittest

ROOT = os.path.join(os.environ["TEST_SRCDIR"], "sasd")
PAGE = os.path.join(ROOT, "docs", "api", "README.md")


class ApiPageTest(unittest.TestCase):
    def setUp(self):
        with open(PAGE, encoding="utf-8") as file:
            self.page = file.read()

    def test_the_page_is_of_these_protos(self):
        made = subprocess.run(
            ["/usr/bin/python3", os.path.join(ROOT, "docs", "api", "make_api.py"),
             os.path.join(ROOT, "proto", "sas", "v1", "sas_v1.binpb")],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        self.assertEqual(
            made,
            self.page,
            "bazel build //proto/sas/v1:sas_v1_descriptor && /usr/bin/python3 docs/api/make_api.py "
            "bazel-bin/proto/sas/v1/sas_v1.binpb >docs/api/README.md",
        )

    def test_every_reason_in_the_code_is_on_the_page(self):
        reasons = set()
        for folder in ("rpc", os.path.join("daemon", "service")):
            for path in glob.glob(os.path.join(ROOT, folder, "*.cc")):
                with open(path, encoding="utf-8") as file:
                    code = file.read()
                for call in re.findall(r"WithReason\((.*?)\);", code, re.S):
                    reasons |= set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', call))
        self.assertGreater(len(reasons), 7)
        shown = set(re.findall(r'<a id="(\w+)">', self.page))
        self.assertEqual(shown, reasons)

    def test_every_link_has_its_target(self):
        anchors = set(re.findall(r'<a id="(\w+)">', self.page)) | {
            re.sub(r"[^a-z0-9_-]", "", heading.lower())
            for heading in re.findall(r"(?m)^#+ (.*)$", self.page)
        }
        links = set(re.findall(r"\]\(#([^)]+)\)", self.page))
        self.assertGreater(len(links), 100)
        self.assertEqual(links - anchors, set())


if __name__ == "__main__":
    unittest.main()
