"""The search is exact, and neither ties nor blocks nor threads change it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from twoflow.similarity import neighbors
from twoflow.similarity.neighbors import find_nearest


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@given(st.integers(0, 1000), st.integers(1, 6))
def test_all_vectors_are_compared(seed, k):
    rng = np.random.RandomState(seed)
    queries, gallery = unit(rng.randn(3, 8)), unit(rng.randn(20, 8))
    positions, similarities = find_nearest(queries, gallery, k)
    exact = np.round(queries.astype(np.float64) @ gallery.T.astype(np.float64), 6)
    expected = np.argsort(-exact, axis=1, kind="stable")[:, :k]
    assert np.array_equal(positions, expected)
    assert np.allclose(similarities, np.take_along_axis(exact, expected, axis=1), atol=2e-6)


def test_equal_vectors_come_in_the_order_of_the_gallery():
    gallery = np.repeat(unit(np.random.RandomState(0).randn(2, 512)), 50, axis=0)
    positions, _ = find_nearest(gallery[[70]], gallery, 3)
    assert positions.tolist() == [[50, 51, 52]]


def test_threads_and_the_number_of_queries_change_nothing(monkeypatch):
    rng = np.random.RandomState(1)
    gallery = unit(rng.randn(500, 512))
    whole = find_nearest(gallery, gallery, 7)
    monkeypatch.setattr(neighbors, "_AT_A_TIME", 500)  # one query at a time
    with threadpool_limits(2):
        alone = find_nearest(gallery, gallery, 7)
    assert np.array_equal(whole[0], alone[0]) and np.array_equal(whole[1], alone[1])


def test_only_some_vectors_one_of_each_group_and_not_the_query_itself():
    gallery = unit(np.column_stack([np.ones(8), np.arange(8) / 10]))
    among, groups = np.arange(8) != 1, np.arange(8) // 2
    positions, similarities = find_nearest(gallery[[0]], gallery, 5, among=among, groups=groups, own=[0])
    assert positions.tolist() == [[2, 4, 6, -1, -1]]  # 0 is the query, 1 is not among them
    assert np.isnan(similarities[0, 3:]).all() and (np.diff(similarities[0, :3]) < 0).all()


@pytest.mark.parametrize("k", [1, 4])
def test_groups_are_those_of_a_search_without_them(k):
    rng = np.random.RandomState(2)
    gallery, groups = unit(rng.randn(60, 8)), rng.randint(10, size=60)
    every, _ = find_nearest(gallery[:5], gallery, 60)
    positions, _ = find_nearest(gallery[:5], gallery, k, groups=groups)
    for row, found in zip(every, positions):
        first = list(dict.fromkeys(groups[row]))[:k]
        assert groups[found].tolist() == first
