"""Read single images and collections of images, and generate a demo shop."""

from .collection import ImageCollection
from .fitting import FITS, ROUNDINGS, Fitting
from .folders import load_folder
from .loaded_image import LoadedImage
from .reading import ImageReadError, UnreadableImagesWarning, read_image
from .resizing import FILTERS
from .shop import make_shop
from .tables import load_table
from .validation import check_images
from .web import allow_hosts

__all__ = [
    "FILTERS",
    "FITS",
    "ROUNDINGS",
    "Fitting",
    "ImageCollection",
    "ImageReadError",
    "LoadedImage",
    "UnreadableImagesWarning",
    "allow_hosts",
    "check_images",
    "load_folder",
    "load_table",
    "make_shop",
    "read_image",
]
