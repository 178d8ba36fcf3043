"""Build an ONNX graph and, beside each of its nodes, the value that numpy computes for it."""

import json
import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

#: A card of any network that is written here.
CARD = {"mean": 127, "scale": 64}
EPSILON = 1e-5


class Builder:
    """Build a graph node by node, as exporters write it for an opset.

    Every method adds the nodes of one operation and returns the name of its output. `values` has what numpy computes
    for each name, in float64, for the pixels of one image.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3) and dtype uint8
    opset : int
    axes : {"fixed", "batch", "all"}
        The dynamic axes of the input; "all" has the channels too.
    kind : {"float32", "float16"}
        Of the input, the weights and the outputs.
    layout : {"nchw", "nhwc", "inside"}
        "nhwc" is the input's; "inside" is that of the maps too, as networks of TensorFlow have it.
    seed : int
        Of the weights, which do not depend on the pixels.
    """

    def __init__(self, pixels, opset=17, axes="fixed", kind="float32", layout="nchw", seed=0):
        self.opset, self.axes, self.kind, self.layout = opset, axes, kind, layout
        self.dtype, self.rng = np.dtype(kind), np.random.default_rng(seed)
        self.nodes, self.constants, self.values, self._n = [], [], {}, 0
        x = ((pixels - float(CARD["mean"])) / CARD["scale"]).astype(self.dtype).astype(float)[None]
        self.channel = 3 if layout == "inside" else 1
        shape = x.shape if layout != "nchw" else x.transpose(0, 3, 1, 2).shape
        names = ("height", "width", "num_channels") if layout != "nchw" else ("num_channels", "height", "width")
        self.shape = {"fixed": shape, "batch": ("batch", *shape[1:]), "all": ("batch_size", *names)}[axes]
        self.values["images"] = x if layout != "nchw" else x.transpose(0, 3, 1, 2)
        self.input = self.transpose("images", 0, 3, 1, 2) if layout == "nhwc" else "images"

    # Nodes

    def op(self, operator, inputs, value, **attributes):
        self._n += 1
        name = f"/{operator.lower()}_{self._n}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        self.values[name] = value
        return name

    def constant(self, values, dtype=None):
        self._n += 1
        values = np.asarray(values, dtype or self.dtype)
        self.constants.append(numpy_helper.from_array(values, f"c{self._n}"))
        self.values[f"c{self._n}"] = values if dtype else values.astype(float)
        return f"c{self._n}"

    def weight(self, *shape, scale=None, around=0):
        """A constant of random numbers, which keep the deviation of what they are multiplied with."""
        scale = max(1, math.prod(shape[1:])) ** -0.5 if scale is None else scale
        return self.constant(around + scale * self.rng.normal(size=shape))

    def name(self, x, name):
        """Give the output of the last node another name."""
        assert self.nodes[-1].output[0] == x
        self.nodes[-1].output[0] = name
        self.values[name] = self.values.pop(x)
        return name

    # Arithmetic

    def add(self, x, y):
        return self.op("Add", [x, y], self.values[x] + self.values[y])

    def mul(self, x, y):
        return self.op("Mul", [x, y], self.values[x] * self.values[y])

    def div(self, x, y):
        return self.op("Div", [x, y], self.values[x] / self.values[y])

    def matmul(self, x, y):
        return self.op("MatMul", [x, y], self.values[x] @ self.values[y])

    def linear(self, x, width, bias=True):
        """A dense layer: Gemm of vectors, MatMul and Add of tokens."""
        weight = self.weight(width, self.values[x].shape[-1])
        if self.values[x].ndim == 2 and bias:
            b = self.weight(width, scale=0.3)
            value = self.values[x] @ self.values[weight].T + self.values[b]
            return self.op("Gemm", [x, weight, b], value, transB=1)
        turned = self.constant(self.values[weight].T)
        x = self.matmul(x, turned)
        return self.add(self.weight(width, scale=0.3), x) if bias else x

    # Functions of single values

    def relu(self, x):
        return self.op("Relu", [x], np.maximum(self.values[x], 0))

    def tanh(self, x):
        return self.op("Tanh", [x], np.tanh(self.values[x]))

    def sigmoid(self, x):
        return self.op("Sigmoid", [x], 1 / (1 + np.exp(-self.values[x])))

    def silu(self, x):
        return self.mul(x, self.sigmoid(x))

    def hard_swish(self, x):
        gate = np.clip(self.values[x] / 6 + 0.5, 0, 1)
        if self.opset >= 14:
            return self.op("HardSwish", [x], self.values[x] * gate)
        return self.mul(x, self.op("HardSigmoid", [x], gate, alpha=1 / 6, beta=0.5))

    def gelu(self, x):
        half = (1 + np.vectorize(math.erf)(self.values[x] / 2 ** 0.5)) / 2
        if self.opset >= 20:
            return self.op("Gelu", [x], self.values[x] * half)
        y = self.div(x, self.constant(2 ** 0.5))
        y = self.op("Erf", [y], np.vectorize(math.erf)(self.values[y]))
        return self.mul(self.mul(x, self.add(y, self.constant(1.0))), self.constant(0.5))

    def softmax(self, x):
        powers = np.exp(self.values[x] - self.values[x].max(-1, keepdims=True))
        return self.op("Softmax", [x], powers / powers.sum(-1, keepdims=True), axis=-1)

    # Shapes

    def transpose(self, x, *axes):
        return self.op("Transpose", [x], self.values[x].transpose(axes), perm=axes)

    def reshape(self, x, *shape):
        """Reshape; where the batch is dynamic, its length is computed by the graph, as exporters do."""
        value = self.values[x].reshape(shape)
        return self.op("Reshape", [x, self._shape(x, shape)], value)

    def _shape(self, x, shape):
        """The shape with the first axis of `x`, times what it has less than the first of `shape`."""
        if self.axes == "fixed":
            return self.constant(shape, np.int64)
        batch = self.op("Shape", [x], np.array(self.values[x].shape))
        batch = self.op("Gather", [batch, self.constant(0, np.int64)], np.int64(self.values[x].shape[0]), axis=0)
        times = shape[0] / self.values[x].shape[0]
        if times > 1:
            batch = self.op("Mul", [batch, self.constant(times, np.int64)], np.int64(shape[0]))
        elif times < 1:
            batch = self.op("Div", [batch, self.constant(1 / times, np.int64)], np.int64(shape[0]))
        first = self._with_axes("Unsqueeze", batch, [0], np.array([shape[0]]))
        return self.op("Concat", [first, self.constant(shape[1:], np.int64)], np.array(shape), axis=0)

    def expand(self, constant, x):
        """Repeat a constant for each image of `x`, as exporters do with a class token."""
        if self.axes == "fixed":
            return constant
        shape = self._shape(x, (1, *self.values[constant].shape[1:]))
        return self.op("Expand", [constant, shape], self.values[constant])

    def concat(self, *xs, axis):
        return self.op("Concat", list(xs), np.concatenate([self.values[x] for x in xs], axis), axis=axis)

    def slice(self, x, axis, start, end, step=1):
        value = np.moveaxis(np.moveaxis(self.values[x], axis, 0)[start:end:step], 0, axis)
        numbers = [self.constant([number], np.int64) for number in (start, end, axis, step)]
        return self.op("Slice", [x, *numbers], value)

    def take(self, x, index, axis=1):
        """One entry of an axis, which is then gone."""
        return self.op("Gather", [x, self.constant(index, np.int64)], self.values[x].take(index, axis), axis=axis)

    def flatten(self, x):
        return self.op("Flatten", [x], self.values[x].reshape(len(self.values[x]), -1), axis=1)

    def _with_axes(self, operator, x, axes, value, since=13, **attributes):
        """A node whose axes are an attribute, or an input since an opset."""
        if self.opset < since:
            return self.op(operator, [x], value, axes=axes, **attributes)
        return self.op(operator, [x, self.constant(axes, np.int64)], value, **attributes)

    def mean(self, x, *axes, keepdims=False):
        value = self.values[x].mean(axes, keepdims=keepdims)
        return self._with_axes("ReduceMean", x, list(axes), value, 18, keepdims=int(keepdims))

    def squeeze(self, x, *axes):
        return self._with_axes("Squeeze", x, list(axes), self.values[x].squeeze(axes))

    # Normalizations

    def layer_norm(self, x):
        """Normalize the last axis."""
        value = self.values[x]
        width = value.shape[-1]
        centered = value - value.mean(-1, keepdims=True)
        normed = centered / np.sqrt((centered ** 2).mean(-1, keepdims=True) + EPSILON)
        scale, bias = self.weight(width, scale=0.3, around=1), self.weight(width, scale=0.3)
        if self.opset >= 17:
            value = normed * self.values[scale] + self.values[bias]
            return self.op("LayerNormalization", [x, scale, bias], value, axis=-1, epsilon=EPSILON)
        center = self.op("Sub", [x, self.mean(x, -1, keepdims=True)], centered)
        square = self.op("Pow", [center, self.constant(2.0)], centered ** 2)
        variance = self.add(self.mean(square, -1, keepdims=True), self.constant(EPSILON, np.float32 if (
            self.kind == "float32") else np.float16))
        deviation = self.op("Sqrt", [variance], np.sqrt(self.values[variance]))
        return self.add(self.mul(self.div(center, deviation), scale), bias)

    def batch_norm(self, x):
        width = self.values[x].shape[1]
        scale, bias = self.weight(width, scale=0.3, around=1), self.weight(width, scale=0.3)
        mean, variance = self.weight(width, scale=0.3), self.constant(self.rng.uniform(0.5, 2, width))
        s, b, m, v = (self.values[each].reshape(-1, 1, 1) for each in (scale, bias, mean, variance))
        value = (self.values[x] - m) / np.sqrt(v + EPSILON) * s + b
        return self.op("BatchNormalization", [x, scale, bias, mean, variance], value, epsilon=EPSILON)

    def unit(self, x):
        """Vectors of length one."""
        length = np.linalg.norm(self.values[x], axis=-1, keepdims=True)
        return self.div(x, self.op("ReduceL2", [x], length, axes=[-1], keepdims=1) if self.opset < 18 else self.op(
            "ReduceL2", [x, self.constant([-1], np.int64)], length, keepdims=1))

    # Maps

    def conv(self, x, width, side=1, stride=1, pad=0, groups=1):
        """Convolve a map; its channels are where the layout has them."""
        turned = self.channel == 3 and self.values[x].ndim == 4
        if turned:
            x = self.transpose(x, 0, 3, 1, 2)
        value = self.values[x]
        weight = self.weight(width, value.shape[1] // groups, side, side)
        bias = self.weight(width, scale=0.3)
        windows = _windows(value, side, stride, pad)
        n, _, rows, columns = windows.shape[:4]
        windows = windows.reshape(n, groups, -1, *windows.shape[2:])
        w = self.values[weight].reshape(groups, width // groups, -1, side, side)
        out = np.einsum("ngcijkl,gockl->ngoij", windows, w).reshape(n, width, rows, columns)
        out = out + self.values[bias].reshape(-1, 1, 1)
        x = self.op("Conv", [x, weight, bias], out, kernel_shape=[side, side], strides=[stride] * 2, pads=[pad] * 4,
                    group=groups)
        return self.transpose(x, 0, 2, 3, 1) if turned else x

    def max_pool(self, x, side, stride, pad=0):
        value = _windows(self.values[x], side, stride, pad, -np.inf).max(axis=(4, 5))
        return self.op("MaxPool", [x], value, kernel_shape=[side] * 2, strides=[stride] * 2, pads=[pad] * 4)

    def average_pool(self, x, side):
        value = _windows(self.values[x], side, side, 0).mean(axis=(4, 5))
        return self.op("AveragePool", [x], value, kernel_shape=[side] * 2, strides=[side] * 2)

    def global_pool(self, x, keepdims=True):
        """The mean over positions: one operator of its own, or a mean over axes where the channels are last."""
        if self.channel == 3:
            return self.mean(x, 1, 2, keepdims=keepdims)
        if keepdims:
            return self.op("GlobalAveragePool", [x], self.values[x].mean((2, 3), keepdims=True))
        return self.mean(x, 2, 3)

    def write(self, path, *outputs):
        """Write the graph with these outputs, and a card; return the path."""
        kind = TensorProto.FLOAT if self.kind == "float32" else TensorProto.FLOAT16
        graph = helper.make_graph(
            self.nodes, "net", [helper.make_tensor_value_info("images", kind, self.shape)],
            [helper.make_tensor_value_info(output, kind, self._axes_of(output)) for output in outputs], self.constants,
        )
        opsets = [helper.make_opsetid("", self.opset)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
        height, width = self.values[self.input].shape[1:3] if self.channel == 3 else self.values[self.input].shape[2:]
        path.with_suffix(".card.json").write_text(json.dumps({**CARD, "input_size": [int(width), int(height)]}))
        return path

    def _axes_of(self, output):
        """The shape of an output, as exporters declare it: without numbers where all axes of the input are dynamic."""
        shape = self.values[output].shape
        return {
            "fixed": shape, "batch": ("batch", *shape[1:]), "all": ("batch_size", *(f"axis{n}" for n in shape[1:]))
        }[self.axes]


def _windows(x, side, stride, pad, fill=0.0):
    """Windows of maps: (images, channels, rows, columns, side, side)."""
    x = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)], constant_values=fill)
    return np.lib.stride_tricks.sliding_window_view(x, (side, side), (2, 3))[:, :, ::stride, ::stride]
