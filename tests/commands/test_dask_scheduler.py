"""Work on a Dask cluster of two worker processes on this machine. Some tests kill a worker."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest
from joblib import Parallel, delayed, effective_n_jobs, parallel_config
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline

from twoflow import (
    CNNEmbedding,
    FlowUnion,
    ImageReadError,
    PixelProjection,
    RawPixels,
    SIFTBagOfWords,
    compare,
    load_folder,
    make_model,
    make_shop,
    save,
)
from twoflow._jobs import share
from twoflow.commands import cv, predict
from twoflow.commands.program import run
from twoflow.evaluation import running
from twoflow.flows.engine import extraction
from twoflow.flows.engine.extraction import extract
from twoflow.store import FeatureStore

from ..lanes import unavailable
from ..terminal import default_signals
from .calling import call_with
from .test_cv import call

try:
    import distributed
except ModuleNotFoundError:
    distributed = None

QUICK = ["--methods", "projection,cnn:stage1", "--folds", "3", "--quiet"]


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes of one thread each, which are restarted when they die."""
    if distributed is None:
        unavailable("needs dask and distributed, the extra dask")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs="CRITICAL"
    ) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    """A client that is not the default one, since a command makes its own."""
    with distributed.Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        yield client


@pytest.fixture
def dask(client):
    """Send joblib's parallel work to the cluster."""
    with client.as_current(), parallel_config("dask"):
        yield client


@pytest.fixture
def folder(tmp_path):
    make_shop(n_classes=4, n_per_class=8, folder=tmp_path / "shop", random_state=0)
    return tmp_path / "shop"


@pytest.fixture
def union():
    return FlowUnion([("projection", PixelProjection(16, random_state=0)), ("cnn", CNNEmbedding())])


def kill(client, n_workers):
    for pid in list(client.run(os.getpid).values())[:n_workers]:
        os.kill(pid, signal.SIGKILL)


class Pixels(ClassifierMixin, BaseEstimator):
    """Take images themselves; record how many workers a nested parallel part would get."""

    def fit(self, X, y):
        self.train_accuracy_ = effective_n_jobs(None)
        self.model_ = make_pipeline(RawPixels((8, 6)), RidgeClassifier()).fit(X, y)
        return self

    def predict(self, X):
        return self.model_.predict(X)


class Counted:
    """Count in each process how often it is unpickled there."""

    n_unpickled = Counter()

    def __reduce__(self):
        return _unpickle, ()


def _unpickle():
    Counted.n_unpickled["here"] += 1
    return Counted()


def _count(_, i):
    return Counted.n_unpickled["here"]


OPENED = []


def _watch_databases():
    sys.addaudithook(lambda event, arguments: OPENED.append(arguments) if event == "sqlite3.connect" else None)


def _opened():
    return OPENED


def test_features(folder, union, dask, tmp_path):
    """They are the same bytes, and only the caller opens the store."""
    images = [*load_folder(folder).paths, np.zeros((9, 9, 3), np.uint8)]
    with parallel_config("threading"):
        expected = union.fit_transform(images)
    dask.run(_watch_databases)
    union.set_params(store=tmp_path / "store").fit(images)
    for known, n_computed in ((images[:-1], len(images) - 1), (images, 1), (images, 0)):
        found = extract(union, known)
        assert found.n_computed == n_computed
        assert found.features.tobytes() == expected[:len(known)].tobytes()
    assert {flow.n_images for flow in FeatureStore(tmp_path / "store").flows()} == {len(images)}
    assert dask.run(_opened) == {worker: [] for worker in dask.scheduler_info()["workers"]}


def test_an_image_that_a_worker_cannot_read(folder, union, dask):
    """An error ends the work early. The tasks that were left do not disturb the next work."""
    paths = load_folder(folder).paths
    union.fit(paths)
    expected = union.transform(paths)
    with pytest.raises(ImageReadError, match="none.jpg: no such file"):
        union.transform([str(folder / "none.jpg"), *paths, *paths, *paths])
    assert (union.transform(paths) == expected).all()
    errors = extract(union.set_params(on_error="nan"), [*paths, str(folder / "none.jpg")]).errors
    assert [(position, error.reason) for position, error in errors] == [(len(paths), "no such file or directory")]


def test_each_task_computes_with_one_thread(folder, dask, monkeypatch):
    """However few the images are: the cores that joblib counts belong to many machines."""
    seen = []
    monkeypatch.setattr(extraction, "_compute_chunk", _threads)
    monkeypatch.setattr(extraction, "_file", lambda chunk, *_: seen.append(chunk.features))
    extract(RawPixels((2, 2)), load_folder(folder).paths[:1])
    assert seen == [1]


def _threads(work, images, n_threads, crew):
    return extraction._Chunk(n_threads, [], [])


def test_a_comparison(folder, dask):
    """With methods whose flows learn and methods that take images; inside a fold nothing runs in parallel again."""
    shop = load_folder(folder)
    methods = {
        "pixels": make_pipeline(RawPixels((8, 6)), RidgeClassifier()),
        "sift": make_pipeline(SIFTBagOfWords(6, size=48, random_state=0), RidgeClassifier()),
        "images": Pixels(),
    }
    there = compare(methods, shop, folds=3)
    with parallel_config("loky"):
        here = compare(methods, shop, folds=3)
    for one, other in zip(there.methods, here.methods):
        assert one.scores["accuracy"].tobytes() == other.scores["accuracy"].tobytes()
        assert one.scores["macro_f1"].tobytes() == other.scores["macro_f1"].tobytes()
    assert there.methods[2].train_accuracy.tolist() == [1, 1, 1]


def test_a_model(folder, dask):
    shop = load_folder(folder)
    model = make_model(random_state=0).set_params(
        head__n_estimators=10, projection_selector="passthrough", cnn_selector="passthrough"
    )
    there = model.fit(shop, shop.labels).predict_proba(shop)
    with parallel_config("threading"):
        assert (model.fit(shop, shop.labels).predict_proba(shop) == there).all()


def test_what_is_shared_is_sent_once(dask):
    """To each worker once, and without a warning from Dask about its size, which would be an error here."""
    shared = share([Counted(), np.zeros(4_000_000)])
    counts = Parallel()(delayed(_count)(shared, i) for i in range(40))
    assert set(counts) == {1}


def test_a_cluster_of_one_thread(folder, union, tmp_path):
    """joblib then works in this process, and the shared values are still available."""
    if distributed is None:
        unavailable("needs dask and distributed, the extra dask")
    shop = load_folder(folder)
    methods = {"pixels": make_pipeline(RawPixels((8, 6)), RidgeClassifier())}
    with _scheduler(tmp_path) as (address, _), distributed.Client(address) as client, parallel_config("dask"):
        client.wait_for_workers(1, timeout=60)
        assert share(shop.paths).result(timeout=60) == shop.paths
        features, there = union.fit_transform(shop), compare(methods, shop, folds=3)
    assert (features == union.transform(shop)).all()
    assert (there.methods[0].scores["accuracy"] == compare(methods, shop, folds=3).methods[0].scores["accuracy"]).all()


def test_killed_workers_change_no_score(folder, client, tmp_path, capsys, monkeypatch):
    """One is killed while features are computed, all while folds are scored; scores.csv stays the same."""
    monkeypatch.chdir(folder.parent)  # the workers run in another folder
    assert call(capsys, "shop", *QUICK, "--no-store", "--jobs", 1, "--out", tmp_path / "here")[0] == 0
    expected = (tmp_path / "here/scores.csv").read_bytes()
    arguments = ["shop", *QUICK, "--scheduler", client.scheduler.address]

    assert call(capsys, *arguments, "--no-store", "--out", tmp_path / "there")[::2] == (0, "")
    assert (tmp_path / "there/scores.csv").read_bytes() == expected

    killed = []
    file = extraction._file

    def file_and_kill(*arguments):
        if len(killed) == 0:
            killed.append("while features are computed")
            kill(client, 1)
        file(*arguments)

    put = running.KeptFolds.put

    def put_and_kill(*arguments):
        if len(killed) == 1:
            killed.append("while folds are scored")
            client.wait_for_workers(2, timeout=60)
            kill(client, 2)
        put(*arguments)

    monkeypatch.setattr(extraction, "_CHUNK", 2)  # of 32 images, so that most are still to come when a worker is killed
    monkeypatch.setattr(extraction, "_file", file_and_kill)
    monkeypatch.setattr(running.KeptFolds, "put", put_and_kill)
    assert call(capsys, *arguments, "--store", tmp_path / "store", "--out", tmp_path / "killed")[::2] == (0, "")
    assert (tmp_path / "killed/scores.csv").read_bytes() == expected and len(killed) == 2
    _, out, _ = call(capsys, *arguments, "--store", tmp_path / "store", "--out", tmp_path / "again")
    assert "(32 of 32 from the store)" in out and " 6 finished folds are from an earlier run" in out
    assert (tmp_path / "again/scores.csv").read_bytes() == expected


def test_a_killed_worker_changes_no_prediction(folder, client, tmp_path, capsysbinary, monkeypatch):
    """The workers run in another folder; the file is the same to the byte as without a cluster."""
    monkeypatch.chdir(folder.parent)
    (folder / "bad.jpg").write_bytes(b"no image")
    save(make_model([("cnn", CNNEmbedding())], RidgeClassifier()).fit(load_folder(folder)), tmp_path / "m.twoflow")
    arguments = [tmp_path / "m.twoflow", "shop", "gone.jpg", "--no-store", "--quiet", "--out"]
    assert call_with(capsysbinary, partial(run, predict.main), *arguments, "here.csv", "--jobs", 1)[0] == 0
    killed, file = [], extraction._file

    def file_and_kill(*arguments):
        if not killed:
            killed.append("while features are computed")
            kill(client, 1)
        file(*arguments)

    monkeypatch.setattr(extraction, "_CHUNK", 2)
    monkeypatch.setattr(extraction, "_file", file_and_kill)
    options = ["there.csv", "--scheduler", client.scheduler.address]
    status, _, err = call_with(capsysbinary, partial(run, predict.main), *arguments, *options)
    assert status == 0 and err.startswith(b"34 images; 2 unreadable; ") and killed
    there = (folder.parent / "there.csv").read_bytes()
    assert there == (folder.parent / "here.csv").read_bytes() and there.count(b"\n") == 35


def test_the_generated_shop_needs_no_shared_disk(client, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cv, "_N_CLASSES", 4)
    monkeypatch.setattr(cv, "_N_PER_CLASS", 6)
    for out, options in (("here", ["--jobs", 1]), ("there", ["--scheduler", client.scheduler.address])):
        status, printed, _ = call(capsys, *QUICK, "--no-store", *options, "--out", tmp_path / out)
        assert status == 0 and "cannot be read" not in printed
    assert (tmp_path / "here/scores.csv").read_bytes() == (tmp_path / "there/scores.csv").read_bytes()


@pytest.mark.parametrize("address, message", [
    ("tcp://127.0.0.1:1", "no Dask scheduler answers at tcp://127.0.0.1:1: "),
    ("nonsense://127.0.0.1:1", "no Dask scheduler answers at nonsense://127.0.0.1:1: "),
    ("tls://127.0.0.1:1", "no Dask scheduler answers at tls://127.0.0.1:1: "),
    ("", "no Dask scheduler answers at : "),
])
def test_no_scheduler(cluster, tmp_path, capsys, monkeypatch, address, message):
    monkeypatch.setattr("twoflow.commands.dask_scheduler._PATIENCE_S", 1)
    made = []

    class Noted(distributed.Client):
        def __init__(self, *arguments, **options):
            made.append(self)
            super().__init__(*arguments, **options)

    monkeypatch.setattr(distributed, "Client", Noted)
    status, out, err = call(capsys, *QUICK, "--scheduler", address, "--out", tmp_path / "report")
    assert (status, out) == (2, "") and re.fullmatch(f"error: {message}.*\n", err)
    assert [client.status for client in made] == ["closed"]


def test_a_scheduler_without_workers(cluster, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("twoflow.commands.dask_scheduler._PATIENCE_S", 1)
    with distributed.LocalCluster(n_workers=0, dashboard_address=":0", silence_logs="CRITICAL") as empty:
        status, out, err = call(
            capsys, *QUICK, "--scheduler", empty.scheduler_address, "--out", tmp_path / "report"
        )
    assert (status, out) == (2, "") and re.fullmatch(r"error: .* has no workers; start some: dask worker tcp.*\n", err)


def test_a_worker_with_another_version(client, tmp_path, capsys, monkeypatch):
    numpy = np.__version__
    arguments = [*QUICK, "--scheduler", client.scheduler.address, "--out", tmp_path / "report"]
    monkeypatch.setattr("twoflow.flows.engine.fingerprint.versions", lambda: {"numpy": "0.1"})
    status, _, err = call(capsys, *arguments)
    expected = f"error: expected numpy 0.1 on the worker tcp.*, as here, got {numpy}; install the same\n"
    assert status == 2 and re.fullmatch(expected, err)


def test_a_worker_that_may_not_read_from_a_host(client, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TWOFLOW_ALLOW_HOSTS", "")
    arguments = [*QUICK, "--scheduler", client.scheduler.address, "--out", tmp_path / "report"]
    status, _, err = call(capsys, *arguments, "--allow-hosts", "10.0.0.5,images.intranet")
    expected = (r"error: the worker tcp.* may not read from 10.0.0.5, images.intranet; start it with "
                r"TWOFLOW_ALLOW_HOSTS=10.0.0.5,images.intranet in its environment\n")
    assert status == 2 and re.fullmatch(expected, err)


def test_a_worker_without_twoflow(tmp_path, capsys):
    if distributed is None:
        unavailable("needs dask and distributed, the extra dask")
    with _scheduler(tmp_path, REFUSE) as (address, _):
        status, out, err = call(capsys, *QUICK, "--scheduler", address, "--out", tmp_path / "report")
    assert (status, out) == (2, "")
    assert re.fullmatch("error: the worker .* cannot run twoflow: .*No module named 'twoflow.*\n", err)


#: A scheduler and a worker in one process, which prints its address.
SCHEDULER = """
import asyncio
from distributed import Scheduler, Worker
async def main():
    async with Scheduler(port=0, dashboard_address=None, host="127.0.0.1") as scheduler:
        async with Worker(scheduler.address, nthreads=N_THREADS):
            print(scheduler.address, flush=True)
            await scheduler.finished()
asyncio.run(main())
"""
REFUSE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "twoflow":
            raise ModuleNotFoundError(f"No module named {name!r}")
sys.meta_path.insert(0, Refuse())
"""


@contextmanager
def _scheduler(folder, before="", n_threads=1):
    """Start a scheduler that may be lost; give its address and process."""
    with subprocess.Popen(
        [sys.executable, "-c", f"{before}N_THREADS = {n_threads}{SCHEDULER}"], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process.stdout.readline().strip(), process.pid
        finally:
            process.kill()


def test_without_the_extra(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    status, out, err = call(capsys, *QUICK, "--scheduler", "tcp://127.0.0.1:1", "--out", tmp_path / "report")
    expected = 'error: --scheduler needs dask and distributed: pip install "twoflow[dask]"\n'
    assert (status, out, err) == (2, "", expected)


def test_jobs_and_scheduler_exclude_each_other(tmp_path, capsys):
    status, _, err = call(capsys, "--jobs", "2", "--scheduler", "tcp://127.0.0.1:1", "--out", tmp_path / "report")
    assert status == 2 and "argument --scheduler: not allowed with argument --jobs" in err


def test_ctrl_c(folder, client, tmp_path):
    """While the workers compute: status 130, one line, nothing written, and the workers are free at once."""
    script = """
import os, signal, sys
from twoflow.commands import cv, predict
from twoflow.commands.program import run
from twoflow.commands.program import run
from twoflow.flows.engine import extraction
def interrupt(*_):
    os.kill(os.getpid(), signal.SIGINT)
extraction._CHUNK, extraction._file = 2, interrupt
sys.exit(run(cv.main))
"""
    options = [*QUICK, "--scheduler", client.scheduler.address, "--no-store", "--out", tmp_path / "report"]
    done = subprocess.run(
        [sys.executable, "-c", script, folder, *options], capture_output=True, text=True, preexec_fn=default_signals
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted; nothing was written\n")
    assert not (tmp_path / "report" / "report.json").exists()
    assert client.submit(sum, [1, 2]).result(timeout=30) == 3


def test_a_scheduler_that_is_lost(folder, tmp_path):
    """During the work: one line, and no endless wait."""
    if distributed is None:
        unavailable("needs dask and distributed, the extra dask")
    script = f"""
import os, sys
from twoflow.commands import cv, predict
from twoflow.commands.program import run
from twoflow.commands.program import run
from twoflow.flows.engine import extraction
extraction._CHUNK, extraction._file = 2, lambda *_: os.kill(int(sys.argv[1]), {signal.SIGKILL:d})
sys.exit(run(cv.main, sys.argv[2:]))
"""
    with _scheduler(tmp_path, n_threads=2) as (address, pid):
        options = [*QUICK, "--scheduler", address, "--no-store", "--out", tmp_path / "report"]
        command = [sys.executable, "-c", script, str(pid), folder, *options]
        done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(f"error: the Dask scheduler at {address} was lost: .*\n", done.stderr)
