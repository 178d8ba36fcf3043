import numpy as np

from twoflow.heads.confident_learning import find_confident


def test_most_probable_class_above_its_threshold_is_confident():
    probabilities = np.array([[0.8, 0.2, 0.0], [0.6, 0.4, 0.0], [0.3, 0.7, 0.0], [0.69, 0.31, 0.0], [0.5, 0.5, 0.0]])
    confident, thresholds = find_confident(probabilities, np.array([0, 0, 1, 1, 1]))
    assert np.allclose(thresholds[:2], [0.7, (0.7 + 0.31 + 0.5) / 3]) and np.isnan(thresholds[2])
    assert confident.tolist() == [0, -1, 1, -1, -1]


def test_only_row_of_a_class_reaches_its_threshold_despite_rounding():
    confident, _ = find_confident(np.array([[0.1 + 0.2, 0.7], [0.1, 0.9]]), np.array([0, 1]))
    assert confident.tolist() == [0, 1]
