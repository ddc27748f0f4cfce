"""The temporal rule: scores of single pictures to alarms, as the engine's verdict rules do it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """An alarm is raised by `count` looks of at least `raise_at` within `within` seconds; it ends after `hold` seconds below `clear_at`."""
    raise_at: float
    clear_at: float
    count: int = 2
    within: float = 1.0
    hold: float = 1.0


def alarms(looks: list[tuple[float, float]], rule: Rule) -> list[tuple[float, float]]:
    """looks: (seconds, score), in time order. Returns [start, end) of every alarm."""
    found, recent, start, last = [], [], None, 0.0
    for at, score in looks:
        if start is not None:
            if score >= rule.clear_at:
                last = at
            elif at - last >= rule.hold:
                found.append((start, last))
                start, recent = None, []
        if score >= rule.raise_at:
            recent = [t for t in recent if at - t <= rule.within] + [at]
            if start is None and len(recent) >= rule.count:
                start, last = recent[-rule.count], at
    if start is not None:
        found.append((start, last))
    return found
