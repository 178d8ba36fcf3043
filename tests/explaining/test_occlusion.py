import numpy as np
import pytest

from twoflow.explaining.occlusion import cover, grid_of, occlude
from twoflow.explaining.shares import share_by_covering


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)


@pytest.mark.parametrize("shape, budget", [((60, 90), 100), ((60, 90), 2), ((1, 1), 50), ((3, 400), 80), ((300, 4), 9)])
def test_no_more_windows_than_the_budget(shape, budget):
    rows, columns = grid_of(np.zeros((*shape, 3), np.uint8), budget)
    assert 1 <= rows <= shape[0] and 1 <= columns <= shape[1]
    assert (rows + 1) * (columns + 1) <= max(budget, 4)


def test_the_loss_is_where_the_score_comes_from(pixels):
    pixels[30:45, 60:80] = 255

    def score(images):
        return np.array([[np.mean(image[30:45, 60:80].astype(float)) for image in images]])

    lost, = occlude(pixels, 120, score)
    row, column = np.unravel_index(lost.argmax(), lost.shape)
    assert 0.5 <= (row + 0.5) / lost.shape[0] <= 0.75 and 2 / 3 <= (column + 0.5) / lost.shape[1] <= 0.9
    assert lost[:, : lost.shape[1] // 2].max() == 0


def test_an_additive_score_is_lost_as_a_whole(pixels):
    covered = cover(pixels).astype(float).sum()
    lost, = occlude(pixels, 80, lambda images: np.array([[image.astype(float).sum() for image in images]]))
    assert lost.sum() == pytest.approx(pixels.astype(float).sum() - covered, rel=0.3)


def test_the_batch_does_not_matter(pixels):
    def score(images):
        return np.array([[float(image.std()) for image in images], [float(image.max()) for image in images]])

    one, other = (occlude(pixels, 40, score, batch=batch) for batch in (1, 7))
    assert one.shape[0] == 2 and (one == other).all()


@pytest.mark.parametrize("n_flows", [1, 2, 3, 5])
def test_shares_sum_to_the_difference(n_flows):
    rng = np.random.RandomState(0)
    x, covered = rng.rand(2, 10).astype(np.float32)
    columns = {f"flow {i}": slice(2 * i, 2 * i + 2) for i in range(n_flows)}

    def score(rows):
        return np.prod(1 + rows[:, :2 * n_flows], axis=1)

    shares = share_by_covering(columns, x, covered, score, np.random.RandomState(0))
    filled = np.where(np.arange(10) < 2 * n_flows, x, covered)
    assert sum(shares.values()) == pytest.approx(float(score(filled[None])[0] - score(covered[None])[0]), rel=1e-5)


def test_shares_of_a_sum_are_its_parts():
    x, covered = np.arange(6, dtype=float), np.ones(6)
    columns = {name: slice(i, i + 1) for i, name in enumerate("abcdef")}
    shares = share_by_covering(columns, x, covered, lambda rows: rows.sum(axis=1), np.random.RandomState(0))
    np.testing.assert_allclose(list(shares.values()), x - covered)
