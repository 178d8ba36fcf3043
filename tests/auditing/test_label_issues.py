import numpy as np
import pytest

from twoflow.auditing import find_label_issues
from twoflow.auditing.label_issues import out_of_fold_probabilities


def blobs(n=60, n_classes=3, n_features=8, random_state=0):
    rng = np.random.default_rng(random_state)
    codes = np.arange(n) % n_classes
    return rng.normal(size=(n, n_features)) + 4 * np.eye(n_classes, n_features)[codes], np.array(["a", "b", "c"])[codes]


def test_the_confident_joint_by_hand():
    """Thresholds 0.6 and 0.55. The third has "a" above its threshold only, the fourth "b"; the last reaches neither."""
    probabilities = np.array([[.9, .1], [.3, .7], [.8, .2], [.1, .9], [.5, .5]])
    issues = find_label_issues(["a", "a", "b", "b", "b"], probabilities, ["a", "b"])
    assert issues.thresholds == pytest.approx([0.6, 1.6 / 3])
    assert issues.confident_joint.tolist() == [[1, 1], [1, 1]]
    assert issues.suspects.tolist() == [2, 1], "by margin: -0.6, -0.4"
    assert issues.given.tolist() == ["b", "a"] and issues.suggested.tolist() == ["a", "b"]
    assert issues.margins == pytest.approx([-0.6, -0.4]) and issues.confidences == pytest.approx([0.8, 0.7])
    assert issues.ratios == pytest.approx(np.log([0.8 / 0.2, 0.7 / 0.3]))
    assert issues.examples.tolist() == [0, 3], "the surest with the label a, and with the label b"


def test_the_ranking_is_a_choice():
    """The third has the larger margin, the fourth the larger ratio."""
    probabilities = np.array([[.6, .2, .2], [.2, .6, .2], [.75, .15, .1], [.02, .5, .48], [.2, .2, .6]])
    labels = ["a", "b", "b", "a", "c"]
    probabilities[3] = [.02, .5, .48]
    by_ratio, by_margin = (
        find_label_issues(labels, probabilities, ["a", "b", "c"], rank=rank) for rank in ("ratio", "margin")
    )
    assert by_ratio.suspects.tolist() == [3, 2] and by_margin.suspects.tolist() == [2, 3]
    assert find_label_issues(labels, probabilities, ["a", "b", "c"]).suspects.tolist() == [3, 2]
    with pytest.raises(ValueError, match="rank: expected one of ratio, margin, got 'size'"):
        find_label_issues(labels, probabilities, ["a", "b", "c"], rank="size")


def test_a_class_that_no_image_confidently_has_gives_no_example():
    probabilities = np.array([[.4, .6], [.3, .7], [.9, .1], [.8, .2]])
    issues = find_label_issues(["a", "a", "b", "b"], probabilities, ["a", "b"])
    assert issues.examples.tolist() == [-1] * len(issues.suspects) and len(issues.suspects) == 4


def test_a_probability_of_zero_has_a_finite_ratio():
    issues = find_label_issues(["a", "b", "a"], np.array([[1, 0], [0, 1.], [0, 1]]), ["a", "b"])
    assert issues.suspects.tolist() == [2] and issues.ratios[0] == pytest.approx(np.log(1e12))


def test_a_row_of_nan_is_not_judged():
    probabilities = np.array([[.8, .2], [np.nan, np.nan], [.9, .1], [.1, .9]])
    issues = find_label_issues(["a", "a", "b", "b"], probabilities, ["a", "b"])
    assert issues.n_judged == 3 and issues.suspects.tolist() == [2] and issues.thresholds == pytest.approx([0.8, 0.5])


@pytest.mark.parametrize(
    "labels, shape, message",
    [(["a", "b"], (2, 3), r"shape \(2, 2\), got \(2, 3\)"), (["a", "c"], (2, 2), "got c; add it to classes")],
)
def test_what_does_not_fit(labels, shape, message):
    with pytest.raises(ValueError, match=message):
        find_label_issues(labels, np.full(shape, 0.5), ["a", "b"])


def test_planted_errors_are_found_first():
    features, labels = blobs(150)
    wrong = np.arange(0, 150, 25)
    planted = labels.copy()
    planted[wrong] = np.where(labels[wrong] == "a", "b", "a")
    probabilities, classes = out_of_fold_probabilities(features, planted, np.arange(150))
    issues = find_label_issues(planted, probabilities, classes)
    assert (np.diff(issues.ratios) <= 0).all()
    assert len(np.intersect1d(issues.suspects[:len(wrong)], wrong)) >= 5
    assert (issues.suggested[:5] == labels[issues.suspects[:5]]).all()
    margins = find_label_issues(planted, probabilities, classes, rank="margin").margins
    assert (np.diff(margins) >= 0).all()


def test_no_image_is_judged_by_its_own_group():
    """Noise with random labels, each image there four times: a model that saw a copy would know them all."""
    rng = np.random.default_rng(0)
    features, labels = np.repeat(rng.normal(size=(40, 60)), 4, axis=0), np.repeat(rng.integers(0, 2, 40), 4)
    honest, _ = out_of_fold_probabilities(features, labels, np.arange(160) // 4)
    cheating, _ = out_of_fold_probabilities(features, labels, np.arange(160))
    accuracy = [(each.argmax(axis=1) == labels).mean() for each in (honest, cheating)]
    assert accuracy[0] < 0.7 < 0.95 < accuracy[1]


def test_the_order_of_images_changes_little_and_workers_nothing():
    features, labels = blobs(90)
    one, _ = out_of_fold_probabilities(features, labels, np.arange(90), n_jobs=1)
    two, _ = out_of_fold_probabilities(features, labels, np.arange(90), n_jobs=2)
    assert (one == two).all()


def test_classes_with_few_images():
    """One image cannot be judged; two can, each by the other, unless they came into one fold."""
    features, labels = blobs(40)
    labels = labels.astype("<U6")
    labels[0], labels[[1, 2]] = "single", "pair"
    probabilities, classes = out_of_fold_probabilities(features, labels, np.arange(40))
    assert np.isnan(probabilities[0]).all() and np.isfinite(probabilities[3:]).all()
    assert np.allclose(probabilities[3:].sum(axis=1), 1)
    assert np.isnan(probabilities[1]).any() == np.isnan(probabilities[2]).any()
    assert find_label_issues(labels, probabilities, classes).n_judged == np.isfinite(probabilities[:, 0]).sum()


@pytest.mark.parametrize("labels", [["a"] * 6, ["a"] * 5 + ["b"], list("abcdef")])
def test_labels_that_cannot_be_judged(labels):
    with pytest.raises(ValueError, match="at least two classes with two images"):
        out_of_fold_probabilities(np.eye(6), np.array(labels), np.arange(6))


def test_folds_are_fewer_where_classes_are_small():
    features, labels = blobs(6, 3)
    probabilities, _ = out_of_fold_probabilities(features, labels, np.arange(6))
    assert probabilities.shape == (6, 3)


def test_real_labels_with_planted_errors(data):
    """Of 190 labels drawn anew among 3,781 at least half are among the first 200 suspects."""
    from twoflow import CNNEmbedding, load_table

    clothing = load_table(data / "clothing" / "labels.csv", data / "clothing", group_column="sender_id")[::4]
    features = CNNEmbedding(n_jobs=2).transform(clothing)
    rng = np.random.default_rng(0)
    wrong = rng.choice(len(clothing), len(clothing) // 20, replace=False)
    labels = clothing.labels.copy()
    for i in wrong:
        labels[i] = rng.choice(clothing.classes[clothing.classes != labels[i]])
    probabilities, classes = out_of_fold_probabilities(features, labels, clothing.groups)
    suspects = find_label_issues(labels, probabilities, classes).suspects
    assert np.isin(wrong, suspects[:len(clothing) // 19]).mean() >= 0.5


def test_workers_change_no_probability():
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(400, 300)).astype(np.float32), rng.integers(0, 4, 400)
    one, two = (
        out_of_fold_probabilities(features, labels, np.arange(400), n_jobs=n_jobs)[0] for n_jobs in (1, 2)
    )
    assert (one == two).all()
