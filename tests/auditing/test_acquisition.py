import numpy as np
import pytest

from twoflow.auditing.acquisition import choose_to_label, find_candidates, measure_uncertainty


def product(*blocks):
    points = np.vstack(blocks)
    return points @ points.T


def test_uncertainty_is_the_margin_of_the_joint_answer():
    """By hand: 0.6 and 0.7 give 0.42; the second answer is 0.4 * 0.7 = 0.28, so the margin is 0.14."""
    first, second = np.array([[0.6, 0.4]]), np.array([[0.1, 0.7, 0.2]])
    assert measure_uncertainty([first])[0] == pytest.approx(0.8)
    assert measure_uncertainty([first, second])[0] == pytest.approx(1 - 0.14)
    joint = np.sort(np.outer(first, second).ravel())
    assert measure_uncertainty([first, second])[0] == pytest.approx(1 - joint[-1] + joint[-2])


def test_a_target_of_one_class_is_certain():
    assert measure_uncertainty([np.ones((3, 1))]).tolist() == [0, 0, 0]
    assert measure_uncertainty([np.ones((1, 1)), np.array([[0.6, 0.4]])]) == pytest.approx([0.8])


def test_one_image_of_each_cluster_is_chosen_and_the_most_uncertain_cluster_is_first():
    rng = np.random.RandomState(0)
    near = [center + 0.1 * rng.normal(size=(size, 2)) for center, size in (((9, 0), 5), ((0, 9), 8), ((-9, -9), 3))]
    uncertainty = np.repeat([0.9, 0.2, 0.6], [5, 8, 3])
    found = choose_to_label(uncertainty, product(*near), 3, 0)
    assert np.digitize(found.positions, [5, 13]).tolist() == [0, 2, 1]
    assert found.gains == pytest.approx([4.5, 1.8, 1.6]) and found.n_similar.tolist() == [5, 3, 8]
    # The chosen one of the first cluster is the nearest to its mean.
    assert found.positions[0] == np.linalg.norm(near[0] - near[0].mean(axis=0), axis=1).argmin()


def test_an_outlier_does_not_stand_for_others():
    points = np.vstack([np.zeros((9, 2)), [[1.0, 0]]])
    assert choose_to_label(np.ones(10), points @ points.T, 1, 0).positions[0] < 9


def test_copies_are_chosen_only_if_nothing_else_is_left():
    kernel = product(np.ones((4, 2)), [[-5.0, 1]])
    assert 4 in choose_to_label(np.full(5, 0.5), kernel, 2, 0).positions.tolist()
    every = choose_to_label(np.array([0.1, 0.4, 0.3, 0.2, 0.5]), kernel, 9, 0)
    assert sorted(every.positions.tolist()) == [0, 1, 2, 3, 4]


def test_equal_seeds_give_equal_choices():
    rng = np.random.RandomState(0)
    kernel, uncertainty = product(rng.normal(size=(60, 5))), rng.uniform(size=60)
    one, same = (choose_to_label(uncertainty, kernel, 10, 3) for _ in range(2))
    assert one.positions.tolist() == same.positions.tolist() and len(set(one.positions.tolist())) == 10
    assert (np.diff(one.gains) <= 0).all()


def test_candidates_are_the_most_uncertain():
    assert find_candidates(np.linspace(0, 1, 50), 1).tolist() == list(range(49, 29, -1))
    assert len(find_candidates(np.zeros(9_000), 300)) == 4_000 and len(find_candidates(np.zeros(9_000), 3_000)) == 6_000
