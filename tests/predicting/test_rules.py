import numpy as np
import pytest

from twoflow.errors import UserError
from twoflow.heads import UNKNOWN
from twoflow.models.model_file import HeldOut, ModelCard, TargetCard
from twoflow.predicting.answers import Answer
from twoflow.predicting.fallback import fall_back
from twoflow.predicting.rules import read_rules

CLASSES = ("boot/black", "boot/red", "clog/red", "swimwear/red")
LEVELS = {"kind": ("shoe", "shoe", "shoe", "swimwear"), "family": ("boot", "boot", "clog", "swimwear")}


def make_held_out(n=4000, groups=None):
    """Answers of four classes; an answer with the confidence c is right with the probability c."""
    rng = np.random.default_rng(0)
    confidence = rng.beta(20, 1, size=n).astype(np.float32)
    true = rng.integers(4, size=n).astype(np.int32)
    predicted = np.where(rng.random(n) < confidence, true, (true + 1) % 4).astype(np.int32)
    return HeldOut(true, predicted, confidence, groups)


def make_card(held_out=None, threshold=None, targets=("item",), levels=LEVELS):
    return ModelCard("shoes", "2025-01-31", tuple(
        TargetCard(name, CLASSES, levels=levels, held_out=held_out) for name in targets
    ), threshold=threshold)


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Write rules to a file and read them."""
    monkeypatch.chdir(tmp_path)

    def read(text, card=None):
        (tmp_path / "rules.toml").write_text(text, "utf-8")
        return read_rules("rules.toml", card or make_card())

    return read


def answers(*probabilities, threshold=0.5):
    return tuple(fall_back(np.array([probabilities]), make_card().targets[0], threshold, 3))


RULES = """
[[rules]]
decision = "denied"
level = "kind"
classes = ["swimwear"]

[[rules]]
decision = "review"
classes = ["clog/red"]

[[rules]]
decision = "approved"
confidence = 0.9

[[rules]]
decision = "approved"
level = "family"
classes = ["boot"]
confidence = 0.6

[[rules]]
decision = "denied"
unknown = true
"""


@pytest.mark.parametrize("probabilities, name, rule", [
    ((0.2, 0.1, 0.1, 0.6), "denied", "rule 1: kind swimwear with any confidence"),
    ((0, 0, 1.0, 0), "review", "rule 2: item clog/red with any confidence"),
    ((0.95, 0.05, 0, 0), "approved", "rule 3: every item with a confidence of at least 0.9"),
    ((0.7, 0.1, 0.1, 0.1), "approved", "rule 4: family boot with a confidence of at least 0.6"),
    ((0.4, 0.4, 0.1, 0.1), "approved", "rule 4: family boot with a confidence of at least 0.6"),
    ((0.55, 0.05, 0.3, 0.1), "review", "no rule fits"),
    ((0.3, 0.1, 0.3, 0.3), "review", "no rule fits"),
    ((0.3, 0.1, 0.2, 0.4), "review", "no rule fits"),
])
def test_the_first_rule_that_fits_decides(read, probabilities, name, rule):
    assert read(RULES).decide(answers(*probabilities)) == (name, rule)


def test_what_is_unknown_is_for_review_unless_a_rule_says_otherwise(read):
    unknown = answers(0.25, 0.25, 0.1, 0.4, threshold=0.95)
    assert unknown[0].label == UNKNOWN
    everything = '[[rules]]\ndecision = "approved"\n'
    assert read(everything).decide(unknown) == ("review", "no rule fits")
    assert read(everything).decide(answers(0.25, 0.25, 0.1, 0.4, threshold=None)).name == "approved"
    assert read(RULES).decide(unknown) == ("denied", "rule 5: unknown")


def test_a_broader_answer_fits_a_rule_about_its_level_only(read):
    boot = answers(0.45, 0.45, 0.1, 0)
    assert boot[0].level == "family" or boot[0].level == "kind"
    assert read('[[rules]]\ndecision = "approved"\n').decide(boot).name == "review"
    assert read('[[rules]]\ndecision = "approved"\nlevel = "kind"\n').decide(boot).name == "approved"
    shoe = answers(0.3, 0.2, 0.4, 0.1, threshold=0.7)
    assert shoe[0][1:3] == ("shoe", "kind")
    assert read('[[rules]]\ndecision = "approved"\nlevel = "family"\n').decide(shoe).name == "review"
    assert read('[[rules]]\ndecision = "approved"\nlevel = "kind"\nclasses = ["shoe"]').decide(shoe).name == "approved"


def test_rules_about_one_of_several_targets(read):
    card = make_card(targets=("type", "color"))
    rules = read("""
        [[rules]]
        decision = "review"
        target = "color"
        unknown = true
        [[rules]]
        decision = "approved"
        target = "type"
        confidence = 0.9
    """, card)
    certain, unknown = Answer("type", "boot/red", "type", 0.95, "", ()), Answer("color", UNKNOWN, "", 0.2, "", ())
    assert rules.decide((certain, unknown)) == ("review", "rule 1: color: unknown")
    assert rules.decide((certain, certain._replace(target="color"))) == (
        "approved", "rule 2: type: every type with a confidence of at least 0.9"
    )


def test_a_promise_is_kept_on_the_held_out_answers(read):
    held_out = make_held_out()
    rules = read("""
        [[rules]]
        decision = "denied"
        classes = ["swimwear/red"]
        confidence = 0.5
        [[rules]]
        decision = "approved"
        error = 0.02
    """, make_card(held_out))
    denied, approved = rules.rules
    is_denied = (held_out.predicted == 3) & (held_out.confidence >= 0.5)
    is_approved = ~is_denied & (held_out.confidence >= np.float32(approved.threshold))
    assert 0.9 < approved.threshold < 1
    assert (denied.n_decided, approved.n_decided) == (is_denied.sum(), is_approved.sum())
    assert approved.n_wrong == (held_out.true != held_out.predicted)[is_approved].sum()
    assert 0 < approved.n_wrong / approved.n_decided < 0.02
    shown = str(rules)
    rest = 1 - (is_denied | is_approved).mean()
    assert "so that at most 2% are wrong (95% confidence). Held out: " in shown
    assert f"Otherwise review. Held out: {rest:.1%} of 4,000 answers" in shown


def test_a_broader_class_is_wrong_less_often(read):
    card = make_card(make_held_out())
    fine, broad = (
        read(f'[[rules]]\ndecision = "approved"\nerror = 0.03\n{more}', card).rules[0]
        for more in ("", 'level = "kind"\n')
    )
    assert broad.n_decided > fine.n_decided and (broad.threshold or 0) < fine.threshold


def test_the_threshold_of_the_model_comes_first(read):
    """Answers below it are no class, so no rule decides on them, and no promise is about them."""
    held_out = make_held_out()
    rules = read('[[rules]]\ndecision = "approved"\nerror = 0.2\n', make_card(held_out, threshold=0.97))
    rule, = rules.rules
    assert rule.threshold == 0.97
    assert rule.n_decided == (held_out.confidence >= np.float32(0.97)).sum()
    rule, = read('[[rules]]\ndecision = "approved"\n', make_card(held_out, threshold=0.97)).rules
    assert rule.n_decided == (held_out.confidence >= np.float32(0.97)).sum() and rule.threshold is None


def test_a_promise_is_not_about_broader_answers(read):
    rules = read('[[rules]]\ndecision = "approved"\nerror = 0.2\nlevel = "kind"\n', make_card(make_held_out()))
    assert rules.decide(answers(0.5, 0.5, 0, 0, threshold=0.9)).name == "review"
    assert rules.decide(answers(0.99, 0.01, 0, 0, threshold=0.9)).name == "approved"


def test_no_probabilities_reach_no_confidence(read):
    without = (Answer("item", "boot/red", "item", float("nan"), "", (("boot/red", float("nan")),)),)
    by_class = '[[rules]]\ndecision = "denied"\nclasses = ["boot/red"]\n'
    assert read(by_class).decide(without).name == "denied"
    assert not read(by_class).needs_probabilities
    rules = read(by_class + "confidence = 0.1\n")
    assert rules.decide(without).name == "review" and rules.needs_probabilities


def test_labels_that_are_numbers(read):
    card = ModelCard("sizes", "2025-01-31", (TargetCard("size", (36, 37)),))
    for text in ("[37]", '["37"]'):
        rules = read(f'[[rules]]\ndecision = "denied"\nclasses = {text}\n', card)
        assert rules.decide((Answer("size", 37, "size", 0.9, "", ()),)).name == "denied"
        assert rules.decide((Answer("size", 36, "size", 0.9, "", ()),)).name == "review"


def rule(text):
    return f'[[rules]]\ndecision = "approved"\n{text}\n'


@pytest.mark.parametrize("text, message", [
    ("", r"rules.toml: expected at least one table \[\[rules\]\], got nothing; add one for each rule"),
    ("rules = []", r"expected at least one table \[\[rules\]\], got \[\]"),
    ("rules = [1]", r"expected at least one table \[\[rules\]\], got \[1\]"),
    ("[rules]\ndecision = 'denied'", r"expected at least one table \[\[rules\]\], got {'decision'"),
    ("[[rule]]", "rules.toml: key: expected 'rules', got 'rule'; correct it"),
    ("decision denied", "rules.toml: expected rules in TOML, got other text: .*line 1"),
    ("a = " + "[" * 10_000, "rules.toml: expected rules in TOML, got other text"),
    ("[[rules]]\nclasses = ['clog/red']", "rule 1: decision: expected 'approved', 'denied' or 'review', got nothing"),
    ("[[rules]]\ndecision = 'deny'", "rule 1: decision: expected 'approved', 'denied' or 'review', got 'deny'"),
    ("[[rules]]\ndecision = ['denied']", "rule 1: decision: expected 'approved'"),
    (rule("confidences = 0.9"), "rule 1: key: expected 'confidence' or another of 7, got 'confidences'; correct it"),
    (rule("classes = ['bot/red']"), "rule 1: classes: expected 'boot/red', 'clog/red' or another of 4, got"),
    (rule("classes = ['boot']"), "rule 1: classes: expected 'boot/red', .* got 'boot'"),
    (rule("classes = []"), r"rule 1: classes: expected a list of classes with at least one, got \[\]"),
    (rule("classes = 'boot/red'"), "rule 1: classes: expected a list of classes"),
    (rule("classes = [true]"), "rule 1: classes: expected a list of classes"),
    (rule("level = 'kid'"), "rule 1: level: expected 'kind' or another of 2, got 'kid'"),
    (rule("level = 'kind'\nclasses = ['boot']"), "rule 1: classes: expected 'shoe' or 'swimwear', got 'boot'"),
    (rule("target = 'color'"), "rule 1: target: expected 'item', got 'color'"),
    (rule("confidence = true"), "rule 1: confidence: expected a number above 0 and up to 1, got True"),
    (rule("confidence = 0"), "rule 1: confidence: expected a number above 0 and up to 1, got 0"),
    (rule("confidence = nan"), "rule 1: confidence: expected a number above 0 and up to 1, got nan"),
    (rule("confidence = '90%'"), "rule 1: confidence: expected a number above 0 and up to 1, got '90%'"),
    (rule("error = 1.0"), "rule 1: error: expected a number between 0 and 1, got 1.0"),
    (rule("confidence = 0.9\nerror = 0.02"), "rule 1: expected confidence without error, got both"),
    (rule("unknown = false"), "rule 1: unknown: expected true, or no such key, got False"),
    (rule("unknown = true\nlevel = 'kind'"), "rule 1: expected unknown without level, got both; make two rules of it"),
    (rule("error = 0.02"), "rule 1: error: expected a model file with held-out answers for item, got none; give a"),
    (rule("") + rule("classes = ['clog/red']"), "rule 2: expected a rule that can decide, .* by rule 1; put it before"),
    (rule("confidence = 0.5") + rule("confidence = 0.6"), "rule 2: expected a rule that can decide"),
])
def test_a_mistake_is_one_line(read, text, message):
    with pytest.raises(ValueError, match=message) as caught:
        read(text)
    assert isinstance(caught.value, UserError) and "\n" not in str(caught.value)


@pytest.mark.parametrize("text, held_out, message", [
    (rule("error = 0.0001"), make_held_out(), "expected at least 29,956 independent held-out answers, nearly all right"
                                              ", to promise 0.0001, got 4,000 that count as 4,000; give a higher"),
    (rule("error = 0.001"), make_held_out(), "to promise 0.001, got too many wrong ones"),
    (rule("error = 0.1"), make_held_out(groups=np.zeros(4000, np.int32)), "got 4,000 that count as 1;"),
    (rule("error = 0.1"), make_held_out(20), "at least 29 independent held-out answers.* got 20 that count as 20;"),
])
def test_a_promise_that_cannot_be_kept(read, text, held_out, message):
    with pytest.raises(ValueError, match=message):
        read(text, make_card(held_out))


def test_other_mistakes(read, tmp_path):
    with pytest.raises(ValueError, match="rule 1: target: expected one of type or color, got nothing; add it"):
        read(rule(""), make_card(targets=("type", "color")))
    with pytest.raises(ValueError, match="rule 1: level: expected no level, because item has none"):
        read(rule("level = 'kind'"), make_card(levels={}))
    with pytest.raises(OSError, match="cannot read the rules missing.toml: no such file or directory; name a file"):
        read_rules("missing.toml", make_card())
    (tmp_path / "large.toml").write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(ValueError, match="expected rules of at most 1,048,576 bytes, got more"):
        read_rules("large.toml", make_card())
    (tmp_path / "image.toml").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(ValueError, match="image.toml: expected rules in TOML, got other text"):
        read_rules("image.toml", make_card())


def test_a_narrower_rule_after_a_certain_one_can_decide(read):
    rules = read(rule("confidence = 0.9") + rule("confidence = 0.5\nclasses = ['clog/red']") + rule("level = 'kind'"))
    assert len(rules.rules) == 3
