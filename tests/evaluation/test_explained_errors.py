"""The most confident errors are explained by a model that has not seen them."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from twoflow import RawPixels, compare
from twoflow.images import ImageCollection
from twoflow.report.files import write_report


@pytest.fixture(scope="module")
def found(shop):
    """A comparison of two methods with three explained errors; some images have wrong labels."""
    labels = shop.labels.copy()
    labels[::5] = np.roll(labels, 7)[::5]
    wrong = ImageCollection(shop.images, labels)
    methods = {"good": make_pipeline(RawPixels((12, 9)), LogisticRegression(max_iter=1000)),
               "bad": make_pipeline(RawPixels((2, 2)), LogisticRegression(max_iter=1000))}
    return compare(methods, wrong, folds=3, n_explained=3)


def test_the_most_confident_errors_of_the_best_method_come_first(found):
    pooled = found.pooled(found.best)
    is_wrong = pooled.true != pooled.predicted
    confidence = pooled.probabilities[np.arange(len(is_wrong)), pooled.predicted]
    expected = np.sort(confidence[is_wrong])[::-1][:3]
    assert [each.confidence for each in found.explained] == pytest.approx(expected.tolist())
    assert all(each.true == found.collection.labels[each.image] != each.predicted for each in found.explained)


def test_the_reasons_are_those_of_the_wrong_answer_in_its_fold(found):
    folds = list(found.folds)
    for each in found.explained:
        assert each.image in folds[each.fold].test and each.image not in folds[each.fold].train
        reason, = each.explanation.reasons
        assert reason.label == each.predicted and reason.confidence == pytest.approx(each.confidence, abs=1e-4)


def test_the_report_shows_them(found, tmp_path):
    write_report(found, tmp_path)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert page.count('class="explanation"') == 3 and 'id="explained"' in page


def test_nothing_is_fitted_again_unless_it_is_asked_for(shop):
    quick = compare([make_pipeline(RawPixels((4, 3)), LogisticRegression(max_iter=1000))], shop, folds=2)
    assert quick.explained == ()
