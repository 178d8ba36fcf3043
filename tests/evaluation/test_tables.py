"""A comparison as tables for a session, with and without pandas."""

import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline

from twoflow import RawPixels, compare
from twoflow.errors import MissingExtraError
from twoflow.evaluation.folds import official_split

from ..report.made import LABELS, comparison, two_targets


def test_the_frame_of_scores():
    found = comparison()
    frame = found.to_frame()
    assert frame["method"].tolist() == [found.methods[i].name for i in found.order] and frame["method"][0] == found.best
    assert frame["accuracy"].is_monotonic_decreasing
    for _, row in frame.iterrows():
        method = found[row["method"]]
        assert row["accuracy"] == method.scores["accuracy"].mean() and row["macro_f1"] == method.means["macro_f1"]
        assert (row["min"], row["max"]) == (method.scores["accuracy"].min(), method.scores["accuracy"].max())
        assert row["std"] == method.scores["accuracy"].std(ddof=1)
        assert row["train_accuracy"] == method.train_accuracy.mean()
        if row["method"] != found.best:
            test = found.to_best[row["method"]]
            assert (row["difference_to_best"], row["p_holm"]) == (test.difference, test.p_holm)
            assert (row["interval_low"], row["interval_high"]) == test.interval
    assert frame.loc[0, ["difference_to_best", "interval_low", "interval_high", "p_holm"]].isna().all()


def test_the_frame_of_one_split_and_of_several_targets():
    frame = comparison(official_split(["train", "test"] * 30, LABELS)).to_frame()
    assert frame["std"].isna().all() and (frame["min"] == frame["max"]).all()
    frame = two_targets().to_frame()
    assert {"exact_match", "accuracy:brand", "macro_f1:model"} <= set(frame)


def test_the_frame_of_predictions(shop):
    methods = {
        "fold": make_pipeline(RawPixels((4, 4)), LogisticRegression(C=1e-3)),  # the name of another column too
        "ridge": make_pipeline(RawPixels((4, 4)), RidgeClassifier()),
    }
    found = compare(methods, shop, folds=2, repeats=2)
    frame = found.predictions()
    assert frame.columns.tolist() == [
        "image", "repeat", "fold", "true", "fold", "fold probability", "ridge", "ridge probability"
    ]
    assert len(frame) == 64 and frame["image"].nunique() == 32
    assert frame["true"].tolist() == shop.labels[found.tested].tolist()
    assert frame.iloc[:, 4].tolist() == np.concatenate(found["fold"].predicted).tolist()
    expected = np.concatenate(found["fold"].probabilities).max(axis=1)
    assert frame["fold probability"].tolist() == pytest.approx(expected.tolist(), abs=1e-6)
    assert frame["ridge probability"].isna().all()
    assert frame.iloc[:, 2].tolist() == [0] * 16 + [1] * 16 + [0] * 16 + [1] * 16


def test_the_frame_of_predictions_of_several_targets():
    found = two_targets()
    frame = found.predictions()
    assert frame.columns.tolist()[:8] == [
        "image", "repeat", "fold", "true brand", "true model", "method0 brand", "method0 brand probability",
        "method0 model",
    ]
    assert (frame["true brand"] == frame["method0 brand"]).all() and (frame["method0 brand probability"] == 1).all()
    is_right = (frame["true brand"] == frame["method1 brand"]) & (frame["true model"] == frame["method1 model"])
    assert is_right.mean() == pytest.approx(found["method1"].means["exact_match"])


def test_an_answer_that_is_no_class_has_no_probability():
    found = comparison(n_methods=1)
    found["method0"].predicted[0][0] = "x"
    columns = dict(found.prediction_columns())
    assert columns["method0"][0] == "x" and columns["method0 probability"][0] is None
    assert columns["method0 probability"][1] is not None


def test_without_pandas(monkeypatch):
    found = comparison()
    monkeypatch.setitem(sys.modules, "pandas", None)
    for call in (found.to_frame, found.predictions):
        with pytest.raises(MissingExtraError, match=rf"{call.__name__}\(\) needs pandas: pip install pandas"):
            call()
    assert len(found.prediction_columns()) == 4 + 2 * 3


def test_a_comparison_prints_its_answer_and_its_table():
    found = comparison()
    lines = str(found).splitlines()
    assert tuple(lines[:len(found.answer.sentences)]) == found.answer.sentences
    assert [line.split()[0] for line in lines[-3:]] == [found.methods[i].name for i in found.order]
    assert repr(found) == (
        f"<Comparison: methods 3, images 60, splits 5; best {found.best!r}, accuracy "
        f"{found[found.best].means['accuracy']:.3f}>"
    )
    assert "\n" not in repr(found.methods[0]) and len(repr(found.methods[0])) < 300
