import unittest

import words
from tree_test import TreeTest


class WordsTest(TreeTest):
    def test_good(self):
        self.write("a.md", "mkstemp(\"/tmp/aXXXXXX\") https://a.example/home/b ./work/c\n")
        self.write("build/a.c", "TO" + "DO\n")
        self.assert_complaints(words.check(self.root))

    def test_bad(self):
        self.write("a.md", "x\nTO" + "DO: y\n")
        self.write("src/base/a.c", "open(\"/ho" + "me/me/x\");\n/* FIX" + "ME */\n")
        self.assert_complaints(words.check(self.root), "a.md:2", "a.c:1: a path", "a.c:2")

    def test_not_text(self):
        with open(self.write("a.png", ""), "wb") as file:
            file.write(b"\xff\xfe\x00TO" + b"DO ")
        self.assert_complaints(words.check(self.root))


if __name__ == "__main__":
    unittest.main()
