"""What holds for every list of mutations."""

import os


class MutationChecks:
    """Tests for a unittest.TestCase that has `plan`: a module with mutations(), read() and ROOT."""

    def test_each_edit_fits_once(self):
        for mutation in self.plan.mutations():
            for edit in mutation["edit"]:
                text = self.plan.read(os.path.join(self.plan.ROOT, edit["file"]))
                self.assertEqual(text.count(edit["old"]), 1, f"{mutation['name']}: {edit['file']}: {edit['old']}")
                self.assertNotEqual(edit["old"], edit["new"], mutation["name"])

    def test_names_are_unique(self):
        names = [mutation["name"] for mutation in self.plan.mutations()]
        self.assertEqual(sorted(names), sorted(set(names)))
