"""The terms of training images sum to the score."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier

from twoflow import (
    HierarchicalClassifier,
    ImageCollection,
    MultiTargetClassifier,
    explain,
    make_model,
    open_model_file,
    save,
)
from twoflow.errors import UserError
from twoflow.heads import KernelRidgeClassifier
from twoflow.similarity import GalleryTerms, TrainingTerms, has_terms

from .conftest import FLOWS


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-9), (np.float32, 1e-5)])
@pytest.mark.parametrize("options", [{}, {"class_weight": "balanced"}, {"label_noise": "drop"}])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_terms_and_constant_are_the_decision_function(n_classes, options, dtype, tolerance):
    rng = np.random.RandomState(0)
    y = np.sort(rng.randint(n_classes, size=60))
    X = (rng.randn(60, 90) + y[:, None] * (np.arange(90) % 3)).astype(dtype)
    wrong = np.where(np.arange(60) % 15 == 0, (y + 1) % n_classes, y)  # some rows are dropped
    model = KernelRidgeClassifier(**options).fit(X, wrong, groups=np.arange(60) // 2)
    queries = rng.randn(3, 90).astype(dtype) * 2
    for x, expected in zip(queries, model.decision_function(queries)):
        found = model.row_terms(X, x)
        assert found.terms.shape == model.dual_coef_.shape == (model.kept_.sum(), np.size(expected))
        assert np.allclose(found.terms.sum(axis=0) + found.constant, expected, atol=tolerance * 10)
    if not options:  # the mean row gets the shares of the classes
        shares = np.bincount(wrong)[:n_classes] / 60
        assert found.constant == pytest.approx(shares if n_classes > 2 else [shares[1] - shares[0]], abs=1e-5)


@pytest.mark.parametrize("change", [lambda X: X[::-1], lambda X: X[:-1], lambda X: X + np.arange(9)])
def test_other_training_rows_are_refused(change):
    rng = np.random.RandomState(0)
    X, y = rng.randn(30, 9), np.arange(30) % 3
    model = KernelRidgeClassifier().fit(X, y)
    changed = change(X)
    if len(changed) == 30 and not np.allclose(changed, X[::-1]):
        changed = X * (1 + np.arange(30)[:, None] / 30)
    with pytest.raises(UserError, match="fitted on"):
        model.row_terms(changed, X[0])


def test_a_model_saved_before_there_were_dual_coefficients():
    model = KernelRidgeClassifier().fit(np.eye(4), [0, 1, 0, 1])
    del model.dual_coef_
    with pytest.raises(UserError, match="fit and save it again"):
        model.row_terms(np.eye(4), np.ones(4))


def test_the_nearest_speak_for_and_against(model, shop):
    terms = TrainingTerms(model, shop)
    for row, label in ((0, "tee/01"), (0, "tee/03"), (20, None)):
        found = terms.of(shop[row], label=label, k=3)
        scores = model.decision_function(shop[row:row + 1])[0]
        expected = scores.max() if label is None else scores[model.classes_.tolist().index(label)]
        assert found.score == pytest.approx(expected, abs=1e-6) and found.is_exact
        assert (np.diff(found.terms) <= 0).all() and (found.terms[:3] > 0).all() and (found.terms[3:] < 0).all()
        assert found.labels == shop.labels[found.positions].tolist()
    assert terms.of(shop[0]).positions[0] == 0 and terms.of(shop[0]).similarities[0] == pytest.approx(1)


def test_two_classes_have_opposite_terms(shop):
    two = shop[:16]
    model = make_model(FLOWS, "kernel-ridge").fit(two)
    terms = TrainingTerms(model, two)
    first, second = (terms.of(shop[20], label=label, k=16) for label in model.classes_)
    assert first.score == pytest.approx(-second.score) and np.allclose(first.terms, -second.terms[::-1])
    assert second.score == pytest.approx(model.decision_function(shop[20:21])[0], abs=1e-6)


def test_several_targets_of_which_some_labels_are_missing(shop):
    parity = np.where(np.arange(24) % 2, "even", "odd").astype(object)
    parity[:3] = ""
    both = ImageCollection(shop.images, np.column_stack([shop.labels, parity]), target_names=["class", "parity"])
    model = MultiTargetClassifier(make_model(FLOWS, "kernel-ridge")).fit(both)
    found = TrainingTerms(model, both).of(shop[0], "parity", "odd", k=24)
    assert min(found.positions) == 3 and set(found.labels) == {"even", "odd"} and np.isfinite(found.score)
    with pytest.raises(UserError, match="one of 'class', 'parity'"):
        TrainingTerms(model, both).of(shop[0], "size")
    with pytest.raises(UserError, match="training: expected an ImageCollection, with labels, got list; pass"):
        TrainingTerms(model, list(shop.images))


@pytest.fixture(scope="module")
def both(shop):
    """Two targets; the second lacks labels of three images, and one class of the first is where it is unknown."""
    tone = np.where(np.arange(24) % 3, "dark", "light").astype(object)
    kind = np.where(np.arange(24) < 3, "clog", shop.labels).astype(object)
    tone[:3] = ""
    return ImageCollection(shop.images, np.column_stack([kind, tone]), target_names=["kind", "tone"])


@pytest.mark.parametrize("strategy", ["shared", "joint"])
def test_one_classifier_of_several_targets(both, tmp_path, strategy):
    model = MultiTargetClassifier(make_model(FLOWS, "kernel-ridge"), strategy, random_state=0).fit(both)
    save(model, tmp_path / "both.twoflow", collection=both, gallery=True)
    exact, nearly = TrainingTerms(model, both), GalleryTerms(open_model_file(tmp_path / "both.twoflow"))
    for target, label in (("kind", "tee/02"), ("tone", "dark"), ("tone", None)):
        reason, = explain(model, both.images[20], target=target, label=label).reasons
        found, short = (terms.of(both.images[20], target, label, k=24) for terms in (exact, nearly))
        assert found.score == pytest.approx(reason.score, abs=1e-6) and short.score == pytest.approx(found.score)
        assert short.constant == pytest.approx(found.constant, abs=1e-5)
        assert len(found.positions) == 21 and found.positions.min() == 3
        assert found.labels == both.target(target)[found.positions].tolist()
        of = dict(zip(found.positions, found.terms))
        assert np.corrcoef([of[position] for position in short.positions], short.terms)[0, 1] > 0.9
    for terms in (exact, nearly):
        with pytest.raises(UserError, match="expected a label of the images that the classifier was fitted on"):
            terms.of(both.images[0], "kind", "clog")


def test_a_chain_has_no_terms(both):
    model = MultiTargetClassifier(make_model(FLOWS, "kernel-ridge"), "chain", random_state=0).fit(both)
    assert not has_terms(model)
    with pytest.raises(UserError, match="such as kernel ridge, got MultiTargetClassifier with strategy='chain'; "):
        TrainingTerms(model, both)


def test_a_hierarchy(shop):
    levels = ImageCollection(
        shop.images, [label.split("/") for label in shop.labels], target_names=["kind", "variant"], are_levels=True
    )
    model = HierarchicalClassifier(make_model(FLOWS, "kernel-ridge")).fit(levels)
    assert TrainingTerms(model, levels).of(shop[0], label="tee/01", k=1).is_exact


@pytest.mark.parametrize("strategy", ["parents", "levels"])
def test_a_hierarchy_of_several_classifiers_has_no_terms(shop, strategy):
    levels = ImageCollection(
        shop.images, [label.split("/") for label in shop.labels], target_names=["kind", "variant"], are_levels=True
    )
    model = HierarchicalClassifier(make_model(FLOWS, "kernel-ridge"), strategy=strategy).fit(levels)
    assert not has_terms(model)
    with pytest.raises(UserError, match='expected "leaves"'):
        TrainingTerms(model, levels)


def test_a_file_knows_them_nearly(model, shop, tmp_path):
    save(model, tmp_path / "shop.twoflow", collection=shop, gallery=True)
    exact = TrainingTerms(model, shop).of(shop[0], k=24)
    nearly = GalleryTerms(open_model_file(tmp_path / "shop.twoflow")).of(shop[0], k=24)
    assert not nearly.is_exact and nearly.score == pytest.approx(exact.score, abs=1e-5)
    assert nearly.constant == pytest.approx(exact.constant, abs=1e-5)
    of = dict(zip(exact.positions, exact.terms))
    assert np.corrcoef([of[position] for position in nearly.positions], nearly.terms)[0, 1] > 0.95


def test_other_heads_have_no_terms(shop):
    model = make_model(FLOWS, RidgeClassifier()).fit(shop)
    assert not has_terms(model)
    with pytest.raises(UserError, match="SimilarImages finds the nearest images of any model"):
        TrainingTerms(model, shop)


def test_labels_that_the_model_does_not_know(model, shop):
    with pytest.raises(UserError, match="a label of the model, such as"):
        TrainingTerms(model, shop).of(shop[0], label="boot")
