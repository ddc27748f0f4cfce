"""Stored pictures to training crops: sampling by content group, augmentation, labels a macroblock."""

import functools
import glob
import json
import os
import random
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

import label
from generate import CLEAN_ENCODE, CONCEALED, DAMAGED, TWIN, UNDAMAGED
from label import CLEAN, IGNORE, MB, VISIBLE

CROP = 176
SIDE = CROP // MB


@dataclass
class Picture:
    file: str
    index: int
    kind: int
    blocks: np.ndarray
    meta: dict

    def luma(self, shift: int = 0) -> np.ndarray:
        """shift=1 of a DAMAGED picture is its clean twin."""
        return mapped(self.file)[self.index + shift]


@functools.lru_cache(maxsize=2000)
def mapped(file: str) -> np.ndarray:
    return np.load(file, mmap_mode="r")


def load(folder: str) -> list[Picture]:
    pictures = []
    for file in sorted(glob.glob(os.path.join(folder, "*.npz"))):
        stored = np.load(file)
        meta = json.loads(str(stored["meta"]))
        blocks = stored["blocks"]
        for k, kind in enumerate(stored["kind"]):
            pictures.append(Picture(file[:-1] + "y", k, int(kind), blocks[k], meta))
    return pictures


class Sampler:
    """Draws pictures by group, so that a long clip weighs no more than a short one."""

    WEIGHT = {"natural": 3, "animation": 4, "screen": 3, "overlay": 2, "rendered": 2, "photo": 1, "artwork": .5, "graphics": .7}

    def __init__(self, pictures: list[Picture], kinds: set[int], rng: random.Random):
        self.rng, self.groups = rng, defaultdict(list)
        for picture in pictures:
            if picture.kind in kinds:
                self.groups[picture.meta["group"]].append(picture)
        self.names = list(self.groups)
        self.weights = [self.WEIGHT[self.groups[n][0].meta["kind"]] for n in self.names]

    def __call__(self) -> Picture:
        return self.rng.choice(self.groups[self.rng.choices(self.names, self.weights)[0]])


def window(picture: Picture, rng: random.Random) -> tuple[int, int, int, float]:
    """(y, x, side, scale): where to cut. Scale 1 lies on the macroblock grid; else the grid is lost, as after a scaler."""
    height, width = (n * MB for n in picture.blocks.shape)
    scale = rng.uniform(.6, 1.9) if rng.random() < .18 else 1.
    side = min(round(CROP / scale), height, width)
    y, x = rng.randrange(height - side + 1), rng.randrange(width - side + 1)
    visible = np.argwhere(picture.blocks == VISIBLE)
    if len(visible) and rng.random() < .75:
        at = visible[rng.randrange(len(visible))] * MB + MB // 2
        y, x = (min(max(int(a) - rng.randrange(side), 0), most) for a, most in zip(at, (height - side, width - side)))
    if scale == 1:
        y, x, side = y // MB * MB, x // MB * MB, min(CROP, height // MB * MB, width // MB * MB)
    return y, x, side, CROP / side if side < CROP or scale != 1 else 1.


def crop(picture: Picture, place, clean_twin: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Luma [1,CROP,CROP] in 0..255 and labels [SIDE,SIDE]."""
    y, x, side, scale = place
    luma = torch.from_numpy(np.array(picture.luma(clean_twin)[y:y + side, x:x + side])).float()[None, None]
    blocks = torch.zeros_like(torch.from_numpy(picture.blocks)) if clean_twin else torch.from_numpy(picture.blocks)
    if scale == 1:
        return luma[0], blocks[y // MB:y // MB + SIDE, x // MB:x // MB + SIDE].long()
    luma = F.interpolate(luma, (CROP, CROP), mode="bilinear", antialias=True, align_corners=False)[0]
    pixels = blocks.repeat_interleave(MB, 0).repeat_interleave(MB, 1)[y:y + side, x:x + side]
    cover = torch.stack([(pixels == VISIBLE).float(), (pixels != CLEAN).float()])[None]
    visible, touched = F.adaptive_avg_pool2d(F.interpolate(cover, (CROP, CROP), mode="nearest"), SIDE)[0]
    labels = torch.where(visible >= .35, VISIBLE, torch.where(touched > .02, IGNORE, CLEAN))
    return luma, labels.long()


def change_look(luma: torch.Tensor, rng: random.Random) -> torch.Tensor:
    """Contrast, brightness, noise, softness; what another camera, range or scaler would do. Rounded to 8 bit, as at run time."""
    if rng.random() < .1:
        for _ in range(rng.randrange(1, 4)):
            luma = torch.lerp(luma, F.avg_pool2d(luma, 3, 1, 1, count_include_pad=False), rng.uniform(.3, 1))
    mean = luma.mean()
    luma = (luma - mean) * rng.uniform(.7, 1.3) + mean + rng.uniform(-35, 35)
    if rng.random() < .1:
        luma = luma + torch.randn_like(luma) * rng.uniform(1, 10)
    return luma.round().clamp(0, 255)


def judged(luma: torch.Tensor, clean: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A made crop and its labels, by the same rule as those of decoded damage."""
    luma, clean = (x.round().clamp(0, 255) for x in (luma, clean))
    return luma, torch.from_numpy(label.label(luma[0].byte().numpy(), clean[0].byte().numpy()).blocks).long()


class Batches:
    """Damaged crops (some beside their clean twin, cut at the same place) and clean ones, some of them known to be hard."""

    def __init__(self, pictures: list[Picture], rng: random.Random):
        self.rng, self.hard, self.hot = rng, [], []
        self.damaged = Sampler(pictures, {DAMAGED}, rng)
        self.undamaged = Sampler(pictures, {UNDAMAGED, TWIN}, rng)
        self.encodes = Sampler(pictures, {CLEAN_ENCODE}, rng)
        self.by_file = defaultdict(list)
        for picture in pictures:
            if picture.kind in (UNDAMAGED, TWIN, CLEAN_ENCODE):
                self.by_file[picture.file].append(picture)

    def next(self) -> tuple[torch.Tensor, torch.Tensor]:
        pairs = []
        for k in range(12):
            picture = self.damaged()
            place = window(picture, self.rng)
            seed = self.rng.random()
            pairs.append(self.finish(*crop(picture, place), seed))
            if k < 5:
                pairs.append(self.finish(*crop(picture, place, clean_twin=True), seed))
            elif k < 7:
                pairs.append(self.finish(*self.transplant(picture, place), seed))
        pairs += [self.finish(*self.concealed(), self.rng.random()) for _ in range(3)]
        for sampler, count in ((self.undamaged, 3), (self.encodes, 4)):
            for _ in range(count):
                picture = sampler()
                pairs.append(self.finish(*crop(picture, window(picture, self.rng)), self.rng.random()))
        for picture, place in self.rng.sample(self.hot, min(4, len(self.hot))):
            pairs.append(self.finish(*crop(picture, place), self.rng.random()))
        pairs += self.rng.sample(self.hard, min(4, len(self.hard)))
        return torch.stack([p[0] for p in pairs]) / 255, torch.stack([p[1] for p in pairs])

    def transplant(self, picture: Picture, place):
        """The difference that damage made, added to a clean crop of another picture: more content than was ever damaged."""
        other = self.undamaged()
        clean, _ = crop(other, window(other, self.rng))
        change = crop(picture, place)[0] - crop(picture, place, clean_twin=True)[0]
        return judged(clean + change * self.rng.uniform(.7, 1.2), clean)

    def concealed(self):
        """A clean crop in which some macroblocks, one after the other, come from elsewhere: another picture of the clip, a wrong place, a smear."""
        rng = self.rng
        picture = self.undamaged() if rng.random() < .7 else self.encodes()
        y, x, side, scale = window(picture, rng)
        if scale != 1:
            return crop(picture, (y, x, side, scale))
        height, width = (n * MB for n in picture.blocks.shape)
        clean, source = crop(picture, (y, x, side, scale))[0], rng.random()
        far = 0 if source < .3 else 24
        y, x = (min(max(at + rng.randint(-far, far), 0), most - side) for at, most in ((y, height), (x, width)))
        lost = torch.zeros(SIDE * SIDE, dtype=torch.bool)
        first = rng.randrange(SIDE * SIDE)
        lost[first:first + rng.choice([3, 4, 6, 9, 14, 22, 33])] = True
        lost = lost.view(SIDE, SIDE)
        if source < .85:
            other = rng.choice(self.by_file[picture.file]) if source < .6 else picture
            filling = torch.from_numpy(np.array(other.luma()[y:y + side, x:x + side])).float()[None]
        else:
            filling = clean[:, max(first // SIDE * MB - 1, 0)].unsqueeze(1).expand_as(clean)
        return judged(torch.where(lost.repeat_interleave(MB, 0).repeat_interleave(MB, 1), filling, clean), clean)

    def finish(self, luma, labels, seed):
        rng = random.Random(seed)
        luma = change_look(luma, rng)
        for axis, share in ((-1, .5), (-2, .2)):
            if rng.random() < share:
                luma, labels = luma.flip(axis), labels.flip(axis)
        return luma, labels

    def search(self, logits_of, count: int = 24) -> None:
        """Looks through whole clean pictures and keeps of each the crop that scores highest: what a picture's score is made of.
        logits_of: luma [1,1,H,W] in 0..1 to logits a macroblock."""
        for k in range(count):
            picture = (self.undamaged if k % 2 else self.encodes)()
            luma = torch.from_numpy(np.array(picture.luma()))[None, None].float() / 255
            rows, cols = picture.blocks.shape
            if min(rows, cols) < SIDE:
                continue
            y, x = divmod(int(logits_of(luma)[0, 0].argmax()), cols)
            y, x = (min(max(at - self.rng.randrange(SIDE), 0), most - SIDE) * MB for at, most in ((y, rows), (x, cols)))
            if len(self.hot) >= 384:
                self.hot.pop(self.rng.randrange(len(self.hot)))
            self.hot.append((picture, (y, x, CROP, 1.)))

    def learn(self, images: torch.Tensor, labels: torch.Tensor, strongest: torch.Tensor) -> None:
        """Keeps clean crops that scored high; old ones make room at random."""
        for image, blocks, score in zip(images, labels, strongest.tolist()):
            if score > 0 and not blocks.any():
                if len(self.hard) >= 256:
                    self.hard.pop(self.rng.randrange(len(self.hard)))
                self.hard.append((image * 255, blocks))
