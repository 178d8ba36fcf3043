"""Images of all proportions in one size."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from twoflow import ImageReadError
from twoflow.images import FILTERS, Fitting, LoadedImage, loaded_image
from twoflow.images.reading import read_image
from twoflow.images.resizing import resize

PHOTO = (301, 203)


def noise(width, height, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def by_pillow(pixels, fitting):
    """Resize all of an image with Pillow, then cut out the middle or paste it."""
    placement = fitting.place(pixels.shape[1::-1])
    filter = getattr(Image.Resampling, fitting.filter.upper())
    whole = Image.fromarray(pixels).resize(placement.scaled, filter)
    left, top = placement.start
    width, height = placement.part
    result = Image.new("RGB", fitting.size_of(pixels.shape[1::-1]), fitting.pad_color)
    result.paste(whole.crop((left, top, left + width, top + height)), placement.offset)
    return np.asarray(result).astype(int)


@pytest.mark.parametrize("fitting, full, scaled", [
    (Fitting((224, 224), "crop"), (301, 517), (224, 384)),  # 384.74
    (Fitting((224, 224), "crop", resize_size=(256, 256)), (1013, 211), (1229, 256)),  # 1229.04
    (Fitting((224, 224), "crop"), (10, 10), (224, 224)),
    (Fitting((256, 192), "crop"), (301, 517), (256, 440)),  # 439.7
    (Fitting((224, 224), "pad"), (517, 301), (224, 130)),  # 130.4
    (Fitting((225, 225), "pad"), (96, 75), (225, 176)),  # 175.8
    (Fitting((20, 20), "pad"), (80, 34), (20, 8)),  # 8.5, to the even integer
    (Fitting((20, 20), "pad"), (5000, 3), (20, 1)),  # at least one pixel
    (Fitting((20, 30)), (5000, 3), (20, 30)),
    (Fitting((20, 30), resize_size=(22, 33)), (5000, 3), (22, 33)),
])
def test_the_size_of_the_whole_image(fitting, full, scaled):
    assert fitting.scale(full) == scaled
    assert fitting._replace(size=fitting.size[::-1], resize_size=fitting.target[::-1]).scale(full[::-1]) == scaled[::-1]


@pytest.mark.parametrize("full, result", [
    ((400, 400), (320, 320)), ((1, 1), (320, 320)),
    ((400, 300), (384, 288)),  # 369.5 x 277.1
    ((640, 480), (384, 288)), ((150, 100), (384, 256)),  # 391.9 x 261.3
    ((4000, 1000), (640, 160)), ((5000, 3), (640, 160)),  # at most four times as long
])
def test_an_area_keeps_the_proportions_and_the_number_of_pixels(full, result):
    fitting = Fitting((320, 320), "area")
    assert fitting.size_of(full) == fitting.scale(full) == result
    assert fitting.size_of(full[::-1]) == result[::-1]
    assert fitting.place(full) == (result, (0, 0), result, (0, 0))
    assert Fitting((640, 160), "area").size_of(full) == result  # only the number of pixels counts
    found = LoadedImage(noise(*full)).fitted(fitting)
    assert found.shape == (*result[::-1], 3) and (found == LoadedImage(noise(*full)).resized(result)).all()


@given(full=st.tuples(st.integers(1, 9000), st.integers(1, 9000)), side=st.integers(32, 512))
def test_the_sides_of_an_area(full, side):
    width, height = Fitting((side, side), "area").size_of(full)
    assert width % 32 == height % 32 == 0 and min(width, height) >= 32
    assert side < 128 or 0.6 < width * height / side**2 < 1.5
    assert side < 128 or max(width, height) <= 6 * min(width, height)


@pytest.mark.parametrize("margin, down, even", [(0, 0, 0), (1, 0, 0), (2, 1, 1), (3, 1, 2), (5, 2, 2), (11, 5, 6)])
def test_odd_margins(margin, down, even):
    for rounding, first in (("down", down), ("even", even)):
        fitting = Fitting((224, 224), resize_size=(224 + margin, 224), rounding=rounding)
        assert fitting.place((50, 60)) == ((224 + margin, 224), (first, 0), (224, 224), (0, 0))
        padded = Fitting((224 + margin, 224), "pad", resize_size=(224, 224), rounding=rounding)
        assert padded.place((7, 7)) == ((224, 224), (0, 0), (224, 224), (margin // 2, 0))


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("full", [PHOTO, PHOTO[::-1], (33, 21), (1, 1), (2, 300), (900, 7)])
def test_it_is_resized_as_by_pillow_and_then_cut_or_padded(filter, full):
    photo = noise(*full)
    is_narrow = 1 < min(full) < 10  # enlarged many times, so that values beyond 0 and 255 are cut off in another order
    if is_narrow and filter in ("nearest", "box"):
        pytest.skip("many pixels are equally near to two, and rounding decides which of them counts")
    for fitting in (
        Fitting((64, 48), "stretch", filter), Fitting((40, 40), "stretch", filter, (47, 43)),
        Fitting((40, 40), "crop", filter), Fitting((40, 40), "crop", filter, (45, 45), rounding="even"),
        Fitting((40, 30), "crop", filter, (43, 35)), Fitting((40, 40), "pad", filter, None, (1, 2, 3)),
        Fitting((40, 40), "pad", filter, (50, 44), (250, 2, 3), "even"), Fitting((40, 30), "pad", filter, (20, 20)),
    ):
        found = LoadedImage(photo).fitted(fitting)
        assert found.shape == (*fitting.size[::-1], 3) and found.dtype == np.uint8 and not found.flags.writeable
        assert np.abs(found - by_pillow(photo, fitting)).mean() < (3 if is_narrow else 1)


def test_margins_have_the_pad_color_and_nothing_else_has():
    for full, inside in (((30, 10), np.s_[10:20]), ((10, 30), np.s_[:, 10:20])):
        found = LoadedImage(np.zeros((*full[::-1], 3), np.uint8)).fitted(Fitting((30, 30), "pad", pad_color=(9, 8, 7)))
        expected = np.full((30, 30, 3), (9, 8, 7))
        expected[inside] = 0
        assert (found == expected).all()


sides = st.integers(1, 60)


@given(
    full=st.tuples(sides, sides), size=st.tuples(sides, sides), more=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    fit=st.sampled_from(["stretch", "crop", "pad"]), filter=st.sampled_from(FILTERS),
    rounding=st.sampled_from(["down", "even"]),
)
def test_resizing_only_what_is_needed_changes_nothing(full, size, more, fit, filter, rounding):
    fitting = Fitting(size, fit, filter, (size[0] + more[0], size[1] + more[1]), (1, 2, 3), rounding)
    photo = noise(*full)
    placement = fitting.place(full)
    (left, top), (width, height) = placement.start, placement.part
    assert left >= 0 and left + width <= placement.scaled[0] and top >= 0 and top + height <= placement.scaled[1]
    assert fit != "crop" or placement.part == size
    whole = resize(Image.fromarray(photo), placement.scaled, filter=filter)
    across, down = placement.offset
    found = LoadedImage(photo).fitted(fitting)[down:down + height, across:across + width].astype(int)
    difference = np.abs(found - whole[top:top + height, left:left + width])
    # These two filters jump where two pixels are equally near: rounding decides which of them counts. The others differ
    # by one level in the first direction, which the negative weights of the second direction can make two.
    assert filter in ("nearest", "box") or difference.max() <= 2


def test_a_crop_of_a_row_of_millions_of_pixels_takes_no_memory():
    row = np.zeros((2, 3_000_000, 3), np.uint8)
    row[:, 1_499_990:1_500_010] = 200
    assert (LoadedImage(row).fitted(Fitting((8, 8), "crop"))[:, 1:-1] == 200).all()
    assert (LoadedImage(row).fitted(Fitting((8, 8), "pad", pad_color=(5, 5, 5)))[:3] == 5).all()
    with pytest.raises(ImageReadError, match="too much memory"):
        LoadedImage(row).fitted(Fitting((224, 224)))
    column = row.transpose(1, 0, 2).copy()
    assert (LoadedImage(column).fitted(Fitting((8, 8), "crop"))[1:-1] == 200).all()


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("fitting, divisor", [
    (Fitting((200, 200), "crop"), 2),
    (Fitting((200, 200), "crop", resize_size=(260, 260)), 1),  # 2 x 2 x 260 is more than the shorter side
    (Fitting((200, 200), "pad"), 4),
    (Fitting((100, 100), "crop", "bilinear"), 4), (Fitting((160, 160), "area"), 4),
])
def test_a_large_jpeg_is_reduced_no_further_than_the_whole_resized_image_allows(
    fitting, divisor, orientation, monkeypatch
):
    small = Image.fromarray(noise(12, 9))
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    small.resize((1999, 1031), Image.Resampling.BICUBIC).save(file, "JPEG", exif=exif)
    opened, open_reduced = [], loaded_image.open_reduced
    monkeypatch.setattr(loaded_image, "open_reduced", lambda *args: opened.append(open_reduced(*args)) or opened[-1])
    found = LoadedImage(file.getvalue()).fitted(fitting)
    assert [each.divisor for each in opened] == [divisor]
    difference = np.abs(found - by_pillow(read_image(file.getvalue()), fitting))
    assert difference.mean() < 0.5


def test_each_fitting_is_computed_once():
    image = LoadedImage(noise(*PHOTO))
    assert image.fitted(Fitting((8, 6))) is image.resized((8, 6)) is image.resized([8, 6])
    assert image.fitted(Fitting((8, 6), "crop")) is image.fitted(Fitting((8, 6), "crop"))
    assert (image.fitted(Fitting((8, 6), "crop")) != image.resized((8, 6))).any()


def test_enlarged():
    fitting = Fitting((96, 64), "pad", "box", (112, 80), (1, 2, 3), "even")
    assert fitting.enlarged(8 / 7) == Fitting((110, 73), "pad", "box", (128, 91), (1, 2, 3), "even")
    assert Fitting((96, 64)).enlarged(8 / 7) == Fitting((110, 73))
