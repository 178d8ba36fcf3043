import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFont

from twoflow import CNNEmbedding, load_table, make_shop
from twoflow.evaluation import find_duplicates
from twoflow.evaluation.duplicates import KINDS
from twoflow.evaluation.matching import perceptual_hashes
from twoflow.evaluation.photo_distance import photo_distances
from twoflow.flows.image_traits import ImageTraits, read_traits

from ..images.hostile import UNREADABLE, encoded


@pytest.fixture(scope="module")
def items():
    """Make forty different products on white, larger than the pixels of their traits."""
    return make_shop(8, 5, random_state=1)


def pairs_of(duplicates):
    return {tuple(pair) for pair in duplicates.pairs.tolist()}


def crop(image, share, left=0.5, top=0.5):
    width, height = image.size
    dx, dy = round(share * width), round(share * height)
    x, y = round(left * dx), round(top * dy)
    return image.crop((x, y, x + width - dx, y + height - dy))


def write_on(image):
    """Write a price over a copy of the image, as a shop does."""
    image = image.copy()
    font = ImageFont.load_default(size=image.height // 9)
    ImageDraw.Draw(image).text((image.width * 0.08, image.height * 0.82), "SALE -50%", fill=(220, 20, 30), font=font)
    return image


#: Copies of the same photo.
CHANGES = {
    "compressed": lambda image: encoded(image, "JPEG", quality=50),
    "compressed much": lambda image: encoded(image, "JPEG", quality=10),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "stronger colors": lambda image: ImageEnhance.Color(image).enhance(1.5),
    "weaker colors": lambda image: ImageEnhance.Color(image).enhance(0.5),
    "cropped more": lambda image: crop(image, 0.04),
    "webp": lambda image: encoded(image, "WEBP", quality=60),
    "halved": lambda image: image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC),
    "enlarged": lambda image: image.resize((image.width * 2, image.height * 2), Image.Resampling.BICUBIC),
    "cropped": lambda image: crop(image, 0.02),
    "cropped at a corner": lambda image: crop(image, 0.02, 0, 1),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.8),
    "less contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.8),
    "cropped and compressed": lambda image: encoded(crop(image, 0.02), "JPEG", quality=60),
}

#: Copies that only look alike, because a part or every color differs.
LARGER_CHANGES = {
    "gray": lambda image: image.convert("L"),
    "written on": write_on,
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_copies_are_found(items, change):
    originals = items.images[::4]
    copies = [CHANGES[change](Image.fromarray(image)) for image in originals]
    found = find_duplicates([*originals, *copies])
    n = len(originals)
    expected = {(i, i + n) for i in range(n)}
    assert len(pairs_of(found) & expected) >= 0.9 * n
    assert pairs_of(found) <= expected and found.is_same_photo.mean() >= 0.9
    assert (found.distances <= 1).all()


@pytest.mark.parametrize("change", LARGER_CHANGES)
def test_copies_with_larger_changes_look_alike(items, change):
    originals = items.images[::4]
    copies = [LARGER_CHANGES[change](Image.fromarray(image)) for image in originals]
    found = find_duplicates([*originals, *copies])
    n = len(originals)
    assert len(pairs_of(found) & {(i, i + n) for i in range(n)}) >= 0.9 * n
    assert "alike" in found.kinds and (found.photos[:n] == np.arange(n)).all()
    is_copy = found.kinds == "alike"
    assert (found.photos[found.pairs[is_copy, 0]] != found.photos[found.pairs[is_copy, 1]]).all()
    assert (found.groups[found.pairs[:, 0]] == found.groups[found.pairs[:, 1]]).all()


@pytest.mark.parametrize("change", [*CHANGES, *LARGER_CHANGES])
@pytest.mark.parametrize("folder", ["sneakers", "products"])
def test_changed_copies_of_photographs_are_found(data, folder, change):
    """The thresholds were chosen on these photographs."""
    photos = load_table(data / folder / "labels.csv", data / folder, label_column="dup_group")[::80].images
    copies = [(CHANGES | LARGER_CHANGES)[change](Image.open(path).convert("RGB")) for path in photos]
    found = pairs_of(find_duplicates([*photos, *copies]))
    assert sum((i, i + len(photos)) in found for i in range(len(photos))) >= 0.9 * len(photos)


def test_different_products_on_white_are_not_grouped(items):
    found = find_duplicates(items)
    assert len(found.pairs) == 0 and found.groups.tolist() == list(range(len(items)))


def test_plain_garments_of_one_cut_are_different_products():
    """They have the same outline on white, and another color or print. A hash alone confuses them."""
    def garment(color, printed):
        pixels = np.full((200, 200, 3), 255, np.uint8)
        pixels[60:180, 60:140] = pixels[50:90, 30:170] = color
        pixels[100:130, 85:115] = printed
        return pixels

    colors = {"red": (200, 30, 40), "blue": (30, 60, 190), "black": (20, 20, 20), "white": (235, 235, 235)}
    images = [garment(colors[name], colors[printed]) for name, printed in itertools.permutations(colors, 2)]
    found = find_duplicates(images)
    assert set(found.kinds) <= {"alike"} and found.photos.tolist() == list(range(len(images)))


def test_few_unmarked_pairs_are_found_in_a_real_shop(data):
    shop = load_table(data / "products" / "labels.csv", data / "products", label_column="dup_group")[:3000]
    found = find_duplicates(shop, n_jobs=2)
    same = found.pairs[found.is_same_photo]
    marked = shop.labels[same[:, 0]] == shop.labels[same[:, 1]]
    assert marked.sum() >= 20 and (~marked).sum() <= 0.2 * len(marked)


def test_exact_duplicates(items, tmp_path):
    """Exact duplicates may have other names, other kinds of source, and another file format."""
    image = Image.fromarray(items.images[0])
    (tmp_path / "a.png").write_bytes(encoded(image, "PNG"))
    (tmp_path / "b.png").write_bytes(encoded(image, "PNG"))
    images = [items.images[3], str(tmp_path / "a.png"), tmp_path / "b.png", encoded(image, "BMP"), image,
              items.images[0], items.images[7], encoded(image, "JPEG", quality=60)]
    found = find_duplicates(images)
    assert found.groups.tolist() == [0, 1, 1, 1, 1, 1, 2, 1]
    assert found.contents.tolist() == [0, 1, 1, 1, 1, 1, 6, 7]
    assert found.pairs.tolist() == [[1, 2], [1, 3], [1, 4], [1, 5], [1, 7]]
    assert found.kinds.tolist() == ["exact"] * 4 + ["near"]
    assert (found.distances[:4] == 0).all() and 0 < found.distances[4] <= 1


def test_a_thousand_copies_are_a_thousand_pairs():
    found = find_duplicates([np.full((4, 4, 3), 7, np.uint8)] * 1000)
    assert found.pairs.tolist() == [[0, i] for i in range(1, 1000)] and (found.groups == 0).all()


def test_the_order_of_images_does_not_matter(items):
    copies = [Image.fromarray(items.images[i]).resize((70, 70)) for i in (2, 9, 9)]
    images = [*items.images, *copies, items.images[4]]
    order = np.random.default_rng(0).permutation(len(images))
    one, other = find_duplicates(images), find_duplicates([images[i] for i in order])
    together = one.groups[:, None] == one.groups
    assert ((other.groups[:, None] == other.groups) == together[order][:, order]).all()
    assert sorted(one.distances) == pytest.approx(sorted(other.distances), abs=1e-3)
    assert sorted(one.kinds) == sorted(other.kinds)


def test_n_jobs_and_the_store_do_not_change_pairs(items, tmp_path):
    images = [*items.images, Image.fromarray(items.images[5]).resize((90, 90))]
    plain = find_duplicates(images)
    for _ in range(2):
        found = find_duplicates(images, n_jobs=2, store=tmp_path)
        assert (found.pairs == plain.pairs).all() and (found.distances == plain.distances).all()
    assert len(plain.pairs) == 1


def test_unreadable_images_are_listed_and_alone(items):
    broken = [content for content, _ in UNREADABLE.values()]
    found = find_duplicates([items.images[0], *broken, items.images[0], broken[0]])
    n = len(broken)
    assert [position for position, _ in found.unreadable] == [*range(1, n + 1), n + 2]
    assert found.groups.tolist() == [*range(n + 1), 0, n + 1] and found.pairs.tolist() == [[0, n + 1]]


@pytest.mark.parametrize("images", [[np.zeros((1, 1, 3), np.uint8)], [b"no image"]])
def test_one_image(images):
    found = find_duplicates(images)
    assert found.pairs.shape == (0, 2) and found.groups.tolist() == [0]


def test_no_images():
    with pytest.raises(ValueError, match="no images"):
        find_duplicates([])


def test_mirror_images_are_not_duplicates(items):
    images = [image for image in items.images[:10]]
    lopsided = np.full((100, 100, 3), 255, np.uint8)
    lopsided[20:80, 10:40] = (200, 30, 30)
    lopsided[50:80, 30:90] = (20, 20, 120)
    assert len(find_duplicates([lopsided, lopsided[:, ::-1], *images]).pairs) == 0


def test_embeddings_find_pairs_that_a_hash_misses():
    rng = np.random.default_rng(0)
    images = list(rng.integers(0, 256, (5, 20, 20, 3), dtype=np.uint8))
    embeddings = rng.normal(size=(5, 50))
    embeddings[3] = 7 * embeddings[1] + 0.1 * rng.normal(size=50)
    embeddings[4], embeddings[0] = np.nan, 0
    found = find_duplicates(images, embeddings)
    assert found.pairs.tolist() == [[1, 3]] and found.kinds.tolist() == ["embedding"]
    assert 0 < found.distances[0] <= 0.03 and found.groups.tolist() == [0, 1, 2, 1, 3]


def test_a_pair_found_by_pixels_and_embedding_is_near(items):
    images = [items.images[0], encoded(Image.fromarray(items.images[0]), "JPEG", quality=85)]
    assert find_duplicates(images, CNNEmbedding().transform(images)).kinds.tolist() == ["near"]


def test_duplicates_are_joined_with_given_groups():
    images = [np.full((9, 9, 3), value, np.uint8) for value in (0, 90, 0, 180, 250)]
    found = find_duplicates(images)
    assert found.groups.tolist() == [0, 1, 0, 2, 3]
    assert found.join().tolist() == found.groups.tolist()
    assert found.join(["a", "b", "c", "c", "d"]).tolist() == [0, 1, 0, 0, 2]
    with pytest.raises(ValueError, match="expected 5 values, one an image"):
        found.join([1, 2])


def test_the_surest_kind_of_a_pair_counts(items):
    """A gray copy is alike, although the network is given it as equal; its exact copy is exact."""
    gray = Image.fromarray(items.images[0]).convert("L")
    images = [items.images[0], gray, gray.copy(), *items.images[1:5]]
    embeddings = np.vstack([np.ones((3, 9)), np.eye(4, 9)])
    found = find_duplicates(images, embeddings)
    assert found.pairs.tolist() == [[0, 1], [1, 2]] and found.kinds.tolist() == ["alike", "exact"]
    assert found.photos.tolist() == [0, 1, 1, 2, 3, 4, 5] and found.groups.tolist() == [0, 0, 0, 1, 2, 3, 4]
    assert found.is_same_photo.tolist() == [False, True]
    assert list(KINDS) == ["exact", "near", "alike", "embedding"]


def test_distances_are_symmetric_and_zero_for_equals(items):
    pixels = read_traits(ImageTraits().transform(items)).pixels
    first, second = pixels[:20], pixels[20:]
    one, other = photo_distances(first, second), photo_distances(second, first)
    assert (one.near == other.near).all() and (one.alike == other.alike).all()
    assert (photo_distances(first, first).near < 1e-2).all() and (one.alike <= one.near).all()
    shifted = np.roll(first, 1, axis=2)
    alone, together = photo_distances(first[:1], shifted[:1]), photo_distances(first, shifted)
    assert np.isfinite(alone.alike).all() and alone.alike[0] == pytest.approx(together.alike[0], rel=1e-3)


def test_images_of_one_color_have_no_near_duplicates():
    flat = np.full((2, 64, 64, 3), 200, np.uint8)
    flat[1] = 90
    assert np.isinf(photo_distances(flat[:1], flat[1:])).all()


def test_hashes_show_the_lowest_frequencies():
    wave = np.cos(np.pi * (np.arange(32) + 0.5) * 3 / 32) * 100 + 128
    image = np.broadcast_to(wave[None, :, None], (1, 32, 32, 3)).astype(np.uint8)
    hashes = perceptual_hashes(image)
    assert hashes.shape == (1, 143) and hashes.dtype == bool
    assert hashes[0, 2], "three half waves along the first row: the third coefficient after the mean"
    brighter = np.clip(image + 20.0, 0, 255).astype(np.uint8)
    assert (perceptual_hashes(brighter) != hashes).sum() <= 40
