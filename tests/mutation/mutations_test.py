"""Checks that the mutations, the tree, the figures and docs/mutation-evidence.md agree."""

import os
import unittest

import daemon_plan as plan
import mutate
import report

checks = plan.of_lifetime("mutation_checks")


class Options:
    """Those of mutate.py."""

    def __init__(self, sample, seed):
        self.names, self.sample, self.seed = [], sample, seed


class MutationsTest(checks.MutationChecks, unittest.TestCase):
    plan = plan

    def test_there_are_enough(self):
        self.assertGreaterEqual(len(plan.mutations()), 60)

    def test_each_is_of_a_room_and_has_tests_that_exist(self):
        for mutation in plan.mutations():
            self.assertIn(mutation["room"], plan.ROOMS, mutation["name"])
            self.assertTrue(mutation["tests"], mutation["name"])
            for label in mutation["tests"]:
                folder, name = label.removeprefix("//").split(":")
                build = plan.read(os.path.join(plan.ROOT, folder, "BUILD"))
                self.assertIn(f'name = "{name}"', build, mutation["name"])

    def test_each_was_caught(self):
        self.assertNotIn("not caught", report.document(), "run mutate.py, then report.py --take")

    def test_samples_rotate_through_all(self):
        mutations, sample = plan.mutations(), 12
        seeds = -(-len(mutations) // sample)
        seen = {mutation["name"] for seed in range(seeds) for mutation in mutate.choose(Options(sample, seed))}
        self.assertEqual(len(seen), len(mutations))


class ReportTest(unittest.TestCase):
    def test_the_document_is_up_to_date(self):
        self.assertEqual(plan.read(report.DOCUMENT), report.document(), "run tests/mutation/report.py --write")


if __name__ == "__main__":
    unittest.main()
