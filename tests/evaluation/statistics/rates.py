"""Error rates of every test that a comparison prints, by simulation: ``python -m tests.evaluation.statistics.rates``.

Two learners are equal; see `simulation`. A rate is how often the test finds a difference with p < 0.05.
"""

import sys

import numpy as np

from twoflow.evaluation.folds import Fold, Folds
from twoflow.evaluation.significance import compare_pairs_of_methods

from . import simulation
from .simulation import BLOCK, GROUP_SIZE, GROUPS, SENSITIVE, STEADY

DRAWS = {
    "10-fold": simulation.k_fold,
    "10 x 10-fold": simulation.repeated_k_fold,
    "90/10, ten times": simulation.random_splits,
    "two folds": simulation.two_folds,
    "one split": simulation.one_split,
}


def setting_of(setting, is_grouped):
    return setting._replace(group_size=GROUP_SIZE if is_grouped else 1)


def families_of(draw, settings, n_experiments, seed=0):
    """Yield for each experiment what `compare_pairs_of_methods` takes: scores, is_right, folds, groups."""
    groups = GROUPS if settings[0].group_size > 1 else None
    for *every, is_tested in simulation.families(draw, n_experiments, settings, seed):
        for number in range(BLOCK):
            tested = [np.flatnonzero(each) for each in is_tested[number]]
            splits = tuple(
                Fold(0, position, np.setdiff1d(np.arange(simulation.N_IMAGES), test, assume_unique=True), test)
                for position, test in enumerate(tested)
            )
            is_right = {
                name: tuple(right[number, fold, test] for fold, test in enumerate(tested))
                for name, right in zip("abcdef", every)
            }
            scores = {name: np.array([each.mean() for each in own]) for name, own in is_right.items()}
            yield scores, is_right, Folds("simulated", len(splits), 1, seed, splits), groups


def error_rate(draw, setting, n_experiments, seed=0):
    """Return how often two equal learners differ with p < 0.05, and how often there is no p."""
    p = np.array([
        compare_pairs_of_methods(*family, [("a", "b")])[0].result.p_value
        for family in families_of(draw, (setting, setting), n_experiments, seed)
    ])
    return np.mean(p < 0.05), np.isnan(p).mean()


def family_rates(draw, setting, n_experiments, n_methods=6, seed=0):
    """Return how often any pair of equal learners has an own interval, an adjusted interval, or Holm's p off."""
    names = "abcdef"[:n_methods]
    pairs = [(first, second) for i, first in enumerate(names) for second in names[:i]]
    found = []
    for family in families_of(draw, (setting,) * n_methods, n_experiments, seed):
        tested = compare_pairs_of_methods(*family, pairs)
        alone = [each.result.confidence_interval for each in tested]
        together = [each.interval for each in tested]
        found.append((
            any(low > 0 or high < 0 for low, high in alone),
            any(low > 0 or high < 0 for low, high in together),
            any(each.p_holm < 0.05 for each in tested),
        ))
    return np.mean(found, axis=0)


def main(n_experiments):
    print("| folds | steady | sensitive | grouped, steady | grouped, sensitive |\n| --- | --- | --- | --- | --- |")
    for name, draw in DRAWS.items():
        cells = []
        for is_grouped in (False, True):
            for setting in (STEADY, SENSITIVE):
                rate, no_p = error_rate(draw, setting_of(setting, is_grouped), n_experiments)
                cells.append(f"{rate:.1%}" + (f" ({no_p:.0%} without p)" if no_p >= 0.005 else ""))
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    print("\nSix equal methods: any interval without 0, any adjusted interval without 0, any Holm p < 0.05")
    for name in ("10-fold", "10 x 10-fold", "90/10, ten times", "one split"):
        for is_grouped in (False, True):
            rates = family_rates(DRAWS[name], setting_of(STEADY, is_grouped), max(n_experiments // 4, BLOCK))
            print(name, "grouped" if is_grouped else "", *(f"{rate:.1%}" for rate in rates), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
