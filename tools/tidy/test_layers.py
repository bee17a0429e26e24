import unittest

import layers
from tree_test import TreeTest


class LayersTest(TreeTest):
    def setUp(self):
        super().setUp()
        self.write("tools/layers.txt", "base:\ncodec: base\nnet: base\napp: everything\n")

    def test_good(self):
        self.write("src/base/a.h", '#include <stdio.h>\n#include "base/b.h"\n')
        self.write("src/codec/a.c", '#include "base/a.h"\n#include "rowlock_config.h"\n')
        self.write("src/app/main.c", '#include "net/a.h"\n#include "codec/a.h"\n')
        self.assert_complaints(layers.check(self.root))

    def test_bad(self):
        self.write("src/base/a.h", '\n#include "codec/a.h"\n')
        self.write("src/codec/b.c", '#include "b.h"\n#include "../base/a.h"\n')
        self.write("src/net/c.c", '#include "base/a_priv.h"\n')
        self.write("src/other/d.c", "")
        self.assert_complaints(layers.check(self.root), "src/base/a.h:2: base may not include codec",
                               "src/codec/b.c:1", "src/codec/b.c:2", "its own folder",
                               "src/other/d.c")

    def test_library(self):
        self.write("src/base/a.h", "")
        self.write("jsonstore/jsonstore.h", "")
        self.write("jsonstore/src/a.c", '#include "b.h"\n#include "jsonstore.h"\n'
                                        '#include "base/a.h"\n#include "../../src/base/a.h"\n')
        self.write("jsonstore/src/b.h", "#include <stdio.h>\n")
        self.assert_complaints(layers.check(self.root), "jsonstore/src/a.c:3",
                               "jsonstore/src/a.c:4")

    def test_table(self):
        self.write("tools/layers.txt", "base: codec\ncodec: base\nbase:\n")
        self.assert_complaints(layers.check(self.root), "codec is not above base", "named twice")


if __name__ == "__main__":
    unittest.main()
