"""docs/fabric.md is what make_fabric.py makes; its links lead somewhere; its fabric is sound."""

import os
import re
import subprocess
import tempfile
import unittest

ROOT = os.path.join(os.environ["TEST_SRCDIR"], "sasd")
PAGE = os.path.join(ROOT, "docs", "fabric.md")


class FabricPageTest(unittest.TestCase):
    def setUp(self):
        with open(PAGE, encoding="utf-8") as file:
            self.page = file.read()

    def test_the_page_is_of_this_proto(self):
        made = subprocess.run(
            ["/usr/bin/python3", os.path.join(ROOT, "docs", "make_fabric.py"),
             os.path.join(ROOT, "emulator", "fabric", "fabric_proto.binpb")],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        self.assertEqual(
            made,
            self.page,
            "bazel build //emulator/fabric:fabric_proto_descriptor && /usr/bin/python3 "
            "docs/make_fabric.py bazel-bin/emulator/fabric/fabric_proto.binpb >docs/fabric.md",
        )

    def test_every_link_has_its_target(self):
        anchors = {
            re.sub(r"[^a-z0-9_-]", "", heading.lower())
            for heading in re.findall(r"(?m)^#+ (.*)$", self.page)
        }
        links = set(re.findall(r"\]\(#([^)]+)\)", self.page))
        self.assertGreater(len(links), 10)
        self.assertEqual(links - anchors, set())

    def test_the_fabric_of_the_page_is_sound(self):
        (text,) = re.findall(r"(?ms)^```\n(.*?)^```$", self.page)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "small.textproto")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            done = subprocess.run(
                [os.path.join(ROOT, "emulator", "qemu", "sashba"), "check", path],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("1 host, 1 expander, 1 enclosure with 4 slots, 2 drives, 1 SES", done.stdout)


if __name__ == "__main__":
    unittest.main()
