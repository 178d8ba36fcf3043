"""Which operators of ONNX do what, as far as the layers' meaning depends on it."""

from __future__ import annotations

#: Depend on the shape of their input only, and so on no image.
OF_SHAPES = ("Shape", "Size")
#: Change at most shape, order and data type.
SAME = ("Cast", "Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze")
#: Multiply by weights.
DENSE = ("Conv", "FusedConv", "FusedMatMul", "Gemm", "MatMul", "MatMulInteger", "QLinearConv")
#: Multiply by weights, or values by each other.
WEIGHTED = (*DENSE, "Attention", "Einsum", "MultiHeadAttention", "QAttention")
#: Add a branch to the stream that it has left.
SUMS = ("Add", "SkipLayerNormalization", "SkipSimplifiedLayerNormalization", "Sum")
#: Act on each value of a map alone.
ACTIVATIONS = (
    "Cast", "Clip", "Dropout", "Elu", "FastGelu", "Gelu", "HardSwish", "Identity", "LeakyRelu", "Mish", "PRelu",
    "QuickGelu", "Relu", "Selu", "Sigmoid", "Softplus", "Swish", "Tanh",
)
#: Turn logits into probabilities.
PROBABILITIES = ("HardSigmoid", "LogSoftmax", "Sigmoid", "Softmax")
#: Normalize over channels: as one operator, or the one among several that makes it a normalization.
NORMS = (
    "LayerNormalization", "LpNormalization", "RMSNormalization", "ReduceL2", "ReduceMean", "ReduceSum",
    "ReduceSumSquare", "SimplifiedLayerNormalization",
)
#: Scale, shift and bend each value by constants.
SCALES = ("Add", "Div", "Mul", "Pow", "Sqrt", "Sub")
#: What a normalization consists of, with its scale and bias.
NORMALIZING = (*SAME, *NORMS, *SCALES, "Abs", "Expand", "Max", "Reciprocal")
