import copy
import os
import pickle
import sqlite3
import struct
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

from twoflow.store import FeatureStore, StoreWarning, database, default_folder

ROOT = Path(__file__).parents[2]
VECTORS = {bytes([i]) * 16: np.arange(i, i + 5, dtype=np.float32) for i in range(9)}
MORE = {bytes([i]) * 16: np.full(7, i, np.uint8) for i in range(3)}


def get(store, fingerprint="a", images=tuple(VECTORS), width=5, dtype=np.float32):
    return store.get(fingerprint, list(images), width, dtype)


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for key, vector in found.items():
        assert vector.dtype == expected[key].dtype
        np.testing.assert_array_equal(vector, expected[key])


@pytest.fixture
def store(tmp_path):
    store = FeatureStore(tmp_path / "deep" / "store")
    store.put("a", "First()", VECTORS)
    store.put("b", "Second()", MORE)
    return store


def test_features_are_found_again(store):
    assert_same(get(store), VECTORS)
    assert_same(get(FeatureStore(store.folder), "b", VECTORS, 7, np.uint8), MORE)
    assert get(store, "c") == {} and get(store, images=[b"?" * 16]) == {} and get(store, images=[]) == {}
    assert store.holds("a") and not store.holds("c")
    many = {i.to_bytes(16): np.zeros(5, np.float32) for i in range(1200)}  # more than one query
    store.put("a", "First()", many)
    assert len(get(store, images=many)) == 1200


def test_no_folder_is_created_before_the_first_use(tmp_path):
    store = FeatureStore(tmp_path / "none")
    assert not store.exists() and store.n_bytes == 0 and not (tmp_path / "none").exists()


def test_the_list_of_flows(store, monkeypatch):
    monkeypatch.setattr(database, "_today", lambda: 30_000)
    get(store, "a", list(VECTORS)[:1])  # used later than the rest
    assert [flow[:3] for flow in store.flows()] == [("First()", 9, 180), ("Second()", 3, 21)]
    assert store.flows()[0].day == 30_000 > store.flows()[1].day
    assert store.n_bytes >= 180


def test_pruning_by_age(store, monkeypatch):
    today = database._today()
    monkeypatch.setattr(database, "_today", lambda: today + 10)
    used = dict(list(VECTORS.items())[:4])
    get(store, images=used)
    assert store.prune(older_than=11) == (0, 0)
    assert store.prune(older_than=9.5) == (8, 0)
    assert_same(get(store), used)
    assert [flow.name for flow in store.flows()] == ["First()"]


def test_pruning_by_size(store, monkeypatch):
    today = database._today()
    monkeypatch.setattr(database, "_today", lambda: today + 1)
    get(store, "b", MORE, 7, np.uint8)
    before = store.n_bytes
    assert store.prune(max_bytes=21 + 2 * 20 + 19) == (7, 0)
    assert sum(flow.n_bytes for flow in store.flows()) == 21 + 2 * 20
    assert_same(get(store, "b", MORE, 7, np.uint8), MORE)  # used last
    assert store.prune(max_bytes=0) == (5, 0) and store.flows() == []
    assert store.n_bytes <= before


def test_results_are_found_again(store, monkeypatch):
    assert store.get_result("a") is None and store.results() == (0, 0, 0)
    store.put_result("a", b"first")
    store.put_result("a", b"second")
    store.put_result("b", b"")
    again = FeatureStore(store.folder)
    assert (again.get_result("a"), again.get_result("b"), again.get_result("c")) == (b"second", b"", None)
    today = database._today()
    assert store.results() == (2, 6, today)
    monkeypatch.setattr(database, "_today", lambda: today + 3)
    again.get_result("b")
    assert store.results() == (2, 6, today + 3)
    assert store.prune(older_than=2) == (12, 1) and store.get_result("b") == b""


def test_results_and_features_are_pruned_together_by_size(store, monkeypatch):
    """The longest unused go first, whatever they are."""
    today = database._today()
    for day, key in enumerate("xyz", 1):
        monkeypatch.setattr(database, "_today", lambda: today + day)
        store.put_result(key, bytes(10))
    get(store, "b", MORE, 7, np.uint8)  # 21 bytes, used on the last day too
    monkeypatch.setattr(database, "_today", lambda: today + 9)
    assert store.prune(max_bytes=51 + 20) == (8, 0)  # of the 9 vectors of 20 bytes that were used on the first day
    assert store.prune(max_bytes=50) == (1, 1)
    assert [store.get_result(key) for key in "xyz"] == [None, bytes(10), bytes(10)]
    monkeypatch.setattr(database, "_today", lambda: today + 10)
    assert (store.get_result("z"), get(store, "b", MORE, 7, np.uint8).keys()) == (bytes(10), MORE.keys())
    assert store.prune(max_bytes=31) == (0, 1)
    assert store.prune(max_bytes=30) == (1, 0), "of equal days, features go first"
    assert store.prune(max_bytes=0) == (2, 1)


@pytest.mark.parametrize("column, value", [("content", b"other"), ("content", "text"), ("content", 7), ("checksum", 0),
                                           ("checksum", "text")])
def test_a_damaged_result_is_not_served(store, column, value):
    store.put_result("a", b"right")
    change(store, f"UPDATE result SET {column} = ?", value)
    assert store.get_result("a") is None and store.results().n_results == 1
    store.put_result("a", b"right")
    assert store.get_result("a") == b"right"


def test_clones_share_it_and_pickles_find_it(store):
    assert copy.deepcopy(store) is store
    assert_same(get(pickle.loads(pickle.dumps(store))), VECTORS)
    assert repr(store) == f"FeatureStore({str(store.folder)!r})"


def test_the_default_is_in_the_user_s_cache():
    assert FeatureStore().folder == default_folder() and default_folder().name == "twoflow"


def change(store, sql, *values):
    store.close()
    connection = sqlite3.connect(store.folder / "features.sqlite")
    with connection:
        connection.execute(sql, values)
    connection.close()


@pytest.mark.parametrize("vector", [b"", b"x" * 20, b"x" * 19, np.arange(6, dtype=np.float32).tobytes(), "text", None])
def test_a_damaged_vector_is_not_served(store, vector):
    key = list(VECTORS)[3]
    change(store, "UPDATE feature SET vector = ? WHERE image = ?", "" if vector is None else vector, key)
    assert get(store).keys() == VECTORS.keys() - {key}
    store.put("a", "First()", {key: VECTORS[key]})
    assert_same(get(store), VECTORS)


@pytest.mark.parametrize("content", [b"", b"no database" * 999, b"SQLite format 3\0" + bytes(5000), None])
def test_a_damaged_file_is_set_aside(store, content):
    """An empty file is no damage: a new SQLite file is empty."""
    store.close()
    path = store.folder / "features.sqlite"
    path.write_bytes(path.read_bytes()[:5000] if content is None else content)
    if content == b"":
        assert get(store) == {}
    else:
        with pytest.warns(StoreWarning, match=r"is damaged \(.*\): it is set aside as features.sqlite.damaged-"):
            assert get(store) == {}
        assert len(list(store.folder.glob("features.sqlite.damaged-*"))) == 1
    store.put("a", "First()", VECTORS)
    assert_same(get(store), VECTORS)


def test_damage_inside_the_file(store):
    """Pages are overwritten: no wrong vector is returned, and the store goes on working."""
    many = {i.to_bytes(16): np.full(500, i, np.float32) for i in range(300)}
    store.put("c", "Third()", many)
    store.close()
    path = store.folder / "features.sqlite"
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    for page in range(1, len(content) // 4096, 3):
        content[page * 4096:page * 4096 + 200] = rng.bytes(200)
    path.write_bytes(content)
    with pytest.warns(StoreWarning, match="set aside"):
        found = get(store, "c", many, 500)
        store.put("c", "Third()", many)
    assert all((vector == many[key]).all() for key, vector in found.items())
    assert_same(get(store, "c", many, 500), many)


@pytest.mark.parametrize("statement", [
    "UPDATE flow SET name = CAST(x'66ff' AS TEXT)", "UPDATE flow SET name = x'00'", "UPDATE feature SET day = 'text'",
    "UPDATE feature SET day = 1e300", "UPDATE feature SET vector = 9223372036854775807",
])
def test_values_of_the_wrong_type(store, statement):
    """Python raises several kinds of errors for them: there is at most one warning, and the store goes on working."""
    change(store, statement)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found, flows = get(store), store.flows()
        assert all((vector == VECTORS[key]).all() for key, vector in found.items())
        assert all([type(value) for value in flow] == [str, int, int, int] for flow in flows)
        store.put("a", "First()", VECTORS)
        assert_same(get(store), VECTORS)
    assert len(caught) == len(list(store.folder.glob("features.sqlite.damaged-*-*[0-9]"))) <= 1 and store.is_usable


@pytest.mark.parametrize("error", [
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), OverflowError("too large"), ValueError("year"),
    sqlite3.OperationalError("Could not decode to UTF-8 column 'name'"), struct.error("unpack requires 4 bytes"),
])
def test_every_error_that_means_damage(store, monkeypatch, error):
    prepare = database._prepare
    raised = [error]

    def fail_once(connection):
        prepare(connection)
        if raised:
            raise raised.pop()

    monkeypatch.setattr(database, "_prepare", fail_once)
    store.close()
    with pytest.warns(StoreWarning, match="is damaged .*: it is set aside") as caught:
        assert get(store) == {}
    store.put("a", "First()", VECTORS)
    assert_same(get(store), VECTORS)
    assert len(caught) == 1


def test_random_damage(tmp_path):
    """Bytes are overwritten anywhere in a closed file: no error, no wrong vector, at most two warnings."""
    rng = np.random.default_rng(0)
    original = FeatureStore(tmp_path / "original")
    original.put("a", "First()", VECTORS)
    original.prune()  # moves everything into one file
    original.close()
    content = (original.folder / "features.sqlite").read_bytes()
    for trial in range(150):
        store = FeatureStore(tmp_path / f"store-{trial}")
        store.folder.mkdir()
        damaged = bytearray(content)
        for _ in range(rng.integers(1, 8)):
            start, length = rng.integers(0, len(content)), rng.integers(1, 60)
            damaged[start:start + length] = rng.bytes(length)
        (store.folder / "features.sqlite").write_bytes(damaged[:len(content)])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = get(store)
            assert all((vector == VECTORS[key]).all() for key, vector in found.items())
            store.flows()
            store.put("a", "First()", VECTORS)
            assert all((vector == VECTORS[key]).all() for key, vector in get(store).items())
            store.prune(max_bytes=0)
        store.close()
        assert all(isinstance(each.message, StoreWarning) for each in caught) and len(caught) <= 2


def test_a_store_of_a_newer_layout_is_left_alone(store):
    change(store, "PRAGMA user_version = 99")
    before = (store.folder / "features.sqlite").read_bytes()
    assert_given_up(FeatureStore(store.folder), "a newer twoflow has made it: expected layout 3, got 99")
    assert (store.folder / "features.sqlite").read_bytes() == before
    assert not list(store.folder.glob("*damaged*"))
    change(store, "PRAGMA user_version = 3")
    assert_same(get(store), VECTORS)


def test_a_file_of_another_program_or_version_is_set_aside(store):
    change(store, "PRAGMA user_version = 0")
    with pytest.warns(StoreWarning, match="belongs to another program or version"):
        assert get(store) == {}
    other = FeatureStore(store.folder / "other")
    other.folder.mkdir()
    change(other, "CREATE TABLE accounts (id INTEGER)")
    with pytest.warns(StoreWarning, match="belongs to another program or version"):
        other.put("a", "First()", VECTORS)
    assert_same(get(other), VECTORS)


def assert_given_up(store, reason):
    """Use every method: there must be one warning and no error."""
    message = rf"cannot be used \(.*{reason}.*\): features are computed, but not kept"
    with pytest.warns(StoreWarning, match=message) as caught:
        store.put("a", "First()", VECTORS)
        assert get(store) == {} and not store.holds("a") and store.flows() == [] and store.prune(max_bytes=0) == (0, 0)
        store.put_result("a", b"result")
        assert store.get_result("a") is None and store.results() == (0, 0, 0)
        assert not store.is_usable
    assert len(caught) == 1


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    assert_given_up(FeatureStore(tmp_path / "file" / "store"), "not a directory")
    assert_given_up(FeatureStore(tmp_path / "file"), "file exists")


@pytest.mark.parametrize("make", ["mkfifo", "mkdir"])
def test_something_else_in_place_of_the_file(tmp_path, make):
    """SQLite would wait for a named pipe."""
    if not hasattr(os, make):
        pytest.skip("this system has no named pipes")
    getattr(os, make)(tmp_path / "features.sqlite")
    assert_given_up(FeatureStore(tmp_path), "not a regular file")


def test_a_named_pipe_in_place_of_the_folder(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(tmp_path / "pipe")
    assert_given_up(FeatureStore(tmp_path / "pipe"), "file exists")


def test_a_damaged_store_in_a_read_only_folder(store, monkeypatch):
    """The damaged file cannot be renamed."""
    store.close()
    (store.folder / "features.sqlite").write_bytes(b"no database" * 999)

    def refuse(self, target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(store.folder), "rename", refuse)  # root may write anywhere
    assert_given_up(store, "not a database")


#: A script that becomes a user without HOME, without an entry in passwd and without special rights.
USE = """
import os, pwd, sys, warnings
from twoflow.store import FeatureStore
os.environ.pop("HOME", None), os.environ.pop("XDG_CACHE_HOME", None)
os.setgroups([])
os.setgid(54321)
os.setuid(54321)
warnings.simplefilter("always")
store = FeatureStore(*sys.argv[1:])
print(store.get("a", [b"?"], 1, "u1"), store.exists(), store.n_bytes, store.is_usable)
"""
as_root = pytest.mark.skipif(getattr(os, "geteuid", int)() != 0 or not hasattr(os, "setuid"),
                             reason="only root can become another user")


def use_as_nobody(folder, *arguments):
    for parent in (folder, *folder.parents):
        if parent.stat().st_mode & 0o055 != 0o055 and parent.stat().st_uid == os.geteuid():
            parent.chmod(parent.stat().st_mode | 0o055)
    return subprocess.run(
        [sys.executable, "-c", USE, *map(str, arguments)], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@as_root
@pytest.mark.parametrize("mode", [0o000, 0o555])
def test_a_folder_that_may_not_be_used(tmp_path, mode):
    folder = tmp_path / "store"
    folder.mkdir(mode=mode)
    done = use_as_nobody(tmp_path, folder)
    assert done.stdout == "{} False 0 False\n" and done.stderr.count("StoreWarning: ") == 1, done.stderr
    assert "cannot be used" in done.stderr


@as_root
@pytest.mark.parametrize("arguments", [(), ("~/features",)])
def test_a_user_without_a_home(tmp_path, arguments):
    (tmp_path / "work").mkdir()
    (tmp_path / "work").chmod(0o777)
    done = use_as_nobody(tmp_path / "work", *arguments)
    assert done.stdout == "{} False 0 False\n", done.stderr
    assert done.stderr.count("StoreWarning: ") == 1 and "is not known; set HOME, or name a folder" in done.stderr
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize("folder", [None, "~/features", "~nobody-of-this-name/features"])
def test_a_home_that_is_not_known(tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os.path, "expanduser", os.fspath)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    store = FeatureStore(folder)
    assert_given_up(store, "is not known; set HOME, or name a folder in full")
    assert not store.exists() and store.n_bytes == 0 and list(tmp_path.iterdir()) == []
    assert not pickle.loads(pickle.dumps(store)).exists()


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    for folder in ("~/features", Path("~/features")):
        store = FeatureStore(folder)
        store.put("a", "First()", VECTORS)
        assert store.folder == tmp_path / "home" / "features" and [p.name for p in tmp_path.iterdir()] == ["home"]


def test_a_read_only_store(store, monkeypatch):
    store.close()
    file = store.folder / "features.sqlite"
    connect = sqlite3.connect  # root may write anywhere, so SQLite is told that it may not
    monkeypatch.setattr(
        sqlite3, "connect", lambda path, **options: connect(f"file:{file}?mode=ro", uri=True, **options)
    )
    assert_given_up(store, "readonly")


def test_a_full_disk(store):
    store._open().execute("PRAGMA max_page_count = 8")
    with pytest.warns(StoreWarning, match="full"):
        store.put("c", "Third()", {i.to_bytes(16): np.zeros(5000, np.float32) for i in range(50)})
    store.put("c", "Third()", VECTORS)
    again = FeatureStore(store.folder)
    assert_same(get(again), VECTORS)  # the failed transaction has left nothing
    assert not again.holds("c")


def test_another_process_that_never_ends_writing(store, monkeypatch):
    monkeypatch.setattr(database, "_PATIENCE_S", 0.1)
    store.close()
    other = sqlite3.connect(store.folder / "features.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.warns(StoreWarning, match="locked"):
        store.put("c", "Third()", VECTORS)
    other.close()


WRITE = """
import sys
import numpy as np
from twoflow.store import FeatureStore
store, start = FeatureStore(sys.argv[1]), int(sys.argv[2])
for i in range(start, start + 60):
    store.put("shared", "Shared()", {i.to_bytes(16): np.full(5, i, np.float32)})
"""


def test_processes_and_threads_share_it(tmp_path):
    """They all create the store at the same time, and write overlapping ranges."""
    folder = tmp_path / "store"
    processes = [subprocess.Popen([sys.executable, "-W", "error", "-c", WRITE, folder, str(30 * i)]) for i in range(3)]
    store = FeatureStore(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        entries = [{bytes([i]) * 16: np.zeros(5, np.float32)} for i in range(8)]
        threads = [threading.Thread(target=store.put, args=("t", "T()", entry)) for entry in entries]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [process.wait() for process in processes] == [0, 0, 0]
    expected = {i.to_bytes(16): np.full(5, i, np.float32) for i in range(120)}
    assert_same(get(store, "shared", expected), expected)
    assert {flow.name: flow.n_images for flow in store.flows()} == {"Shared()": 120, "T()": 8}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_has_a_connection_of_its_own(store):
    store.holds("a")
    child = os.fork()
    if not child:
        store.put("child", "Child()", VECTORS)
        os._exit(0 if store.holds("a") else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert_same(get(store, "child"), VECTORS)


def test_a_store_of_an_older_layout_is_set_aside(tmp_path):
    """In layout 1 the column of images had another name."""
    FeatureStore(tmp_path).put("a", "Flow()", {bytes(16): np.zeros(3, np.float32)})
    connection = sqlite3.connect(tmp_path / "features.sqlite")
    connection.execute("ALTER TABLE feature RENAME COLUMN image TO picture")
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    store = FeatureStore(tmp_path)
    with pytest.warns(StoreWarning, match="set aside"):
        store.put("a", "Flow()", {bytes(16): np.ones(3, np.float32)})
    assert store.is_usable and [flow.n_images for flow in FeatureStore(tmp_path).flows()] == [1]
