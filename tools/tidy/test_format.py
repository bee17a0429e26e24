import unittest

import format as checked
from tree_test import TreeTest

STYLE = "BasedOnStyle: LLVM\nUseTab: Always\nIndentWidth: 4\nTabWidth: 4\n"


class FormatTest(TreeTest):
    def setUp(self):
        super().setUp()
        self.write(".clang-format", STYLE)

    def test_empty(self):
        self.assert_complaints(checked.check(self.root))

    def test_good(self):
        self.write("src/base/a.c", "int f(void) {\n\tg();\n\treturn 0;\n}\n")
        self.assert_complaints(checked.check(self.root))

    def test_bad(self):
        self.write("src/base/a.c", "int f(void) {\n  g();\n  return 0;\n}\n")
        self.assert_complaints(checked.check(self.root), "src/base/a.c:2", "make fmt")


if __name__ == "__main__":
    unittest.main()
