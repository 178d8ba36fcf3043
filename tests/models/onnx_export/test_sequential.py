"""Perceptrons and targets with a shared representation give the same probabilities as ONNX graphs."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from twoflow.errors import InputError
from twoflow.heads import DiscriminantProjection, EarlyStoppingMLPClassifier, SequentialClassifier
from twoflow.heads.sequential.perceptron import Perceptron
from twoflow.models.onnx_export import Graph, to_onnx

from .running import run_part, run_targets

X = np.random.RandomState(0).rand(40, 6).astype(np.float32)
FINE = np.array(["boot", "clog", "tee"])[(3 * X[:, 0]).astype(int)]
Y = np.column_stack([np.where(FINE == "tee", "garment", "shoe"), FINE])
MLP = EarlyStoppingMLPClassifier((6, 4), max_epochs=5, random_state=0)


@pytest.mark.parametrize("part", [MLP, DiscriminantProjection()])
@pytest.mark.parametrize("column", [0, 1])
def test_classifiers(part, column):
    part.fit(X, Y[:, column])
    np.testing.assert_allclose(run_part(part, X), part.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("order", [[1, 0], [0, 1]])
@pytest.mark.parametrize("representation", ["lda", MLP])
@pytest.mark.parametrize("estimator", [MLP, LogisticRegression()])
def test_several_targets(representation, estimator, order):
    model = SequentialClassifier(order, representation=representation, estimator=estimator, random_state=0).fit(X, Y)
    for found, expected in zip(run_targets(model, X), model.predict_proba(X), strict=True):
        np.testing.assert_allclose(found, expected, atol=2e-6)


class Joint(Perceptron):
    """A perceptron with an output for each of two targets."""

    random_state = 0

    def fit(self, X, y):
        """Take the layers of a perceptron of three classes, and say that they are of one class and of two."""
        vars(self).update(vars(clone(MLP).fit(X, y)), classes_=[np.arange(1), np.arange(2)])
        return self


def test_a_joint_perceptron():
    model = Joint().fit(X, FINE)
    first, second = run_targets(model, X)
    assert (first == 1).all()
    np.testing.assert_allclose(second, model.predict_proba(X)[1], atol=1e-6)


def test_another_representation_is_refused():
    model = SequentialClassifier(representation=LinearDiscriminantAnalysis(), estimator=LogisticRegression()).fit(X, Y)
    with pytest.raises(InputError, match="^the representation LinearDiscriminantAnalysis cannot be exported"):
        to_onnx(model, Graph(), "features")
