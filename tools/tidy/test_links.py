import unittest

import links
from tree_test import TreeTest


class LinksTest(TreeTest):
    def test_good(self):
        self.write("docs/a.md", "[b](b.md#part) [c](../c.txt) [d](#here) [e](https://e.example)\n"
                                "```\n[x](nowhere.md)\n```\n`[y](nowhere.md)` [f](/c.txt)\n")
        self.write("docs/b.md", "")
        self.write("c.txt", "")
        self.assert_complaints(links.check(self.root))

    def test_bad(self):
        self.write("docs/a.md", "\n[b](b.md#part) ![c](c.png \"title\")\n")
        self.assert_complaints(links.check(self.root), "docs/a.md:2: b.md#part", "c.png")


if __name__ == "__main__":
    unittest.main()
