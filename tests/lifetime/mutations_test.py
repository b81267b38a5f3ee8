"""Checks that rules, mutations, scenarios, the tree and docs/lifetime-evidence.md agree."""

import unittest

import mutation_checks
import plan
import report


class MutationsTest(mutation_checks.MutationChecks, unittest.TestCase):
    plan = plan

    def test_each_mutation_breaks_a_rule_by_scenarios_that_exist(self):
        known = {rule["id"] for rule in plan.rules()}
        for mutation in plan.mutations():
            self.assertIn(mutation["rule"], known, mutation["name"])
            self.assertTrue(mutation["scenarios"], mutation["name"])
            self.assertLessEqual(set(mutation["scenarios"]), set(plan.SCENARIOS), mutation["name"])


class ScenariosTest(unittest.TestCase):
    def test_each_has_a_rule(self):
        of_rules = {number for rule in plan.rules() for number in rule["scenarios"]}
        self.assertEqual(of_rules, set(plan.SCENARIOS))

    def test_each_has_a_mutation(self):
        of_mutations = {number for mutation in plan.mutations() for number in mutation["scenarios"]}
        self.assertEqual(of_mutations, set(plan.SCENARIOS))

    def test_each_has_a_test(self):
        self.assertEqual(set(plan.scenario_tests()), set(plan.SCENARIOS))


class ReportTest(unittest.TestCase):
    def test_the_document_is_up_to_date(self):
        self.assertEqual(plan.read(report.DOCUMENT), report.document(), "run tests/lifetime/report.py --write")


if __name__ == "__main__":
    unittest.main()
