"""The license, from a model card or a license file."""

import pytest

from twoflow.networks.hub.model_card import read_license, recognize_license


@pytest.mark.parametrize("front, license", [
    ("license: apache-2.0", "Apache-2.0"),
    ("tags:\n- vision\nlicense: mit # of the weights", "MIT"),
    ('license: "cc-by-nc-4.0"\r', "CC-BY-NC-4.0"),
    ("license: other\nlicense_name: own\nlicense_link: https://host/page", "own (https://host/page)"),
    ("license: other", "other"),
    ("license_name: own", "own"),
    ("license: other\nlicense_link: LICENSE", "other (LICENSE)"),
    ("license:\n- mit\n- apache-2.0\ntags: x", "MIT, Apache-2.0"),
    ("license: [mit]", "MIT"),
    ("model:\n  license: mit", None),
    ("license:", None),
    ("license: a\x1b[31mred", "a\\x1b[31mred"),
    ("license: " + "x" * 1000, "x" * 196 + " ..."),
])
def test_front_matter(front, license):
    assert read_license(f"---\n{front}\n---\n# A model\nlicense: gpl-3.0\n") == license


@pytest.mark.parametrize("text", ["", "# A model\nlicense: mit", "----\nlicense: mit\n---", "---"])
def test_no_front_matter(text):
    assert read_license(text) is None


@pytest.mark.parametrize("text, license", [
    ("MIT License\n\nCopyright (c)", "MIT"),
    ("\n                 Apache License\n           Version 2.0, January 2004\n", "Apache-2.0"),
    ("A license of our own", "see LICENSE.txt"),
])
def test_license_files(text, license):
    assert recognize_license(text, "LICENSE.txt") == license
