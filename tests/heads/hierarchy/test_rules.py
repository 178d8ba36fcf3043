import numpy as np
import pytest

from twoflow.errors import UserError
from twoflow.heads import ClassTree, Confidence, Risk
from twoflow.heads.hierarchy.decisions import decide
from twoflow.heads.hierarchy.rules import AtLeast, Likeliest, fitted_rule, to_rule

TREE = ClassTree.from_dict({"shoes": ["boots", "heels"], "bags": ["tote"]}, ["kind", "article"])
BAGS, SHOES, TOTE, BOOTS, HEELS = range(5)


def row(bags, shoes, tote, boots, heels):
    return np.array([[bags, shoes, tote, boots, heels]])


@pytest.mark.parametrize("rule, node_proba, node, reason", [
    (None, row(.4, .6, .4, .35, .25), TOTE, ""),
    (0.7, row(.1, .9, .1, .85, .05), BOOTS, ""),
    (0.85, row(.1, .9, .1, .85, .05), BOOTS, ""),
    (0.8, row(.03, .97, .03, .42, .55), SHOES,
     "no class reaches 0.80: the likeliest, heels, has 0.55; the answer is its kind shoes with 0.97"),
    (0.8, row(.4, .6, .4, .35, .25), -1, "no class reaches 0.80: the likeliest, tote, has 0.40"),
    (0.8, row(.201, .799, .201, .7989, .0001), -1, "no class reaches 0.800: the likeliest, boots, has 0.799"),
    ("confidence", row(.2, .8, .2, .45, .35), BOOTS, ""),
    ("confidence", row(.31, .69, .31, .69, 0), -1, "no kind reaches 0.70: the likeliest, shoes, has 0.69"),
    (Confidence(0.5), row(.45, .55, .45, .3, .25), SHOES,
     "the likeliest article, tote with 0.45, is not below shoes with 0.55; the answer is its kind shoes"),
])
def test_rules(rule, node_proba, node, reason):
    decisions = decide(TREE, node_proba, fitted_rule(rule, TREE))
    assert decisions.node.tolist() == [node] and decisions.reason == [reason]
    expected = node_proba[0, node] if node >= 0 else node_proba[0, TREE.leaves].max()
    assert decisions.confidence[0] == expected


def test_confidence_with_heads_that_contradict_each_other():
    """The subclass of the reference is that of a head of its own, which may be sure of another main class."""
    assert Confidence().answer(TREE, row(.1, .9, .95, .03, .02)).tolist() == [SHOES]
    assert Confidence().answer(TREE, row(.1, .9, .02, .03, .95)).tolist() == [HEELS]


def test_confidence_with_three_levels_stops_where_levels_contradict():
    tree = ClassTree.from_dict({"a": {"b": ["c"], "d": ["e"]}})
    a, b, d, c, e = range(5)
    proba = np.zeros((1, 5))
    proba[0, [a, b, d, c, e]] = [1, .6, .4, .3, .7]
    assert Confidence().answer(tree, proba).tolist() == [b]


def test_a_short_path_is_a_candidate_at_every_finer_level():
    tree = ClassTree([("hats",), ("shoes", "boots"), ("shoes", "heels")])
    answers = AtLeast(0.1).answer(tree, np.array([[.8, .2, .15, .05], [.2, .8, .45, .35]]))
    assert [tree.nodes[node] for node in answers] == [("hats",), ("shoes", "boots")]


def test_to_rule():
    assert isinstance(to_rule(None), Likeliest) and to_rule(0.25).threshold == 0.25
    assert to_rule("confidence").threshold == 0.7 and to_rule(Risk(0.1)).error == 0.1


def simulate(rng, n, *, shift=0.0):
    """Probabilities of five nodes that are calibrated: the true leaf is drawn from them."""
    leaf = rng.dirichlet([0.15 + shift] * 3, size=n)
    node_proba = np.column_stack([leaf[:, 0], leaf[:, 1] + leaf[:, 2], leaf])
    true = TREE.leaves[(leaf.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)]
    return node_proba, true


def error_of(rule, node_proba):
    """The exact error among the answers: the probability that the answered node is not on the path."""
    nodes = rule.answer(TREE, node_proba)
    answered = nodes >= 0
    return 1 - node_proba[np.flatnonzero(answered), nodes[answered]].mean() if answered.any() else 0.0


@pytest.mark.filterwarnings("ignore:fallback. no threshold promises")
@pytest.mark.parametrize("per_class", [False, True])
def test_the_promise_holds_in_simulated_data(per_class):
    """The thresholds of 200 data sets; each must keep the promise on a large set, but for the 5 % that may not."""
    rng = np.random.default_rng(0)
    large, _ = simulate(rng, 5_000)
    main = np.where(large[:, 0] > large[:, 1], BAGS, SHOES)
    broken = []
    for _ in range(200):
        node_proba, true = simulate(rng, 500)
        rule = Risk(0.1, per_class=per_class).fit(TREE, node_proba, true)
        parts = [large[main == each] for each in (BAGS, SHOES)] if per_class else [large]
        broken += [error_of(rule, part) > 0.1 for part in parts]
    assert np.mean(broken) <= 0.05


def test_the_promise_holds_with_groups():
    """Rows of one group are copies. Counted as one each, they keep the promise; counted as rows, they do not."""
    rng = np.random.default_rng(1)
    large, _ = simulate(rng, 5_000)
    broken = {True: [], False: []}
    for _ in range(100):
        node_proba, true = (np.repeat(values, 4, axis=0) for values in simulate(rng, 300))
        for is_grouped, found in broken.items():
            groups = np.arange(len(true)) // 4 if is_grouped else None
            found.append(error_of(Risk(0.1).fit(TREE, node_proba, true, groups), large) > 0.1)
    assert np.mean(broken[True]) <= 0.05 < np.mean(broken[False])


def test_a_lower_error_answers_no_more_levels():
    node_proba, true = simulate(np.random.default_rng(2), 2000)
    answers = [Risk(error).fit(TREE, node_proba, true).answer(TREE, node_proba) for error in (0.02, 0.1, 0.5)]
    levels = [np.where(nodes < 0, 0, TREE.depths[nodes] + 1) for nodes in answers]
    assert levels[0].sum() <= levels[1].sum() <= levels[2].sum() and levels[0].min() == 0
    assert (answers[2] == Likeliest().answer(TREE, node_proba)).all(), "a promise that all answers keep"


def test_a_broad_level_that_is_never_wrong_has_a_low_threshold():
    """Shoes or bags is certain, but boots or heels is a guess: an image is at least a shoe."""
    rng = np.random.default_rng(5)
    share = rng.uniform(0.5, 1, 1000)
    shoes = rng.uniform(0.55, 1, 1000)
    node_proba = np.column_stack([1 - shoes, shoes, 1 - shoes, share * shoes, (1 - share) * shoes])
    true = np.where(rng.random(1000) < share, BOOTS, HEELS)
    rule = Risk(0.02).fit(TREE, node_proba, true)
    nodes = rule.answer(TREE, node_proba)
    assert set(nodes) == {-1, SHOES, BOOTS} and np.mean(nodes < 0) <= 0.01
    assert (rule.thresholds_[:, 0] < 0.6).all() and (rule.thresholds_[:, 1] > 0.7).all()
    assert rule.answer(TREE, row(.5, .5, .5, .5, 0)) == -1, "no class of this image is likely"
    assert "the answer is its kind shoes with 0." in rule.explain(TREE, node_proba[share.argmin()], SHOES)


def test_a_promise_that_cannot_be_kept():
    node_proba, true = simulate(np.random.default_rng(3), 400)
    with pytest.raises(UserError, match=r"at least 3,688 independent held-out answers.*got 400 that count as 400; "):
        Risk(0.001).fit(TREE, node_proba, true)
    with pytest.raises(UserError, match="got 400 that count as 4; give a higher error, or more images"):
        Risk(0.1).fit(TREE, node_proba, true, np.arange(400) // 100)
    with pytest.raises(UserError, match="nearly all right, to promise an error of 0.05, got too many wrong ones"):
        Risk(0.05).fit(TREE, node_proba, np.full(400, TOTE))


def test_a_class_whose_promise_cannot_be_kept_is_never_answered():
    rng = np.random.default_rng(4)
    sure = np.tile([0.0, 1, 0, 1, 0], (300, 1))
    few = np.tile([1.0, 0, 1, 0, 0], (20, 1))
    node_proba, true = np.vstack([sure, few]), np.repeat([BOOTS, TOTE], [300, 20])
    order = rng.permutation(320)
    with pytest.warns(UserWarning, match="no threshold promises an error of 0.05 among the answers of bags, so these"):
        rule = Risk(0.05, per_class=True).fit(TREE, node_proba[order], true[order])
    assert rule.thresholds_.tolist() == [[np.inf] * 2, [0.0] * 2] and rule.n_held_out_ == 320
    decisions = decide(TREE, node_proba[[0, -1]], rule)
    assert decisions.node.tolist() == [BOOTS, -1]
    assert decisions.reason == ["", "no answer at bags keeps the promised error of 0.05"]


def test_per_class_answers_only_below_the_likeliest_broadest_class():
    rule = Risk(0.1, per_class=True)
    rule.thresholds_ = np.full((2, 2), 0.3)
    decisions = decide(TREE, row(.4, .6, .4, .3, .29), rule)
    assert decisions.node.tolist() == [SHOES]
    assert decisions.reason == [
        "the likeliest class, tote, is not below the likeliest kind; the answer is its kind shoes with 0.60"
    ]
