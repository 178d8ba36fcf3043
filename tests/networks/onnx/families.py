"""Small networks of every family with random weights, built by hand, with the values that they must give.

`FAMILIES` has one function for each. It builds on a `Builder` and returns the outputs of the graph and what they mean.
"""

from typing import NamedTuple

import numpy as np

#: The classes of the heads.
N_CLASSES = 7


class Made(NamedTuple):
    """The outputs of a graph, and the names of tensors with a meaning.

    Attributes
    ----------
    outputs : tuple of str
    embedding : str
        The tensor that is the embedding.
    tokens : ndarray of shape (width, rows, columns) or None
        The last tokens as a map.
    stages : tuple of ndarray of shape (width, rows, columns)
        What the blocks of a transformer, or the stages of a CNN, must give.
    """

    outputs: tuple
    embedding: str
    tokens: np.ndarray | None = None
    stages: tuple = ()


def as_map(values, grid):
    """Turn tokens of shape (1, n, width) into a map."""
    return values[0].T.reshape(-1, *grid)


# Transformers

def attention(b, x, heads=2):
    """Self-attention: every token looks at every other (Vaswani et al. 2017)."""
    n, width = b.values[x].shape[1:]
    query, key, value = (b.reshape(b.linear(x, width), -1 if n == 0 else len(b.values[x]), n, heads, width // heads)
                         for _ in range(3))
    query, value = b.transpose(query, 0, 2, 1, 3), b.transpose(value, 0, 2, 1, 3)
    scores = b.mul(b.matmul(query, b.transpose(key, 0, 2, 3, 1)), b.constant((width // heads) ** -0.5))
    out = b.transpose(b.matmul(b.softmax(scores), value), 0, 2, 1, 3)
    return b.linear(b.reshape(out, len(b.values[x]), n, width), width)


def mlp(b, x, factor=2):
    return b.linear(b.gelu(b.linear(x, factor * b.values[x].shape[-1])), b.values[x].shape[-1])


def block(b, x):
    x = b.add(attention(b, b.layer_norm(x)), x)
    return b.add(mlp(b, b.layer_norm(x)), x)


def patches(b, patch=4, width=12):
    """Return the tokens of the patches, and their grid."""
    x = b.conv(b.input, width, patch, patch)
    if b.channel == 1:
        x = b.transpose(x, 0, 2, 3, 1)
    grid = b.values[x].shape[1:3]
    return b.reshape(x, 1, grid[0] * grid[1], width), grid


def transformer(b, prefix, n_blocks=2):
    """Return the tokens behind the blocks, their grid, and what the blocks give as maps."""
    x, grid = patches(b)
    width, stages = b.values[x].shape[-1], []
    if prefix:
        x = b.concat(*(b.expand(b.weight(1, n, width, scale=1), x) for n in (1, prefix - 1) if n), x, axis=1)
    x = b.add(x, b.weight(1, *b.values[x].shape[1:], scale=0.5))
    for _ in range(n_blocks):
        x = block(b, x)
        stages.append(as_map(b.values[x][:, prefix:], grid))
    return x, grid, tuple(stages)


def vit(b, prefix=1, head="logits"):
    """Vision transformer (Dosovitskiy et al. 2021, arXiv:2010.11929); registers (Darcet et al. 2024)."""
    x, grid, stages = transformer(b, prefix)
    x = b.layer_norm(x)
    tokens = as_map(b.values[x][:, prefix:], grid)
    embedding = b.take(x, 0) if prefix else b.mean(x, 1)
    if head == "pooler":
        # Not the pooler: few checkpoints have its weights, and transformers draws them where they are missing.
        pooler = b.name(b.tanh(b.linear(embedding, 12)), "pooler_output")
        return Made((x, pooler), embedding, tokens, stages)
    if head == "tokens":
        return Made((x,), embedding, tokens, stages)
    return Made((b.linear(embedding, N_CLASSES),), embedding, tokens, stages)


def clip(b):
    """The image tower of CLIP (Radford et al. 2021, arXiv:2103.00020)."""
    x, grid, stages = transformer(b, 1)
    tokens = as_map(b.values[x][:, 1:], grid)
    pooled = b.layer_norm(b.take(x, 0))
    embedding = b.name(b.linear(pooled, 10, bias=False), "image_embeds")
    return Made((embedding, x), embedding, tokens, stages)


def siglip(b, heads=2):
    """SigLIP (Zhai et al. 2023, arXiv:2303.15343): a learned query looks at all tokens."""
    x, grid, stages = transformer(b, 0)
    x = b.layer_norm(x)
    n, width = b.values[x].shape[1:]
    query = b.expand(b.weight(1, 1, width, scale=1), x)
    query = b.transpose(b.reshape(b.linear(query, width), 1, 1, heads, -1), 0, 2, 1, 3)
    key = b.transpose(b.reshape(b.linear(x, width), 1, n, heads, width // heads), 0, 2, 3, 1)
    value = b.transpose(b.reshape(b.linear(x, width), 1, n, heads, width // heads), 0, 2, 1, 3)
    seen = b.transpose(b.matmul(b.softmax(b.matmul(query, key)), value), 0, 2, 1, 3)
    y = b.linear(b.reshape(seen, 1, 1, width), width)
    y = b.add(y, mlp(b, b.layer_norm(y)))
    embedding = b.name(b.take(y, 0), "pooler_output")
    return Made((x, embedding), embedding, as_map(b.values[x], grid), stages)


def window_block(b, x, grid, shift, side=2):
    """A block of Swin: attention within windows, which are shifted in every second block."""
    (rows, columns), width = grid, b.values[x].shape[-1]
    y = b.reshape(b.layer_norm(x), 1, rows, columns, width)
    if shift:
        y = roll(b, roll(b, y, 1, shift), 2, shift)
    y = b.reshape(y, 1, rows // side, side, columns // side, side, width)
    y = b.reshape(b.transpose(y, 0, 1, 3, 2, 4, 5), rows * columns // side ** 2, side ** 2, width)
    y = b.reshape(attention(b, y), 1, rows // side, columns // side, side, side, width)
    y = b.reshape(b.transpose(y, 0, 1, 3, 2, 4, 5), 1, rows, columns, width)
    if shift:
        y = roll(b, roll(b, y, 1, -shift), 2, -shift)
    x = b.add(x, b.reshape(y, 1, rows * columns, width))
    return b.add(x, mlp(b, b.layer_norm(x)))


def roll(b, x, axis, shift):
    """Move rows or columns to the other end."""
    n = b.values[x].shape[axis]
    return b.concat(b.slice(x, axis, shift % n, n), b.slice(x, axis, 0, shift % n), axis=axis)


def swin(b, head="logits"):
    """Swin (Liu et al. 2021, arXiv:2103.14030)."""
    x, grid = patches(b, 2, 8)
    x = b.layer_norm(x)
    stages = []
    for stage in range(2):
        if stage:
            (rows, columns), width = grid, b.values[x].shape[-1]
            x = b.reshape(x, 1, rows, columns, width)
            corners = [b.slice(b.slice(x, 1, i, rows, 2), 2, j, columns, 2) for j in (0, 1) for i in (0, 1)]
            x, grid = b.concat(*corners, axis=3), (rows // 2, columns // 2)
            x = b.reshape(x, 1, grid[0] * grid[1], 4 * width)
            x = b.linear(b.layer_norm(x), 2 * width, bias=False)
        for shift in (0, 1):
            x = window_block(b, x, grid, shift)
        stages.append(as_map(b.values[x], grid))
    x = b.layer_norm(x)
    pooled = b.op("GlobalAveragePool", [b.transpose(x, 0, 2, 1)], b.values[x].mean(1)[:, :, None])
    embedding = b.flatten(pooled)
    tokens = as_map(b.values[x], grid)
    if head == "pooler":
        return Made((x, b.name(embedding, "pooler_output")), "pooler_output", tokens, tuple(stages))
    return Made((b.linear(embedding, N_CLASSES),), embedding, tokens, tuple(stages))


# CNNs

def classify(b, x, stages, keepdims=True):
    """The head of most CNNs: global pool, dense layer."""
    pooled = b.global_pool(x, keepdims)
    pooled = b.flatten(pooled) if keepdims else pooled
    return Made((b.linear(pooled, N_CLASSES),), pooled, None, tuple(planes(b, stage) for stage in stages))


def planes(b, x):
    """The value of a map as (width, rows, columns)."""
    return b.values[x][0].transpose(2, 0, 1) if b.channel == 3 else b.values[x][0]


def channel_norm(b, x):
    """Normalize the channels at each position."""
    return b.transpose(b.layer_norm(b.transpose(x, 0, 2, 3, 1)), 0, 3, 1, 2)


def convnext(b, head="logits"):
    """ConvNeXt (Liu et al. 2022, arXiv:2201.03545): behind the pool is one more normalization."""
    x, stages = channel_norm(b, b.conv(b.input, 6, 4, 4)), []
    for stage in range(2):
        if stage:
            x = b.conv(channel_norm(b, x), 10, 2, 2)
        for _ in range(2):
            width = b.values[x].shape[1]
            y = b.transpose(b.conv(x, width, 7, 1, 3, width), 0, 2, 3, 1)
            y = b.mul(b.weight(width, scale=0.3, around=1), mlp(b, b.layer_norm(y)))
            x = b.add(x, b.transpose(y, 0, 3, 1, 2))
        stages.append(b.values[x][0])
    embedding = b.layer_norm(b.mean(x, 2, 3))
    if head == "pooler":
        return Made((x, b.name(embedding, "pooler_output")), "pooler_output", None, tuple(stages))
    return Made((b.linear(embedding, N_CLASSES),), embedding, None, tuple(stages))


def gate(b, x, activation):
    """Squeeze and excitation (Hu et al. 2018, doi:10.1109/CVPR.2018.00745)."""
    width = b.values[x].shape[b.channel]
    y = b.conv(b.relu(b.conv(b.global_pool(x), 4)), width)
    return b.mul(x, activation(y))


def mobile(b):
    """MobileNetV3 (Howard et al. 2019, doi:10.1109/ICCV.2019.00140): gates, and a hidden layer behind the pool."""
    x, stages = b.hard_swish(b.conv(b.input, 6, 3, 2, 1)), []
    for width in (8, 10):
        y = b.hard_swish(b.conv(x, 12, 1))
        y = gate(b, b.hard_swish(b.conv(y, 12, 3, 2, 1, 12)), b.sigmoid)
        x = b.conv(y, width, 1)
        y = gate(b, b.hard_swish(b.conv(b.hard_swish(b.conv(x, 12, 1)), 12, 3, 1, 1, 12)), b.sigmoid)
        x = b.add(b.conv(y, width, 1), x)
        stages.append(x)
    x = b.hard_swish(b.conv(x, 14, 1))
    pooled = b.flatten(b.global_pool(x))
    logits = b.linear(b.hard_swish(b.linear(pooled, 9)), N_CLASSES)
    return Made((logits,), pooled, None, tuple(planes(b, stage) for stage in stages))


def efficient(b):
    """EfficientNet (Tan and Le 2019, arXiv:1905.11946): gates with SiLU."""
    x, stages = b.silu(b.conv(b.input, 6, 3, 2, 1)), []
    for width in (8, 10):
        for stride in (2, 1):
            y = b.silu(b.conv(b.silu(b.conv(x, 12, 1)), 12, 3, stride, 1, 12))
            y = b.conv(gate(b, y, b.sigmoid), width, 1)
            x = y if stride == 2 else b.add(y, x)
        stages.append(x)
    x = b.silu(b.conv(x, 14, 1))
    return classify(b, x, stages, keepdims=b.channel == 1)


def resnet(b, groups=1, gated=False):
    """ResNet (He et al. 2016, doi:10.1109/CVPR.2016.90); with groups and gates it is RegNet."""
    x = b.relu(b.conv(b.input, 8, 3, 2, 1))
    stages = [x]
    for width in (12, 16):
        for stride in (2, 1):
            y = b.relu(b.conv(x, width, 1))
            y = b.relu(b.conv(y, width, 3, stride, 1, groups))
            y = b.conv(gate(b, y, b.sigmoid) if gated else y, width, 1)
            x = b.relu(b.add(y, b.conv(x, width, 1, 2) if stride == 2 else x))
        stages.append(x)
    return classify(b, x, stages, keepdims=b.channel == 1)


def regnet(b):
    """RegNet (Radosavovic et al. 2020, arXiv:2003.13678)."""
    return resnet(b, groups=4, gated=True)


def densenet(b):
    """DenseNet (Huang et al. 2017, doi:10.1109/CVPR.2017.243): every layer is appended to its input."""
    x = b.max_pool(b.relu(b.batch_norm(b.conv(b.input, 8, 3, 1, 1))), 3, 2, 1)
    stages = []
    for part in range(2):
        for _ in range(2):
            y = b.conv(b.relu(b.batch_norm(x)), 6, 1)
            x = b.concat(x, b.conv(b.relu(b.batch_norm(y)), 4, 3, 1, 1), axis=1)
        stages.append(x)
        if part == 0:
            x = b.average_pool(b.conv(b.relu(b.batch_norm(x)), 8, 1), 2)
    x = b.relu(b.batch_norm(x))
    return classify(b, x, stages)


def vgg(b):
    """VGG (Simonyan and Zisserman 2015, arXiv:1409.1556): no pool over positions; the last hidden layer."""
    x, stages = b.input, []
    for width in (6, 8):
        x = b.relu(b.conv(x, width, 3, 1, 1))
        stages.append(b.values[x][0])
        x = b.max_pool(x, 2, 2)
    x = b.relu(b.linear(b.flatten(x), 12))
    embedding = b.relu(b.linear(x, 11))
    return Made((b.linear(embedding, N_CLASSES),), embedding, None, tuple(stages))


def with_options(family, **options):
    """A family with other arguments."""
    return lambda b: family(b, **options)


FAMILIES = {
    "vit": vit,
    "vit-pooler": with_options(vit, head="pooler"),
    "vit-tokens": with_options(vit, head="tokens"),
    "vit-registers": with_options(vit, prefix=5),
    "vit-registers-tokens": with_options(vit, prefix=5, head="tokens"),
    "vit-no-class": with_options(vit, prefix=0),
    "vit-no-class-tokens": with_options(vit, prefix=0, head="tokens"),
    "clip": clip,
    "siglip": siglip,
    "swin": swin,
    "swin-pooler": with_options(swin, head="pooler"),
    "convnext": convnext,
    "convnext-pooler": with_options(convnext, head="pooler"),
    "mobile": mobile,
    "efficient": efficient,
    "resnet": resnet,
    "regnet": regnet,
    "densenet": densenet,
    "vgg": vgg,
}
