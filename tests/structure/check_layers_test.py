#!/usr/bin/env python3
"""Tests of tools/check_layers.py: small trees with one good or bad include each."""
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.path.join(HERE, "..", "..", "tools")
sys.path.insert(0, TOOLS)
import check_layers  # noqa: E402  (found by the line above)

LADDER = check_layers.Ladder(os.path.join(TOOLS, "layers.txt"))


def violations(files):
    """What the check says about a tree of these files: path to text."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as out:
                out.write(text)
        return check_layers.check(root, LADDER)


class CheckLayers(unittest.TestCase):
    def test_accepts_downward_own_and_foreign_includes(self):
        text = '#include "proto/a.h"\n#include "shard/b.h"\n#include <vector>\n' \
               '#include <absl/status/status.h>\n#include <martlet/options.h>\n'
        self.assertEqual(violations({"src/shard/b.cpp": text}), [])

    def test_catches_an_include_from_above(self):
        found = violations({"src/proto/a.cpp": '\n#include "shard/shard.h"\n'})
        self.assertEqual(len(found), 1)
        self.assertIn("src/proto/a.cpp:2", found[0])
        self.assertIn("shard stands above proto", found[0])

    def test_catches_a_neighbour(self):
        found = violations({"src/proto/a.h": '#include "subject/subject.h"\n'})
        self.assertIn("subject stands beside proto", found[0])

    def test_an_exception_has_one_direction(self):
        self.assertEqual(violations({"src/session/a.h": '#include "auth/nkey.h"\n'}), [])
        self.assertEqual(len(violations({"src/auth/a.h": '#include "session/a.h"\n'})), 1)

    def test_io_is_for_the_folders_with_a_loop(self):
        self.assertEqual(violations({"src/shard/a.h": '#include "io/loop.h"\n'}), [])
        found = violations({"src/session/a.h": '#include "io/loop.h"\n'})
        self.assertIn("io is for shard", found[0])

    def test_liburing_is_for_io(self):
        self.assertEqual(violations({"src/io/ring.cpp": "#include <liburing.h>\n"}), [])
        self.assertEqual(len(violations({"src/shard/a.cpp": "#  include <liburing.h>\n"})), 1)
        self.assertEqual(len(violations({"src/base/a.cpp": '#include "liburing.h"\n'})), 1)

    def test_public_headers_see_nothing_of_src(self):
        found = violations({"include/martlet/a.h": '#include "shard/shard.h"\n'})
        self.assertEqual(len(found), 1)

    def test_a_unit_test_sees_what_its_folder_sees(self):
        self.assertEqual(violations({"tests/unit/proto/a_test.cpp": '#include "json/reader.h"\n'}), [])
        found = violations({"tests/unit/proto/a_test.cpp": '#include "shard/shard.h"\n'})
        self.assertEqual(len(found), 1)

    def test_a_new_folder_must_be_named(self):
        self.assertEqual(len(violations({"src/novel/a.h": "\n"})), 1)
        found = violations({"src/shard/a.h": '#include "novel/a.h"\n', "src/novel/a.h": "\n"})
        self.assertEqual(len(found), 2)


if __name__ == "__main__":
    unittest.main()
