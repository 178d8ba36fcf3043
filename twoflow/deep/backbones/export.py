"""Write a trunk as an ONNX file by torch's own exporter. It imports torch."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from .trunk import Trunk

#: The operator set that torch's exporter writes without a conversion, and a version of the file that reads everywhere.
_OPSET, _IR_VERSION = 18, 8


def export(trunk: Trunk) -> bytes:
    """Write a trunk, which is in evaluation mode, as an ONNX file.

    Parameters
    ----------
    trunk : Trunk
        It is not changed.

    Returns
    -------
    bytes
        The input is ``pixel_values``, float32 of shape (n, 3, height, width). The outputs are the stages and the
        embedding, by the names in ``trunk.info``.
    """
    width, height = trunk.info.input_size
    device = next(trunk.parameters()).device
    # Two images, because an axis of one would be taken for a constant.
    images = torch.zeros(2, 3, height, width, device=device)
    names = [*(name for name in trunk.info.stages), trunk.info.embedding]
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of the exporter's own parts, about each other
            program = torch.onnx.export(
                _Layers(trunk), (images,), input_names=["pixel_values"], output_names=names, opset_version=_OPSET,
                dynamic_shapes=({0: torch.export.Dim("n")},), dynamo=True, verbose=False,
            )
    finally:
        logging.disable(level)
    assert program is not None
    model = program.model_proto
    model.ir_version = _IR_VERSION
    return _without_notes(model).SerializeToString()


class _Layers(nn.Module):
    """A trunk behind its entry, which returns every stage and the embedding."""

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        found = []
        for _, stage in self.trunk.stages:
            x = stage(x)
            found.append(x)
        known = found if self.trunk.info.stages else []
        return (*known, self.trunk.pool(x))


def _without_notes(model: Any) -> Any:
    """Remove the exporter's notes, such as the lines and paths of the code that each node comes from."""
    for each in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        for field in ("metadata_props", "doc_string"):
            each.ClearField(field)
    return model
