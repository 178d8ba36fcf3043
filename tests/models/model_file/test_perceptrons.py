"""The layers of a perceptron fit together, or the file is refused."""

import numpy as np
import pytest

from twoflow.errors import InputError
from twoflow.heads import EarlyStoppingMLPClassifier
from twoflow.models.model_file.checks import check_object

X = np.random.RandomState(0).rand(30, 4).astype(np.float32)


def fit(n_classes=3):
    return EarlyStoppingMLPClassifier((5, 3), max_epochs=1, random_state=0).fit(X, np.arange(30) % n_classes)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_fitted_layers(n_classes):
    check_object("EarlyStoppingMLPClassifier", fit(n_classes))
    check_object("EarlyStoppingMLPClassifier", EarlyStoppingMLPClassifier())


@pytest.mark.parametrize("change", [
    lambda model: model.coefs_.pop(),
    lambda model: model.intercepts_.pop(),
    lambda model: model.coefs_.__setitem__(0, model.coefs_[0][:3]),
    lambda model: model.coefs_.__setitem__(1, model.coefs_[1][:, :2]),
    lambda model: model.intercepts_.__setitem__(1, model.intercepts_[1][:1]),
    lambda model: setattr(model, "mean_", model.mean_[:1]),
    lambda model: setattr(model, "classes_", np.arange(4)),
    lambda model: model.coefs_.__setitem__(0, model.coefs_[0].astype(int)),
])
def test_layers_of_other_sizes(change):
    model = fit()
    change(model)
    with pytest.raises(InputError, match="expected the layers of a perceptron"):
        check_object("EarlyStoppingMLPClassifier", model)
