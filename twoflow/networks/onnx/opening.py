"""Open an ONNX file as a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import InputError
from ..card import NetworkCard
from ..card_file import check_fields, complete_fields, split_hints
from ..content import Content, join_digests
from ..network import Network, NetworkFiles
from .cut import cut
from .entrance import fix_input, read_input
from .graph import load
from .shapes import infer_values
from .structure import Structure
from .understanding import understand
from .versions import check_versions


def open_onnx(files: NetworkFiles, fields: Mapping[str, Any]) -> tuple[Network, list[Content]]:
    """Read an ONNX file and the weights that it keeps in other files.

    Parameters
    ----------
    files : NetworkFiles
        Without parameters.
    fields : mapping of str to value
        The checked fields of the card, which override what the file says.

    Returns
    -------
    Network
    list of Content
        The files that were read.

    Raises
    ------
    ValueError
        If the file is damaged, its input is no image, or nothing says how images enter it.
    """
    file = files.read(files.model)
    try:
        model, others = load(file, files)
        check_versions(model)
        found = read_input(model)
        own: dict[str, Any] = {"channels": "RGB"}
        if found.is_uint8:
            own.update(mean=0, scale=1)
        if found.width and found.height:
            own.update(check_fields({"input_size": (found.width, found.height)}, "its input"))
        metadata = {each.key: each.value for each in model.metadata_props}
        own.update(license=metadata.get("license") or "unknown")
        fields, hints = split_hints(complete_fields({**own, **fields}, files.model, files.card))
        if own.get("input_size", fields["input_size"]) != fields["input_size"]:
            raise InputError(
                f"expected an input_size of {found.width} x {found.height} pixels, the only one that the graph takes, "
                f"got {fields['input_size'][0]} x {fields['input_size'][1]}; leave input_size out"
            )
        source = fix_input(model, fields["input_size"])
        structure = Structure(model, source, infer_values(model))
        outputs = [value.name for value in model.graph.output]
        understood = understand(structure, outputs, hints)
    except ValueError as error:
        raise InputError(f"{files.model}: {error}") from error
    exits = understood.exits
    contents = [file, *others]
    return Network(
        title=str(files.model),
        card=NetworkCard(
            layers={name: exit.layer for name, exit in exits.items()}, embedding=understood.embedding,
            **{"stages": understood.stages, **fields, "reasons": {**understood.reasons, **fields.get("reasons", {})}},
        ),
        build=lambda names: cut(model, {name: exits[name] for name in names}),
        digest=join_digests(contents),
        outputs=tuple(name for name in outputs if name in exits),
    ), contents
