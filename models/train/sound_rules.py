"""Scores to alarms, as the engine's rules do it, and how many there are on clean sound."""

import numpy as np

from sound_net import RATE, STEP, STEPS, WINDOW

HOP = 100                                 # steps that a window speaks for, in its middle: two seconds
STEP_SECONDS = STEP / RATE
# As in ../sound_defects/detector.yaml. Music has much that is like a defect for a moment, and little that is for long.
LEAST = {"hum": 3., "audio_stutter": .06}         # seconds that an alarm must last (min_duration)
HOLD = {"hum": 1.}                                # seconds below the threshold that do not end it (hold); else 0.2
# Logits above the least threshold without a false alarm on the val recordings. A stutter's lacks 0.9 where one collection of val is left out; hum's was
# 1 until the recordings that false alarms are counted on had nine.
MARGIN = {"hum": 2., "audio_stutter": 1.}


def windows(x: np.ndarray):
    """[n,1,WINDOW] of the samples: each speaks for the HOP steps in its middle."""
    lead = (STEPS - HOP) // 2 * STEP
    count = max(1, -(-len(x) // (HOP * STEP)))
    padded = np.pad(x, (lead, count * HOP * STEP + WINDOW - len(x)))
    return np.stack([padded[k * HOP * STEP: k * HOP * STEP + WINDOW] for k in range(count)]).astype(np.float32)[:, None]


def middle(scores: np.ndarray) -> np.ndarray:
    """[n,kinds,STEPS] of the windows -> [kinds, steps] of the whole."""
    lead = (STEPS - HOP) // 2
    return np.concatenate(list(scores[:, :, lead:lead + HOP]), 1)


def alarms(score: np.ndarray, threshold: float, kind: str) -> list[tuple[float, float]]:
    """Stretches (seconds) of one defect's scores."""
    hold, found = HOLD.get(kind, .2), []
    for k in np.flatnonzero(score >= threshold):
        a, b = k * STEP_SECONDS, (k + 1) * STEP_SECONDS
        if found and a - found[-1][1] <= hold:
            found[-1][1] = b
        else:
            found.append([a, b])
    return [(a, b) for a, b in found if b - a >= LEAST[kind]]


def threshold_for(tracks: list[np.ndarray], kind: str, allowed: int) -> float:
    """The lowest threshold at which the tracks give no more than `allowed` alarms."""
    low, high = -20., 20.
    for _ in range(30):
        mid = (low + high) / 2
        if sum(len(alarms(t, mid, kind)) for t in tracks) > allowed:
            low = mid
        else:
            high = mid
    return high
