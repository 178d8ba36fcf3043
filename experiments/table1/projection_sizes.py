"""Sweep the number of random projections, from 32 to 1,024 as the paper does, alone and beside the network.

    python experiments/table1/projection_sizes.py IMAGES LABELS.csv GROUP_COLUMN
"""

import sys

from twoflow import CNNEmbedding, ForestSelector, PixelProjection, compare, load_table, make_model
from twoflow.report import format_text, write_report

_SIZES = (32, 64, 128, 256, 512, 1024)
_SELECTED, _OF = 55, 128  # the paper's selection: this share of the projections is kept at every size


def main(images: str, labels: str, group_column: str) -> None:
    """Compare the network's selected features with themselves beside projections, and with projections alone."""
    network = ("cnn", CNNEmbedding())
    methods = {"network": make_model([network], random_state=0)}
    for size in _SIZES:
        flow = PixelProjection(n_components=size, random_state=0)
        selector = ForestSelector(max_features=round(size * _SELECTED / _OF))
        methods[f"network + {size}"] = make_model([network, ("projection", flow, selector)], random_state=0)
    for size in _SIZES:
        flow = PixelProjection(n_components=size, random_state=0)
        methods[f"{size} alone"] = make_model([("projection", flow, "passthrough")], random_state=0)
    collection = load_table(labels, images, group_column=group_column)
    comparison = compare(methods, collection, folds=5, n_jobs=-1, verbose=True)
    print(format_text(comparison))
    write_report(comparison, "projection-sizes")


if __name__ == "__main__":
    main(*sys.argv[1:])
