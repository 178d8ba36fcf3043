"""The entrance of an ONNX graph: which input takes the image, and how the graph gets one input of a fixed form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ...errors import InputError
from .nodes import attribute, find_dependent, names_read
from .shapes import infer_shapes

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, ValueInfoProto

_TO_FIRST, _TO_LAST = [0, 3, 1, 2], [0, 2, 3, 1]
#: Names of an open axis that say that it counts channels.
_CHANNEL_NAMES = ("channel", "channels", "num_channels", "c", "nchannels", "n_channels", "in_channels")
#: Operators that keep the axes of an image as they are.
_KEEP_AXES = ("Add", "BatchNormalization", "Cast", "Clip", "Div", "Identity", "Mul", "Sub")
#: The numbers that an image may enter as, by the names of ONNX.
_KINDS = ("FLOAT", "FLOAT16", "UINT8")


class Input(NamedTuple):
    """The input of a graph that takes the image.

    Attributes
    ----------
    name : str
    width, height : int or None
        In pixels. None if the graph leaves them open.
    channels_last : bool
        Whether the axes are (batch, height, width, channels) rather than (batch, channels, height, width).
    kind : int
        Its ONNX data type: float32, float16 or uint8.
    batch : int
        The number of images that it takes at a time; 1 if the graph leaves it open.
    """

    name: str
    width: int | None
    height: int | None
    channels_last: bool
    kind: int
    batch: int = 1

    @property
    def is_uint8(self) -> bool:
        """Whether it takes integers from 0 to 255."""
        from onnx import TensorProto

        return self.kind == TensorProto.UINT8


def read_input(model: ModelProto) -> Input:
    """Find the input that takes the image, and read what the graph says about it.

    Parameters
    ----------
    model : ModelProto

    Returns
    -------
    Input
        If the graph has several inputs, it is the only one that can take an image. Open axes are those of one image
        with the channels first, unless their names or the nodes that read them say that the channels are last.

    Raises
    ------
    ValueError
        If no input, or more than one, takes an image of three channels.
    """
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    if len(inputs) == 1:
        return _read(model, inputs[0])
    found = []
    for value in inputs:
        try:
            found.append(_read(model, value))
        except InputError:
            continue  # the error below lists it
    if len(found) == 1:
        return found[0]
    texts = ", ".join(f"{value.name} of {_describe(value)}" for value in inputs) or "no input"
    if found:
        raise InputError(
            f"expected one input that takes an image, got {len(found)} ({', '.join(each.name for each in found)}); "
            "export the part of the network that takes a single image"
        )
    raise InputError(
        f"expected an input that takes an image, of shape (1, 3, height, width), got {texts}; use the part of the "
        "network that takes images, such as vision_model.onnx"
    )


def fix_input(model: ModelProto, size: tuple[int, int]) -> str:
    """Make the graph take one image as float32 of shape (1, 3, height, width), and nothing else.

    Nodes that convert the image are put in front where the graph takes another kind of number or has the channels last.
    Nodes that need another input, such as the text tower of CLIP, are removed, with all that is computed from them. If
    no output is left, the values that they read from the image become the outputs.

    Parameters
    ----------
    model : ModelProto
        It is changed in place.
    size : (int, int)
        Width and height in pixels.

    Returns
    -------
    str
        The name of the input.

    Raises
    ------
    ValueError
        If `read_input` finds no image, if everything depends on another input, or if the graph takes only several
        images at a time.
    """
    from onnx import helper

    found = read_input(model)
    graph, (width, height) = model.graph, size
    [value] = [value for value in graph.input if value.name == found.name]
    others = _other_inputs(model, found.name)
    _remove_dependents(model, others)
    del graph.input[:]
    graph.input.append(value)
    model.ir_version = max(model.ir_version, 4)  # before version 4, weights had to be inputs too
    shape = (height, width, 3) if found.channels_last else (3, height, width)
    if found.batch != 1:
        _require_independent_images(model, found, shape)
    graph.input[0].CopyFrom(helper.make_tensor_value_info(found.name, found.kind, (1, *shape)))
    return _convert(model, found, size)


def _convert(model: ModelProto, found: Input, size: tuple[int, int]) -> str:
    """Put nodes in front that convert a float32 image with the channels first; return the input's name."""
    from onnx import TensorProto, helper

    graph, (width, height) = model.graph, size
    steps: list[tuple[str, dict]] = []
    if found.channels_last:
        steps.append(("Transpose", {"perm": _TO_LAST}))
    if found.kind != TensorProto.FLOAT:
        steps.append(("Cast", {"to": found.kind}))
    if not steps:
        return found.name
    used = {name for node in graph.node for name in (*names_read(node), *node.output)}
    name = f"{found.name}.image"
    while name in used or f"{name}.turned" in used:
        name += "_"
    names = [name, f"{name}.turned"][:len(steps)] + [found.name]
    for i, (operator, attributes) in enumerate(steps):
        graph.node.insert(i, helper.make_node(operator, [names[i]], [names[i + 1]], **attributes))
    graph.input[0].CopyFrom(helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 3, height, width)))
    return name


def _read(model: ModelProto, value: ValueInfoProto) -> Input:
    from onnx import TensorProto

    kind = value.type.tensor_type
    dims = list(kind.shape.dim)
    sizes = [dim.dim_value if dim.dim_value > 0 else None for dim in dims]
    if len(sizes) != 4:
        raise InputError(f"{_EXPECTED}, got {_describe(value)}; {_REMEDIES.get(len(sizes), _NO_IMAGE)}")
    if kind.elem_type not in [TensorProto.DataType.Value(name) for name in _KINDS]:
        raise InputError(
            f"expected an input of float32, float16 or uint8, got {_describe(value)}; export it with one of these"
        )
    last = _has_channels_last(model, value.name, sizes, [dim.dim_param for dim in dims])
    n_channels = sizes[3 if last else 1] or _count_channels(model, value.name) or 3
    if n_channels != 3:
        raise InputError(
            f"{_EXPECTED}, got {_describe(value)}, which takes images of {n_channels} "
            f"channel{'s' if n_channels > 1 else ''}; use a network for images of three channels"
        )
    height, width = sizes[1:3] if last else sizes[2:]
    return Input(value.name, width, height, last, kind.elem_type, sizes[0] or 1)


_EXPECTED = "expected an input of shape (1, 3, height, width) or (1, height, width, 3)"
_NO_IMAGE = "use a network, or the part of a network, that takes images, such as vision_model.onnx"
#: What to do about an input with this number of axes.
_REMEDIES = {
    0: "export it with the shape of its input",
    3: "export it with a batch axis in front",
    5: "it takes videos or volumes; use a network for single images",
}


def _has_channels_last(
    model: ModelProto, name: str, sizes: Sequence[int | None], names: Sequence[str]
) -> bool:
    """Decide whether the channels are the last axis: by its size, else by its name, else by the nodes that read it."""
    if 3 in (sizes[1], sizes[3]):
        return sizes[1] != 3
    if (sizes[1] is None) != (sizes[3] is None):
        return sizes[1] is not None
    named = [names[axis].lower() in _CHANNEL_NAMES for axis in (1, 3)]
    if named[0] != named[1]:
        return named[1]
    return any(
        node.op_type == "Transpose" and list(attribute(node, "perm").ints) == _TO_FIRST
        for node in _first_readers(model, name)
    )


def _count_channels(model: ModelProto, name: str) -> int | None:
    """Return how many channels the first convolution takes; None if the graph begins with another operator."""
    weights = {tensor.name: tensor.dims for tensor in model.graph.initializer}
    for node in _first_readers(model, name):
        if node.op_type == "Conv" and len(node.input) > 1 and len(dims := weights.get(node.input[1], ())) == 4:
            return dims[1] * (attribute(node, "group").i or 1)
    return None


def _first_readers(model: ModelProto, name: str) -> Iterator[NodeProto]:
    """Yield the nodes that read the image itself, or the image after operators that keep its axes."""
    names = {name}
    for node in model.graph.node:
        if names.intersection(node.input):
            if node.op_type in _KEEP_AXES:
                names.update(node.output)
            else:
                yield node


def _other_inputs(model: ModelProto, name: str) -> list[str]:
    constants = {tensor.name for tensor in model.graph.initializer}
    return [value.name for value in model.graph.input if value.name not in constants and value.name != name]


def _remove_dependents(model: ModelProto, inputs: Sequence[str]) -> None:
    """Remove what is computed from these inputs; ValueError if nothing is left."""
    if not inputs:
        return
    graph = model.graph
    removed = find_dependent(graph.node, inputs)
    kept = [node for node in graph.node if removed.isdisjoint(node.output)]
    outputs = [value for value in graph.output if value.name not in removed]
    if not outputs:
        from onnx import helper

        image = {value.name for value in graph.input} - removed
        computed = find_dependent(kept, image) - image
        read = [name for node in graph.node if not removed.isdisjoint(node.output) for name in names_read(node)]
        outputs = [helper.make_empty_tensor_value_info(name) for name in dict.fromkeys(read) if name in computed]
    if not outputs:
        raise InputError(
            f"expected layers that depend on the image alone, but all need {', '.join(inputs)} too; export the part "
            "of the network that takes images"
        )
    for field, values in ((graph.node, kept), (graph.output, outputs)):
        copies = [type(value).FromString(value.SerializeToString()) for value in values]
        del field[:]
        field.extend(copies)


def _require_independent_images(model: ModelProto, found: Input, shape: Sequence[int]) -> None:
    """Raise ValueError if a graph for several images cannot take one: if its shapes do not all begin with the batch."""
    from onnx import helper

    image = find_dependent(model.graph.node, [found.name])
    shapes = []
    for n in (found.batch, 1):
        model.graph.input[0].CopyFrom(helper.make_tensor_value_info(found.name, found.kind, (n, *shape)))
        values = infer_shapes(model) or {}
        shapes.append({name: tuple(value.shape) for name, value in values.items() if name in image})
    several, single = shapes
    names = {name for node in model.graph.node for name in node.output if name in image}
    if any(
        not several.get(name) or several[name] != (found.batch * single.get(name, (0,))[0], *single[name][1:])
        for name in names
    ):
        raise InputError(
            f"expected an input for one image, got {found.name} for {found.batch} images at a time, and its layers mix "
            "them; export it with a batch of 1 or with an open batch axis"
        )


def _describe(value: ValueInfoProto) -> str:
    """Describe an input for an error message: its data type and its shape."""
    from onnx import TensorProto

    kind = value.type.tensor_type
    name = TensorProto.DataType.Name(kind.elem_type) if kind.elem_type in TensorProto.DataType.values() else "?"
    if not kind.elem_type:
        return "no tensor"
    return f"{name} ({', '.join(str(dim.dim_value) if dim.dim_value > 0 else '?' for dim in kind.shape.dim)})"
