"""Check the supervised projection."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.utils.estimator_checks import parametrize_with_checks

from twoflow.heads import DiscriminantProjection, KernelRidgeClassifier

_CROSS_FITTED = "fit_transform returns leave-out scores for training rows, as documented"
RNG = np.random.RandomState(0)
X = np.concatenate([RNG.normal(center, 1, (30, 6)) for center in (0, 1, 2)])
Y = np.repeat(["boot", "clog", "tee"], 30)


@parametrize_with_checks(
    [DiscriminantProjection()],
    expected_failed_checks=lambda estimator: {
        "check_transformer_general": _CROSS_FITTED, "check_transformer_data_not_an_array": _CROSS_FITTED
    },
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("classes", [["boot", "clog", "tee"], ["boot", "tee"]])
def test_training_rows_get_scores_of_models_without_their_group(classes):
    rows = np.isin(Y, classes)
    x, y, groups = X[rows], Y[rows], np.arange(rows.sum()) // 2
    model = DiscriminantProjection((0.1,))
    scores = model.fit_transform(x, y, groups)
    assert scores.shape == model.transform(x).shape == (len(y), 1 if len(classes) == 2 else 3)
    probabilities = model.ridge_.leave_out_probabilities_
    assert (scores > 0)[:, 0].tolist() == (probabilities.argmax(axis=1) == 1).tolist() if len(classes) == 2 else (
        scores.argmax(axis=1) == probabilities.argmax(axis=1)
    ).all()
    assert np.abs(scores - model.transform(x)).max() > 0.01


def test_scores_span_the_discriminants():
    """With almost no ridge, linear discriminant analysis is a linear function of the scores."""
    scores = DiscriminantProjection((1e-8,)).fit(X, Y).transform(X)
    discriminants = LinearDiscriminantAnalysis().fit(X, Y).transform(X)
    inputs = np.column_stack([scores, np.ones(len(X))])
    fit = inputs @ np.linalg.lstsq(inputs, discriminants, rcond=None)[0]
    np.testing.assert_allclose(fit, discriminants, atol=1e-3)


def test_it_answers_as_the_kernel_ridge():
    model, same = DiscriminantProjection().fit(X, Y), KernelRidgeClassifier().fit(X, Y)
    assert (model.predict_proba(X) == same.predict_proba(X)).all() and (model.predict(X) == same.predict(X)).all()
    assert model.n_parameters_ == 3 * 7
