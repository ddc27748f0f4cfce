"""Which macroblocks of a damaged picture are visibly damaged, by comparison with the clean decode of the same encode.

A lost packet that is well concealed is no defect that anybody sees, so a label needs both: the block differs from the clean
one, and it shows an edge on the 16-pixel grid that the clean one has not. Blocks that differ without an edge are ignored.
"""

from dataclasses import dataclass

import numpy as np

MB = 16
CLEAN, VISIBLE, IGNORE = 0, 1, 2
MIN_DIFF, MIN_EDGE, IGNORE_DIFF = 5, 8, 2


@dataclass
class Label:
    blocks: np.ndarray   # [H/16, W/16] of CLEAN, VISIBLE, IGNORE
    changed: float       # share of blocks that differ by more than 8 grey levels
    untouched: bool      # no block differs

    def visible(self) -> int:
        return int((self.blocks == VISIBLE).sum())

    def positive(self) -> bool:
        return self.visible() >= max(3, int(.002 * self.blocks.size))


def cut(luma: np.ndarray) -> np.ndarray:
    return luma[:luma.shape[0] // MB * MB, :luma.shape[1] // MB * MB]


def grid_edges(luma: np.ndarray) -> np.ndarray:
    """Per block, the strongest step over one of its four sides beyond the slope just beside it."""
    x = luma.astype(np.int16)
    rows, cols = x.shape[0] // MB, x.shape[1] // MB
    left = [x[:, k::MB][:, :cols - 1] for k in (14, 15)] + [x[:, MB + k::MB][:, :cols - 1] for k in (0, 1)]
    up = [x[k::MB][:rows - 1] for k in (14, 15)] + [x[MB + k::MB][:rows - 1] for k in (0, 1)]
    step_x = step(*left).reshape(rows, MB, cols - 1).mean(1)
    step_y = step(*up).reshape(rows - 1, cols, MB).mean(2)
    edges = np.zeros((rows, cols), np.float32)
    edges[:, 1:] = step_x
    edges[:, :-1] = np.maximum(edges[:, :-1], step_x)
    edges[1:] = np.maximum(edges[1:], step_y)
    edges[:-1] = np.maximum(edges[:-1], step_y)
    return edges


def step(a, b, c, d):
    return (np.abs(c - b) - .5 * (np.abs(b - a) + np.abs(d - c))).astype(np.float32)


def label(damaged: np.ndarray, clean: np.ndarray) -> Label:
    damaged, clean = cut(damaged), cut(clean)
    rows, cols = damaged.shape[0] // MB, damaged.shape[1] // MB
    blocks = np.zeros((rows, cols), np.uint8)
    if np.array_equal(damaged, clean):
        return Label(blocks, 0., True)
    diff = np.maximum(damaged, clean) - np.minimum(damaged, clean)
    diff = diff.reshape(rows, MB, cols, MB).mean((1, 3), dtype=np.float32)
    if not (diff > 1).any():
        return Label(blocks, 0., True)
    new_edge = np.maximum(grid_edges(damaged) - grid_edges(clean), 0)
    blocks[diff > IGNORE_DIFF] = IGNORE
    blocks[(diff > MIN_DIFF) & (new_edge > MIN_EDGE)] = VISIBLE
    return Label(blocks, float((diff > 8).mean()), False)


def repeats(damaged: np.ndarray, pts: int, clean: dict[int, np.ndarray]) -> bool:
    """A picture that equals another clean picture near by is a freeze, not block damage."""
    order = sorted(clean)
    at = order.index(pts)
    return any(np.abs(damaged[::4, ::4].astype(np.int16) - clean[q][::4, ::4]).mean() < 1
               for q in order[max(0, at - 6):at + 7] if q != pts)
