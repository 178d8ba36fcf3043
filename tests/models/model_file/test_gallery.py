"""The gallery of a model file: small, without paths of this machine, and checked as all that comes from outside."""

import json

import numpy as np
import pytest

from twoflow import ColorHistogram, ImageCollection, make_model, make_shop, open_model_file, save
from twoflow.errors import UserError
from twoflow.models.model_file.arrays import read_array, write_array
from twoflow.models.search_space import N_COMPONENTS

from .tampering import change_members


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model file with a gallery of images on disk, and the folder of these."""
    folder = tmp_path_factory.mktemp("gallery")
    shop = make_shop(n_classes=4, n_per_class=4, folder=folder / "photos", random_state=0)
    shop = ImageCollection(shop.images, shop.labels, groups=np.arange(16) // 2)
    model = make_model([("color", ColorHistogram())], "kernel-ridge").fit(shop)
    save(model, folder / "model.twoflow", collection=shop, gallery=True)
    return folder / "model.twoflow", shop


def test_what_is_kept_of_each_image(saved):
    path, shop = saved
    gallery = open_model_file(path).gallery
    assert len(gallery) == 16 and gallery.names[0] == "tee/01/0001.jpg"
    assert gallery.vectors.shape == (16, N_COMPONENTS) and gallery.vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(gallery.vectors, axis=1), 1, atol=1e-6)
    assert gallery.labels.ravel().tolist() == np.unique(shop.labels, return_inverse=True)[1].tolist()
    assert gallery.groups.tolist() == shop.groups.tolist()
    assert all(gallery.thumbnail(position).startswith(b"\xff\xd8\xff") for position in range(16))
    assert len(gallery.content) < 16 * 4096
    assert str(path.parent).encode() not in path.read_bytes()


def test_the_same_model_gives_the_same_bytes(saved, tmp_path):
    path, shop = saved
    model = open_model_file(path).model
    for name in ("one", "two"):
        save(model, tmp_path / name, collection=shop, gallery=True)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def array_changed(name, change):
    def changed(members):
        members[f"gallery/{name}.npy"] = write_array(change(read_array(members[f"gallery/{name}.npy"])))
    return changed


def names_changed(names):
    def changed(members):
        members["gallery/names.json"] = json.dumps(names).encode()
    return changed


def member_changed(name, content):
    def changed(members):
        if content is None:
            del members[name]
        else:
            members[name] = content
    return changed


@pytest.mark.parametrize("change, message", [
    (array_changed("vectors", lambda rows: rows * np.float16(np.nan)), "vectors of unit norm"),
    (array_changed("vectors", lambda rows: rows * np.float16(3)), "vectors of unit norm"),
    (array_changed("vectors", lambda rows: rows[:, :8].copy()), "vectors: expected shape"),
    (array_changed("vectors", lambda rows: rows.astype(np.float64)), "vectors: expected shape"),
    (array_changed("norms", lambda norms: -norms), "vectors of unit norm, and numbers"),
    (array_changed("labels", lambda labels: labels + 1), "labels as positions"),
    (array_changed("labels", lambda labels: labels[1:]), "labels: expected shape"),
    (array_changed("sizes", lambda sizes: sizes + 1), "sizes of its thumbnails"),
    (array_changed("sizes", lambda sizes: np.append(sizes[1:], sizes[0] - 7).astype(sizes.dtype)), "sizes of its"),
    (array_changed("groups", lambda groups: groups[:3]), "groups: expected shape"),
    (names_changed(["a"]), "expected shape"),
    (names_changed([1] * 16), "a list of names"),
    (names_changed({"a": 1}), "a list of names"),
    (member_changed("gallery/norms.npy", None), "got other members"),
    (member_changed("gallery/more.npy", b"x"), "got other members"),
    (member_changed("gallery/names.json", b"[NaN]"), "strict JSON"),
])
def test_a_gallery_from_a_stranger(saved, tmp_path, change, message):
    path = tmp_path / "changed.twoflow"
    path.write_bytes(saved[0].read_bytes())
    change_members(path, change)
    with pytest.raises(UserError, match=message) as caught:
        open_model_file(path)
    assert "get the file again" in str(caught.value) and str(caught.value).isprintable()


def test_thumbnails_that_are_no_jpeg(saved, tmp_path):
    path = tmp_path / "changed.twoflow"
    path.write_bytes(saved[0].read_bytes())

    def changed(members):
        members["gallery/thumbnails.bin"] = b"<" + members["gallery/thumbnails.bin"][1:]
    change_members(path, changed)
    with pytest.raises(UserError, match="thumbnail 0: expected a JPEG"):
        open_model_file(path)
