"""The outside of a model file: a zip archive with a manifest that lists the digest of every member."""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

from ...errors import InputError
from .damage import DamagedError

#: The version of the format. A file of another version is refused; every version that was released stays readable.
VERSION = 1
MAX_FILE = 2**31  # bytes
_FORMAT = "twoflow model file"
_MANIFEST = "manifest.json"
_MAX_MEMBERS, _MAX_MANIFEST, _MAX_TOTAL, _MAX_INDEX = 20_000, 2**23, 2**32, 2**24
_MAX_RATIO, _SMALL = 100, 2**16  # a member that is larger than small must not shrink more than this


def pack(members: Mapping[str, bytes]) -> bytes:
    """Write an archive: the same bytes for the same members.

    Parameters
    ----------
    members : mapping of str to bytes
        Contents by name, such as "card.json" or "networks/1/net.onnx".

    Returns
    -------
    bytes
    """
    listed = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for name, content in members.items()
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            _write_member(archive, name, content, zipfile.ZIP_DEFLATED if _shrinks(content) else zipfile.ZIP_STORED)
        # The manifest comes last, because it has the digest of all bytes before it.
        manifest = {
            "format": _FORMAT, "version": VERSION, "sha256": hashlib.sha256(buffer.getbuffer()).hexdigest(),
            "members": listed,
        }
        _write_member(archive, _MANIFEST, json.dumps(manifest, indent=1).encode(), zipfile.ZIP_STORED)
    return buffer.getvalue()


def write_zip(members: Mapping[str, bytes]) -> bytes:
    """Write a zip archive of members that are not compressed, in their order."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            _write_member(archive, name, content, zipfile.ZIP_STORED)
    return buffer.getvalue()


def _write_member(archive: zipfile.ZipFile, name: str, content: bytes, kind: int) -> None:
    """Write a member without its time, and without anything else that differs from machine to machine."""
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.create_system, info.external_attr, info.compress_type = 3, 0o644 << 16, kind
    archive.writestr(info, content, compresslevel=6)


def _shrinks(content: bytes) -> bool:
    """Return whether a member is stored compressed: if it gets smaller, but not so much that it looks like a bomb."""
    size = len(zlib.compress(content, 6))
    return size < len(content) and (len(content) <= _SMALL or len(content) <= size * _MAX_RATIO / 2)


def unpack(data: bytes) -> dict[str, bytes]:
    """Read an archive, and check every member against the manifest.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    dict of str to bytes
        Without the manifest.

    Raises
    ------
    ValueError
        If it is no model file, is damaged, is of a newer version, or would take too much memory.
    """
    if not data.startswith(b"PK"):
        raise InputError(f"expected a file that twoflow.save wrote, got {_describe(data)}; name another file")
    # A longer directory, or one of more than 4 GiB, would take gigabytes to list.
    if data[-22:-18] != b"PK\5\6" or data[-42:-38] == b"PK\6\7" or int.from_bytes(data[-10:-6], "little") > _MAX_INDEX:
        raise DamagedError("the file is damaged or incomplete (its directory is missing)")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = {info.filename: info for info in archive.infolist()}
            _check_sizes(archive.infolist())
            if _MANIFEST not in infos or infos[_MANIFEST].file_size > _MAX_MANIFEST:
                raise InputError(
                    f"expected a file that twoflow.save wrote, got a zip archive without {_MANIFEST}; name another file"
                )
            manifest = _read_manifest(archive.read(_MANIFEST))
            before = memoryview(data)[:infos[_MANIFEST].header_offset]
            if archive.infolist()[-1].filename != _MANIFEST or hashlib.sha256(before).hexdigest() != manifest["sha256"]:
                raise DamagedError("the file is damaged or was changed: its SHA-256 is not the one it names")
            listed = manifest["members"]
            if {*listed, _MANIFEST} != infos.keys():
                raise DamagedError("expected the members of its manifest, got others")
            return {name: _read_member(archive, name, expected) for name, expected in listed.items()}
    except InputError:
        raise
    except Exception as error:  # zipfile raises many kinds of errors for damaged archives
        raise DamagedError(f"the file is damaged or incomplete ({error})") from error


def _check_sizes(infos: list[zipfile.ZipInfo]) -> None:
    """Raise ValueError before anything is decompressed, if names or sizes are not those of a model file."""
    if len(infos) > _MAX_MEMBERS or sum(info.file_size for info in infos) > _MAX_TOTAL:
        raise DamagedError(f"expected at most {_MAX_MEMBERS} members of {_MAX_TOTAL} bytes in all, got more")
    seen = set()
    for info in infos:
        name = info.filename
        if not name.isprintable() or set(name) & set("\\:") or set(name.split("/")) & {"", ".", ".."} or name in seen:
            raise DamagedError(f"expected members with different plain names, got {name[:50]!r}")
        seen.add(name)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
            raise DamagedError(f"{name}: expected a member that is stored or deflated, got another")
        if info.file_size > max(_SMALL, info.compress_size * _MAX_RATIO):
            raise DamagedError(f"{name}: expected at most {_MAX_RATIO} times its compressed size, got more")


def _read_manifest(text: bytes) -> dict[str, Any]:
    manifest = parse_json(text, _MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT or type(manifest.get("version")) is not int:
        raise DamagedError(f"expected the manifest of a {_FORMAT}, got another")
    if manifest["version"] != VERSION:
        raise InputError(
            f"expected a model file of version {VERSION}, got version {manifest['version']}; "
            "pip install --upgrade twoflow"
        )
    listed = manifest.get("members")
    if not isinstance(listed, dict) or not all(isinstance(each, dict) for each in listed.values()):
        raise DamagedError("expected a manifest with a table of members, got another")
    if not isinstance(manifest.get("sha256"), str):
        raise DamagedError("expected a manifest with a SHA-256, got none")
    return manifest


def _read_member(archive: zipfile.ZipFile, name: str, expected: Mapping[str, Any]) -> bytes:
    content = archive.read(name)
    if expected != {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}:
        raise DamagedError(f"{name} is damaged or was changed: its SHA-256 is not the one in the manifest")
    return content


def parse_json(text: bytes, name: str) -> Any:
    """Parse strict JSON: no NaN, no infinity, no key twice. ValueError if it is something else."""
    try:
        return json.loads(text.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_unique, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{name}: expected strict JSON, got other text ({error})") from error


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text} is too large")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(table := dict(pairs)) < len(pairs):
        raise ValueError("a key appears twice")
    return table


#: How other files begin.
_BEGINNINGS = (
    (b"", lambda data: not data, "an empty file"),
    (b"\x80", lambda data: True, "a pickle, which runs code when it is loaded"),
    (b"x", lambda data: data[1:2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"), "a compressed pickle of joblib"),
    (b"\x1f\x8b", lambda data: True, "a gzip file"),
)


def _describe(data: bytes) -> str:
    for beginning, is_it, what in _BEGINNINGS:
        if data.startswith(beginning) and is_it(data):
            return what
    return "text" if data[:1000].isascii() and b"\0" not in data[:1000] else "another kind of file"
