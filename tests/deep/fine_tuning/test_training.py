import numpy as np
import pytest

HELD_OUT = np.arange(32) % 8 < 2


@pytest.fixture(scope="module")
def data(tiny):
    return tiny.make_data()


@pytest.mark.parametrize("choices", [{}, {"pretrained": False}, {"train": 1, "augment": "mirror"}, {"train": "head"}])
def test_the_number_of_threads_changes_no_bit(tiny, data, choices):
    one, two = (
        tiny.weights_of(*tiny.train(*data, HELD_OUT, batch_size=20, n_jobs=n, **{"augment": "standard", **choices}))
        for n in (1, 3)
    )
    assert (one == two).all()


@pytest.mark.parametrize("choices", [{}, {"pretrained": False, "learning_rate": 0.01, "max_epochs": 60}])
def test_32_images_are_learned_completely(tiny, choices):
    pixels = np.random.default_rng(1).integers(0, 256, (32, tiny.SIDE, tiny.SIDE, 3), dtype=np.uint8)
    codes = np.arange(32)[:, None] % tiny.N_CLASSES
    choices = {"max_epochs": 40, "learning_rate": 0.02, "backbone_rate": 0.5, "batch_size": 16, **choices}
    trunk, trained = tiny.train(pixels, codes, label_smoothing=0, **choices)
    assert trained.history[0]["train_accuracy"] < 1 == trained.train_accuracy
    assert (tiny.scores_of(trunk, trained, pixels).argmax(axis=1) == codes[:, 0]).all()


def test_heads_fit_the_embeddings_of_the_trunk(tiny, data):
    """The loss that the history tells for held-out images is that of the trunk with its folded head."""
    trunk, trained = tiny.train(*data, HELD_OUT, label_smoothing=0)
    scores = tiny.scores_of(trunk, trained, data[0][HELD_OUT])
    logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    loss = -logs[np.arange(8), data[1][HELD_OUT, 0]].mean()
    assert loss == pytest.approx(trained.history[trained.best_epoch]["valid_loss"], rel=1e-4)
    assert [epoch["epoch"] for epoch in trained.history] == [0, 1, 2, 3] and trained.epochs == 3


def test_keeps_the_best_epoch_and_stops(tiny, data):
    _, trained = tiny.train(*data, HELD_OUT, max_epochs=40, learning_rate=1.0, patience=2)
    losses = [epoch["valid_loss"] for epoch in trained.history]
    assert trained.best_epoch == np.argmin(losses) == len(losses) - 3 < 37


@pytest.mark.parametrize("train, n_same", [("whole", 0), (2, 1), (1, 2), ("head", 3)])
def test_frozen_stages_keep_their_weights(tiny, data, train, n_same):
    trunk, _ = tiny.train(*data, train=train)
    same = [
        bool((old[0].weight == new[0].weight).all())
        for (_, old), (_, new) in zip(tiny.TinyTrunk().stages, trunk.stages)
    ]
    assert same == [True] * n_same + [False] * (3 - n_same)


def test_pretrained_statistics_stay_and_others_are_learned(tiny, data):
    kept, learned = (tiny.train(*data, pretrained=pretrained)[0] for pretrained in (True, False))
    assert (kept.stages[1][1][1].running_var == 1).all() and not (learned.stages[1][1][1].running_var == 1).any()


def test_several_targets_with_missing_labels(tiny, data):
    """A label that is missing has no part in anything: its pixels may change."""
    pixels, codes = data
    both = np.hstack([codes, codes // 2])
    alone = tiny.train(pixels, both, HELD_OUT, n_classes=[4, 2])[1]
    assert [coef.shape for coef, _ in alone.heads] == [(tiny.WIDTH, 4), (tiny.WIDTH, 2)]
    assert len(alone.history[-1]["valid_accuracies"]) == 2
    extra = np.random.default_rng(0).integers(0, 256, (3, tiny.SIDE, tiny.SIDE, 3), dtype=np.uint8)
    some = both.copy()
    some[5] = -1, 1
    some[6] = 2, -1
    _, trained = tiny.train(np.concatenate([pixels, extra]), np.concatenate([some, np.full((3, 2), -1)]),
                            np.concatenate([HELD_OUT, [True] * 3]), n_classes=[4, 2])
    _, without = tiny.train(pixels, some, HELD_OUT, n_classes=[4, 2])
    assert trained.history[-1]["valid_loss"] == pytest.approx(without.history[-1]["valid_loss"], rel=1e-5)
    assert trained.train_accuracy == pytest.approx(without.train_accuracy)


def test_a_class_weight_counts_as_repeated_images(tiny, data):
    pixels, codes = data
    weights = [np.array([3.0, 1, 1, 1])]
    repeated = np.concatenate([np.arange(32), *[np.flatnonzero(codes[:, 0] == 0)] * 2])
    choices = {"batch_size": 48, "max_epochs": 1, "train": "head", "weight_decay": 0}
    learned = [
        tiny.train(pixels, codes, weights=weights, **choices),
        tiny.train(pixels[repeated], codes[repeated], groups=repeated, **choices),
        tiny.train(pixels, codes, **choices),
    ]
    scores = [np.exp(tiny.scores_of(*each, pixels)) for each in learned]
    weighted, copied, plain = ((each[:, 0] / each.sum(axis=1)).mean() for each in scores)
    assert weighted == pytest.approx(copied, rel=0.1) and weighted > 1.2 * plain


@pytest.mark.parametrize("augment", [None, "mirror"])
@pytest.mark.parametrize("free", [0, 300_000])
def test_kept_inputs_change_nothing_but_rounding(tiny, data, augment, free, monkeypatch):
    """With 300 kB of free memory they are in a file, as float16; with none of memory or disk they are computed."""
    kept = tiny.weights_of(*tiny.train(*data, HELD_OUT, train=1, augment=augment))
    from twoflow.deep.fine_tuning import inputs

    monkeypatch.setattr(inputs, "free_memory", lambda device: 0)
    monkeypatch.setattr(inputs, "free_disk", lambda: free)
    kind, found = inputs.KeptInputs, []
    monkeypatch.setattr(inputs, "KeptInputs", lambda *given: found.append(given[1].dtype) or kind(*given))
    other = tiny.weights_of(*tiny.train(*data, HELD_OUT, train=1, augment=augment))
    assert found == ([np.float16] if free else [])
    assert np.allclose(kept, other, rtol=0.02, atol=0.02 if free else 1e-4)


def test_16_bits_are_close_to_32(tiny, data):
    full, mixed = (tiny.train(*data, HELD_OUT, precision=precision)[1] for precision in ("auto", "mixed"))
    assert full.history[-1]["valid_loss"] != mixed.history[-1]["valid_loss"]
    assert full.history[-1]["valid_loss"] == pytest.approx(mixed.history[-1]["valid_loss"], abs=0.05)


def test_torchs_random_state_is_not_touched(tiny, data, torch):
    before = torch.random.get_rng_state()
    tiny.train(*data, HELD_OUT, augment="standard", pretrained=False)
    assert (torch.random.get_rng_state() == before).all()


def test_progress_tells_losses_and_speed(tiny, data, capsys, monkeypatch):
    monkeypatch.setattr("twoflow._progress._EVERY_S", 0)
    tiny.train(*data, HELD_OUT, train=1, verbose=True)
    shown = capsys.readouterr().err
    assert "frozen stages" in shown and "linear probe" in shown
    assert "train_loss" in shown and "valid_accuracy" in shown and "images/s" in shown


@pytest.mark.parametrize("choices, message", [
    ({"learning_rate": 1e30}, r"the loss became \w+ in epoch 1 at learning rate 1e\+30; lower learning_rate, e.g. to "),
    ({"pretrained": False, "batch_size": 1}, "batch_size: expected a size that leaves no batch of 1 image of 32"),
    ({"train": 4}, "train"),
])
def test_bad_choices_are_refused_on_one_line(tiny, data, choices, message):
    with pytest.raises(ValueError, match=message) as caught:
        tiny.train(*data, **choices)
    assert "\n" not in str(caught.value)


def test_a_single_class_is_refused(tiny, data):
    with pytest.raises(ValueError, match="expected at least 2 classes among the training images, got 1"):
        tiny.train(data[0], np.zeros((32, 1), dtype=int))


def test_a_batch_larger_than_the_data(tiny, data):
    assert tiny.train(*data, batch_size=1000)[1].epochs == 3


def test_too_little_memory_is_said_before(tiny, data, monkeypatch):
    monkeypatch.setattr("twoflow.deep.fine_tuning.memory.free_memory", lambda device: 100)
    with pytest.raises(ValueError, match="needs about .* GB of memory, and .* are free; lower n_jobs or input_size"):
        tiny.train(*data)


@pytest.mark.parametrize("error", [
    MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried\n to allocate"),
])
def test_exhausted_memory_is_one_line(tiny, data, error, monkeypatch):
    def fail(*_):
        raise error

    monkeypatch.setattr("twoflow.deep.fine_tuning.training._Training._step", fail)
    with pytest.raises(ValueError, match="^the training ran out of memory; lower n_jobs") as caught:
        tiny.train(*data)
    assert "\n" not in str(caught.value)
