import pytest

from twoflow import SIFTBagOfWords, compare, make_model, make_shop
from twoflow.evaluation import EXTRA_METHODS, METHODS, RECIPE_METHODS, left_out_methods, make_methods
from twoflow.evaluation.methods import _memory
from twoflow.models import take_apart


@pytest.fixture
def much_memory(monkeypatch):
    monkeypatch.setattr("twoflow.evaluation.methods._memory", lambda: 2**32)


def test_methods_are_those_of_the_paper(shop, much_memory):
    methods = make_methods([*METHODS, "cnn:stage5"], random_state=4, n_images=4_000)
    low_level = 128 + 256 + 320 + 30
    assert {name: sum(step.n_features for step in take_apart(model).steps) for name, model in methods.items()} == {
        "two-flow": 1408, "cnn": 1280, "projection": 128, "cnn:stage5": 112,
        "pixels:80x60": 14_400, "pixels:80x60+cnn": 15_680,
        "low-level": low_level, "low-level+cnn": low_level + 1280, "mid-level": low_level,
    }
    for name in ("two-flow", "projection"):
        assert dict(take_apart(methods[name]).flows)["projection"].random_state == 4


def test_recipes_are_methods_with_any_head():
    methods = make_methods([*RECIPE_METHODS, "paper:logistic", "fast:stack"], "efficientnet-lite0", random_state=4)
    for name, model in methods.items():
        recipe, *head = name.split(":")
        expected = make_model(recipe, *head, random_state=4)
        if recipe == "paper":
            expected.set_params(projection__random_state=4)
        assert repr(model) == repr(expected)
    for name in ("paper", "paper:logistic"):
        assert methods[name].get_params()["projection__random_state"] == 4
    assert methods["paper:logistic"].get_params()["head__outoffoldprobabilities__classifier__max_iter"] == 1000
    paper, two_flow = (make_methods([name], random_state=4)[name].get_params() for name in ("paper", "two-flow"))
    assert str(paper) == str(two_flow)


@pytest.mark.parametrize("name, message", [
    ("fast:forrest", "no head 'forrest'; did you mean 'forest'"),
    ("fsat", "no method 'fsat'; did you mean fast"),
    ("low-level:lda", "no method 'low-level:lda'"),
])
def test_unknown_recipe_or_head(name, message):
    with pytest.raises(ValueError, match=message):
        make_methods([name])


def test_low_level_methods_learn_their_words_once_a_fold(shop, monkeypatch):
    fits = []
    fit = SIFTBagOfWords.learn
    monkeypatch.setattr(SIFTBagOfWords, "learn", lambda self, *args: fits.append(len(args[0])) or fit(self, *args))
    superclasses = {label: label.split("/")[0] for label in shop.labels}
    methods = make_methods(["low-level", "low-level+cnn", "mid-level"], superclasses=superclasses)
    found = compare(methods, shop, folds=2)
    assert fits == [16, 16]
    n_pairs = 2 + 1  # two kinds of two models each: a pair inside each kind, and the pair of kinds
    assert [method.n_features for method in found.methods][2] == n_pairs
    assert all(method.scores["accuracy"].mean() > 0.4 for method in found.methods[:2])


@pytest.mark.parametrize(
    "n_images, memory, size",
    [(1, 2**32, "640x480"), (600, 2**32, "160x120"), (4_000, 2**32, "80x60"), (4_000, 2**31, "40x30"),
     (10**9, 2**32, "4x3")],
)
def test_the_size_of_pixels_follows_from_memory(monkeypatch, n_images, memory, size):
    """An array of float32 pixels of all images must fit in a sixteenth of the memory."""
    monkeypatch.setattr("twoflow.evaluation.methods._memory", lambda: memory)
    methods = make_methods(["pixels", "cnn", "pixels+cnn"], n_images=n_images)
    assert [*methods] == [f"pixels:{size}", "cnn", f"pixels:{size}+cnn"]


def test_a_given_size_of_pixels_is_kept():
    methods = make_methods(["pixels:320x200", "pixels:320x200+cnn"], n_images=10**6)
    assert [*methods] == ["pixels:320x200", "pixels:320x200+cnn"]
    assert all(method.get_params()["pixels__size"] == (320, 200) for method in methods.values())


@pytest.mark.parametrize("pages, limit, expected", [
    (2**40, "max\n", 2**32), (2**31, "max\n", 2**31), (2**40, f"{2**30}\n", 2**30), (2**40, None, 2**32),
    (None, None, 2**32),
])
def test_memory(monkeypatch, tmp_path, pages, limit, expected):
    """Take the memory of the machine or its container, whichever is less, and at most 4 GiB."""
    def sysconf(name):
        if pages is None:
            raise ValueError("unrecognized configuration name")
        return 1 if name == "SC_PAGE_SIZE" else pages

    monkeypatch.setattr("twoflow.evaluation.methods.os.sysconf", sysconf)
    monkeypatch.setattr("twoflow.evaluation.methods._CONTAINER_LIMIT", tmp_path / "memory.max")
    if limit is not None:
        (tmp_path / "memory.max").write_text(limit)
    assert _memory() == expected


def test_all(much_memory):
    methods = make_methods(["all"], n_images=4_000)
    named = [name.replace("pixels", "pixels:80x60") for name in METHODS]
    assert [*methods][:len(METHODS)] == named
    extra = [name for name in EXTRA_METHODS if name not in left_out_methods(["all"])]
    assert [*methods][len(METHODS):] == [*extra, "cnn:stem", *(f"cnn:stage{i}" for i in range(1, 8))]


@pytest.mark.parametrize(
    "name, message",
    [
        ("two_flow", "no method 'two_flow'; did you mean two-flow"),
        ("", "no method ''"),
        ("cnn:stage9", "no layer 'stage9'"),
        ("pixels:", "no method 'pixels:'; did you mean pixels or"),
        ("pixels:64", "no method 'pixels:64'; did you mean .*pixels:WIDTHxHEIGHT"),
    ],
)
def test_bad_methods(name, message):
    with pytest.raises(ValueError, match=message):
        make_methods([name])
    with pytest.raises(ValueError, match="no network"):
        make_methods(["cnn:stage5"], network="none")


def test_methods_differ_on_the_generated_shop():
    """A demonstration needs methods that neither fail nor are perfect."""
    found = compare(make_methods(["cnn", "projection"]), make_shop(20, 12, random_state=0), folds=3, n_jobs=2)
    accuracy = {method.name: method.scores["accuracy"].mean() for method in found.methods}
    assert 0.5 < accuracy["cnn"] < 0.98 and 0.1 < accuracy["projection"] < accuracy["cnn"] - 0.1
