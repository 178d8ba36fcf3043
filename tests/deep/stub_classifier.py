"""A classifier that trains a tiny network without torch, in a moment, and looks like a `FineTunedClassifier`."""

import json

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from sklearn.base import BaseEstimator, ClassifierMixin

from twoflow.networks import CarriedNetwork
from twoflow.networks.trained_on import digest_images

SIDE = 32
WIDTH = 1280  # of the embedding of EfficientNet-Lite0, whose place it takes

#: Of each fit: how many images, their labels, and their groups.
FITS = []


class StubClassifier(ClassifierMixin, BaseEstimator):
    """Its network depends on the seed, a little on the images, and moves images of the first class far away.

    Its features say whether an image was among its training images.
    """

    def __init__(
        self, backbone="efficientnet-lite0", *, input_size=(SIDE, SIDE), pretrained=True, random_state=None,
        n_jobs=None, verbose=False,
    ):
        self.backbone = backbone
        self.input_size = input_size
        self.pretrained = pretrained
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def check_parameters(self):
        pass

    def fit(self, X, y, groups=None):
        FITS.append((len(X), list(y), None if groups is None else list(groups)))
        trained_on = digest_images(X)
        own = np.frombuffer(trained_on.encode().ljust(64)[:64], np.uint8).sum()
        weights = np.random.RandomState(self.random_state).normal(size=(WIDTH, 3, 8, 8))
        weights += 0.1 * np.random.RandomState(own).normal(size=weights.shape)
        card = {
            "name": "stub", "license": "MIT", "source": "a test", "input_size": [SIDE, SIDE], "mean": 127, "scale": 128,
            "output": "global_pool", "trained_on": trained_on,
        }
        self.classes_ = np.unique(np.asarray(y, dtype=str))
        self.network_ = CarriedNetwork(
            "network.onnx", [("network.onnx", make_graph(weights)), ("network.card.json", json.dumps(card).encode())]
        )
        self.history_ = [{"epoch": 1, "train_loss": 0.5}]
        return self


def make_graph(weights):
    """One convolution, a map of 4 x 4 positions called "head", and its mean over them, "global_pool"."""
    nodes = [
        helper.make_node("Conv", ["image", "weights"], ["linear"], strides=[8, 8]),
        helper.make_node("Relu", ["linear"], ["head"]),
        helper.make_node("GlobalAveragePool", ["head"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["global_pool"]),
    ]
    graph = helper.make_graph(
        nodes, "stub", [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [
            helper.make_tensor_value_info("head", TensorProto.FLOAT, ["n", WIDTH, 4, 4]),
            helper.make_tensor_value_info("global_pool", TensorProto.FLOAT, ["n", WIDTH]),
        ],
        [numpy_helper.from_array(weights.astype(np.float32), "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return model.SerializeToString()
