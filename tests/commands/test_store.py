import os
import re
import time
from functools import partial

import numpy as np
import pytest

from twoflow.commands.program import run
from twoflow.commands.store import main
from twoflow.store import FeatureStore, database
from twoflow.store.trainings import Trainings

from .calling import call_with


def call(capsys, *arguments):
    return call_with(capsys, partial(run, main), *arguments)


@pytest.fixture
def store(tmp_path):
    store = FeatureStore(tmp_path / "store")
    store.put("a", "GISTDescriptor()", {i.to_bytes(16): np.zeros(1000, np.float32) for i in range(40)})
    store.put("b", "RawPixels()", {bytes(16): np.zeros(100, np.uint8)})
    return store


def test_info(store, capsys):
    status, out, err = call(capsys, "--store", store.folder, "info")
    head, *lines = out.splitlines()
    assert (status, err) == (0, "") and head == f"{store.folder}: {store.n_bytes / 1e6:.1f} MB"
    assert [line.split()[:4] for line in lines] == [["40", "images", "0.2", "MB"], ["1", "image", "0.0", "MB"]]
    assert lines[0].endswith("GISTDescriptor()") and lines[1].endswith("RawPixels()")
    store.put_result("key", bytes(700_000))
    last = call(capsys, "--store", store.folder, "info")[1].splitlines()[-1]
    assert re.fullmatch(r" +1 fold +0\.7 MB  last used \d{4}-\d\d-\d\d  finished folds of comparisons", last)


def test_prune_and_clear(store, capsys, monkeypatch):
    status, out, _ = call(capsys, "--store", store.folder, "prune", "--max-size", "20.1k", "--older-than", "3")
    assert status == 0 and "removed 35 feature vectors, 0 finished folds and 0" in out
    today = database._today()
    monkeypatch.setattr(database, "_today", lambda: today + 4)
    assert "removed 6 feature vectors" in call(capsys, "--store", store.folder, "prune", "--older-than", "3")[1]
    store.put("a", "GISTDescriptor()", {bytes(16): np.zeros(10)})
    store.put_result("key", bytes(1000))
    assert "1 feature vectors, 1 finished folds and 0 trainings" in call(capsys, "--store", store.folder, "clear")[1]
    assert store.flows() == [] and store.results().n_results == 0


def test_trainings(store, capsys):
    folder = Trainings(store.folder).folder
    folder.mkdir()
    for days, name in enumerate("cba"):
        (folder / name).write_bytes(bytes(1_000_000))
        os.utime(folder / name, (time.time() - 86_400 * days,) * 2)
    last = call(capsys, "--store", store.folder, "info")[1].splitlines()[-1]
    assert re.fullmatch(r" +3 trainings +3\.0 MB  last used \d{4}-\d\d-\d\d  networks that .*", last)
    status, out, _ = call(capsys, "--store", store.folder, "prune", "--older-than", "1.5")
    assert status == 0 and "0 finished folds and 1 trainings" in out
    assert "0 feature vectors, 0 finished folds and 1 trainings" in call(
        capsys, "--store", store.folder, "prune", "--max-size", f"{store.n_bytes + 1_500_000}"
    )[1]
    assert [path.name for path in folder.iterdir()] == ["c"] and len(store.flows()) == 2
    assert "0 finished folds and 1 trainings, " in call(capsys, "--store", store.folder, "clear")[1]
    assert list(folder.iterdir()) == []


def test_a_store_that_does_not_exist_is_not_created(tmp_path, capsys):
    assert call(capsys, "--store", tmp_path / "none", "info") == (0, f"{tmp_path / 'none'}: no store\n", "")
    assert not (tmp_path / "none").exists()


def test_the_default_store_is_in_the_cache_folder(capsys):
    folder = FeatureStore().folder
    assert call(capsys, "info")[1] == f"{folder}: no store\n"


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "ACTION"),
        (["empty"], "invalid choice: 'empty'"),
        (["prune"], "prune needs --older-than, --max-size or both"),
        (["prune", "--max-size", "much"], "expected a size, such as 500M, 2G or a number of bytes, got 'much'"),
        (["prune", "--older-than", "-1"], "--older-than: expected a number of days, such as 90, got '-1'"),
        (["prune", "--older-than", "nan"], "got 'nan'"),
    ],
)
def test_bad_input_is_one_line_with_status_2(arguments, message, capsys):
    status, out, err = call(capsys, *arguments)
    assert (status, out) == (2, "") and err.count("\n") == 1 and message in err
