"""The picture set on disk, and batches of it."""

import glob
import json
import os
import random
from dataclasses import dataclass

import numpy as np
import torch

import picture_sources as sources
from picture_distort import DEFECTS, quantiser, wanted
from picture_net import GRID, PATCH, Looker


@dataclass
class Window:
    """One window of a source: its pictures [variants, H, W] and what each is."""
    path: str
    meta: dict

    @property
    def group(self) -> str:
        return self.meta["group"]

    @property
    def variants(self) -> list[dict]:
        return self.meta["variants"]

    def pictures(self) -> np.ndarray:
        return np.load(self.path, mmap_mode="r")


def load(folder: str, training: bool = False) -> list[Window]:
    """All windows under folder, by name. For training, one whose licence forbids it ends the run with its name."""
    found = []
    for path in sorted(glob.glob(os.path.join(folder, "**", "*.json"), recursive=True)):
        with open(path) as f:
            found.append(Window(path[:-5] + ".npy", json.load(f)))
    if training:
        for window in found:
            sources.refuse_untrainable(window.meta["source"], window.meta["licence"], window.meta["licence_class"])
    if not found:
        raise SystemExit(f"{folder} holds no windows; make them with picture_generate.py")
    return found


def target(variant: dict) -> tuple[np.ndarray, np.ndarray]:
    """Wanted scores [defects], and which of them are known: a blurred picture may or may not pass for an enlarged one."""
    want, known = np.zeros(len(DEFECTS), np.float32), np.ones(len(DEFECTS), np.float32)
    defect, strength = variant["defect"], variant["strength"]
    if not defect:
        return want, known
    want[DEFECTS.index(defect)] = wanted(defect, strength)
    if not variant["visible"]:
        known[DEFECTS.index(defect)] = 0
    for other in also(defect, strength):
        known[DEFECTS.index(other)] = 0
    return want, known


def also(defect: str, strength: float) -> list[str]:
    """What a distortion brings with it, so that it is wrong neither way."""
    if defect == "blur":
        return ["upscaling"] if strength > 1.6 else []
    if defect == "upscaling":
        return ["blur"]
    if defect == "compression":
        return ["blur", "banding", "upscaling"] if strength > quantiser(39) else []
    if defect == "noise":
        return ["compression"] if strength > 20 else []
    return ["compression"] if strength >= 16 else []


class Batches:
    """Windows by content group, half of them those whose clean picture was taken for distorted; each with some of its twins, cut at the same places."""

    def __init__(self, windows: list[Window], rng: random.Random, count: int = 8, twins: int = 2, patches: int = 4):
        self.windows, self.rng, self.count, self.twins, self.patches = windows, rng, count, twins, patches
        self.groups = {}
        for k, window in enumerate(windows):
            self.groups.setdefault(window.group, []).append(k)
        self.alarm = {}  # window: how loud its clean picture was

    def next(self):
        """uint8 [count * (1 + twins), patches, PATCH, PATCH], wanted and known scores, windows' numbers; clean pictures come first of their twins."""
        names = list(self.groups)
        chosen = [self.rng.choice(self.groups[self.rng.choice(names)]) for _ in range(self.count)]
        hard = sorted(self.alarm, key=self.alarm.get)[-max(64, len(self.windows) // 8):]
        if len(self.alarm) > 100:
            chosen[: self.count // 4] = self.rng.sample(hard, self.count // 4)
        images, wants, knowns = [], [], []
        for k in chosen:
            for image, variant in self.cut(self.windows[k]):
                images.append(image)
                want, known = target(variant)
                wants.append(want)
                knowns.append(known)
        return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(wants)), torch.from_numpy(np.stack(knowns)), chosen

    def cut(self, window: Window):
        pictures, rng = window.pictures(), self.rng
        _, height, width = pictures.shape
        places = [(rng.randrange(0, height - PATCH + 1, GRID), rng.randrange(0, width - PATCH + 1, GRID)) for _ in range(self.patches)]
        flip_y, flip_x, lift = rng.random() < .2, rng.random() < .5, rng.choice([0, 0, rng.randrange(-25, 26)])
        clean = [k for k, v in enumerate(window.variants) if not v["defect"]]
        other = [k for k, v in enumerate(window.variants) if v["defect"]]
        for k in [rng.choice(clean), *rng.sample(other, self.twins)]:
            patches = np.stack([pictures[k, y:y + PATCH, x:x + PATCH] for y, x in places])
            patches = patches[:, ::-1] if flip_y else patches
            patches = patches[:, :, ::-1] if flip_x else patches
            yield np.clip(patches.astype(np.int16) + lift, 0, 255).astype(np.uint8), window.variants[k]

    def learn(self, chosen: list[int], loudest: list[float]) -> None:
        self.alarm.update(zip(chosen, loudest))


def looks(window: Window):
    """Each picture as it is at run time: (patches [1,K,PATCH,PATCH], variant)."""
    for picture, variant in zip(window.pictures(), window.variants):
        yield Looker()(torch.from_numpy(np.array(picture))[None, None]), variant
