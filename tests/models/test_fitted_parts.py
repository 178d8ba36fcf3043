"""Fitted models are taken apart into flows and a head that give the same answers."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

from twoflow import ColorHistogram, FlowClassifier, FlowUnion, RawPixels, SIFTBagOfWords, TwoFlowClassifier, make_model
from twoflow.models import BestOf
from twoflow.models.fitted_parts import FittedParts, fitted_parts

COLOR = FlowClassifier([("color", ColorHistogram(), "passthrough")], GaussianNB())
UNION = FlowUnion([("color", ColorHistogram()), ("pixels", RawPixels((4, 4)))])


def columns(shop):
    return np.array([label.split("/") for label in shop.labels.tolist()])


MODELS = {
    "FlowClassifier": lambda shop: COLOR,
    "BestOf": lambda shop: BestOf([("one", make_model([("color", ColorHistogram())], "kernel-ridge"))], random_state=0),
    "TwoFlowClassifier": lambda shop: TwoFlowClassifier("fast", random_state=0),
    "GridSearchCV": lambda shop: GridSearchCV(COLOR, {"head__var_smoothing": [1e-9, 1e-3]}, cv=2),
    "flow in a pipeline": lambda shop: make_pipeline(ColorHistogram(), GaussianNB()),
    "union in a pipeline": lambda shop: make_pipeline(UNION, GaussianNB()),
    "CalibratedClassifierCV": lambda shop: CalibratedClassifierCV(COLOR, cv=2),
    "one calibrated": lambda shop: CalibratedClassifierCV(COLOR, cv=2, ensemble=False),
    "frozen and calibrated": lambda shop: CalibratedClassifierCV(FrozenEstimator(COLOR.fit(shop))),
    "FrozenEstimator": lambda shop: FrozenEstimator(COLOR.fit(shop)),
    "calibrated pipeline": lambda shop: CalibratedClassifierCV(make_pipeline(UNION, GaussianNB()), cv=2),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_parts_answer_as_the_model(name, shop):
    model = MODELS[name](shop).fit(shop, shop.labels)
    flow, head = fitted_parts(model)
    features = flow.transform(shop)
    assert (head.predict(features) == model.predict(shop)).all()
    assert (head.predict_proba(features) == model.predict_proba(shop)).all()
    assert fitted_parts(model).flow is flow, "the parts are the model's own"


def test_several_targets(shop):
    model = MultiOutputClassifier(COLOR).fit(shop, columns(shop))
    flow, head = fitted_parts(model)
    features = flow.transform(shop)
    assert (head.predict(features) == model.predict(shop)).all()
    for mine, theirs in zip(head.predict_proba(features), model.predict_proba(shop), strict=True):
        assert (mine == theirs).all()


def test_models_whose_folds_have_flows_of_their_own_stay_whole(shop):
    learned = FlowClassifier([("sift", SIFTBagOfWords(4, random_state=0), "passthrough")], GaussianNB())
    for model in (
        CalibratedClassifierCV(learned, cv=2).fit(shop, shop.labels),
        MultiOutputClassifier(learned).fit(shop, columns(shop)),
        MultiOutputClassifier(LogisticRegression()).fit(UNION.fit_transform(shop), columns(shop)),
        GridSearchCV(COLOR, {"head__var_smoothing": [1e-9]}, cv=2, refit=False).fit(shop, shop.labels),
        make_pipeline(GaussianNB()),
        "no estimator",
    ):
        assert fitted_parts(model) == (None, model)


class Mine(ClassifierMixin, BaseEstimator):
    """A model of the user's own around a pipeline."""

    def fit(self, X, y):
        self.inside_ = make_pipeline(ColorHistogram(), GaussianNB()).fit(X, y)
        self.classes_ = self.inside_.classes_
        return self


def test_a_class_of_ones_own(shop):
    model = Mine().fit(shop, shop.labels)
    assert fitted_parts(model) == FittedParts(None, model)

    class Registered(Mine):
        pass

    fitted_parts.register(Registered)(lambda model: fitted_parts(model.inside_))
    flow, head = fitted_parts(Registered().fit(shop, shop.labels))
    assert flow.transform(shop).shape[1] == head.n_features_in_
