"""Pictures in: reading one, collections of many, and a generated shop to try things on."""

from .collection import ImageCollection
from .folders import load_folder
from .picture import Picture
from .reading import ImageReadError, UnreadableImagesWarning, read_image
from .shop import make_shop
from .tables import load_table
from .validation import check_pictures
from .web import allow_hosts

__all__ = [
    "ImageCollection",
    "ImageReadError",
    "Picture",
    "UnreadableImagesWarning",
    "allow_hosts",
    "check_pictures",
    "load_folder",
    "load_table",
    "make_shop",
    "read_image",
]
