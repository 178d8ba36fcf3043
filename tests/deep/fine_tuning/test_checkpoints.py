import errno
import subprocess
import sys

import numpy as np
import pytest

HELD_OUT = np.arange(32) % 8 < 2


@pytest.fixture(scope="module")
def data(tiny):
    return tiny.make_data()


def test_three_kills_change_no_bit(tiny, data, tmp_path):
    command = [sys.executable, "-m", "tests.deep.fine_tuning.killed", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["-9", "-9", "-9", "0"], done.stderr
    undisturbed = tiny.weights_of(*tiny.train(*data, HELD_OUT, max_epochs=6, augment="standard"))
    assert (np.load(tmp_path / "weights.npy") == undisturbed).all()


def test_a_finished_training_is_not_run_again(tiny, data, tmp_path, monkeypatch):
    first = tiny.train(*data, HELD_OUT, checkpoint=str(tmp_path / "new"))
    monkeypatch.delattr("twoflow.deep.fine_tuning.training._Training._step")
    again = tiny.train(*data, HELD_OUT, checkpoint=str(tmp_path / "new"), n_jobs=2)
    assert (tiny.weights_of(*first) == tiny.weights_of(*again)).all()
    assert again[1].history == first[1].history and again[1].train_accuracy == first[1].train_accuracy
    assert len(list((tmp_path / "new").iterdir())) == 1


@pytest.mark.parametrize("change", [
    {"learning_rate": 0.002}, {"seed": 1}, {"held_out": ~HELD_OUT}, {"weights": [np.arange(1.0, 5)]},
    {"groups": np.arange(32) // 2},
])
def test_another_training_has_another_file(tiny, data, tmp_path, change):
    tiny.train(*data, HELD_OUT, checkpoint=str(tmp_path), max_epochs=1)
    changed = {"held_out": HELD_OUT, "max_epochs": 1, "checkpoint": str(tmp_path), **change}
    tiny.train(*data, **changed)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("damage", [lambda content: b"", lambda content: content[:-1] + bytes([content[-1] ^ 1])])
def test_a_damaged_checkpoint_is_not_used(tiny, data, tmp_path, damage):
    expected = tiny.weights_of(*tiny.train(*data, HELD_OUT, checkpoint=str(tmp_path)))
    file, = tmp_path.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    with pytest.warns(UserWarning, match="cannot be used, so the training starts again: its digest is another"):
        again = tiny.train(*data, HELD_OUT, checkpoint=str(tmp_path))
    assert (tiny.weights_of(*again) == expected).all()


def test_a_pickle_is_not_run(tiny, data, tmp_path, torch):
    import hashlib
    import io

    class Evil:
        def __reduce__(self):
            return print, ("run",)

    tiny.train(*data, checkpoint=str(tmp_path))
    file, = tmp_path.iterdir()
    written = io.BytesIO()
    torch.save(Evil(), written)
    file.write_bytes(hashlib.sha256(written.getvalue()).digest() + written.getvalue())
    with pytest.warns(UserWarning, match="cannot be used, so the training starts again"):
        tiny.train(*data, checkpoint=str(tmp_path))


def test_a_full_disk_is_said_once_and_does_not_end_the_training(tiny, data, tmp_path, monkeypatch):
    def refuse(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("twoflow.deep.fine_tuning.checkpoints.write_file", refuse)
    with pytest.warns(UserWarning, match="cannot be written: no space left on device") as warned:
        assert tiny.train(*data, checkpoint=str(tmp_path))[1].epochs == 3
    assert len(warned) == 1


def test_a_folder_that_cannot_be_made(tiny, data, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="^checkpoint: the folder .* cannot be made: .*; choose another$"):
        tiny.train(*data, checkpoint=str(tmp_path / "file" / "folder"))
