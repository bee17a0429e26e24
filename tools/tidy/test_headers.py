import unittest

import headers
from tree_test import TreeTest

GUARDED = "#ifndef A_H\n#define A_H\n{}#endif\n"


class HeadersTest(TreeTest):
    def test_good(self):
        self.write("src/base/a.h", GUARDED.format("#include <stddef.h>\nsize_t f(void);\n"))
        self.assert_complaints(headers.check(self.root))

    def test_bad(self):
        self.write("src/base/a.h", GUARDED.format("size_t f(void);\n"))
        self.write("src/base/b.h", "struct b {\n\tint x;\n};\n")
        self.assert_complaints(headers.check(self.root), "base/a.h: does not", "base/b.h: does not")

    def test_library(self):
        self.write("jsonstore/a.h", GUARDED.format("#include <stddef.h>\n"))
        self.write("jsonstore/src/b.h", '#include "a.h"\nsize_t f(void);\n')
        self.write("jsonstore/src/c.h", "size_t f(void);\n")
        self.assert_complaints(headers.check(self.root), "src/c.h: does not")

    def test_flags(self):
        self.write("src/base/a.h", GUARDED.format("NUMBER f(void);\n"))
        self.assert_complaints(headers.check(self.root, ["-DNUMBER=int"]))


if __name__ == "__main__":
    unittest.main()
