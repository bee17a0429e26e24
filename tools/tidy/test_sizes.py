import unittest

import sizes
from tree_test import TreeTest


def function(lines):
    return "int f(void)\n{\n" + "\tx();\n" * (lines - 2) + "}\n"


class SizesTest(TreeTest):
    def test_at_the_limits(self):
        self.write("src/base/a.c", function(70) + "\n" * 727 + "\t" * 25 + "\n")
        self.write("src/base/a.h", "\n" * 250)
        self.assert_complaints(sizes.check(self.root))

    def test_one_above(self):
        self.write("src/base/a.c", "\n" * 799 + "\t" * 25 + "x\n\n")
        self.write("src/base/a.h", "\n" * 251)
        self.write("src/base/b.c", function(70) + function(71))
        self.assert_complaints(sizes.check(self.root), "801 lines", "a.c:800: 101 columns",
                               "251 lines", "b.c:73: function of 71 lines")


if __name__ == "__main__":
    unittest.main()
