"""Several data sets: the order of methods, the tests, the groups and the sentences."""

import json
import math
import sys
from itertools import combinations

import numpy as np
import pytest

from twoflow import compare_datasets
from twoflow.errors import InputError, MissingExtraError
from twoflow.evaluation.datasets.answer import write_sentences
from twoflow.evaluation.datasets.pairs import compare_every_pair, group_methods
from twoflow.evaluation.statistics import friedman_test, holm, signed_rank_test

from .reports import report, require_baycomp, write_reports

METHODS = ["cnn", "fast", "pixels"]


def table(n, seed=0):
    """Scores of three methods: fast is better than cnn on every data set, and pixels is far behind."""
    rng = np.random.default_rng(seed)
    return np.array([0.8, 0.85, 0.5]) + rng.normal(0, 0.05, size=(n, 1)) + rng.uniform(-0.01, 0.01, size=(n, 3))


@pytest.fixture
def ten(tmp_path):
    return compare_datasets(write_reports(tmp_path, table(10), METHODS))


def test_methods_are_ordered_by_their_mean_rank(ten):
    assert ten.methods == ("fast", "cnn", "pixels") and ten.best == "fast"
    assert ten.mean_ranks.tolist() == [1, 2, 3]
    assert (ten.scores == table(10)[:, [1, 0, 2]]).all()
    assert ten.mean_scores == pytest.approx(table(10).mean(axis=0)[[1, 0, 2]])
    assert ten.names == tuple(f"set{i}" for i in range(1, 11))


def test_pairs_are_those_of_the_statistics(ten):
    scores = dict(zip(ten.methods, ten.scores.T))
    assert [(pair.first, pair.second) for pair in ten.pairs] == list(combinations(ten.methods, 2))
    results = [signed_rank_test(scores[pair.first], scores[pair.second]) for pair in ten.pairs]
    assert [pair.result for pair in ten.pairs] == results
    assert [pair.p_holm for pair in ten.pairs] == holm([result.p_value for result in results])
    assert ten.friedman == friedman_test(ten.scores)


def test_sentences(ten):
    first, better, friedman = ten.sentences
    mean = table(10)[:, 1].mean()
    assert first == f"fast has the best mean rank, 1.00 of 3, over 10 data sets: mean accuracy {mean:.3f}."
    assert better.startswith("It is significantly better than cnn (median difference 0.0")
    assert "and pixels (median difference 0.3" in better and better.count("p = 0.006") == 2
    assert friedman == str(ten.friedman) and "at least one method differs" in friedman
    assert ten.groups == ()


def test_the_order_of_the_reports_does_not_matter(tmp_path, ten):
    turned = compare_datasets([report.path for report in ten.reports][::-1])
    assert turned.sentences == ten.sentences
    assert [pair.p_holm for pair in turned.pairs] == [pair.p_holm for pair in ten.pairs]


def test_no_significant_difference(tmp_path):
    rng = np.random.default_rng(0)
    found = compare_datasets(write_reports(tmp_path, 0.5 + rng.normal(0, 0.1, size=(8, 3)), METHODS))
    assert found.groups == (found.methods,)
    assert any(sentence.startswith("It is not significantly better than ") for sentence in found.sentences)
    assert all("It is significantly" not in sentence for sentence in found.sentences)


@pytest.mark.parametrize("n, n_methods, needed", [(2, 2, 6), (5, 2, 6), (6, 3, 7), (4, 3, 7)])
def test_too_few_data_sets_give_no_p(tmp_path, n, n_methods, needed):
    """2 / 2^6 = 0.031, and three times 2 / 2^7 = 0.047, are the first below 0.05."""
    folders = write_reports(tmp_path / "few", table(n)[:, :n_methods], METHODS[:n_methods])
    found = compare_datasets(folders)
    assert all(math.isnan(pair.p_holm) and not pair.is_significant for pair in found.pairs)
    assert found.groups == (found.methods,)
    (sentence,) = [each for each in found.sentences if each.startswith("This may be chance")]
    assert f"with {n} data sets" in sentence and sentence.endswith(f"on at least {needed} data sets.")
    enough = compare_datasets(write_reports(tmp_path / "enough", table(needed)[:, :n_methods], METHODS[:n_methods]))
    assert not any(math.isnan(pair.p_holm) for pair in enough.pairs)
    assert all(pair.is_significant for pair in enough.pairs)


def test_methods_that_are_equal_everywhere(tmp_path):
    scores = table(7)[:, [1, 1]]
    found = compare_datasets(write_reports(tmp_path, scores, ["a", "b"]))
    assert found.methods == ("a", "b") and math.isnan(found.pairs[0].p_holm)
    assert "The same mean rank: b. a comes first by its mean score." in found.sentences
    assert "The same scores on every data set: b." in found.sentences
    assert not any("This may be chance" in sentence for sentence in found.sentences)


def test_a_method_that_wins_often_but_by_little_is_not_called_better():
    """Ranks favor the first, signed ranks the second: on 26 of 50 data sets it loses by less than anywhere else."""
    gains = np.zeros((50, 2))
    gains[:, 0] = np.where(np.arange(50) < 26, 1, -1) * np.arange(1, 51) / 1000
    (pair,), _ = compare_every_pair(["often", "much"], gains, 0.01, 0)
    assert pair.is_significant and pair.better == "much"
    means, ranks = {"often": 0.5, "much": 0.6}, {"often": 1.48, "much": 1.52}
    sentences = write_sentences("accuracy", means, ranks, 50, None, [pair])
    assert not any("It is significantly better" in sentence for sentence in sentences)
    assert any(sentence.startswith("But Wilcoxon's test favors much (median difference ") for sentence in sentences)


def test_a_score_of_which_less_is_better(tmp_path):
    folders = write_reports(tmp_path, table(7), METHODS)
    for folder in folders:
        document = json.loads((folder / "report.json").read_text())
        document["scores"][0]["greater_is_better"] = False
        (folder / "report.json").write_text(json.dumps(document))
    found = compare_datasets(folders)
    assert found.methods == ("pixels", "cnn", "fast") and found.mean_ranks.tolist() == [1, 2, 3]
    assert all(pair.better == pair.first and pair.result.median_difference > 0 for pair in found.pairs)


def test_reports_that_disagree_on_the_direction_of_a_score(tmp_path):
    folders = write_reports(tmp_path, table(2), METHODS)
    document = json.loads((folders[1] / "report.json").read_text())
    document["scores"][0]["greater_is_better"] = False
    (folders[1] / "report.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="set2.*: expected the score accuracy to be better in the same direction"):
        compare_datasets(folders)


def test_methods_that_some_reports_lack_are_listed(tmp_path):
    folders = write_reports(tmp_path, table(3), METHODS)
    (folders[1] / "report.json").write_text(json.dumps(report({"fast": 0.9, "cnn": 0.8, "extra": 0.7})))
    found = compare_datasets(folders)
    assert set(found.methods) == {"fast", "cnn"}
    assert found.left_out == {"pixels": ("set2",), "extra": ("set1", "set3")}


def test_named_methods(tmp_path):
    folders = write_reports(tmp_path, table(3), METHODS)
    found = compare_datasets(folders, methods=["pixels", "cnn"])
    assert found.methods == ("cnn", "pixels") and found.left_out == {} and found.friedman is None
    with pytest.raises(InputError, match="set1.*: expected the method best, got cnn, fast, pixels; compare it"):
        compare_datasets(folders, methods=["cnn", "best"])
    with pytest.raises(InputError, match="at least two methods that all reports have, got cnn; run twoflow cv"):
        compare_datasets(folders, methods=["cnn", "cnn"])


def test_no_method_in_common(tmp_path):
    for name, number in (("a", 0.5), ("b", 0.6)):
        write_reports(tmp_path / name, [[number, number]], [f"{name}1", f"{name}2"])
    with pytest.raises(InputError, match="at least two methods that all reports have, got none"):
        compare_datasets({"a": tmp_path / "a/set1", "b": tmp_path / "b/set1"})


def test_too_many_methods(tmp_path):
    names = [f"method{i}" for i in range(31)]
    folders = write_reports(tmp_path, np.random.default_rng(0).random((2, 31)), names)
    with pytest.raises(InputError, match="at most 30 methods, got 31; name those to compare"):
        compare_datasets(folders)
    assert len(compare_datasets(folders, methods=names[:3]).methods) == 3


def test_another_score_is_compared_if_it_is_named(tmp_path):
    both = {"a": {"accuracy": 0.9, "macro_f1": 0.2}, "b": {"accuracy": 0.8, "macro_f1": 0.3}}
    other = {"a": {"exact_match": 0.5, "macro_f1": 0.4}, "b": {"exact_match": 0.6, "macro_f1": 0.5}}
    for name, scores, tested in (("one", both, "accuracy"), ("two", other, "exact_match")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(json.dumps(report(scores, tested)))
    folders = [tmp_path / "one", tmp_path / "two"]
    assert compare_datasets(folders, score="macro_f1").best == "b"
    with pytest.raises(InputError, match="two.*: expected the score accuracy, got exact_match, macro_f1; use"):
        compare_datasets(folders)
    with pytest.raises(InputError, match="expected the score f1, got accuracy, macro_f1; use one of macro_f1"):
        compare_datasets(folders, score="f1")


def test_one_report_is_too_few(tmp_path):
    with pytest.raises(InputError, match="reports of at least two data sets, got 1"):
        compare_datasets(write_reports(tmp_path, table(1), METHODS))
    with pytest.raises(TypeError, match="expected a list of paths or a dict of them by name, got the one path"):
        compare_datasets(str(tmp_path))


def test_without_baycomp_a_note_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "baycomp", None)
    found = compare_datasets(write_reports(tmp_path, table(7), METHODS))
    assert [pair.practical for pair in found.pairs] == [None] * 3
    (note,) = found.notes
    assert note.startswith("there are no probabilities of equivalence") and "twoflow[datasets]" in note


def test_probabilities(tmp_path):
    require_baycomp()
    folders = write_reports(tmp_path, table(7), METHODS)
    found = compare_datasets(folders)
    assert found.notes == () and all(pair.practical.better > 0.95 for pair in found.pairs)
    wide = compare_datasets(folders, margin=0.2)
    assert wide.margin == 0.2 and wide.pairs[0].practical.equivalent > 0.95


def test_a_data_frame(ten):
    frame = ten.to_frame()
    assert frame.index.tolist() == list(ten.names) and frame.columns.tolist() == list(ten.methods)
    assert (frame.to_numpy() == ten.scores).all()


def test_a_data_frame_needs_pandas(ten, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match="pip install pandas"):
        ten.to_frame()


def pairs_of(names, apart):
    """Pairs that differ significantly only if they are named."""
    gains = np.random.default_rng(0).random((2, len(names)))
    found, _ = compare_every_pair(names, gains, 0.01, 0)
    return [pair._replace(p_holm=0.01 if (pair.first, pair.second) in apart else 0.5) for pair in found]


def test_groups_are_the_largest_sets_without_a_significant_pair():
    """Compared with every subset of five methods, for some random choices of the pairs that differ."""
    names, rng = list("abcde"), np.random.default_rng(0)
    for _ in range(30):
        apart = {pair for pair in combinations(names, 2) if rng.random() < 0.5}
        alike = [
            group for size in range(2, 6) for group in combinations(names, size)
            if not apart & set(combinations(group, 2))
        ]
        expected = [group for group in alike if not any(set(group) < set(other) for other in alike)]
        assert sorted(group_methods(names, pairs_of(names, apart))) == sorted(expected)


def test_a_group_may_skip_a_method():
    assert group_methods(list("abc"), pairs_of(list("abc"), {("a", "b"), ("b", "c")})) == (("a", "c"),)
