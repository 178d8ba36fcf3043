"""Recognize image formats, and name the extra if a reader is missing."""

import pytest

from twoflow import ImageReadError
from twoflow.images import formats, read_image, reading

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(20)


def test_endings_depend_on_installed_readers(monkeypatch):
    monkeypatch.setattr(formats, "has_heif", lambda: False)
    monkeypatch.setattr(formats.features, "check", lambda name: False)
    assert not {".heic", ".heif", ".avif"} & formats.readable_suffixes()
    assert set(reading.MISSING_READERS) == {".heic", ".heif", ".avif"}
    monkeypatch.setattr(formats, "has_heif", lambda: True)
    assert {".heic", ".heif", ".jpg", ".png"} <= formats.readable_suffixes()


def test_missing_heic_reader_names_the_extra(monkeypatch):
    monkeypatch.setattr(reading, "has_heif", lambda: False)
    with pytest.raises(ImageReadError, match=r'HEIF \(HEIC\) needs a reader: pip install "twoflow\[heic\]"'):
        read_image(HEIC)


def test_a_damaged_heic_is_an_error(monkeypatch):
    monkeypatch.setattr(reading, "has_heif", lambda: True)
    with pytest.raises(ImageReadError, match="damaged"):
        read_image(HEIC)
