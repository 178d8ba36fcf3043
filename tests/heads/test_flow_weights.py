"""Check the weights of flows: the derivatives, and that a useless flow gets little weight and costs nothing."""

import numpy as np
import pytest

from twoflow.heads import KernelRidgeClassifier, flow_weights
from twoflow.heads.dual_ridge import Kernel, compute_kernel, find_shared, weigh_rows
from twoflow.heads.flow_weights import leave_out_loss, weigh_kernels

ALPHAS = np.array([0.01, 0.1, 1.0])


def unit(X):
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def make_flows(n=160, n_classes=4, seed=0):
    """Make a flow that separates the classes, one that does so in part, and one of noise."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) * 7 // 3 % n_classes
    center = np.eye(n_classes, 100)[y]
    return [unit(strength * center + rng.standard_normal((n, 100)) / 10) for strength in (0.35, 0.2, 0)], y


def weights_of(flows, y, groups=None, **parameters):
    return KernelRidgeClassifier(**parameters).weigh_kernels([compute_kernel(flow) for flow in flows], y, groups)


@pytest.mark.parametrize("groups", [np.arange(40), np.arange(40) // 3, np.arange(40) % 7])
def test_derivatives_are_those_of_finite_differences(groups):
    flows, y = make_flows(40, 3)
    share = np.linspace(1, 2, 40) / np.linspace(1, 2, 40).sum()
    parts = [weigh_rows(compute_kernel(flow).gram, share) for flow in flows]
    weights = np.array([1.0, 0.5, 2.0])

    def loss(step, ratio=1.0):
        return leave_out_loss(parts, weights + step, 0.1 * ratio, np.eye(3)[y], share, find_shared(groups))

    found, step = loss(0), 1e-4
    by_weight = [(loss(each).value - loss(-each).value) / (2 * step) for each in step * np.eye(3)]
    by_log_alpha = (loss(0, np.exp(step)).value - loss(0, np.exp(-step)).value) / (2 * step)
    assert np.allclose(found.by_weight, by_weight, rtol=1e-5, atol=1e-9)
    assert np.isclose(found.by_log_alpha, by_log_alpha, rtol=1e-5)
    # only the ratios of weights count
    assert found.by_weight @ weights == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("n_groups", [30, 12])
def test_the_loss_is_that_of_models_without_the_group(n_groups):
    flows, y = make_flows(30, 3)
    groups, share = np.arange(30) % n_groups, np.full(30, 1 / 30)
    weights = np.array([1.0, 0.3, 0.6])
    X = np.hstack([np.sqrt(weight) * flow for weight, flow in zip(weights, flows)])
    model = KernelRidgeClassifier([0.2]).fit(X, y, groups)
    parts = [weigh_rows(compute_kernel(flow).gram, share) for flow in flows]
    found = leave_out_loss(parts, weights, 0.2, np.eye(3)[y], share, find_shared(groups)).value
    smooth = (1 - 1 / 31) * np.eye(3)[y] + 1 / 31 / 3
    assert found == pytest.approx(-(smooth * np.log(model.leave_out_probabilities_)).sum(axis=1).mean(), abs=1e-5)


def test_a_useless_flow_gets_little_weight_and_costs_nothing():
    gains = []
    for seed in range(3):
        flows, y = make_flows(400, seed=seed)
        weights = weights_of([flow[:200] for flow in flows], y[:200])
        assert weights[2] < 0.8 < weights[:2].min()

        def accuracy(weights):
            X = np.hstack([np.sqrt(weight) * flow for weight, flow in zip(weights, flows)])
            return KernelRidgeClassifier().fit(X[:200], y[:200]).score(X[200:], y[200:])

        equal, weighed, without = accuracy([1, 1, 1]), accuracy(weights), accuracy([1, 1, 0])
        gains.append([weighed - equal, weighed - without])
    assert np.mean(gains, axis=0)[0] > 0 and np.mean(gains, axis=0)[1] > -0.01


def test_a_small_weight_becomes_zero(monkeypatch):
    flows, y = make_flows()
    assert weights_of(flows, y)[2] > 0
    monkeypatch.setattr(flow_weights, "_LEAST_WEIGHT", 0.7)
    assert weights_of(flows, y)[2] == 0


def test_order_of_flows_and_rows_does_not_count():
    flows, y = make_flows()
    expected = weights_of(flows, y)
    assert np.allclose(weights_of(flows[::-1], y)[::-1], expected, atol=0.02)
    order = np.random.default_rng(1).permutation(len(y))
    assert np.allclose(weights_of([flow[order] for flow in flows], y[order]), expected, atol=0.02)
    assert (weights_of(flows, y) == expected).all()


def test_equal_flows_get_equal_weights():
    flows, y = make_flows()
    assert np.ptp(weights_of([flows[0]] * 3, y)) <= 0.01


def test_groups_are_left_out_together():
    """The second flow only knows copies of the same item; with groups that is of no use."""
    rng = np.random.default_rng(0)
    flows, y = make_flows(160)
    order, items = np.argsort(y, kind="stable"), np.arange(160) // 2
    flows, y = [flows[1][order], unit(np.repeat(rng.standard_normal((80, 40)), 2, axis=0))], y[order]
    alone, together = weights_of(flows, y), weights_of(flows, y, items)
    assert alone[1] > together[1] + 0.2


def test_many_rows_are_thinned_out(monkeypatch):
    flows, y = make_flows(240)
    everything = weights_of(flows, y)
    monkeypatch.setattr(flow_weights, "_MOST_ROWS", 120)
    asked = []
    monkeypatch.setattr(Kernel, "take", lambda kernel, rows: asked.append(rows) or Kernel(
        kernel.gram[np.ix_(rows, rows)], kernel.least_ridge
    ))
    fewer = weights_of(flows, y)
    assert {len(rows) for rows in asked} == {120} and (np.bincount(y[asked[0]]) == 30).all()
    assert np.argsort(fewer).tolist() == np.argsort(everything).tolist()


def test_a_rare_class_and_weights_of_classes():
    flows, y = make_flows(60)
    y = np.where(np.arange(60) == 7, 9, y)
    for class_weight in (None, "balanced"):
        weights = weights_of(flows, y, class_weight=class_weight)
        assert weights[0] > weights[2] and weights.mean() == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_few_rows_keep_about_equal_weights(n_classes):
    flows, y = make_flows(2 * n_classes, n_classes)
    weights = weights_of(flows, y)
    assert (weights > 0.2).all() and (weights < 3).all()


def test_constant_flows():
    flows, y = make_flows(40)
    constant = np.ones((40, 3), dtype=np.float32)
    weights = weights_of([flows[0], constant], y)
    assert np.isfinite(weights).all() and weights[0] > 0
    assert (weights_of([constant, constant], y) == 1).all()


def test_nothing_to_weigh():
    flows, y = make_flows(40)
    assert weights_of(flows[:1], y).tolist() == [1]
    kernels, share = [compute_kernel(flow) for flow in flows], np.full(40, 1 / 40)
    assert weigh_kernels(kernels, np.eye(4)[y], share, np.zeros(40, dtype=int), ALPHAS).tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="need at least 2 groups, got 1"):
        weights_of(flows, y, np.zeros(40))
