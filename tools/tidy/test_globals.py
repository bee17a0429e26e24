import os
import subprocess
import unittest

import globals as checked
from tree_test import TreeTest

GOOD = """
extern int f(int);
static const int numbers[] = { 1, 2 };
static const char *const names[] = { "a", "b" };
int f(int x)
{
    static const char *const inner[] = { "c", "d" };
    return numbers[x & 1] + names[x & 1][0] + inner[x & 1][0];
}
"""
BAD = """
int first = 1;
static const char *second[] = { "a", "b" };
_Thread_local int third;
int f(int x);
int f(int x)
{
    static int fourth;
    second[0] = second[x];
    third = x;
    return ++fourth + second[x][0];
}
"""


class GlobalsTest(TreeTest):
    def compile(self, text):
        source = self.write("a.c", text)
        made = os.path.join(self.root, "a.o")
        subprocess.run(["gcc", "-O2", "-fPIC", "-c", source, "-o", made], check=True)
        return made

    def test_good(self):
        self.assert_complaints(checked.check(self.compile(GOOD), set()))

    def test_bad(self):
        complaints = checked.check(self.compile(BAD), set())
        self.assert_complaints(sorted(line.split()[1] for line in complaints),
                               "first", "fourth", "second", "third")

    def test_allowed(self):
        allowed = {"first", "second", "third", "fourth"}
        self.assert_complaints(checked.check(self.compile(BAD), allowed))

    def test_allow_list_needs_reasons(self):
        self.write("list.txt", "# name  reason\none  a reason\ntwo\n")
        self.assertEqual(checked.read_allowed(self.root, "list.txt"), {"one"})


if __name__ == "__main__":
    unittest.main()
