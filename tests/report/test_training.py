"""The curves of a training: what is drawn and written is the history."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from twoflow.errors import InputError
from twoflow.evaluation.fold_bytes import from_bytes, to_bytes
from twoflow.evaluation.training_history import TrainingHistory
from twoflow.report import TrainingDisplay, format_text, to_document

from .made import comparison, history
from .pages import written


@pytest.fixture(scope="module")
def found():
    return comparison(n_epochs=[3, 5, 4, 5, 6])


def drawn(ax):
    """The lines with more than one point, vertical ones left out, by the names in the legend."""
    lines = [line for line in ax.lines if len(set(line.get_xdata())) > 1]
    return {line.get_label(): line for line in lines}


def circles(ax):
    return [(line.get_xdata()[0], line.get_ydata()[0]) for line in ax.lines if line.get_marker() == "o"]


def test_the_lines_are_the_figures_of_the_epochs():
    epochs = history(5).epochs
    axes = TrainingDisplay.from_history(epochs).plot().axes_
    for name, ax in axes.items():
        assert ax.get_ylabel() == name and ax.get_xlabel() == "epoch"
        for side, label in (("train", "training"), ("valid", "held out")):
            line = drawn(ax)[label]
            assert line.get_xdata().tolist() == list(range(6))
            assert line.get_ydata().tolist() == [epoch[f"{side}_{name}"] for epoch in epochs]
        assert sorted(circles(ax)) == sorted((2, epochs[2][f"{side}_{name}"]) for side in ("train", "valid"))
        assert [line.get_xdata()[0] for line in ax.lines if line.get_xdata()[0] == line.get_xdata()[-1] == 3.5]
    assert list(axes) == ["loss", "accuracy"]


def test_several_targets_have_an_accuracy_each():
    display = TrainingDisplay.from_history(history(5, 3).epochs, ("kind", "color", "brand")).plot()
    lines = drawn(display.axes_["accuracy"])
    assert list(lines) == ["training", "held out, kind", "held out, color", "held out, brand"]
    assert lines["held out, brand"].get_ydata() == pytest.approx(0.6 + 0.02 * np.arange(6))
    assert len({line.get_color() for line in lines.values()}) == 4


def test_without_held_out_images_and_without_accuracies_the_last_epoch_is_marked():
    epochs = [{"epoch": epoch, "train_loss": 1 / epoch} for epoch in (1, 2, 3)]
    axes = TrainingDisplay.from_history(epochs).plot().axes_
    assert list(axes) == ["loss"] and list(drawn(axes["loss"])) == ["training"]
    assert circles(axes["loss"]) == [(3, 1 / 3)]


def test_one_epoch_is_a_point_and_a_loss_that_is_not_finite_is_never_the_best():
    one = TrainingDisplay.from_history([{"epoch": 1, "train_loss": 0.5}]).plot()
    assert one.axes_["loss"].lines[0].get_marker() == "."
    broken = TrainingHistory([
        {"epoch": epoch, "train_loss": 1.0, "valid_loss": loss} for epoch, loss in enumerate((float("nan"), 2.0, None))
    ])
    assert broken.best_epoch == 1
    TrainingDisplay.from_history(broken.epochs).plot()


def test_from_an_estimator():
    fitted = SimpleNamespace(history_=history(3, 2).epochs, target_names_=("kind", "color"))
    assert "held out, color" in drawn(TrainingDisplay.from_estimator(fitted).plot().axes_["accuracy"])
    for other in (SimpleNamespace(), SimpleNamespace(history_=[{"loss": 1}]), SimpleNamespace(history_=[])):
        with pytest.raises(InputError, match="expected a fitted classifier with a history_.*got SimpleNamespace; fit"):
            TrainingDisplay.from_estimator(other)


def test_a_comparison_draws_a_line_for_each_fold(found):
    display = TrainingDisplay.from_comparison(found).plot()
    lines = [line for line in display.axes_["loss"].lines if len(line.get_xdata()) > 1]
    assert [len(line.get_xdata()) for line in lines] == [n + 1 for n in (3, 5, 4, 5, 6) for _ in range(2)]
    assert [text.get_text() for text in display.axes_["loss"].get_legend().get_texts()] == ["training", "held out"]
    with pytest.raises(InputError, match="expected a history of the training of method2, got none"):
        TrainingDisplay.from_comparison(found, method=2)
    with pytest.raises(InputError, match="of any method, got none"):
        TrainingDisplay.from_comparison(comparison())


def test_axes_on_a_figure_that_is_given():
    from matplotlib.figure import Figure

    figure = Figure()
    display = TrainingDisplay.from_history(history(3).epochs).plot(figure)
    assert display.figure_ is figure and figure.axes == list(display.axes_.values())
    assert display._repr_html_().startswith("<svg")


def test_the_document_the_page_and_the_text_say_how_long_each_fold_was_trained(found, tmp_path):
    document = to_document(found)
    entry = document["methods"][0]["training"]
    assert [each["epochs"] for each in entry] == [3, 5, 4, 5, 6]
    assert [each["best_epoch"] for each in entry] == [2] * 5
    assert entry[1]["history"] == history(5).epochs
    assert "training" not in document["methods"][1]
    page, _ = written(found, tmp_path)
    paths = {attributes["data-path"] for attributes, _ in page.figures}
    assert {f"/methods/0/training/{fold}/{name}" for fold in range(5) for name in ("epochs", "best_epoch")} <= paths
    assert "Training of method0: 3 to 6 epochs; best epoch: 2.\n" in format_text(found)
    assert "Training of method0: 1 epoch; best epoch: 1.\n" in format_text(comparison(n_epochs=[1] * 5))
    assert "Training of" not in format_text(comparison())


def test_several_trainings_of_a_fold_and_folds_without_any(found, tmp_path):
    trainings = ((history(3), history(4)), (), (history(5),), (), (history(2), history(3)))
    method = replace(found.methods[0], trainings=trainings)
    several = replace(found, methods=(method, *found.methods[1:]))
    assert [each["split"] for each in to_document(several)["methods"][0]["training"]] == [0, 0, 2, 4, 4]
    page, _ = written(several, tmp_path)
    paths = {attributes["data-path"] for attributes, _ in page.figures}
    assert {"/methods/0/training/4/epochs", "/folds/splits/4/fold"} <= paths
    assert "Training of method0: 2 to 5 epochs; best epoch: 2.\n" in format_text(several)


def test_accuracies_of_local_classifiers_are_not_those_of_levels():
    display = TrainingDisplay.from_history(history(5, 3).epochs, ("kind", "model")).plot()
    assert list(drawn(display.axes_["accuracy"])) == ["training", "held out"]


def test_a_loss_that_is_not_finite_is_null_in_the_document(found):
    broken = TrainingHistory([{"epoch": 1, "train_loss": float("nan"), "valid_accuracies": [0.5, float("inf")]}])
    method = replace(found.methods[0], trainings=((broken,),) * 5)
    document = to_document(replace(found, methods=(method, *found.methods[1:])))
    assert document["methods"][0]["training"][0]["history"] == [
        {"epoch": 1, "train_loss": None, "valid_accuracies": [0.5, None]}
    ]
    TrainingDisplay.from_document(document).plot()


def test_a_kept_fold_keeps_its_history():
    kept = history(4, 2)
    assert from_bytes(to_bytes(kept), TrainingHistory) == kept
