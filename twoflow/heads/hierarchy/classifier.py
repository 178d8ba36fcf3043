"""Classify into a tree of classes, and answer a broader class or "unknown" where the finer one is not sure."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import Tags, _safe_indexing, check_random_state, get_tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from ...errors import InputError
from ...images.targets import all_right, to_targets
from ..inner_folds import draw_inner_folds, fit_clone
from ..out_of_fold import answer_out_of_fold, probabilities_of
from ..random_states import seeded
from ..targets import TargetsTags, extend_targets_tags
from .decisions import Decisions, reaches
from .labels import UNKNOWN, to_column
from .rules import RULES, to_rule
from .strategies import STRATEGIES
from .tree import ClassTree

_OWN: Any = object()  # the rule that was fitted


class HierarchicalClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Answer the full path of classes, the deepest class that is sure, or "unknown".

    Parameters
    ----------
    estimator : classifier
        Learns one target. It is cloned, and never fitted itself. It may also be a whole model of images.
    tree : ClassTree, optional
        The classes. Default: those that occur in the labels. A class of the tree that does not occur has the
        probability 0.
    strategy : {"leaves"}, default="leaves"
        "leaves": one classifier of the finest classes, whose probabilities are summed upward.
    fallback : None, float, "confidence" or a rule, default=None
        When a broader class or "unknown" is answered. None: never. A number: the deepest class whose probability
        reaches it is answered. "confidence": see `Confidence`.
    scope : OutOfScope, optional
        Recognizes images that are none of the classes, and answers "unknown" for them. Default: no image is refused
        for this reason.
    cv : int, default=5
        The number of folds in which probabilities of held-out rows are computed, if the rule or the scope needs them.
    random_state : int, RandomState or None, default=None
        Draws the folds, and seeds the estimator where its random states are None. By default each fit differs.
    n_jobs : int, optional
        How many classifiers are fitted at the same time; by default one, or as joblib's context says.

    Attributes
    ----------
    tree_ : ClassTree
        With the number of training images of each node.
    classes_ : list of k ndarray of shape (n_classes,)
        The labels of each level, sorted; "" for paths that end above the level. If y has shape (n,), one such array.
    estimators_ : dict of str to classifier
        The fitted classifiers, by what they decide on.
    fallback_ : rule
        The fitted rule.
    scope_ : OutOfScope or None
        Fitted.
    n_partly_labeled_ : int
        The number of training rows whose path ends where other paths go on.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if X has feature names.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> X = [[0.0], [0.2], [2.0], [2.2], [9.0], [9.2]]
    >>> y = [["shoes", "boots"]] * 2 + [["shoes", "heels"]] * 2 + [["bags", "tote"]] * 2
    >>> model = HierarchicalClassifier(GaussianNB(), fallback=0.9).fit(X, y)
    >>> model.predict([[0.1], [1.095]]).tolist()
    [['shoes', 'boots'], ['shoes', 'unknown']]
    >>> model.explain_fallback([[1.095]])
    ['no class reaches 0.90: the likeliest, boots, has 0.73; the answer is its target 1 shoes with 1.00']
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": [HasMethods(["fit", "predict_proba"]), HasMethods(["fit", "decision_function"])],
        "tree": [ClassTree, None],
        "strategy": [StrOptions(set(STRATEGIES))],
        "fallback": [Interval(Real, 0, 1, closed="both"), StrOptions(set(RULES)), HasMethods(["answer"]), None],
        "scope": [HasMethods(["fit", "score_samples"]), None],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimator: Any,
        tree: ClassTree | None = None,
        *,
        strategy: str = "leaves",
        fallback: Any = None,
        scope: Any = None,
        cv: int = 5,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.tree = tree
        self.strategy = strategy
        self.fallback = fallback
        self.scope = scope
        self.cv = cv
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Fit the classifiers, and what the rule and the scope learn.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n, k), or (n,) for one level
            A column for each level, the broadest first. A missing finer label (None, NaN or blank) ends the path. A
            row with `UNKNOWN` at the broadest level is an image of none of the classes, for `scope`.
        groups : array-like of shape (n,), optional
            Where rows are held out, whole groups are. By default there are no groups.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is wrong, labels are no paths, or there is only one class.
        """
        self._validate_params()
        X = self._checked(X, reset=True)
        tree = ClassTree.from_labels(y) if self.tree is None else self.tree
        nodes = tree.encode(y)
        check_consistent_length(X, nodes, groups)
        groups = None if groups is None else np.asarray(groups)
        self.tree_ = tree.counted(y)
        self._is_flat = len(tree.levels) == 1 and np.ndim(y) == 1
        classes = [to_column(labels) for labels in _labels_by_level(tree)]
        self.classes_ = classes[0] if self._is_flat else classes
        self.n_partly_labeled_ = int((~tree.is_leaf[nodes[nodes >= 0]]).sum())
        if len(np.unique(nodes[nodes >= 0])) < 2:
            raise InputError(f"a classifier needs at least two classes; all {len(nodes)} labels are of one")
        rng = check_random_state(self.random_state)
        estimator = seeded(self.estimator, rng)
        self._fitted = _fit_tasks(estimator, X, nodes, groups, tree, self.strategy, self.n_jobs)
        self.estimators_ = {name: fitted for name, fitted, _ in self._fitted if fitted is not None}
        rule = to_rule(self.fallback)
        self._fit_on_held_out(X, nodes, groups, estimator, seeded(rule, rng), rng)
        return self

    def _fit_on_held_out(
        self, X: Any, nodes: np.ndarray, groups: np.ndarray | None, estimator: Any, rule: Any, rng: Any
    ) -> None:
        """Fit the rule and the scope, with the probabilities of rows that were held out if they need them."""
        tree = self.tree_
        rows, held_out = np.flatnonzero(tree.is_leaf[nodes] & (nodes >= 0)), None
        if rule.needs_held_out or self.scope is not None:
            held_out = self._ask_out_of_fold(X, nodes, groups, estimator, rng)[rows]
        own_groups = None if groups is None else groups[rows]
        self.fallback_ = rule.fit(tree, held_out, nodes[rows], own_groups)
        self.scope_ = None
        if self.scope is not None:
            outside = np.flatnonzero(nodes < 0)
            self.scope_ = seeded(self.scope, rng).fit(
                _safe_indexing(X, rows), nodes[rows], own_groups, probabilities=held_out[:, tree.leaves],
                outside=_safe_indexing(X, outside) if len(outside) else None,
            )

    def _ask_out_of_fold(
        self, X: Any, nodes: np.ndarray, groups: np.ndarray | None, estimator: Any, rng: Any
    ) -> np.ndarray:
        """Return the node probabilities of each row from models that were not fitted on it; NaN outside the tree."""
        inside = np.flatnonzero(nodes >= 0)
        within = None if groups is None else groups[inside]
        folds = draw_inner_folds(nodes[inside], within, self.cv, rng, every_class=False)

        def ask(train: np.ndarray, test: np.ndarray) -> np.ndarray:
            train, test = inside[train], inside[test]
            part = None if groups is None else groups[train]
            fitted = _fit_tasks(estimator, _safe_indexing(X, train), nodes[train], part, self.tree_, self.strategy, 1)
            return _ask(fitted, _safe_indexing(X, test), self.tree_, self.strategy)

        rows, answers = answer_out_of_fold(ask, folds, self.n_jobs)
        node_proba = np.full((len(nodes), len(self.tree_.nodes)), np.nan)
        node_proba[inside[rows]] = answers
        return node_proba

    def predict_node_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each node, of shape (n, n_nodes), in the order of `tree_.nodes`."""
        check_is_fitted(self)
        return _ask(self._fitted, self._checked(X, reset=False), self.tree_, self.strategy)

    def scope_scores(self, X: Any) -> np.ndarray | None:
        """Return how much each row is like the training rows, of shape (n,), higher = more; None without a scope."""
        check_is_fitted(self)
        return None if self.scope_ is None else self._scores(self._checked(X, reset=False), self.predict_node_proba(X))

    def _scores(self, X: Any, node_proba: np.ndarray) -> np.ndarray:
        return self.scope_.score_samples(X, node_proba[:, self.tree_.leaves])

    def decide(
        self, node_proba: np.ndarray, scope_scores: np.ndarray | None = None, fallback: Any = _OWN
    ) -> Decisions:
        """Decide which node is answered for each row.

        Parameters
        ----------
        node_proba : ndarray of shape (n, n_nodes)
            See `predict_node_proba`. A row with NaN is answered with unknown.
        scope_scores : ndarray of shape (n,), optional
            See `scope_scores`. Default: no row is out of scope.
        fallback : None, float or rule, optional
            Another rule for these rows. Default: the fitted one.

        Returns
        -------
        Decisions
        """
        check_is_fitted(self)
        tree, node_proba = self.tree_, np.asarray(node_proba, dtype=float)
        rule = self.fallback_ if fallback is _OWN else to_rule(fallback)
        if rule is not self.fallback_ and not rule.needs_held_out:
            rule = rule.fit(tree)
        nodes = rule.answer(tree, node_proba)
        is_nothing = np.isnan(node_proba).any(axis=1)
        is_outside = np.zeros(len(nodes), dtype=bool)
        if scope_scores is not None and self.scope_ is not None:
            is_outside = np.asarray(scope_scores) < self.scope_.threshold_
        nodes = np.where(is_nothing | is_outside, -1, nodes)
        likeliest = node_proba[:, tree.leaves].max(axis=1)
        confidence = np.where(nodes >= 0, node_proba[np.arange(len(nodes)), nodes], likeliest)
        reasons = [""] * len(nodes)
        for row in np.flatnonzero((nodes < 0) | ~tree.is_leaf[nodes]).tolist():
            if is_nothing[row]:
                reasons[row] = "the model gives no probabilities"
            elif is_outside[row]:
                reasons[row] = (
                    f"looks like nothing in the training images: its {self.scope_.score_} score {scope_scores[row]:.3g} "
                    f"is below {self.scope_.threshold_:.3g}"
                )
            else:
                reasons[row] = rule.explain(tree, node_proba[row], int(nodes[row]))
        return Decisions(nodes, np.minimum(confidence, 1.0), reasons)

    def _decide(self, X: Any) -> tuple[np.ndarray, Decisions]:
        check_is_fitted(self)
        X = self._checked(X, reset=False)
        node_proba = _ask(self._fitted, X, self.tree_, self.strategy)
        scores = None if self.scope_ is None else self._scores(X, node_proba)
        return node_proba, self.decide(node_proba, scores)

    def predict(self, X: Any) -> np.ndarray:
        """Return the labels of each row, of shape (n, k), with `UNKNOWN` at levels that are not answered.

        If y had shape (n,), so has this.
        """
        node_proba, decisions = self._decide(X)
        if self.fallback is not None or self.scope is not None:
            labels = self.tree_.labels(decisions.node)
            if self.fallback is None:
                full = self._full_labels(node_proba)
                labels = np.where((decisions.node < 0)[:, None], labels, full)
        else:
            labels = self._full_labels(node_proba)
        return labels[:, 0] if self._is_flat else labels

    def predict_full(self, X: Any) -> np.ndarray:
        """Return the labels of the full path of each row, of shape (n, k), without fallback."""
        labels = self._full_labels(self.predict_node_proba(X))
        return labels[:, 0] if self._is_flat else labels

    def _full_labels(self, node_proba: np.ndarray) -> np.ndarray:
        return self.tree_.labels(to_rule(None).answer(self.tree_, node_proba))

    def predict_path(self, X: Any) -> list[tuple[Any, ...]]:
        """Return the answered path of each row as a tuple of labels; () for unknown."""
        nodes = self._decide(X)[1].node
        return [self.tree_.nodes[node] if node >= 0 else () for node in nodes.tolist()]

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each label, before fallback.

        Returns
        -------
        list of k ndarray of shape (n, n_classes)
            One for each level, in the order of `classes_`. If y had shape (n,), the array alone.
        """
        node_proba, tree = self.predict_node_proba(X), self.tree_
        by_level = []
        for level, labels in enumerate(_labels_by_level(tree)):
            cut, position = tree.cut(level), {label: i for i, label in enumerate(labels)}
            shares = np.zeros((len(node_proba), len(labels)))
            columns = [position[label] for label in tree.label_column(level, cut)]
            np.add.at(shares.T, columns, node_proba[:, cut].T)
            by_level.append(shares)
        return by_level[0] if self._is_flat else by_level

    def explain_fallback(self, X: Any) -> list[str]:
        """Say for each row why its answer is not a full path; "" where it is."""
        return self._decide(X)[1].reason

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of rows whose labels are right at all levels.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n, k) or (n,)
            The true labels.
        sample_weight : array-like of shape (n,), optional
            The weight of each row. By default all count the same.
        """
        return float(np.average(self.predict(X) == np.asarray(y), weights=sample_weight))

    def _checked(self, X: Any, reset: bool) -> Any:
        """Check features; images are left to the estimator."""
        if not get_tags(self.estimator).input_tags.two_d_array:
            return X
        return validate_data(self, X, dtype=None, reset=reset)

    def __sklearn_tags__(self) -> TargetsTags:
        tags = extend_targets_tags(super().__sklearn_tags__())
        own = get_tags(self.estimator).input_tags
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan, tags.input_tags.two_d_array = own.allow_nan, own.two_d_array
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags


#: A name, a fitted classifier (None if there is one class only), and the nodes of its probabilities.
_Fitted = list[tuple[str, Any, np.ndarray]]


def _fit_tasks(
    estimator: Any, X: Any, nodes: np.ndarray, groups: np.ndarray | None, tree: ClassTree, strategy: str,
    n_jobs: int | None,
) -> _Fitted:
    tasks = STRATEGIES[strategy]().tasks(tree, nodes)

    def fit(rows: np.ndarray, targets: np.ndarray) -> Any:
        if len(np.unique(targets)) < 2:
            return None
        return fit_clone(estimator, _safe_indexing(X, rows), targets, None if groups is None else groups[rows])

    fitted = Parallel(n_jobs=n_jobs, prefer="threads")(delayed(fit)(task.rows, task.targets) for task in tasks)
    return [(task.name, each, np.unique(task.targets)) for task, each in zip(tasks, fitted)]


def _ask(fitted: _Fitted, X: Any, tree: ClassTree, strategy: str) -> np.ndarray:
    n = X.shape[0] if hasattr(X, "shape") else len(X)
    shares = []
    for _, classifier, nodes in fitted:
        share = np.zeros((n, len(tree.nodes)))
        share[:, nodes] = 1.0 if classifier is None else probabilities_of(classifier, X)
        shares.append(share)
    return STRATEGIES[strategy]().combine(tree, shares)


def _labels_by_level(tree: ClassTree) -> list[list[Any]]:
    """Return the sorted labels of each level; "" for leaves of broader levels."""
    return [
        sorted(set(tree.label_column(level, tree.cut(level))), key=lambda label: (isinstance(label, str), label))
        for level in range(len(tree.levels))
    ]
