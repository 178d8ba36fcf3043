"""All files or none: when the disk is full, when a signal comes, and when the process is killed."""

import errno
import os
import signal
import stat
import subprocess
import sys

import pytest

from twoflow.report import atomic, check_output_folder
from twoflow.report.atomic import replace_files

from ..terminal import default_signals

OLD, NEW = ({name: f"{age} {name}" for name in ("a.txt", "b.json", "c.html")} for age in ("old", "new"))


def contents(folder):
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()}


@pytest.fixture(params=["nameless", "named"])
def stage(request, monkeypatch):
    """Both ways of writing beside: some disks have no files without a name."""
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)


def test_files_are_written_and_replaced(tmp_path, stage):
    (tmp_path / "other").write_text("stays")
    assert replace_files(tmp_path, OLD) == [tmp_path / name for name in OLD]
    replace_files(tmp_path, NEW)
    assert contents(tmp_path) == {**NEW, "other": "stays"}
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o666 & ~umask


def test_what_is_not_unicode_is_escaped(tmp_path):
    replace_files(tmp_path, {"a.txt": "caf\udce9"})
    assert contents(tmp_path) == {"a.txt": "caf\\udce9"}


def test_a_full_disk_leaves_all_old_files(tmp_path, stage, monkeypatch):
    replace_files(tmp_path, OLD)
    written = []

    def fsync(number):
        written.append(number)
        if len(written) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="cannot write .*c.html: no space left on device; none of the files was written"):
        replace_files(tmp_path, NEW)
    assert contents(tmp_path) == OLD


def test_a_folder_in_the_place_of_a_file(tmp_path, stage):
    replace_files(tmp_path, {"a.txt": "old"})
    (tmp_path / "c.html").mkdir()
    with pytest.raises(OSError, match="cannot write .*c.html: is a directory"):
        replace_files(tmp_path, NEW)
    assert (tmp_path / "a.txt").read_text() == "old" and sorted(os.listdir(tmp_path)) == ["a.txt", "c.html"]


def test_a_real_full_disk(tmp_path):
    """/dev/full refuses every byte."""
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no disk that is always full")
    with pytest.raises(OSError) as caught, open("/dev/full", "w") as file:
        file.write("x")
    assert str(atomic._named("cannot write a.txt", caught.value, "make room")) == (
        "cannot write a.txt: no space left on device; make room"
    )


WRITER = """
import os, sys, time
from pathlib import Path
from twoflow.report import atomic

def slow(function):
    def called(*arguments, **options):
        result = function(*arguments, **options)
        print("there", flush=True)
        time.sleep(0.3)
        return result
    return called

if sys.argv[2] == "staging":
    os.fsync = slow(os.fsync)
else:
    atomic.Path.replace = slow(atomic.Path.replace)
atomic.replace_files(Path(sys.argv[1]), {name: f"new {name}" for name in ("a.txt", "b.json", "c.html")})
print("done", flush=True)
"""


@pytest.mark.parametrize(
    "name, moment, expected",
    [
        ("SIGKILL", "staging", OLD), ("SIGTERM", "staging", OLD), ("SIGINT", "staging", OLD),
        ("SIGTERM", "replacing", NEW), ("SIGINT", "replacing", NEW), ("SIGHUP", "replacing", NEW),
    ],
)
def test_a_signal_leaves_a_set_that_belongs_together(tmp_path, name, moment, expected):
    """It comes when the first of three files is written beside, or has just been replaced."""
    if not hasattr(signal, name) or not hasattr(os, "O_TMPFILE"):
        pytest.skip("this system has no such signal, or no files without a name")
    replace_files(tmp_path, OLD)
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, tmp_path, moment], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        preexec_fn=default_signals,
    ) as process:
        assert process.stdout.readline() == b"there\n"
        process.send_signal(getattr(signal, name))
        assert b"done" not in process.stdout.read()
    assert process.returncode == -getattr(signal, name)
    assert contents(tmp_path) == expected


def test_output_folders(tmp_path, monkeypatch):
    assert check_output_folder(tmp_path / "new" / "folder").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="cannot write to the output folder .*file: .*; name another one"):
        check_output_folder(tmp_path / "file")
    locked = tmp_path / "locked"
    locked.mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    if os.access(locked, os.W_OK):  # root may write anywhere, so the refusal itself is played
        monkeypatch.setattr(atomic.tempfile, "TemporaryFile", _refuse)
    with pytest.raises(OSError, match="locked: permission denied"):
        check_output_folder(locked)


def _refuse(dir):
    raise PermissionError(13, "Permission denied", str(dir))
