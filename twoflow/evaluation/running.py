"""Run the folds of a comparison: only those that are not kept, in an order that tells early what the rest will cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from joblib import delayed
from sklearn.base import clone

from .._jobs import one_blas_thread, run_as_done, run_in_order, share, threads_per_task
from .._peak_memory import PeakMemory
from .._progress import Costs, format_seconds, phase
from .._text import counted
from ..deep.conv_net import read_pixels
from ..flows import FlowUnion
from ..images import ImageCollection
from ..images.tags import read_tag
from .feature_plan import FeaturePlan, PreparedMethod
from .folds import Fold
from .kept_folds import KeptFolds
from .scores import scores_for
from .scoring import FoldScores, Selected, score_fold, select
from .tested import Targets
from .training_history import TrainingHistory, find_trainings


class Task(NamedTuple):
    """One method on one fold: the name of the method, the position of the series, and of the fold in it."""

    method: str
    series: int
    fold: int


class Run(NamedTuple):
    """What `Runner.run` found.

    Attributes
    ----------
    scores : dict of str to list of list of FoldScores
        By method, series and fold.
    n_kept : int
        How many folds were in the store, and not computed.
    peaks : list of PeakMemory or None
        The peak memory of the process of each computed fold.
    """

    scores: dict[str, list[list[FoldScores]]]
    n_kept: int
    peaks: list[PeakMemory | None]


class Runner:
    """Score methods on folds.

    Parameters
    ----------
    names : sequence of str
        The names of the plan's methods.
    plan : FeaturePlan
    collection : ImageCollection
    features : ndarray of shape (n, n_once)
        The features that are the same in all folds.
    series : sequence of sequence of Fold
        The folds on all training images, then those of each share of a learning curve, with the same test images.
    n_jobs, verbose
        See `compare`.
    """

    def __init__(
        self, names: Sequence[str], plan: FeaturePlan, collection: ImageCollection, features: np.ndarray,
        series: Sequence[Sequence[Fold]], n_jobs: int | None, verbose: bool,
    ) -> None:
        self.methods: dict[str, PreparedMethod] = dict(zip(names, plan.methods))
        self.plan = plan
        self.collection = collection
        self.features = features
        self.series = series
        self.n_jobs = n_jobs
        self.verbose = verbose

    def run(self, kept: KeptFolds) -> Run:
        """Score every method on every fold, and keep each fold when it is finished.

        Parameters
        ----------
        kept : KeptFolds
            Folds that it has are not computed. What only these would need is not computed either: flows that learn,
            shared selectors, decoded images.

        Returns
        -------
        Run

        Raises
        ------
        KeyboardInterrupt, Exception
            That of a method, with a note that names the method and the fold. A further note says how many folds are
            kept, if any are.
        """
        found: dict[Task, FoldScores] = {}
        try:
            for task in self._tasks():
                scores = kept.get(task.method, self._fold(task))
                if scores is not None:
                    found[task] = scores
            n_kept = len(found)
            with one_blas_thread():  # for threads too, which do not set it themselves
                computed = self._compute([task for task in self._tasks() if task not in found], found, kept)
        except (KeyboardInterrupt, Exception) as stop:
            if kept.n_kept:
                folds = counted(kept.n_kept, "finished fold is", "finished folds are")
                stop.add_note(f"{folds} kept: run the same command to continue")
            raise
        return Run(
            {
                name: [[found[Task(name, i, j)] for j in range(len(folds))] for i, folds in enumerate(self.series)]
                for name in self.methods
            },
            n_kept, [found[task].peak_memory for task in computed],
        )

    def _tasks(self) -> Iterator[Task]:
        """Yield all tasks in the order in which they run.

        The first fold of each method and series comes first. Then the cost of each kind of fold is known, and an error
        in any method shows early. The rest follows method by method, so that each method is finished soon.
        """
        every = [
            Task(name, i, j) for name in self.methods for i, folds in enumerate(self.series) for j in range(len(folds))
        ]
        yield from sorted(every, key=lambda task: task.fold > 0)  # sorting is stable

    def _fold(self, task: Task) -> Fold:
        return self.series[task.series][task.fold]

    def _compute(self, tasks: Sequence[Task], found: dict[Task, FoldScores], kept: KeptFolds) -> Sequence[Task]:
        """Score the tasks, and add their results to `found`."""
        targets = Targets.of(self.collection)
        finished = _FinishedMethods(targets, list(self._tasks()), found)
        if not tasks:
            with phase("scoring", len(found), "folds", n_done=len(found), verbose=self.verbose) as shown:
                finished.tell(shown.say)
            return tasks
        y, groups, once = share(self.collection.labels), share(self.collection.groups), share(self.features)
        images = self._images(tasks)
        learned = self._learn(tasks)
        selected = self._select(tasks, learned, once, y, groups)
        methods = {task.method: self._use_idle_cores(self.methods[task.method], len(tasks)) for task in tasks}

        def prepare(number: int, task: Task) -> Any:
            method, key = methods[task.method], (task.series, task.fold)
            shared = {part.key: selected[part.key, *key] for part in method.parts or () if (part.key, *key) in selected}
            X = images[method.size] if method.parts is None else once
            in_fold = learned.get(key, _NOTHING)
            trainings = [each for name in self.plan.learned_by(method) for each in in_fold.trainings[name]]
            return delayed(_score_numbered)(
                number, task.method, method, X, in_fold.features, y, groups, self._fold(task), shared,
                targets, trainings,
            )

        costs = Costs([(task.method, task.series) for task in tasks])
        for task, scores in found.items():
            costs.know((task.method, task.series), scores.seconds)
        n_all = len(tasks) + len(found)
        with phase("scoring", n_all, "folds", n_done=len(found), verbose=self.verbose) as shown:
            finished.tell(shown.say)
            for number, scores in run_as_done(map(prepare, range(len(tasks)), tasks), self.n_jobs):
                task = tasks[number]
                found[task] = scores
                kept.put(task.method, self._fold(task), scores)
                costs.finish((task.method, task.series), scores.seconds)
                shown.update(seconds_left=costs.seconds_left())
                finished.tell(shown.say)
        return tasks

    def _use_idle_cores(self, method: PreparedMethod, n_tasks: int) -> PreparedMethod:
        """Let a fit use several cores if there are fewer fits than cores, and that has no effect on its results."""
        n_threads = threads_per_task(self.n_jobs, n_tasks)
        parts = {"": method.classifier, **method.classifier.get_params()} if n_threads > 1 else {}
        names = [
            f"{name}__n_jobs".removeprefix("__") for name, part in parts.items()
            if read_tag(part, "any_n_jobs", False) and part.n_jobs is None
        ]
        if not names:
            return method
        return method._replace(classifier=clone(method.classifier).set_params(**dict.fromkeys(names, n_threads)))

    def _images(self, tasks: Sequence[Task]) -> dict[tuple[int, int] | None, Any]:
        """Return the images for methods that take images; for those that need one size, decoded to it once."""
        open_methods = [self.methods[name] for name in dict.fromkeys(task.method for task in tasks)]
        sizes = {method.size for method in open_methods if method.parts is None}
        return {
            size: share(
                self.collection.images if size is None
                else read_pixels(self.collection.images, size, self.n_jobs, self.verbose)
            )
            for size in sizes
        }

    def _learn(self, tasks: Sequence[Task]) -> dict[tuple[int, int], _Learned]:
        """Fit the flows that learn from data on the training images of each open fold, and compute all features.

        The features of all folds are computed in one pass over the images. Those of the training images are replaced by
        their training features, where a flow has some. A fold is missing from the result if no method that is open on
        it uses a flow that learns.
        """
        union = self.plan.in_fold
        wanted = list(dict.fromkeys(
            (task.series, task.fold) for task in tasks if self.plan.learned_by(self.methods[task.method])
        ))
        if union is None or not wanted:
            return {}
        fitted, replaced, trainings = {}, [], []
        images, groups = self.collection, self.collection.groups
        with phase("flows that learn", len(wanted), "folds", verbose=self.verbose) as shown:
            for i, (series, number) in enumerate(wanted):
                train = self.series[series][number].train
                own = clone(union).set_params(verbose=False)
                known = images[train], self.collection.labels[train], None if groups is None else groups[train]
                fitted[str(i)] = own.fit(*known)
                replaced.append((train, own.training_columns(*known)))
                trainings.append({name: find_trainings(flow) for name, flow in own.flows_})
                shown.update()
        together = FlowUnion.of_fitted(fitted, n_jobs=self.n_jobs, verbose=self.verbose)
        features = together.transform(self.collection)
        learned = {}
        for key, columns, (train, found), own in zip(wanted, together.slices().values(), replaced, trainings):
            own_features = features[:, columns]
            for own_columns, values in found:
                own_features[train, own_columns] = values
            learned[key] = _Learned(share(own_features), own)
        return learned

    def _select(
        self, tasks: Sequence[Task], learned: Mapping[tuple[int, int], _Learned], once: Any, y: Any, groups: Any
    ) -> dict[tuple[str, int, int], Selected]:
        """Fit the selectors that several methods share, once for each open fold, by the part's key and the fold."""
        shared = {part.key: part for part in self.plan.shared}
        wanted = list(dict.fromkeys(
            (part.key, task.series, task.fold)
            for task in tasks for part in self.methods[task.method].parts or () if part.key in shared
        ))
        if not wanted:
            return {}
        work = (
            delayed(select)(shared[key], once, learned.get((i, j), _NOTHING).features, y, groups, self.series[i][j])
            for key, i, j in wanted
        )
        selected = {}
        with phase("selection", len(wanted), "folds", verbose=self.verbose) as shown:
            for key, selection in zip(wanted, run_in_order(work, self.n_jobs)):
                selected[key] = selection
                shown.update()
        return selected


class _Learned(NamedTuple):
    """What the flows that learn from data have learned in a fold.

    `features` are those of all images, a shared array; `trainings` are those of networks, by the name of the flow.
    """

    features: Any
    trainings: Mapping[str, Sequence[TrainingHistory]]


_NOTHING = _Learned(None, {})


class _FinishedMethods:
    """The methods whose last fold is done; the score of each is told once."""

    def __init__(self, targets: Targets, tasks: Sequence[Task], found: Mapping[Task, FoldScores]) -> None:
        self._name, score = next(iter(scores_for(targets).items()))
        self._label = score.label
        self._found = found
        self._waiting: dict[str, list[Task]] = {}
        for task in tasks:
            self._waiting.setdefault(task.method, []).append(task)

    def tell(self, say: Callable[[str], None]) -> None:
        for method, tasks in list(self._waiting.items()):
            if all(task in self._found for task in tasks):
                del self._waiting[method]
                results = [self._found[task] for task in tasks]
                mean = np.mean([self._found[task].scores[self._name] for task in tasks if task.series == 0])
                seconds = format_seconds(sum(each.seconds for each in results))
                say(f"{method}: {self._label} {mean:.3f}, {seconds}")


def _score_numbered(number: int, name: str, *arguments: Any) -> tuple[int, FoldScores]:
    try:
        return number, score_fold(*arguments)
    except Exception as error:
        fold: Fold = arguments[5]
        error.add_note(f"this is the method {name!r} in fold {fold.fold} of repeat {fold.repeat}")
        raise
