"""Write MXNet's two files in every layout that they have had."""

import json
import struct

import numpy as np

DTYPES = ("<f4", "<f8", "<f2", "u1", "<i4", "i1", "<i8", "?", "<i2", "<u2", "<u4", "<u8")
LAYOUTS = ("legacy", "V1", "V2", "V3")


def record(array, layout="V2", shape=None, stype=0, code=None):
    """Return the bytes of one array; `shape`, `stype` and `code` can describe it falsely."""
    shape = array.shape if shape is None else shape
    device = struct.pack("<ii", 1, 0)
    code = [np.dtype(each) for each in DTYPES].index(array.dtype) if code is None else code
    if layout == "legacy":
        head = struct.pack(f"<I{len(shape)}I", len(shape), *shape)
    else:
        head = struct.pack("<I", {"V1": 0xF993FAC8, "V2": 0xF993FAC9, "V3": 0xF993FACA}[layout])
        if layout != "V1":
            head += struct.pack("<i", stype)
        head += struct.pack(f"<i{len(shape)}q", len(shape), *shape)
    return head + device + struct.pack("<i", code) + array.tobytes()


def params(records, names, n_records=None, n_names=None, magic=0x112):
    """Return the bytes of a file with these records; the other arguments can describe it falsely."""
    names = [name if isinstance(name, bytes) else name.encode() for name in names]
    return b"".join([
        struct.pack("<QQQ", magic, 0, len(records) if n_records is None else n_records),
        *records,
        struct.pack("<Q", len(names) if n_names is None else n_names),
        *(struct.pack("<Q", len(name)) + name for name in names),
    ])


def network(*operators, key="attrs", n_inputs=3, version=10901):
    """Return the dict of a symbol. An operator is (op, name, attributes, inputs); other names are variables."""
    nodes, position = [], {}

    def add(op, name, attributes, inputs):
        position[name] = len(nodes)
        nodes.append({"op": op, "name": name, key: attributes, "inputs": inputs})

    for op, name, attributes, inputs in operators:
        for variable in inputs:
            if variable not in position:
                add("null", variable, {}, [])
        add(op, name, {k: str(v) for k, v in attributes.items()}, [[position[i], 0, 0][:n_inputs] for i in inputs])
    heads = [[len(nodes) - 1, 0, 0][:n_inputs]]
    document = {"nodes": nodes, "arg_nodes": [], "heads": heads}
    if version is not None:
        document["attrs"] = {"mxnet_version": ["int", version]}
    return document


def write(folder, document, arrays, prefix="net", epoch=1, card=None):
    """Write symbol, parameters and card, and return the path of the symbol."""
    symbol = folder / f"{prefix}-symbol.json"
    symbol.write_text(json.dumps(document))
    records = [record(np.asarray(array)) for array in arrays.values()]
    content = params(records, [f"arg:{name}" for name in arrays])
    (folder / f"{prefix}-{epoch:04d}.params").write_bytes(content)
    if card is not None:
        (folder / f"{prefix}.card.json").write_text(json.dumps(card))
    return symbol
