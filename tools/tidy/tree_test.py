"""A small tree in a temporary folder, for the tests of the checks."""
import os
import tempfile
import unittest


class TreeTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name

    def write(self, path, text):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def assert_complaints(self, complaints, *wanted):
        """As many complaints as wanted texts, and each holds its text."""
        self.assertEqual(len(complaints), len(wanted), complaints)
        for complaint, text in zip(complaints, wanted):
            self.assertIn(text, complaint)
