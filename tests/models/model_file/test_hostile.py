"""A file from a stranger: every damaged or malicious model file is refused in one line, and no code of it runs."""

import hashlib
import io
import json
import pickle
import shutil
import struct
import zipfile

import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from twoflow import CNNEmbedding, ColorHistogram, FlowClassifier, PixelProjection, load, open_model_file, save
from twoflow.errors import OutsideError, UserError
from twoflow.flows import Flow
from twoflow.heads import BinnedForestClassifier
from twoflow.models.model_file import archive
from twoflow.models.model_file.arrays import read_array, write_array

from .tampering import attributes, change_array, change_attribute, change_card, change_members, change_state, find

EASY = {"C": 0.01, "max_iter": 10_000}
DAMAGED = "get the file again from whoever made it"


def fit(shop, head, flow=None):
    return FlowClassifier([("flow", flow or ColorHistogram(), "passthrough")], head, random_state=0).fit(shop)


@pytest.fixture(scope="module")
def saved(shop, tmp_path_factory):
    """Model files of several heads, by name."""
    folder = tmp_path_factory.mktemp("saved")
    models = {
        "forest": fit(shop, RandomForestClassifier(5)),
        "binned": fit(shop, BinnedForestClassifier(5)),
        "logistic": fit(shop, LogisticRegression(**EASY)),
        "neighbors": fit(shop, KNeighborsClassifier(3, algorithm="brute")),
        "svc": fit(shop, SVC()),
        "projection": fit(shop, LogisticRegression(**EASY), PixelProjection(8, (20, 20), random_state=0)),
        "cnn": fit(shop, LogisticRegression(**EASY), CNNEmbedding(layer="stage1", pooling="max")),
        "int8": fit(shop, LogisticRegression(**EASY), CNNEmbedding(layer="stage1", pooling="max", precision="int8")),
        "pipeline": make_pipeline(ColorHistogram(), LogisticRegression(**EASY)).fit(shop, shop.labels),
    }
    for name, model in models.items():
        save(model, folder / f"{name}.twoflow", collection=shop)
    return folder


@pytest.fixture
def copy_of(saved, tmp_path):
    def copy(name):
        return shutil.copy(saved / f"{name}.twoflow", tmp_path / "model.twoflow")
    return copy


def refuse(path, *words, **options):
    """Check that a file is refused in one printable line that names it and has these words."""
    with pytest.raises(UserError) as caught:
        load(path, **options)
    message = str(caught.value)
    assert message.isprintable() and str(path) in message and len(message) < 2100
    assert "; " in message, f"{message}: no remedy"
    for word in words:
        assert word in message, message


def test_a_model_that_cannot_be_read_back_is_not_saved(shop, tmp_path):
    model = fit(shop, KNeighborsClassifier(3, algorithm="kd_tree"))
    with pytest.raises(UserError, match="^a FlowClassifier cannot be read back from a file: .*; replace that part$"):
        save(model, tmp_path / "model.twoflow")
    assert not list(tmp_path.iterdir())


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('code of the file ran')",)


OTHER_FILES = {
    "pickle": (lambda path: path.write_bytes(pickle.dumps(Bomb())), "a pickle"),
    "old pickle": (lambda path: path.write_bytes(pickle.dumps(Bomb(), 0)), "got text"),
    "joblib": (lambda path: joblib.dump({"a": 1}, path), "a pickle"),
    "compressed joblib": (lambda path: joblib.dump({"a": 1}, path, compress=3), "a compressed pickle"),
    "text": (lambda path: path.write_text("hello"), "got text"),
    "empty": (lambda path: path.write_bytes(b""), "an empty file"),
    "binary": (lambda path: path.write_bytes(bytes(range(256)) * 9), "another kind of file"),
    "zip": (lambda path: path.write_bytes(archive.write_zip({"a": b"b"})), "a zip archive without manifest.json"),
    "zip header": (lambda path: path.write_bytes(b"PK\3\4"), "damaged or incomplete"),
}


@pytest.mark.parametrize("kind", OTHER_FILES)
def test_another_file(kind, tmp_path):
    make, words = OTHER_FILES[kind]
    make(tmp_path / "a.twoflow")
    refuse(tmp_path / "a.twoflow", words)


@pytest.mark.parametrize("name", ["none.twoflow", "", "a\0b"])
def test_a_missing_file(name, tmp_path):
    with pytest.raises(OutsideError, match="cannot read the model file .*; name another file"):
        load(tmp_path / name)


def test_every_member_with_a_changed_byte(copy_of):
    path = copy_of("projection")
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as opened:
        infos = opened.infolist()
    assert {"card.json", "manifest.json", "model.skops", "examples/0/0.jpg"} <= {info.filename for info in infos}
    for info in infos:
        start = info.header_offset + 30 + len(info.filename)
        for at in (start, start + info.compress_size // 2, start + info.compress_size - 1):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 16]) + whole[at + 1:])
            refuse(path)


def test_a_truncated_file(copy_of):
    path = copy_of("logistic")
    whole = path.read_bytes()
    for end in (3, 100, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        path.write_bytes(whole[:end])
        refuse(path, DAMAGED)


def test_a_changed_member_with_a_right_checksum(copy_of):
    path = copy_of("logistic")
    with zipfile.ZipFile(path) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    members["card.json"] = members["card.json"].replace(b"FlowClassifier", b"FlowClassifies")
    path.write_bytes(archive.write_zip(members))
    refuse(path, "the file is damaged or was changed", DAMAGED)
    rewrite_manifest(path, lambda manifest: None)
    refuse(path, "card.json is damaged or was changed", DAMAGED)


def test_the_digest_of_the_whole_file(copy_of):
    path = copy_of("logistic")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert open_model_file(path, digest=digest.upper()).digest == digest
    change_card(path, lambda card: card.update(title="better"))
    assert open_model_file(path).card.title == "better"  # a knowing hand is not seen from inside
    refuse(path, f"expected SHA-256 {digest}", digest=digest)


def write_infos(path, members):
    """Write a zip archive of these (name or ZipInfo, content)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in members:
            written.writestr(name, content)
    return path


NAMES = ["../evil", "/evil", "a/../../evil", "a\\..\\evil", "C:evil", "a//b", "./a", "a\nb", "a/", "\u202ea"]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_lead_elsewhere(name, tmp_path):
    refuse(write_infos(tmp_path / "a.twoflow", [(name, b"x")]), "plain names")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicated_names(copy_of):
    path = copy_of("logistic")
    with zipfile.ZipFile(path, "a") as opened:
        opened.writestr("card.json", b"{}")
    refuse(path, "different plain names", "card.json")


def test_bombs(tmp_path):
    path = tmp_path / "a.twoflow"
    refuse(write_infos(path, [("a", bytes(10**8))]), "a: expected at most 100 times")
    many = write_infos(path, [(f"{number}", b"") for number in range(20_001)])
    refuse(many, "at most 20000 members")
    huge = zipfile.ZipInfo("a")
    write_infos(path, [(huge, b"x")])
    content = path.read_bytes()
    place = content.rindex(b"PK\1\2")
    content = content[:place + 24] + struct.pack("<I", 2**32 - 2) + content[place + 28:]
    path.write_bytes(content)
    refuse(path, "a: expected at most 100 times")
    path.write_bytes(content[:-10] + struct.pack("<I", 2**30) + content[-6:])
    refuse(path, "its directory is missing")


def test_a_size_that_is_too_small(copy_of):
    path = copy_of("logistic")
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as opened:
        first = opened.infolist()[0]
    place = content.index(b"PK\1\2")
    content[place + 24:place + 28] = struct.pack("<I", first.file_size // 2)
    path.write_bytes(content)
    refuse(path, DAMAGED)


def test_bytes_before_the_archive_or_between_its_members(copy_of):
    path = copy_of("logistic")
    whole = path.read_bytes()
    path.write_bytes(b"PK" + whole)
    refuse(path, "damaged")


def rewrite_manifest(path, change):
    """Apply a function to the manifest of a model file; its digest of all before it is right."""
    with zipfile.ZipFile(path) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    manifest = json.loads(members.pop("manifest.json"))
    before = archive.write_zip(members)
    with zipfile.ZipFile(io.BytesIO(before)) as opened:
        manifest["sha256"] = hashlib.sha256(before[:opened.start_dir]).hexdigest()
    change(manifest)
    path.write_bytes(archive.write_zip({**members, "manifest.json": json.dumps(manifest).encode()}))
    return path


@pytest.mark.parametrize("change, words", [
    (lambda manifest: manifest.update(version=2), "version 1, got version 2; pip install --upgrade twoflow"),
    (lambda manifest: manifest.update(version="1"), "expected the manifest of a twoflow model file"),
    (lambda manifest: manifest.update(version=True), "expected the manifest of a twoflow model file"),
    (lambda manifest: manifest.update(format="other"), "expected the manifest of a twoflow model file"),
    (lambda manifest: manifest.update(members=[]), "a table of members"),
    (lambda manifest: manifest.update(members={"card.json": 3}), "a table of members"),
    (lambda manifest: manifest["members"].pop("card.json"), "expected the members of its manifest"),
    (lambda manifest: manifest["members"].update(more={}), "expected the members of its manifest"),
])
def test_manifests(change, words, copy_of):
    refuse(rewrite_manifest(copy_of("logistic"), change), words)


TEXTS = [b"", b"{", b"\xff", b'{"a": NaN}', b'{"a": 1e999}', b'{"a": 1, "a": 2}', b"[" * 10**5]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_card_that_is_no_strict_json(text, copy_of):
    refuse(change_members(copy_of("logistic"), lambda members: members.update({"card.json": text})), "card.json: exp")


@pytest.mark.parametrize("change, words", [
    (lambda card: card.update(title=3), "title: expected a text, got 3"),
    (lambda card: card.update(targets={}), "targets: expected a list"),
    (lambda card: card.update(targets=[]), "targets: expected at least one"),
    (lambda card: card.update(n_images=-1), "n_images: expected no negative"),
    (lambda card: card.update(n_images=True), "n_images: expected a number"),
    (lambda card: card.update(threshold=2), "threshold: expected a number from 0 to 1"),
    (lambda card: card.update(threshold="0.5"), "threshold: expected a number"),
    (lambda card: card.update(networks=[{"name": "a"}]), "digest: expected a text"),
    (lambda card: card.update(versions={"a": 1}), "versions: expected texts"),
    (lambda card: card.update(versions=[1]), "versions: expected a table"),
    (lambda card: card["targets"][0].update(classes=[None]), "classes: expected a list of texts"),
    (lambda card: card["targets"][0].update(classes=["a", "a"]), "expected different classes"),
    (lambda card: card["targets"][0].update(classes=["a", "b", "c", "d"]), "card names other classes"),
    (lambda card: card["targets"][0].update(counts=[1]), "a count for each"),
    (lambda card: card["targets"][0].update(counts=[1, 2, 3, 0.5]), "counts: expected whole numbers"),
    (lambda card: card["targets"][0].update(levels={"kind": ["a"]}), "a value for each of 4 classes"),
    (lambda card: card["targets"][0].update(levels={"kind": 3}), "levels: kind: expected a list"),
    (lambda card: card["targets"][0].update(expectation={"interval": [1]}), "interval: expected two numbers"),
    (lambda card: card["targets"].append(3), "expected a table, got int"),
    (lambda card: card.clear(), "targets: expected a list, got None"),
])
def test_cards_with_wrong_values(change, words, copy_of):
    refuse(change_card(copy_of("logistic"), change), words)


@pytest.mark.parametrize("columns, words", [
    ({"true": np.zeros(3, np.int32)}, "columns of one length"),
    ({"true": np.zeros(3), "predicted": np.zeros(3, np.int32), "confidence": np.zeros(3, np.float32)}, "as int32"),
    ({"true": np.full(3, 9, np.int32), "predicted": np.zeros(3, np.int32), "confidence": np.zeros(3, np.float32)},
     "positions of 4 classes"),
    ({"true": np.zeros(3, np.int32), "predicted": np.zeros(3, np.int32), "confidence": np.full(3, 2, np.float32)},
     "confidences from 0 to 1"),
])
def test_held_out_answers(columns, words, copy_of):
    members = {f"held_out/0/{name}.npy": write_array(column) for name, column in columns.items()}
    refuse(change_members(copy_of("logistic"), lambda found: found.update(members)), words)


def test_an_example_that_is_no_jpeg(copy_of):
    change = {"examples/0/1.jpg": b"<svg onload=alert(1)>"}
    refuse(change_members(copy_of("logistic"), lambda members: members.update(change)), "expected a JPEG")


def rename(name, to):
    """Return a change of the schema: the first node of a class gets another class."""
    module, _, other = to.rpartition(".")
    return lambda schema, files: find(schema, name).update(__class__=other, __module__=module)


@pytest.mark.parametrize("to", [
    "os.system", "builtins.eval", "subprocess.Popen", "sklearn.datasets.load_files", "twoflow.store.FeatureStore",
    "joblib.memory.Memory", "sklearn.externals.evil.Evil", "pathlib.PosixPath",
])
def test_an_unknown_class(to, copy_of):
    words = f"expected classes that twoflow knows, got {to}; if you trust whoever made the file, pass trusted=['{to}']"
    refuse(change_state(copy_of("logistic"), rename("LogisticRegression", to)), words)


def test_all_unknown_classes_are_named(copy_of):
    path = change_state(copy_of("logistic"), rename("LogisticRegression", "shop.Head"))
    change_state(path, rename("ColorHistogram", "shop.Color"))
    refuse(path, "trusted=['shop.Color', 'shop.Head']")
    refuse(path, "trusted=['shop.Head']", trusted=["shop.Color"])
    refuse(path, "shop.Color cannot be imported", trusted=["shop.Color", "shop.Head"])


@pytest.mark.parametrize("trusted", [[3], ["Edges"], [None]])
def test_trusted_must_be_classes(trusted, copy_of):
    refuse(copy_of("logistic"), "trusted: expected classes", trusted=trusted)


LOADERS = ["MethodNode", "OperatorFuncNode", "PartialNode", "ConstructorFromReduceNode", 3, None]


@pytest.mark.parametrize("loader", LOADERS)
def test_kinds_of_nodes_that_call_things(loader, copy_of):
    def change(schema, files):
        find(schema, "LogisticRegression").update(__loader__=loader)

    refuse(change_state(copy_of("logistic"), change), "expected a node of a known kind")


@pytest.mark.parametrize("protocol", [0, 1, 3, "2", None, True])
def test_other_protocols(protocol, copy_of):
    def change(schema, files):
        schema.update(protocol=protocol)

    refuse(change_state(copy_of("logistic"), change), "expected protocol 2")


def test_nesting_that_is_too_deep(copy_of):
    def change(schema, files):
        node = attributes(schema, "LogisticRegression")
        for _ in range(300):
            kind = {"__loader__": "ListNode", "__class__": "list", "__module__": "builtins"}
            node["C"] = {**kind, "content": [node["C"]]}
    refuse(change_state(copy_of("logistic"), change), "expected at most 400 levels")


def test_a_reference_to_itself(copy_of):
    def change(schema, files):
        node = find(schema, "LogisticRegression")
        node["__id__"] = 77
        attributes(schema, "LogisticRegression")["C"] = {
            "__loader__": "CachedNode", "__class__": "int", "__module__": "builtins", "__id__": 77,
        }
    refuse(change_state(copy_of("logistic"), change), "do not fit together")


@pytest.mark.parametrize("name, attribute, value, words", [
    ("FlowClassifier", "store", "/tmp/evil", "FlowClassifier.store: expected none"),
    ("FlowUnion", "n_jobs", 10**6, "FlowUnion.n_jobs: expected none"),
    ("FlowUnion", "verbose", 3, "FlowUnion.verbose: expected none"),
    ("FlowUnion", "flows_", 3, "cannot answer"),
    ("FlowClassifier", "classes_", None, "without classes_"),
    ("FlowClassifier", "model_", 3, "do not fit together"),
    ("LogisticRegression", "n_features_in_", 7, "cannot answer"),
    ("LogisticRegression", "coef_", None, "cannot answer"),
    ("LogisticRegression", "coef_", "x" * 10_000, "cannot answer"),
])
def test_attributes(name, attribute, value, words, copy_of):
    refuse(change_attribute(copy_of("logistic"), name, attribute, value), words)


def test_a_cache_of_a_pipeline(copy_of):
    refuse(change_attribute(copy_of("pipeline"), "Pipeline", "memory", "/tmp/evil"), "Pipeline.memory: expected none")


def test_a_path_of_a_fitted_flow(copy_of):
    path = change_attribute(copy_of("cnn"), "CNNEmbedding", "network_path_", "/tmp/evil")
    refuse(path, "CNNEmbedding.network_path_: expected none")


@pytest.mark.parametrize("network", ["/dev/zero", "evil.onnx", "../x"])
def test_a_path_as_network(network, copy_of):
    refuse(change_attribute(copy_of("cnn"), "CNNEmbedding", "network", network), "expected the name of a network")


@pytest.mark.parametrize("change", [
    lambda coef: coef[:, :-1], lambda coef: coef[:-1], lambda coef: coef.ravel(), lambda coef: np.zeros((0, 0)),
    lambda coef: coef.astype("U8"), lambda coef: coef[None],
])
def test_coefficients_of_another_shape(change, copy_of):
    refuse(change_array(copy_of("logistic"), "LogisticRegression", "coef_", change))


def npy(descr, shape, content, **more):
    """Return the bytes of an array with any header."""
    text = repr({"descr": descr, "fortran_order": False, "shape": shape, **more}).encode()
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text)) + text + content


ARRAYS = {
    "no array": lambda data: b"hello",
    "empty": lambda data: b"",
    "cut": lambda data: data[:-8],
    "longer": lambda data: data + b"12345678",
    "objects": lambda data: npy("|O", (1,), b"\x80\x04N."),
    "objects in a field": lambda data: npy([("a", "|O")], (1,), bytes(8)),
    "huge": lambda data: npy("<f8", (2**40,), bytes(8)),
    "huge and empty": lambda data: npy("<U0", (2**40,), b""),
    "overflowing": lambda data: npy("<f8", (2**62, 4), bytes(8)),
    "negative": lambda data: npy("<f8", (-1, -1), bytes(8)),
    "many dimensions": lambda data: npy("<f8", (1,) * 99, bytes(8)),
    "a long header": lambda data: npy("<f8", (1,), bytes(8), **{"x" * 20_000: 1}),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_damaged_arrays(kind, copy_of):
    def change(schema, files):
        name = attributes(schema, "LogisticRegression")["coef_"]["file"]
        files[name] = ARRAYS[kind](files[name])
    refuse(change_state(copy_of("logistic"), change))


def test_a_missing_array(copy_of):
    refuse(change_state(copy_of("logistic"), lambda schema, files: files.clear()), "do not fit together")


def test_a_compressed_member_inside(copy_of):
    def change(members):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as written:
            written.writestr("schema.json", bytes(10**6))
        members["model.skops"] = buffer.getvalue()
    refuse(change_members(copy_of("logistic"), change), "not compressed")


def change_tree(path, change):
    """Apply a function to the nodes of the first tree."""
    def apply(schema, files):
        name = find(schema, "Tree")["content"]["content"]["nodes"]["file"]
        nodes = read_array(files[name])
        files[name] = write_array(change(nodes))
    return change_state(path, apply)


def put(field, value, row=0):
    def change(nodes):
        nodes[field][row] = value
        return nodes
    return change


@pytest.mark.parametrize("change", [
    put("left_child", 2**40), put("right_child", -7), put("left_child", 0), put("left_child", -1),
    put("feature", 2**40), put("feature", -3), put("right_child", 2**31, row=-1),
    lambda nodes: nodes[:-1], lambda nodes: nodes[:0], lambda nodes: np.zeros(3),
])
def test_trees_that_lead_outside(change, copy_of):
    refuse(change_tree(copy_of("forest"), change))


@pytest.mark.parametrize("name, attribute, value", [
    ("RandomForestClassifier", "n_features_in_", 3), ("DecisionTreeClassifier", "n_features_in_", 10**6),
    ("DecisionTreeClassifier", "tree_", None), ("DecisionTreeClassifier", "n_outputs_", 2),
])
def test_forests_of_other_features(name, attribute, value, copy_of):
    refuse(change_attribute(copy_of("forest"), name, attribute, value))


def test_binned_forests_of_other_features(copy_of):
    refuse(change_attribute(copy_of("binned"), "BinnedForestClassifier", "n_features_in_", 3))


@pytest.mark.parametrize("attribute, change", [
    ("_y", lambda y: y + 100), ("_y", lambda y: y - 100), ("_y", lambda y: y[:3]), ("_fit_X", lambda X: X[:, :3]),
    ("_fit_X", lambda X: X.astype(int)),
])
def test_neighbors_of_other_classes(attribute, change, copy_of):
    refuse(change_array(copy_of("neighbors"), "KNeighborsClassifier", attribute, change), "expected neighbors")


@pytest.mark.parametrize("attribute, change", [
    ("support_vectors_", lambda array: array[:-1]), ("support_vectors_", lambda array: array[:, :-1]),
    ("_n_support", lambda array: array + 1000), ("_n_support", lambda array: -array),
    ("dual_coef_", lambda array: array.T), ("_intercept_", lambda array: array[:1]),
    ("support_", lambda array: array[:1]),
])
def test_support_vectors_of_another_shape(attribute, change, copy_of):
    refuse(change_array(copy_of("svc"), "SVC", attribute, change), "expected support vectors")


@pytest.mark.parametrize("change", [
    lambda arrays: arrays.update({"indices.npy": arrays["indices.npy"] + 10**6}),
    lambda arrays: arrays.update({"indptr.npy": arrays["indptr.npy"] * 1000}),
    lambda arrays: arrays.update({"shape.npy": np.array([8, 3])}),
    lambda arrays: arrays.update({"format.npy": np.array("coo")}),
    lambda arrays: arrays.pop("data.npy"),
])
def test_sparse_matrices_that_lead_outside(change, copy_of):
    def apply(schema, files):
        name = attributes(schema, "PixelProjection")["components_"]["file"]
        with zipfile.ZipFile(io.BytesIO(files[name])) as packed:
            arrays = {each: read_array(packed.read(each)) for each in packed.namelist()}
        change(arrays)
        files[name] = archive.write_zip({each: write_array(np.asarray(array)) for each, array in arrays.items()})
    refuse(change_state(copy_of("projection"), apply))


def test_a_quantized_graph_that_names_a_file(copy_of):
    import onnx

    def change(schema, files):
        name = attributes(schema, "QuantizedNetwork")["graph"]["file"]
        model = onnx.load_from_string(files[name])
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="/etc/passwd")
        files[name] = model.SerializeToString()
    refuse(change_state(copy_of("int8"), change), "with its weights inside")


class Edges(Flow):
    """A flow of the user's own."""

    n_features_out = 3

    def __init__(self, side=8, *, n_jobs=None, on_error="raise", verbose=False, store=None):
        super().__init__(n_jobs=n_jobs, on_error=on_error, verbose=verbose, store=store)
        self.side = side

    def extract(self, image, n_threads):
        return image.resized((self.side, self.side)).mean(axis=(0, 1))


class Head(LogisticRegression):
    """A head of the user's own."""


def test_classes_of_ones_own(shop, tmp_path):
    model = fit(shop, Head(**EASY), Edges(4))
    path = tmp_path / "own.twoflow"
    save(model, path)
    names = [f"{each.__module__}.{each.__qualname__}" for each in (Edges, Head)]
    refuse(path, f"pass trusted={names}")
    refuse(path, f"pass trusted={names[1:]}", trusted=[Edges])
    for trusted in ([Edges, Head], names, (Edges, names[1])):
        assert (load(path, trusted=trusted).predict_proba(shop) == model.predict_proba(shop)).all()


class Unsavable(BaseEstimator):
    """A part that holds something that is no value."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.generator_ = (number for number in range(3))
        return self

    def predict(self, X):
        return self.classes_[:1].repeat(len(X))


def test_what_cannot_be_saved_is_an_error_of_one_line(shop, tmp_path):
    path = tmp_path / "a.twoflow"
    with pytest.raises(UserError, match="^FlowClassifier has a part that cannot be saved .*; replace that part$"):
        save(fit(shop, Unsavable()), path)
    assert not path.exists()
