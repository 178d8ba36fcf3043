"""Write folders as hubs have them, with small networks of random weights."""

import json

import onnx

from ..onnx import nets

#: Images are resized to 12 pixels, and the middle 8 enter as values from -1 to 1.
PROCESSOR = {
    "image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 12}, "crop_size": 8,
    "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
}
CARD = "---\nlicense: other\nlicense_name: own-license\nlicense_link: https://host/license\n---\n# A model\n"


def make_folder(folder, file="onnx/model.onnx", processor=PROCESSOR, card=CARD, external=True, seed=0):
    """Write a network with its weights in another file, a processor's configuration and a model card."""
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    nets.plain(path, seed)
    path.with_suffix(".card.json").unlink()
    if external:
        onnx.save(onnx.load(path), path, save_as_external_data=True, size_threshold=0, location=f"{path.name}_data")
    if processor is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    if card is not None:
        (folder / "README.md").write_text(card)
    return folder


def read_files(folder):
    """Return the content of all files in a folder, by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
