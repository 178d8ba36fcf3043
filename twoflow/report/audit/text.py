"""An audit as text for a terminal: the number of findings of each kind, and the worst of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..._text import printable
from ...auditing import Audit
from ...auditing.quality import FAULTS
from ..lines import SHOWN, counted, lookalike_lines, more, passed_over_lines


def format_audit(audit: Audit) -> str:
    """List the findings, the most important first: contradictions, leaks, doubts."""
    sections = (
        _conflicts(audit), _split(audit), _duplicates(audit), _suspects(audit), _unreadable(audit), _faults(audit),
        _classes(audit), lookalike_lines(audit.lookalikes), _associations(audit),
        passed_over_lines(audit.passed_over), _notes(audit),
    )
    lines = [_headline(audit)]
    for section in map(list, sections):
        if section:
            lines += ["", *section]
    return "\n".join(lines)


def _headline(audit: Audit) -> str:
    classes = f" of {counted(len(audit.class_counts), 'class', 'classes')}" if audit.labels is not None else ""
    return (
        f"{counted(len(audit.images), 'image')}{classes} checked in {audit.seconds:.1f} s "
        f"({audit.network}; features computed for {audit.n_computed:,})"
    )


def _conflicts(audit: Audit) -> Iterator[str]:
    if audit.labels is None:
        return
    found = audit.conflicts
    yield f"Duplicates with different labels: {counted(len(found), 'pair')}"
    for number in found[:SHOWN]:
        first, second = audit.duplicates.pairs[number].tolist()
        names = " and ".join(
            f"{printable(audit.name(i))} ({printable(audit.labels[i])})" for i in (first, second)
        )
        yield f"  {audit.duplicates.kinds[number]}: {names}"
    yield from more(len(found))


def _split(audit: Audit) -> Iterator[str]:
    if audit.leaks is not None:
        yield (
            f"Across the official split: {counted(audit.leaks.n_images, 'test image')} with a duplicate in training"
        )


def _duplicates(audit: Audit) -> Iterator[str]:
    duplicates = audit.duplicates
    kinds = Counter(duplicates.kinds.tolist())
    groups = [count for count in Counter(duplicates.groups.tolist()).values() if count > 1]
    by_kind = ", ".join(f"{kinds[kind]:,} {kind}" for kind in ("exact", "near", "embedding"))
    largest = f" in {counted(len(groups), 'group')}, the largest of {max(groups):,}" if groups else ""
    yield f"Duplicates: {counted(len(duplicates.pairs), 'pair')} ({by_kind}){largest}"
    for first, second in duplicates.pairs[:SHOWN].tolist():
        yield f"  {printable(audit.name(first))} and {printable(audit.name(second))}"
    yield from more(len(duplicates.pairs))


def _suspects(audit: Audit) -> Iterator[str]:
    issues = audit.issues
    if issues is None:
        return
    yield f"Labels worth a second look: {len(issues.suspects):,} of {issues.n_judged:,} judged"
    for rank in range(min(SHOWN, len(issues.suspects))):
        yield (
            f"  {printable(audit.name(issues.suspects[rank]))}: {printable(issues.given[rank])}; "
            f"{printable(issues.suggested[rank])} with {issues.confidences[rank]:.0%}"
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
    counts = audit.class_counts
    if not counts:
        return
    names = list(counts)
    yield (
        f"Images of a class: {min(counts.values()):,} ({printable(names[-1])}) to {max(counts.values()):,} "
        f"({printable(names[0])})"
    )
    if audit.small_classes:
        small = [f"{printable(name)} ({count})" for name, count in audit.small_classes.items()][::-1]
        yield f"  fewer than five: {', '.join(small[:SHOWN])}{' ...' if len(small) > SHOWN else ''}"


def _associations(audit: Audit) -> Iterator[str]:
    for name, found in audit.associations.items():
        yield f"Class and {printable(name)}: {found}"


def _notes(audit: Audit) -> Iterator[str]:
    for note in audit.notes:
        yield f"Note: {printable(note)}"
