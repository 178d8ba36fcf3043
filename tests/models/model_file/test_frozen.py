"""Model files of every released version of the format load, and give the probabilities that they gave then."""

import numpy as np
import pytest

from twoflow import open_model_file

from .make_frozen import FOLDER, models, probabilities

FILES = sorted(FOLDER.glob("*.twoflow"))


@pytest.mark.filterwarnings("ignore:the model was saved with scikit-learn")
@pytest.mark.filterwarnings("ignore:the model was saved before .* had the parameter")
@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_frozen_file(path):
    opened = open_model_file(path)
    np.testing.assert_allclose(probabilities(opened.model), np.load(path.with_suffix(".npy")), rtol=0, atol=1e-5)
    assert opened.card.n_images == 24 and opened.card.threshold == 0.5
    assert path.stat().st_size < 60_000


def test_there_is_a_file_of_each_kind():
    assert {path.stem.split("-")[0] for path in FILES} == {name for name, *_ in models()}
