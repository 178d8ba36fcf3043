"""Copy the products with as many pixels as in the small set of Fashion Product Images: 60 x 80.

    python experiments/product_categories/small.py DATA OUT

DATA has the folder products with its labels.csv. Each copy is reduced to 60 x 80 pixels, and then enlarged to its old
size, so that a method gets the same frame with less in it. OUT is made, and gets the same labels.csv; copies that are
there already stay as they are.
"""

import shutil
import sys
from pathlib import Path

from PIL import Image

from twoflow import load_table
from twoflow.images import read_image

SIZE = (60, 80)


def main(data, out):
    """Write the copies."""
    source, out = Path(data) / "products", Path(out)
    products = load_table(source / "labels.csv", label_column="masterCategory")
    for image in products.images:
        copy = out / Path(image).relative_to(source)
        if copy.exists():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        part = copy.with_name(f"{copy.name}.part")
        full = Image.fromarray(read_image(image))
        small = full.resize(SIZE, Image.Resampling.LANCZOS)
        small.resize(full.size, Image.Resampling.BICUBIC).save(part, "JPEG", quality=95)
        part.replace(copy)
    shutil.copyfile(source / "labels.csv", out / "labels.csv")
    print(f"{len(products)} images, reduced to {SIZE[0]} x {SIZE[1]} pixels, in {out}")


if __name__ == "__main__":
    main(*sys.argv[1:])
