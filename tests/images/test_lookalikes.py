"""Find names of classes that look alike."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoflow import ImageCollection
from twoflow.images.lookalikes import find_lookalikes, note_on_words_for_missing, skeleton, spell


@pytest.mark.parametrize("first, second", [
    ("boot", "Boot"), ("boot", "boot "), ("ankle boot", "ankle  boot"), ("ankle boot", "ankle\u00a0boot"),
    ("ankle boot", "ankle_boot"), ("t-shirt", "t\u2013shirt"), ("t-shirt", "T Shirt"), ("t-shirt", "tshirt"),
    ("boot", "bo\u200bot"), ("boot", "\ufeffboot"), ("boot", "boo\u00adt"), ("❤\ufe0f", "❤"),
    ("Caf\u00e9", "Cafe\u0301"), ("\ufb01t", "fit"), ("boot", "\uff42oot"), ("m\u00b2", "m2"), ("straße", "STRASSE"),
    ("boot", "b\u043eot"), ("\u041d\u0410\u0422", "hat"), ("\u03bfpen", "open"), ("бот", "БОТ"),
    ("07", "7"), ("size 07", "size 7"), ("dress-01", "dress 1"), ("1-2", "1 - 2"), ("1 -2", "1-2"),
])
def test_names_that_look_alike(first, second):
    assert find_lookalikes([first, "other", second]) == ((first, second),)


@pytest.mark.parametrize("first, second", [
    ("boot", "boots"), ("cafe", "café"), ("1-2", "12"), ("size 1", "size 10"), ("1.05", "1.5"), ("1 0", "10"),
    ("air max 90", "air max 9 0"), ("бот", "кот"), ("มี", "มา"), ("कि", "का"), ("靴", "鞋"), ("men/boot", "menboot"),
])
def test_names_that_do_not_look_alike(first, second):
    assert find_lookalikes([first, second]) == ()


@given(st.text(max_size=12))
def test_skeleton_ignores_blanks_and_unicode_forms(name):
    assert skeleton(f" {name}\t") == skeleton(name)
    assert skeleton(unicodedata.normalize("NFD", name)) == skeleton(unicodedata.normalize("NFC", name))


def test_groups_of_a_collection():
    shoes = ImageCollection(list("abcdef"), ["Boot", "clog", "boot", "mule", "BOOT", "Clog"])
    assert shoes.lookalikes == (("BOOT", "Boot", "boot"), ("Clog", "clog"))
    assert shoes[[1, 2, 3]].lookalikes == ()
    rest = ImageCollection(list("abc"), ["boot", "boot", "Boot"]).without_small_classes(2)
    assert rest.classes.tolist() == ["boot"] and rest.lookalikes == (("Boot", "boot"),)
    assert ImageCollection(list("ab"), [1, 2]).lookalikes == ()


@pytest.mark.parametrize("name, spelled", [
    ("boot ", "'boot '"), (7, "'7'"), ("b\u043eot", "'b\u043eot' ('b\\u043eot')"),
    ("a\n\u202eb", "'a\\n\\u202eb' ('a\\n\\u202eb')"),
])
def test_spelling(name, spelled):
    assert spell(name) == spelled


def test_words_for_missing_values():
    assert note_on_words_for_missing(["boot", "NaN", "nan", "N/A", "Nancy"]) == [
        "classes called like a missing value: 'N/A', 'NaN', 'nan'"
    ]
    assert note_on_words_for_missing(["boot", 7]) == []
