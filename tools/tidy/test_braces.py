import unittest

import braces
from tree_test import TreeTest

GOOD = """
#define IF(x) \\
	if (x) return
/* if (x) y(); */
void f(const char *s)
{
	if (g(")") && h(1)) {
		do {
			s++;
		} while (*s != ')');
	} else if (s == "else x") {
		for (;;) {
		}
	} else {
		switch (*s) {
		}
	}
}
"""
BAD = """
void f(int x)
{
	if (x)
		return;
	while (g((x)))
		;
	for (;;) {
		if (x) {
		} else
			x++;
	}
}
"""


class BracesTest(TreeTest):
    def test_good(self):
        self.write("src/base/a.c", GOOD)
        self.assert_complaints(braces.check(self.root))

    def test_bad(self):
        self.write("src/base/a.c", BAD)
        self.assert_complaints(braces.check(self.root), "a.c:4: no braces after if",
                               "a.c:6: no braces after while", "a.c:10: no braces after else")


if __name__ == "__main__":
    unittest.main()
