#!/usr/bin/env python3
"""Is each kind of untruth in the documentation found, and nothing else?"""

import os
import tempfile
import unittest

import check_docs

TREE = {
    "README.md": "# It\n\n[more](docs/a.md#two-words)\n\n`scripts/go` and `WEFT_KNOB`\n",
    "docs/a.md": "# A\n\n## Two words\n\n<!-- from: examples/one.cpp -->\n```cpp\n"
                 "int a = 1;\nint b = 2;\n```\n\n`src/x.cpp`, `weft::thing`, `Suite.Passes`\n",
    "examples/CMakeLists.txt": "add_executable(one one.cpp)\n",
    "examples/one.cpp": "int main() {\n  int a = 1;\n  int b = 2;\n}\n",
    "examples/two.cpp": "int main() {}\n",
    "include/weft/thing.hpp": "namespace weft { class thing; }\n",
    "scripts/go": "",
    "src/x.cpp": 'getenv("WEFT_KNOB");\n',
    "tests/t.cpp": "TEST(Suite, Passes) {}\n",
}


class CheckDocs(unittest.TestCase):
    def complaints(self, **changes):
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**TREE, **changes}.items():
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w", encoding="utf-8") as file:
                    file.write(text)
            return list(check_docs.complaints(root))

    def one_complaint(self, page, text, words):
        found = self.complaints(**{page: TREE.get(page, "") + text})
        self.assertEqual(len(found), 1, found)
        self.assertIn(words, found[0])

    def test_a_true_tree_has_no_complaints(self):
        self.assertEqual(self.complaints(), [])

    def test_indentation_does_not_matter(self):
        text = "<!-- from: examples/one.cpp -->\n```cpp\n    int a = 1;\n```\n"
        self.assertEqual(self.complaints(**{"docs/b.md": text}), [])

    def test_a_snippet_from_nowhere(self):
        self.one_complaint("docs/b.md", "```cpp\nint a = 1;\n```\n", "needs <!-- from")

    def test_a_changed_snippet(self):
        text = "<!-- from: examples/one.cpp -->\n```cpp\nint a = 3;\n```\n"
        self.one_complaint("docs/b.md", text, "do not stand in")

    def test_lines_left_out_of_a_snippet(self):
        self.one_complaint("docs/b.md", "<!-- from: examples/one.cpp -->\n```cpp\n"
                           "int main() {\nint b = 2;\n```\n", "do not stand in")

    def test_a_snippet_of_a_missing_file(self):
        found = self.complaints(**{"docs/b.md": "<!-- from: examples/no.cpp -->\n```cpp\nx\n```\n"})
        self.assertTrue(any("examples/no.cpp does not exist" in c for c in found), found)

    def test_a_snippet_of_a_file_that_is_not_compiled(self):
        self.one_complaint("docs/b.md", "<!-- from: examples/two.cpp -->\n```cpp\n"
                           "int main() {}\n```\n", "is not compiled")

    def test_an_empty_snippet(self):
        self.one_complaint("docs/b.md", "<!-- from: examples/one.cpp -->\n```cpp\n```\n", "empty")

    def test_a_fence_without_an_end(self):
        self.one_complaint("docs/b.md", "```sh\nls\n", "without an end")

    def test_a_dead_link(self):
        self.one_complaint("README.md", "[x](docs/no.md)\n", "leads nowhere")

    def test_a_dead_link_in_another_page_of_the_root(self):
        self.one_complaint("NEWS.md", "[x](docs/no.md)\n", "leads nowhere")

    def test_a_link_to_a_missing_heading(self):
        self.one_complaint("README.md", "[x](docs/a.md#three-words)\n", "no heading")

    def test_a_missing_file(self):
        self.one_complaint("docs/b.md", "see `src/y.cpp`\n", "no file src/y.cpp")

    def test_a_missing_file_without_a_folder(self):
        self.one_complaint("docs/b.md", "see `y.cpp`\n", "no file y.cpp")

    def test_a_missing_script_in_a_command(self):
        self.one_complaint("docs/b.md", "```sh\nscripts/stop now\n```\n", "no file scripts/stop")

    def test_an_unknown_name(self):
        self.one_complaint("docs/b.md", "`weft::nothing`\n", "no weft::nothing")

    def test_an_unknown_variable(self):
        self.one_complaint("docs/b.md", "`WEFT_NOTHING`\n", "nothing reads WEFT_NOTHING")

    def test_an_unknown_test(self):
        text = "| a rule | passes | `Suite.Passes`, `Suite.Fails` |\n"
        self.one_complaint("docs/conformance.md", text, "no test Suite.Fails")

    def test_a_rule_that_passes_without_a_test(self):
        self.one_complaint("docs/conformance.md", "| a rule | passes | - |\n", "nothing tests")

    def test_a_rule_that_does_not_pass_needs_no_test(self):
        text = "| rule | weft | test |\n|---|---|---|\n| a rule | not yet | - |\n"
        self.assertEqual(self.complaints(**{"docs/conformance.md": text}), [])

    def test_a_long_page(self):
        self.one_complaint("docs/b.md", "x\n" * 251, "more than 250")


if __name__ == "__main__":
    unittest.main()
