"""A file of predictions is whole and the same, however often writing it was ended."""

import json
import os
import shutil

import pytest

from twoflow.errors import InputError, OutsideError
from twoflow.predicting import Item, Predictor, predictor, writing
from twoflow.predicting.formats import FORMATS, Columns
from twoflow.predicting.resume import Done, ResumableFile
from twoflow.predicting.writing import write_file, write_stream

from .fitted import fit_pixels

RUN = {"model": "m", "--top": "3"}


class Listed:
    """Inputs from memory; they may fail after some items."""

    passed_over = ()

    def __init__(self, items, fail_after=None, error=KeyboardInterrupt):
        self.items, self.fail_after, self.error = items, fail_after, error
        self.n_images = sum(len(item.images) for item in items)

    def __iter__(self):
        for i, item in enumerate(self.items):
            if i == self.fail_after:
                raise self.error()
            yield item


@pytest.fixture(scope="module")
def pixels(shop):
    return Predictor(fit_pixels(shop))


@pytest.fixture
def items(shop, monkeypatch):
    monkeypatch.setattr(predictor, "BLOCK", 3)
    monkeypatch.setattr(predictor, "_BLOCKS_PER_WORKER", 1)
    monkeypatch.setattr(writing, "_COMMIT_EVERY_S", 0.0)
    return [Item(f"{i}\n.jpg", (b"bad" if i % 5 == 2 else shop.images[i],)) for i in range(20)]


@pytest.fixture
def write(pixels, tmp_path):
    columns = Columns.of(pixels.card, 2, with_decisions=False, with_items=False)

    def write(inputs, name="out.csv", run=RUN, **options):
        path = tmp_path / name
        return write_file(pixels, inputs, path, FORMATS["csv"], columns, identity=run, verbose=False, **options)

    write.columns = columns
    return write


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_stream_and_a_file_say_the_same(pixels, items, write, tmp_path):
    written = write(Listed(items))
    text = []
    streamed = write_stream(pixels, Listed(items), text.append, FORMATS["csv"], write.columns, verbose=False)
    assert "".join(text).encode() == (tmp_path / "out.csv").read_bytes()
    assert written.counts == streamed.counts and files(tmp_path) == ["out.csv"]
    assert (written.counts.n_predictions, written.counts.n_images, written.counts.n_unreadable) == (20, 20, 4)
    assert len(text) > 2 and text[0].startswith("path,") and text[0].count("\n.jpg") == 3


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_it_goes_on_where_it_was_ended(items, write, tmp_path, error):
    write(Listed(items), "expected.csv")
    for fail_after in (1, 5, 5, 9, 14, 19):
        with pytest.raises(error) as caught:
            write(Listed(items, fail_after, error))
        n_done = fail_after // 3 * 3
        notes = [f"{n_done} images are done, in {tmp_path}/out.csv.part; repeat the command to go on"] if n_done else []
        assert getattr(caught.value, "__notes__", []) == notes
        assert files(tmp_path) == ["expected.csv", *(["out.csv.part", "out.csv.part.json"] if n_done else [])]
    written = write(Listed(items))
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "expected.csv").read_bytes()
    assert (written.n_before, written.counts.n_images, written.counts.n_unreadable) == (18, 20, 4)
    assert files(tmp_path) == ["expected.csv", "out.csv"]


def test_after_a_kill_at_any_moment(items, write, tmp_path, monkeypatch):
    """What is on the disk at any moment, with any part of what was not noted, leads to the same file."""
    moments = tmp_path / "moments"
    moments.mkdir()
    keep, noted = ResumableFile.write, []

    def write_and_keep(file, text):
        keep(file, text)
        file._file.flush()
        folder = moments / str(len(noted))
        folder.mkdir()
        for path in (file.part, file._journal):
            if path.exists():
                shutil.copy(path, folder)
        noted.append(len(text.encode("utf-8", "backslashreplace")))

    monkeypatch.setattr(ResumableFile, "write", write_and_keep)
    write(Listed(items), "expected.csv")
    monkeypatch.setattr(ResumableFile, "write", keep)
    expected = (tmp_path / "expected.csv").read_bytes()
    for number, size in enumerate(list(noted)):
        for cut in (0, 1, size // 2, size):
            for path in (moments / str(number)).iterdir():
                shutil.copy(path, tmp_path / path.name.replace("expected", "out"))
            part = tmp_path / "out.csv.part"
            part.write_bytes(part.read_bytes()[:part.stat().st_size - cut])
            write(Listed(items))
            assert (tmp_path / "out.csv").read_bytes() == expected
            (tmp_path / "out.csv").unlink()
    assert files(tmp_path) == ["expected.csv", "moments"]


def test_a_journal_that_is_left_behind(items, write, tmp_path):
    """By a kill after the file was given its name."""
    with pytest.raises(KeyboardInterrupt):
        write(Listed(items, 9))
    (tmp_path / "out.csv.part").unlink()
    assert write(Listed(items)).n_before == 0
    assert files(tmp_path) == ["out.csv"]


@pytest.mark.parametrize("change, reason", [
    ({"run": {**RUN, "model": "other"}}, "with another model"),
    ({"run": {**RUN, "--top": "4"}}, "with another --top"),
    ({"run": {**RUN, "--rules": "r"}}, "with another --rules"),
    ({"skip": 1}, "over other images"),
    ({"cut": 1}, "that lacks a part of its text"),
    ({"journal": "{"}, "whose journal is damaged"),
    ({"journal": "[]"}, "whose journal is damaged"),
    ({"version": 0}, "of another version of twoflow"),
], ids=str)
def test_another_run_never_goes_on_in_silence(items, write, tmp_path, change, reason):
    part, journal = tmp_path / "out.csv.part", tmp_path / "out.csv.part.json"
    with pytest.raises(KeyboardInterrupt):
        write(Listed(items, 9))
    part.write_bytes(part.read_bytes()[:-change.get("cut", 0) or None])
    text = change.get("journal", journal.read_text())
    journal.write_text(text if "version" not in change else json.dumps({**json.loads(text), "version": 0}))
    before = part.read_bytes(), journal.read_bytes()
    inputs, run = Listed(items[change.get("skip", 0):]), change.get("run", RUN)
    message = f"{part} is from an interrupted run {reason}; repeat that command to go on, use --overwrite to begin"
    with pytest.raises(InputError, match=message):
        write(inputs, run=run)
    assert (part.read_bytes(), journal.read_bytes()) == before
    written = write(inputs, run=run, anew=True)
    assert written.discarded == f"overwrote what an interrupted run {reason} had left" and written.n_before == 0
    write(inputs, "expected.csv", run=run)
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "expected.csv").read_bytes()


def test_fewer_images_than_before(items, write):
    with pytest.raises(KeyboardInterrupt):
        write(Listed(items, 9))
    with pytest.raises(InputError, match="over other images"):
        write(Listed(items[:5]))


def test_no_images(write, pixels, tmp_path):
    with pytest.raises(InputError, match="expected at least one image, got an empty list"):
        write(Listed([]))
    with pytest.raises(InputError, match="expected at least one image, got an empty list"):
        write_stream(pixels, Listed([]), print, FORMATS["csv"], write.columns, verbose=False)
    assert files(tmp_path) == []


def test_two_processes_never_write_one_file(tmp_path):
    first = ResumableFile(tmp_path / "out.csv", RUN)
    first.write("a\n")
    first.commit(Done(1, "", {}))
    with pytest.raises(OutsideError, match="out.csv.part is being written by another process; wait for it"):
        ResumableFile(tmp_path / "out.csv", RUN)
    first.close()
    second = ResumableFile(tmp_path / "out.csv", RUN)
    assert second.done == Done(1, "", {})
    second.finish()
    assert (tmp_path / "out.csv").read_text() == "a\n"


def test_the_other_process_has_just_finished(tmp_path, monkeypatch):
    first = ResumableFile(tmp_path / "out.csv", RUN)
    open_file = os.open

    def open_then_finish(*arguments):
        number = open_file(*arguments)
        monkeypatch.setattr(os, "open", open_file)
        first.finish()
        return number

    monkeypatch.setattr(os, "open", open_then_finish)
    with pytest.raises(OutsideError, match="is being written by another process"):
        ResumableFile(tmp_path / "out.csv", RUN)


def test_a_full_disk(tmp_path, monkeypatch):
    file = ResumableFile(tmp_path / "out.csv", RUN)

    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutsideError, match="cannot write .*out.csv: no space left on device; make room, or name"):
        file.commit(Done(1, "", {}))
    file.close()
