import warnings

import numpy as np
import pytest
from PIL import Image, ImageFilter

from twoflow import FlowUnion, make_shop
from twoflow.auditing.quality import FAULTS, find_faults
from twoflow.flows.image_traits import ImageTraits, read_traits
from twoflow.flows.sharpness import Sharpness, sharpness
from twoflow.images import LoadedImage, UnreadableImagesWarning

from ..images.hostile import encoded, photo


@pytest.fixture(scope="module")
def images():
    """Make a shop and keep its images with patterned fabric; plain fabric has hardly any edges."""
    found = make_shop(4, 8, random_state=2).images
    return [image for image in found if sharpness(image) > 0.1]


def look(images):
    flows = FlowUnion([("traits", ImageTraits()), ("sharpness", Sharpness())], on_error="nan", n_jobs=2)
    features = flows.fit_transform(images)
    traits = read_traits(features[:, :-1])
    return find_faults(images, traits, features[traits.positions, -1])


def faults_of(images):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnreadableImagesWarning)
        return [(fault.position, fault.kind) for fault in look(images)]


def test_ordinary_images_have_no_faults(images):
    assert faults_of(images) == []


def test_faults_of_single_images(images):
    sharp = Image.fromarray(images[0])
    bad = [
        sharp.resize((60, 90)), sharp.resize((600, 100)), sharp.filter(ImageFilter.GaussianBlur(8)),
        Image.new("RGB", (200, 200), "beige"), sharp.resize((20, 20)),
    ]
    n = len(images)
    assert faults_of([*images, *bad]) == [
        (n + 3, "one color"), (n + 4, "tiny"), (n, "tiny"), (n + 1, "long"), (n + 2, "blurred")
    ]


def test_a_file_whose_ending_is_wrong(images, tmp_path):
    image = Image.fromarray(images[0])
    files = []
    for name, kind in (("lies.jpg", "PNG"), ("LIES.PNG", "JPEG"), ("true.JPEG", "JPEG"), ("no-ending", "PNG"),
                       ("true.tif", "TIFF"), ("odd.data", "GIF")):
        (tmp_path / name).write_bytes(encoded(image, kind))
        files.append(tmp_path / name)
    n = len(images)
    assert faults_of([*images, *files]) == [(n, "wrong ending"), (n + 1, "wrong ending")]
    assert look(files)[0].reason == "PNG, named .jpg"


def test_real_files_whose_ending_is_wrong(data):
    files = sorted((data / "matos" / "train").iterdir())
    lying = {fault.position for fault in look(files) if fault.kind == "wrong ending"}
    for position, file in enumerate(files):
        with Image.open(file) as image:
            assert (position in lying) == (image.format != {".jpg": "JPEG", ".png": "PNG"}[file.suffix])


def test_blur_is_relative_to_the_others(images):
    blurred = [Image.fromarray(image).filter(ImageFilter.GaussianBlur(8)) for image in images]
    assert faults_of(blurred) == []
    found = faults_of([*images, *blurred[:3]])
    assert [position for position, kind in found if kind == "blurred"] and len(found) <= 3


def test_unreadable_and_single_images():
    assert faults_of([b"text", b""]) == []
    assert faults_of([np.asarray(photo(200, 150))]) == []


def test_sharpness():
    sharp = np.asarray(photo(224, 224))
    soft = np.asarray(photo(224, 224).filter(ImageFilter.GaussianBlur(5)))
    assert sharpness(soft) < sharpness(sharp)
    assert sharpness(sharp[:, ::-1]) == pytest.approx(sharpness(sharp), rel=1e-5), "mirrored"
    assert sharpness((sharp // 2)) == pytest.approx(sharpness(sharp), rel=0.2), "half the contrast"
    assert sharpness(np.full((10, 10, 3), 7, np.uint8)) == 0


def test_traits_hold_a_small_image(images, tmp_path):
    (tmp_path / "a.jpg").write_bytes(encoded(photo(1600, 1200), "JPEG"))
    sources = [images[0], tmp_path / "a.jpg", b"text", images[0]]
    for store in (None, tmp_path / "store", tmp_path / "store"):
        traits = read_traits(ImageTraits(on_error="nan", store=store).transform(sources))
        assert traits.positions.tolist() == [0, 1, 3]
        for small, source in zip(traits.pixels, (sources[0], sources[1], sources[0])):
            assert (small == LoadedImage(source).resized((64, 64))).all()
        assert traits.sizes.tolist()[1] == [1600, 1200] and traits.formats.tolist()[::2] == [-1, -1]
        assert traits.digests[0] == traits.digests[2] != traits.digests[1]
        assert traits.digests[1].tobytes() == LoadedImage(sources[1]).digest


def test_every_fault_is_explained():
    assert list(FAULTS) == ["one color", "tiny", "long", "blurred", "wrong ending", "color profile"]


pytestmark = pytest.mark.filterwarnings("ignore::twoflow.images.UnreadableImagesWarning")
