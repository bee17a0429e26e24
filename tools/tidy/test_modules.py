import unittest

import modules
from tree_test import TreeTest


class ModulesTest(TreeTest):
    def test_good(self):
        for name in ("a.c", "a_part.c", "b_one.c", "a_test.c", "a_test_help.c", "a_fuzz.c"):
            self.write("src/base/" + name, "")
        self.write("src/base/a.h", "/* a */\n")
        self.write("src/base/b_priv.h", "#ifndef B\n#define B\n\n/* b */\n#endif\n")
        self.write("src/base/meson.build", "files('a.c', 'a_part.c', 'b_one.c', 'a_test.c',"
                                           "'a_test_help.c', 'a_fuzz.c')")
        self.write("src/app/main.c", "")
        self.write("src/app/command_serve.c", "")
        self.write("src/app/meson.build", "files('command_serve.c')")
        self.assert_complaints(modules.check(self.root))

    def test_bad(self):
        self.write("src/base/a.c", "")
        self.write("src/base/b.h", "#include <stdio.h>\n/* late */\n")
        self.write("src/base/c_test.c", "")
        self.write("src/base/meson.build", "files('a.c')")
        self.assert_complaints(modules.check(self.root), "no a.h", "src/base/b.h:1",
                               "src/base/c_test.c: not in src/base/meson.build")


if __name__ == "__main__":
    unittest.main()
