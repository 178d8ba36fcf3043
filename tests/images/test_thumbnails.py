import base64
import io

import numpy as np
import pytest
from PIL import Image

from twoflow.images.thumbnails import thumbnail


@pytest.mark.parametrize("size, expected", [((400, 200), (96, 48)), ((50, 20), (50, 20)), ((1, 1000), (1, 96))])
def test_thumbnails(size, expected):
    image = np.full((size[1], size[0], 3), 200, np.uint8)
    uri = thumbnail(image)
    assert uri.startswith("data:image/jpeg;base64,")
    small = Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))
    assert small.size == expected and abs(int(np.asarray(small).mean()) - 200) < 3
    assert (image == 200).all()


def test_no_thumbnail_of_what_cannot_be_read(tmp_path):
    assert thumbnail(b"no image") is None
    assert thumbnail(tmp_path / "none.jpg") is None
