"""A fixture: the paper's network, as its real symbol with random parameters."""

import json
import shutil

import numpy as np
import pytest

from .files import params, record


@pytest.fixture(scope="session")
def inception_bn(data, tmp_path_factory):
    """Make a folder with the real symbol, and random parameters of the shapes that it needs."""
    source = data / "mxnet" / "Inception_BN-symbol.json"
    folder = tmp_path_factory.mktemp("inception")
    shutil.copy(source, folder)
    rng = np.random.default_rng(0)
    nodes = json.loads(source.read_text())["nodes"]
    arrays, widths = {}, {"data": 3}

    def put(name, *shape, low=-0.1, high=0.1, kind="arg"):
        arrays[f"{kind}:{name}"] = rng.uniform(low, high, shape).astype(np.float32)

    for node in nodes:
        if node["op"] == "null":
            continue
        name, inputs = node["name"], [nodes[i]["name"] for i, *_ in node["inputs"]]
        width = widths.get(inputs[0])
        if node["op"] == "Convolution":
            kernel = json.loads(node["param"]["kernel"].replace("(", "[").replace(")", "]"))
            put(inputs[1], int(node["param"]["num_filter"]), width, *kernel)
            width = int(node["param"]["num_filter"])
            put(inputs[2], width)
        elif node["op"] == "BatchNorm":
            for parameter in inputs[1:]:
                put(parameter, width, low=0.5, high=1.5)
            for parameter in (f"{name}_moving_mean", f"{name}_moving_var"):
                put(parameter, width, low=0.5, high=1.5, kind="aux")
        elif node["op"] == "Concat":
            width = sum(widths[each] for each in inputs)
        elif node["op"] == "FullyConnected":
            put(inputs[1], 1000, width)
            put(inputs[2], 1000)
        widths[name] = width
    (folder / "Inception_BN-0039.params").write_bytes(params([record(array) for array in arrays.values()], arrays))
    return folder
