"""An image on its way through the flows."""

import io

import numpy as np
import pytest
from PIL import Image

from twoflow import CNNEmbedding, ColorHistogram, FlowUnion, ImageReadError, RawPixels
from twoflow.images import LoadedImage
from twoflow.images import loaded_image as image
from twoflow.images import reading
from twoflow.images.reading import choose_divisor

from .hostile import encoded


def photo(size, orientation=None, **options):
    """The JPEG of a smooth image with edges, upright after turning it as `orientation` says."""
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (9, 12, 3), np.uint8)).resize(size, Image.Resampling.BICUBIC)
    image.paste((20, 30, 200), (size[0] // 3, size[1] // 3, size[0] // 2, size[1] // 2))
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    file = io.BytesIO()
    image.save(file, options.pop("format", "JPEG"), exif=exif, **options)
    return file.getvalue()


@pytest.fixture
def opened(monkeypatch):
    """How far each decoding that follows goes."""
    divisors = []

    def open_reduced(*arguments):
        found = reading.open_reduced(*arguments)
        divisors.append(found.divisor)
        return found

    monkeypatch.setattr(image, "open_reduced", open_reduced)
    return divisors


@pytest.mark.parametrize(
    "full, wanted, divisor",
    [
        ((4000, 3000), (224, 224), 4), ((4000, 3000), (64, 48), 8), ((4000, 3000), (640, 480), 2),
        ((4000, 3000), (1001, 480), 1), ((4000, 3000), (1000, 750), 2), ((4000, 3000), (100, 751), 1),
        ((1024, 1024), (10, 10), 1), ((1025, 1024), (10, 10), 8), ((1_000_000, 2), (1, 1), 1),
    ],
)
def test_divisors(full, wanted, divisor):
    assert choose_divisor(full, wanted) == divisor


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("size", [(1700, 1300), (2999, 2001)])
def test_a_large_jpeg_is_decoded_at_a_fraction_and_looks_the_same(opened, size, mode):
    file = io.BytesIO()
    Image.open(io.BytesIO(photo(size))).convert(mode).save(file, "JPEG", quality=90)
    whole = Image.open(file).convert("RGB").resize((224, 160), Image.Resampling.BICUBIC)
    found = LoadedImage(file.getvalue()).resized((224, 160))
    assert opened == [2 if size[0] < 2000 else 4]
    difference = np.abs(found.astype(int) - np.asarray(whole))
    assert difference.mean() < 0.5 and difference.max() <= 10


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photo_stays_upright(opened, orientation):
    content = photo((2405, 1203), orientation)  # neither is a multiple of eight
    found = LoadedImage(content).resized((100, 350))
    whole = Image.fromarray(reading.read_image(content)).resize((100, 350), Image.Resampling.BICUBIC)
    assert opened == [1 if orientation < 5 else 2]  # 350 is a lot of 1203, but not of 2405
    assert np.abs(found.astype(int) - np.asarray(whole)).max() <= 10
    found = LoadedImage(content).resized((70, 70))
    whole = Image.fromarray(reading.read_image(content)).resize((70, 70), 3)
    assert opened[1:] == [8] and np.abs(found.astype(int) - np.asarray(whole)).max() <= 10


def test_features_depend_on_no_other_flow(opened):
    """Small and large sizes of one photo, in every company: the same bytes."""
    content = [photo((2400, 1800))]
    flows = [RawPixels((64, 48)), RawPixels((640, 480)), CNNEmbedding(layer="stage1"), ColorHistogram()]
    alone = np.hstack([flow.fit_transform(content) for flow in flows])
    together = FlowUnion([(str(i), flow) for i, flow in enumerate(flows)]).fit_transform(content)
    assert (together == alone).all()
    assert sorted(opened[len(flows):]) == [1, 2, 4, 8]  # once for each fraction


def test_a_small_image_is_decoded_once(opened, shop):
    union = FlowUnion([("small", RawPixels((4, 3))), ("large", RawPixels((400, 300))), ("color", ColorHistogram())])
    union.fit_transform([photo((1000, 800)), photo((3000, 2000), format="PNG"), shop.images[0]])
    assert opened == [1, 1, 1]


def test_what_is_damaged_is_found_at_any_size():
    content = photo((2400, 1800))
    for read in (lambda p: p.resized((10, 10)), lambda p: p.resized((900, 900)), lambda p: p.rgb, lambda p: p.read()):
        with pytest.raises(ImageReadError, match="truncated"):
            read(LoadedImage(content[:len(content) // 2]))


def test_digests(tmp_path, shop):
    pixels = shop.images[0]
    file = tmp_path / "a.png"
    Image.fromarray(pixels).save(file)
    assert LoadedImage(file).digest == LoadedImage(str(file)).digest == LoadedImage(file.read_bytes()).digest
    assert LoadedImage(pixels).digest == LoadedImage(Image.fromarray(pixels)).digest != LoadedImage(file).digest
    others = [shop.images[1], pixels.reshape(pixels.shape[0] // 2, -1, 3), pixels[::-1]]
    assert len({LoadedImage(each).digest for each in [pixels, *others]}) == 4
    assert len(LoadedImage(file).digest) == 16
    with pytest.raises(ImageReadError, match="none.png: no such file"):
        LoadedImage(tmp_path / "none.png").digest


def test_what_was_digested_is_what_is_decoded(tmp_path, shop):
    """Or a file that changes in between would leave its features under another's digest."""
    file = tmp_path / "a.png"
    Image.fromarray(shop.images[0]).save(file)
    image = LoadedImage(file)
    image.digest
    Image.fromarray(shop.images[1]).save(file)
    assert (np.asarray(image.rgb) == shop.images[0]).all()


@pytest.mark.parametrize("first", [None, (40, 30)], ids=["whole", "at a fraction"])
def test_size_and_format_are_those_of_the_file(first):
    for kind, expected in (("JPEG", "JPEG"), ("PNG", "PNG"), ("MPO", "JPEG")):
        image = LoadedImage(encoded(Image.new("RGB", (2000, 1500)), kind))
        if first:
            image.resized(first)
        assert (image.size, image.format) == ((2000, 1500), expected)
    assert LoadedImage(np.zeros((3, 5, 3), np.uint8)).size == (5, 3)
    assert LoadedImage(np.zeros((3, 5, 3), np.uint8)).format is None
