"""The license of a network, from the model card of its repository or its license file."""

from __future__ import annotations

import re

from ..._text import printable

#: How long the front matter of a model card may be, in characters.
_MOST = 2**16
_KEY = re.compile(r"(license|license_name|license_link)[ \t]*:[ \t]*(.*)")
#: SPDX identifiers of the licenses that hubs write in lower case.
_SPDX = {
    name.lower(): name for name in (
        "AFL-3.0", "AGPL-3.0", "Apache-2.0", "Artistic-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-3-Clause-Clear",
        "BSL-1.0", "CC-BY-2.0", "CC-BY-2.5", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-NC-2.0", "CC-BY-NC-3.0", "CC-BY-NC-4.0",
        "CC-BY-NC-ND-3.0", "CC-BY-NC-ND-4.0", "CC-BY-NC-SA-2.0", "CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0", "CC-BY-ND-4.0",
        "CC-BY-SA-3.0", "CC-BY-SA-4.0", "CC0-1.0", "ECL-2.0", "EPL-1.0", "EPL-2.0", "EUPL-1.1", "GPL-2.0", "GPL-3.0",
        "ISC", "LGPL-2.1", "LGPL-3.0", "MIT", "MPL-2.0", "MS-PL", "NCSA", "ODbL-1.0", "OFL-1.1", "OSL-3.0",
        "PostgreSQL", "Unlicense", "WTFPL", "Zlib",
    )
}
#: License files by the words that they begin with.
_BEGINNINGS = (
    ("MIT License", "MIT"), ("The MIT License", "MIT"), ("Apache License Version 2.0", "Apache-2.0"),
    ("BSD 3-Clause License", "BSD-3-Clause"), ("BSD 2-Clause License", "BSD-2-Clause"),
)


def read_license(model_card: str) -> str | None:
    """Read the license from the front matter of a model card.

    Parameters
    ----------
    model_card : str
        The text of a ``README.md``.

    Returns
    -------
    str or None
        An SPDX identifier if the license has one. For others the name and the link that the card gives, such as
        "dinov3-license (https://...)". None if the card names no license.
    """
    text = model_card[:_MOST].replace("\r\n", "\n").lstrip("\ufeff")
    if not text.startswith("---\n"):
        return None
    found: dict[str, str] = {}
    lines = text[4:].split("\n---", 1)[0].split("\n")
    for i, line in enumerate(lines):
        if match := _KEY.fullmatch(line.rstrip()):
            items = match[2].strip("[]").split(",") if match[2] else _items(lines[i + 1:])
            found.setdefault(match[1], ", ".join(to_spdx(each) for each in map(_unquote, items) if each))
    license, name, link = (found.get(key, "") for key in ("license", "license_name", "license_link"))
    if not license and not name:
        return None
    text = name if name and license.lower() in ("", "other") else license
    return printable(f"{text} ({link})" if link else text, 200)


def to_spdx(license: str) -> str:
    """Return the SPDX identifier of a license in lower case; the text itself if there is none."""
    return _SPDX.get(license.lower(), license)


def recognize_license(text: str, file: str) -> str:
    """Return the license that a license file begins with, or a reference to the file."""
    words = " ".join(text[:2000].split())
    known = next((spdx for beginning, spdx in _BEGINNINGS if words.lower().startswith(beginning.lower())), None)
    return known or printable(f"see {file}", 200)


def _items(lines: list[str]) -> list[str]:
    """Return the items of a list in YAML, one a line."""
    items = []
    for line in lines:
        if not (match := re.fullmatch(r"\s*-\s+(.*)", line)):
            break
        items.append(match[1])
    return items


def _unquote(text: str) -> str:
    text = re.sub(r"\s+#.*$", "", text).strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
