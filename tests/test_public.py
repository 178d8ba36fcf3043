"""What the package promises to whoever imports it."""

import importlib
import inspect
import pickle
import pkgutil
import subprocess
import sys

import pytest

import twoflow
import twoflow.images
from twoflow.errors import UserError

PUBLIC = [
    "CNNEmbedding",
    "ClassTree",
    "ColorHistogram",
    "Confidence",
    "FlowClassifier",
    "FlowUnion",
    "ForestSelector",
    "GISTDescriptor",
    "HierarchicalClassifier",
    "ImageCollection",
    "ImageReadError",
    "LBPHistogram",
    "MultiTargetClassifier",
    "ObjectHierarchyFeatures",
    "OutOfScope",
    "PixelProjection",
    "RawPixels",
    "Risk",
    "SIFTBagOfWords",
    "SequentialClassifier",
    "SimilarImages",
    "TwoFlowClassifier",
    "audit",
    "chi2_independence",
    "compare",
    "compare_datasets",
    "corrected_resampled_ttest",
    "explain",
    "export_onnx",
    "label_next",
    "load",
    "load_folder",
    "load_table",
    "make_model",
    "make_shop",
    "open_model_file",
    "paired_ttest",
    "save",
]


def test_the_public_names_are_frozen():
    assert sorted(twoflow.__all__) == PUBLIC
    assert all(getattr(twoflow, name).__name__ == name for name in PUBLIC)
    assert set(PUBLIC) <= set(dir(twoflow))


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_documented(name):
    doc = getattr(twoflow, name).__doc__
    assert doc and ("Parameters\n" in doc or issubclass(getattr(twoflow, name), Exception))


def test_import_is_light():
    script = "import sys, twoflow; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"torch", "cv2", "onnx", "onnxruntime", "matplotlib", "sklearn", "scipy", "numpy", "mxnet", "pandas",
             "skimage"}
    assert not heavy & {name.split(".")[0] for name in loaded}


def test_flows_load_opencv_and_scikit_image_late():
    script = "import sys, twoflow.flows; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"cv2", "skimage", "onnxruntime"} & {name.split(".")[0] for name in loaded}


def test_nothing_optional_is_needed():
    """A fit and a prediction in a process in which torch, MXNet, pandas, cv2 and matplotlib cannot be imported."""
    script = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "mxnet", "pandas", "cv2", "matplotlib"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Refuse())
from twoflow import TwoFlowClassifier, make_shop
shop = make_shop(2, 4, random_state=0)
print(TwoFlowClassifier(random_state=0).fit(shop, shop.labels).predict(shop[:1])[0])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "tee/01\n"


def test_errors_can_be_pickled():
    """A worker pickles the error that it raises; one that cannot be loaded breaks the pool."""
    names = [info.name for info in pkgutil.walk_packages(twoflow.images.__path__, "twoflow.images.")]
    modules = [importlib.import_module(name) for name in names]
    classes = {each for module in modules for each in vars(module).values()
               if isinstance(each, type) and issubclass(each, UserError)}
    assert len(classes) > 5
    for each in classes:
        _, *parameters = inspect.signature(each.__init__).parameters.values()
        error = each(*(each.name for each in parameters if each.kind != each.VAR_KEYWORD))
        loaded = pickle.loads(pickle.dumps(error))
        assert type(loaded) is each and str(loaded) == str(error) and vars(loaded) == vars(error)
