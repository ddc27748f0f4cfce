"""The stored set to crops of the network's window, with labels a step; and what tempted the network, kept to be shown again."""

import glob
import json
import os

import numpy as np
import torch

from sound_defects import KINDS
from sound_generate import SCALE
from sound_net import RATE, STEPS, WINDOW

MS = RATE // 1000
WINDOW_MS, STEP_MS = WINDOW // MS, WINDOW // MS // STEPS
EDGE_MS = 60  # of a programme, where its neighbour's coding bleeds in
BESIDE = {"hum": 250, "audio_stutter": 40}  # milliseconds beside a mark that count neither way: nobody agrees on where a defect begins

EACH = {"hum": 4, "audio_stutter": 5, "click": 1, "dropout": 1, "clipping": 1, "hiss": 1}  # crops of each kind in a batch


class Row:
    """One programme: samples, and for each millisecond which defects are heard (bit k) and which are not asked for."""

    def __init__(self, samples, meta, k):
        self.samples, self.codec, self.group = samples, meta["codec"], meta["groups"][k]
        self.kind, self.split = meta["kinds"][k], meta["split"]
        n = len(samples) // MS
        self.present, self.unknown = np.zeros(n, np.uint8), np.zeros(n, np.uint8)
        self.spots = []
        for kind, start, end, heard in meta["marks"][k]:
            a, b = int(start * 1000), max(int(np.ceil(end * 1000)), int(start * 1000) + 1)
            if heard:
                self.spots.append((a, b))
            if kind in KINDS:
                bit = 1 << KINDS.index(kind)
                self.unknown[max(a - BESIDE[kind], 0):b + BESIDE[kind]] |= bit
                self.present[a:b] |= bit * heard
        self.unknown &= ~self.present

    def crop(self, at):
        """(samples float32 [WINDOW], present, known) of the window that begins at millisecond `at`; the last two [kinds, STEPS]."""
        x = self.samples[at * MS: at * MS + WINDOW].astype(np.float32) / SCALE
        bits = 1 << np.arange(len(KINDS), dtype=np.uint8)[:, None, None]
        present = (self.present[at:at + WINDOW_MS].reshape(1, STEPS, STEP_MS) & bits).any(2)
        unknown = (self.unknown[at:at + WINDOW_MS].reshape(1, STEPS, STEP_MS) & bits).any(2)
        return x, present, present | ~unknown

    def last(self):
        return len(self.samples) // MS - WINDOW_MS - EDGE_MS


def load(folder) -> list[Row]:
    rows = []
    for path in sorted(glob.glob(os.path.join(folder, "*.json"))):
        with open(path) as f:
            meta = json.load(f)
        sound = np.load(path[:-5] + ".npy", mmap_mode="r")
        rows += [Row(sound[k], meta, k) for k in range(len(sound))]
    return rows


class Batches:
    """Crops around defects of each kind, crops of anything, and those that scored high without a defect."""

    def __init__(self, rows, rng, each=EACH, plain=4, hard=5):
        self.rng, self.each, self.plain, self.hard_share = rng, each, plain, hard
        self.by_kind = {kind: [r for r in rows if r.kind == kind and r.spots] for kind in each}
        self.rows = rows
        self.hard = []  # (score, row, at)

    def next(self):
        picks = [self.defect(rows) for kind, rows in self.by_kind.items() if rows for _ in range(self.each[kind])]
        picks += [self.anywhere(self.rows[self.rng.integers(len(self.rows))]) for _ in range(self.plain)]
        for _ in range(min(self.hard_share, len(self.hard))):
            _, row, at = self.hard[self.rng.integers(len(self.hard))]
            picks.append((row, int(np.clip(at + self.rng.integers(-300, 301), EDGE_MS, row.last()))))
        self.picks = picks
        crops = [row.crop(at) for row, at in picks]
        x = np.stack([c[0] for c in crops])[:, None] * self.gains(len(crops))
        return torch.from_numpy(x), torch.from_numpy(np.stack([c[1] for c in crops])), torch.from_numpy(np.stack([c[2] for c in crops]))

    def gains(self, n):
        gain = np.where(self.rng.random(n) < .6, 10 ** (self.rng.uniform(-12, 0, n) / 20), 1) * self.rng.choice((-1, 1), n)
        return gain.astype(np.float32)[:, None, None]

    def defect(self, rows):
        row = rows[self.rng.integers(len(rows))]
        a, b = row.spots[self.rng.integers(len(row.spots))]
        at = self.rng.integers(a, max(b, a + 1)) - self.rng.integers(0, WINDOW_MS)
        return row, int(np.clip(at, EDGE_MS, row.last()))

    def anywhere(self, row):
        return row, int(self.rng.integers(EDGE_MS, row.last()))

    def learn(self, logits, present, known, most=400):
        """Keeps the crops whose clean steps scored highest."""
        wrong = torch.where(known & ~present, logits, torch.tensor(-20.)).amax((1, 2)).numpy()
        self.hard = sorted(self.hard + [(float(s) , *p) for s, p in zip(wrong, self.picks) if s > -1.5], key=lambda h: -h[0])[:most]
        self.hard = [(s * .97 - .03, row, at) for s, row, at in self.hard]
