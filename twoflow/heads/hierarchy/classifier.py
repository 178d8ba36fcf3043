"""Classify into a tree of classes, and answer a broader class or "unknown" where the finer one is not sure."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import _safe_indexing, check_random_state, get_tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from ...errors import InputError
from ...images import ImageCollection
from ..groups import read_groups
from ..random_states import seeded
from ..shared_features import SharesFeatures, on_shared_features
from ..targets import TargetsTags, extend_targets_tags, read_targets
from .decisions import Decisions, decide
from .labels import UNKNOWN, to_column
from .local_classifiers import ask_local, ask_out_of_fold, fit_local
from .rules import RULES, Rule, fitted_rule, to_rule
from .strategies import STRATEGIES, full_labels, level_proba
from .tree import ClassTree

_OWN: Any = object()  # the rule that was fitted


class HierarchicalClassifier(SharesFeatures, MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Answer the full path of classes, the deepest class that is sure, or "unknown".

    Parameters
    ----------
    estimator : classifier
        Learns one target. It is cloned, and never fitted itself. It may also be a whole model of images; then X are
        images, and the features of each image are computed once for all classifiers.
    tree : ClassTree, optional
        The classes. Default: those that occur in the labels. A class of the tree that does not occur has the
        probability 0.
    strategy : {"leaves", "parents", "levels"}, default="leaves"
        Which classifiers are fitted.

        - "leaves": one of the finest classes. The probability of a broader class is the sum over those below it, so
          levels never contradict each other.
        - "parents": one for each class with several below it. Probabilities are multiplied along the path, so levels
          never contradict each other either.
        - "levels": an independent one for each level. Levels may contradict each other.

        A classifier that learns several targets in one training, such as `twoflow.deep.FineTunedClassifier` or
        `twoflow.deep.DropoutMLPClassifier`, is trained once for all of these.
    fallback : None, float, "confidence", Confidence or Risk, default=None
        When a broader class or "unknown" is answered. None: never. A number: the deepest class whose probability
        reaches it is the answer. "confidence": as `Confidence` says. `Risk`: the deepest class that keeps a promise
        about the error.
    scope : OutOfScope, optional
        Recognizes images that are none of the classes; their answer is "unknown". Default: none is recognized.
    cv : int, default=5
        The most folds in which the probabilities of held-out rows are computed, for `Risk` and for `scope`. Without
        them it has no effect, and neither for a classifier that holds rows out itself to stop its training early, such
        as `twoflow.deep.FineTunedClassifier`: `Risk` and `scope` then learn from these rows.
    random_state : int, RandomState or None, default=None
        Draws the folds, and seeds the estimator and the scope where their random states are None. By default each fit
        differs.
    n_jobs : int, optional
        How many classifiers are fitted at the same time; by default one, or as joblib's context says.

    Attributes
    ----------
    tree_ : ClassTree
        With the number of training images of each node.
    classes_ : list of k ndarray of shape (n_classes,)
        The labels of each level, sorted; "" for paths that end above the level. If y has shape (n,), one such array.
    estimators_ : list of LocalClassifier
        The fitted classifiers.
    fallback_ : rule
        The fitted rule.
    scope_ : OutOfScope or None
        Fitted.
    n_partly_labeled_ : int
        The number of training rows whose path ends where the tree goes on. They are used at the levels that they have:
        by the rule and the scope never, and by the classifier of "leaves" neither.
    model_ : FlowClassifier or None
        For a whole model of images, its flows and, as head, the hierarchy on their features.
    flow_ : Flow or None
        For a classifier of images that trains a flow, that flow; `estimators_`, the rule and the scope decide on its
        features.
    history_ : list of dict, or None
        The epochs of the training of `flow_`; None without it.
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
        X : array-like of shape (n, n_features), or n images for a model of images
            An `ImageCollection` brings y, groups and the names of the levels.
        y : array-like of shape (n, k), or (n,) for one level
            A column for each level, the broadest first. A missing finer label (None, NaN, blank or `UNKNOWN`) ends the
            path. A row with `UNKNOWN` at the broadest level is an image of none of the classes, for `scope`.
        groups : array-like of shape (n,), optional
            Where rows are held out, whole groups are. By default there are no groups.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is wrong, labels are no paths of the tree, there is only one class, or the rule cannot keep
            its promise.
        """
        self._validate_params()
        self.model_ = on_shared_features(self)
        if self.model_ is not None:
            self._take_over(self.model_.fit(X, y, groups).model_)
            return self
        names = None
        if y is None and isinstance(X, ImageCollection):
            y, groups, names = X.labels, X.groups if groups is None else groups, X.target_names
        X = self._checked(X, reset=True)
        y = read_targets(y)
        tree = ClassTree.from_labels(y, names) if self.tree is None else self.tree
        nodes = tree.encode(y)
        check_consistent_length(X, nodes, groups)
        groups = read_groups(groups)
        self.tree_ = tree.counted(y)
        self._is_flat = y.ndim == 1
        classes = [to_column(labels) for labels in tree.labels_by_level]
        self.classes_ = classes[0] if self._is_flat else classes
        is_inside = nodes >= 0
        is_complete = is_inside & tree.is_leaf[nodes]
        self.n_partly_labeled_ = int((is_inside & ~is_complete).sum())
        n_finest = len(np.unique(nodes[is_complete]))
        if n_finest < 2:
            raise InputError(
                f"y: expected rows of at least 2 finest classes, got {n_finest}: {is_complete.sum()} of {len(nodes)} "
                f"rows have one, {self.n_partly_labeled_} are partly labeled, and {(~is_inside).sum()} are "
                f"{UNKNOWN!r}; label more rows"
            )
        rng = check_random_state(self.random_state)
        estimator = seeded(self.estimator, rng)
        learned = fit_local(estimator, X, nodes, groups, tree, self.strategy, self.n_jobs)
        self.estimators_, self.flow_, self.history_ = learned.classifiers, learned.flow, learned.history
        rule = seeded(to_rule(self.fallback), rng)
        rows, held_out = np.flatnonzero(is_complete), None
        if rule.needs_held_out or self.scope is not None:
            if learned.held_out is None:
                held_out = ask_out_of_fold(
                    estimator, X, nodes, groups, tree, self.strategy, self.cv, rng, self.n_jobs
                )[rows]
            else:
                rows = rows[learned.held_out[rows]]
                unseen = self._features(_safe_indexing(X, rows))
                held_out = ask_local(self.estimators_, unseen, tree, self.strategy)
        own_groups = None if groups is None else groups[rows]
        self.fallback_ = rule.fit(self.tree_, held_out, nodes[rows], own_groups)
        self.scope_ = None
        if self.scope is not None:
            assert held_out is not None
            self.scope_ = self._fit_scope(seeded(self.scope, rng), X, nodes, groups, rows, held_out)
        return self

    def name_levels(self, names: Sequence[str]) -> None:
        """Give the levels of the fitted tree other names, such as those of a collection's targets."""
        check_is_fitted(self)
        self.tree_ = self.tree_.named(names)

    def predict_node_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each node, of shape (n, n_nodes), in the order of `tree_.nodes`."""
        model, X = self._enter(X)
        return ask_local(model.estimators_, X, model.tree_, model.strategy)

    def scope_scores(self, X: Any) -> np.ndarray | None:
        """Return how much each row is like the training rows, of shape (n,): higher is more; None without `scope`."""
        model, X = self._enter(X)
        if model.scope_ is None:
            return None
        return model._score_scope(X, ask_local(model.estimators_, X, model.tree_, model.strategy))

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
        fallback : None, float, "confidence" or rule, optional
            Another rule for these rows. Default: the fitted one.

        Returns
        -------
        Decisions

        Raises
        ------
        ValueError
            If the probabilities have another shape, or the rule would have to be fitted on held-out rows.
        """
        check_is_fitted(self)
        rule: Rule = self.fallback_ if fallback is _OWN else fitted_rule(fallback, self.tree_)
        return decide(self.tree_, node_proba, rule, scope_scores, self.scope_)

    def predict(self, X: Any) -> np.ndarray:
        """Return the labels of each row, of shape (n, k), with `UNKNOWN` at levels that are not answered.

        If y had shape (n,), so has this. With the strategy "levels" and no fallback, levels may contradict each other.
        """
        node_proba, decisions = self._decide(X)
        if self.fallback is None:
            labels = self._full_labels(node_proba)
            is_unknown = decisions.node < 0
            if is_unknown.any():
                labels = np.where(is_unknown[:, None], self.tree_.labels(decisions.node), labels)
        else:
            labels = self.tree_.labels(decisions.node)
        return labels[:, 0] if self._is_flat else labels

    def predict_full(self, X: Any) -> np.ndarray:
        """Return the labels of each row before fallback, of shape (n, k), or (n,) if y had this shape."""
        node_proba = self.predict_node_proba(X)
        labels = self._full_labels(node_proba)
        return labels[:, 0] if self._is_flat else labels

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
        node_proba = self.predict_node_proba(X)
        proba = level_proba(self.tree_, node_proba)
        return proba[0] if self._is_flat else proba

    def explain_fallback(self, X: Any) -> list[str]:
        """Say for each row why its answer is not a full path; "" where it is."""
        return self._decide(X)[1].reason

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of rows that are right at all levels.

        Parameters
        ----------
        X : array-like of shape (n, n_features), or n images
        y : array-like of shape (n, k) or (n,)
            The true labels. A missing one is right if the answer's path ends there too.
        sample_weight : array-like of shape (n,), optional
            The weight of each row. By default all count the same.
        """
        true, given = read_targets(y), read_targets(self.predict(X))
        if true.shape != given.shape:
            raise InputError(f"y: expected labels of shape {given.shape}, as the answers, got {true.shape}; pass those")
        is_right = true == given
        return float(np.average(is_right.reshape(len(true), -1).all(axis=1), weights=sample_weight))

    def _decide(self, X: Any) -> tuple[np.ndarray, Decisions]:
        """Return the node probabilities of rows or images, and the answers."""
        model, X = self._enter(X)
        node_proba = ask_local(model.estimators_, X, model.tree_, model.strategy)
        scores = None if model.scope_ is None else model._score_scope(X, node_proba)
        return node_proba, self.decide(node_proba, scores)

    def _fit_scope(
        self, scope: Any, X: Any, nodes: np.ndarray, groups: np.ndarray | None, rows: np.ndarray, held_out: np.ndarray
    ) -> Any:
        """Fit the scope on rows in scope, and on those that are labeled as out of scope if there are any."""
        leaves, outside = self.tree_.leaves, np.flatnonzero(nodes < 0)
        given = {}
        if len(outside):
            given["outside"] = self._features(_safe_indexing(X, outside))
            node_proba = ask_local(self.estimators_, given["outside"], self.tree_, self.strategy)
            given["outside_probabilities"] = node_proba[:, leaves]
            if groups is not None:
                given["outside_groups"] = groups[outside]
        own_groups = None if groups is None else groups[rows]
        features = self._features(_safe_indexing(X, rows))
        return scope.fit(features, nodes[rows], own_groups, probabilities=held_out[:, leaves], **given)

    def _score_scope(self, X: Any, node_proba: np.ndarray) -> np.ndarray:
        assert self.scope_ is not None
        return self.scope_.score_samples(X, node_proba[:, self.tree_.leaves])

    def _full_labels(self, node_proba: np.ndarray) -> np.ndarray:
        return full_labels(self.tree_, node_proba, self.strategy)

    def _take_over(self, fitted: Self) -> None:
        """Show what the hierarchy on features has learned."""
        super()._take_over(fitted)
        self._is_flat = fitted._is_flat

    def __sklearn_tags__(self) -> TargetsTags:
        tags = extend_targets_tags(super().__sklearn_tags__())
        tags.input_tags = get_tags(self.estimator).input_tags
        tags.input_tags.sparse = False
        tags.target_tags.multi_output = True
        return tags
