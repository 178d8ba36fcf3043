"""Change model files, with all digests corrected, as a knowing hand would."""

import io
import json
import zipfile

import numpy as np

from twoflow.models.model_file.archive import pack, unpack, write_zip
from twoflow.models.model_file.arrays import read_array, write_array
from twoflow.models.model_file.members import MODEL
from twoflow.models.model_file.schema import SCHEMA, walk


def change_members(path, change):
    """Apply a function to the members of a model file, and write it again with the digests of the changed ones."""
    members = unpack(path.read_bytes())
    change(members)
    path.write_bytes(pack(members))
    return path


def change_card(path, change):
    """Apply a function to the card of a model file, as a dict."""
    def apply(members):
        card = json.loads(members["card.json"])
        change(card)
        members["card.json"] = json.dumps(card).encode()
    return change_members(path, apply)


def read_state(members):
    """Return the schema and files of the skops file in the members of a model file."""
    with zipfile.ZipFile(io.BytesIO(members[MODEL])) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    return json.loads(files.pop(SCHEMA)), files


def change_state(path, change):
    """Apply a function to the schema and files of the skops file in a model file."""
    def apply(members):
        schema, files = read_state(members)
        change(schema, files)
        members[MODEL] = write_zip({SCHEMA: json.dumps(schema).encode(), **files})
    return change_members(path, apply)


def find(schema, name):
    """Return the node of a class that has the most attributes: a fitted one."""
    kinds = ("ObjectNode", "TreeNode")
    found = [node for node in walk(schema) if node["__class__"] == name and node["__loader__"] in kinds]
    return max(found, key=lambda node: len(node["content"]["content"]))


def attributes(schema, name):
    """Return the nodes of the attributes of the fitted object of a class."""
    return find(schema, name)["content"]["content"]


def change_attribute(path, name, attribute, value):
    """Set an attribute of the fitted object of a class to a number, text or None."""
    def apply(schema, files):
        node = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": json.dumps(value)}
        found = attributes(schema, name)
        assert attribute in found, f"{name} has no attribute {attribute}"
        found[attribute] = node
    return change_state(path, apply)


def change_array(path, name, attribute, change):
    """Apply a function to the array that an attribute of the fitted object of a class is, or that a tree has."""
    def apply(schema, files):
        node = attributes(schema, name)[attribute]
        array = read_array(files[node["file"]])
        files[node["file"]] = write_array(np.asarray(change(array)))
    return change_state(path, apply)
