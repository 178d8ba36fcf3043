"""An audit as text for a terminal: the number of findings of each kind, and the worst of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from ..._text import counted, printable
from ...auditing import Audit
from ...auditing.quality import FAULTS
from ...evaluation.duplicates import KINDS, SAME_PHOTO
from ..lines import SHOWN, lookalike_lines, more, passed_over_lines
from .dependences import dependence_lines


def format_audit(audit: Audit) -> str:
    """List the findings, the most important first: contradictions, leaks, doubts."""
    sections = (
        _conflicts(audit), _split(audit), _duplicates(audit), _suspects(audit), _unreadable(audit), _faults(audit),
        _classes(audit), lookalike_lines(audit.lookalikes), _associations(audit), _dependences(audit),
        passed_over_lines(audit.passed_over), _to_train_on(audit), _notes(audit),
    )
    lines = [_headline(audit)]
    for section in map(list, sections):
        if section:
            lines += ["", *section]
    return "\n".join(lines)


def _headline(audit: Audit) -> str:
    classes = "" if audit.labels is None else f" of {audit.describe_classes()}"
    return (
        f"{counted(len(audit.images), 'image')}{classes} checked in {audit.seconds:.1f} s "
        f"({', '.join(printable(each.name) for each in audit.networks)}; features computed for {audit.n_computed:,})"
    )


def _conflicts(audit: Audit) -> Iterator[str]:
    if audit.labels is None:
        return
    found = audit.conflicts
    yield f"The same photo with different labels: {counted(len(found), 'pair')}"
    for number in found[:SHOWN]:
        first, second = audit.duplicates.pairs[number].tolist()
        names = " and ".join(
            f"{printable(audit.name(i))} ({printable(audit.label(i))})" for i in (first, second)
        )
        yield f"  {audit.duplicates.kinds[number]}: {names}"
    yield from more(len(found))


def _split(audit: Audit) -> Iterator[str]:
    if audit.leaks is not None:
        yield (
            f"Across the official split: {counted(audit.leaks.n_images, 'test image')} with a duplicate in training "
            f"({audit.leaks.n_same_photo:,} of the same photo)"
        )


def _duplicates(audit: Audit) -> Iterator[str]:
    """List the pairs of the same photo, then those that look alike."""
    found = audit.duplicates
    for title, is_listed, of in (
        ("The same photo", found.is_same_photo, found.photos), ("Look alike", ~found.is_same_photo, found.groups)
    ):
        numbers = np.flatnonzero(is_listed)
        counts = Counter(found.kinds[numbers].tolist())
        kinds = ", ".join(f"{counts[kind]:,} {kind}" for kind in KINDS if (kind in SAME_PHOTO) == (of is found.photos))
        sizes = [Counter(of.tolist())[number] for number in np.unique(of[found.pairs[numbers, 0]]).tolist()]
        largest = f" in {counted(len(sizes), 'group')}, the largest of {max(sizes):,}" if sizes else ""
        yield f"{title}: {counted(len(numbers), 'pair')} ({kinds}){largest}"
        for first, second in found.pairs[numbers[:SHOWN]].tolist():
            yield f"  {printable(audit.name(first))} and {printable(audit.name(second))}"
        yield from more(len(numbers))


def _to_train_on(audit: Audit) -> Iterator[str]:
    left_out = ", ".join(f"{count:,} {reason}" for reason, count in audit.count_left_out().items())
    yield f"To train on: {counted(len(audit.kept), 'image')}; left out: {left_out or 'none'}"


def _suspects(audit: Audit) -> Iterator[str]:
    for name, issues in audit.issues.items():
        of = f" of {printable(name)}" if len(audit.issues) > 1 else ""
        yield f"Labels{of} worth a second look: {len(issues.suspects):,} of {issues.n_judged:,} judged"
        for rank in range(min(SHOWN, len(issues.suspects))):
            example = int(issues.examples[rank])
            compare = f"; compare with {printable(audit.name(example))}" if example >= 0 else ""
            yield (
                f"  {printable(audit.name(issues.suspects[rank]))}: {printable(issues.given[rank])}; "
                f"{printable(issues.suggested[rank])} with {issues.confidences[rank]:.0%}{compare}"
            )
        yield from more(len(issues.suspects))


def _unreadable(audit: Audit) -> Iterator[str]:
    if audit.unreadable:
        yield f"Cannot be read: {counted(len(audit.unreadable), 'image')}"
        for _, error in audit.unreadable[:SHOWN]:
            yield f"  {printable(error.name)}: {printable(error.reason)}"
        yield from more(len(audit.unreadable))


def _faults(audit: Audit) -> Iterator[str]:
    for kind, meaning in FAULTS.items():
        found = [fault for fault in audit.faults if fault.kind == kind]
        if found:
            yield f"{kind.capitalize()} ({meaning}): {counted(len(found), 'image')}"
            for fault in found[:SHOWN]:
                yield f"  {printable(audit.name(fault.position))}: {fault.reason}"
            yield from more(len(found))


def _classes(audit: Audit) -> Iterator[str]:
    for target, counts in audit.class_counts.items():
        names = list(counts)
        of = f" of {printable(target)}" if len(audit.class_counts) > 1 else ""
        yield (
            f"Images of a class{of}: {min(counts.values()):,} ({printable(names[-1])}) to {max(counts.values()):,} "
            f"({printable(names[0])})"
        )
        small = [f"{printable(name)} ({count})" for name, count in audit.small_classes.get(target, {}).items()][::-1]
        if small:
            yield f"  fewer than five: {', '.join(small[:SHOWN])}{' ...' if len(small) > SHOWN else ''}"


def _associations(audit: Audit) -> Iterator[str]:
    for name, found in audit.associations.items():
        yield f"Class and {printable(name)}: {found}"


def _dependences(audit: Audit) -> Iterator[str]:
    for names, found in audit.dependences.items():
        yield from dependence_lines(names, found)


def _notes(audit: Audit) -> Iterator[str]:
    for note in audit.notes:
        yield f"Note: {printable(note)}"
