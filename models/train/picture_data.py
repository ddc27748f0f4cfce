"""The picture set on disk, and the statistics of its pictures."""

import glob
import hashlib
import inspect
import json
import os
import random
from dataclasses import dataclass

import numpy as np
import torch

import picture_net
import picture_tables
import picture_sources as sources
from picture_distort import DEFECTS, quantiser, wanted
from picture_net import GRID, PATCH, Looker, Statistics

LOOKS = 1  # random ones of a picture, beside that of run time


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


def code_of_statistics() -> str:
    """Changes when the statistics do: kept ones are then made again."""
    source = inspect.getsource(picture_tables) + inspect.getsource(picture_net).split("class PictureNet")[0]
    return hashlib.sha256(source.encode()).hexdigest()[:8]


@dataclass
class Samples:
    """Statistics of looks [n, features], what is wanted of them, and whence they come."""
    statistics: np.ndarray
    want: np.ndarray
    known: np.ndarray
    variants: list[dict]
    windows: list[Window]

    @property
    def groups(self) -> np.ndarray:
        return np.array([w.group for w in self.windows])

    @property
    def clean(self) -> np.ndarray:
        return np.array([not v["defect"] for v in self.variants])


def samples(windows: list[Window], random_looks: bool = False) -> Samples:
    """The looks of all pictures as at run time, or (random_looks) at as many random places. Statistics are kept beside the pictures."""
    rows, want, known, variants, of = [], [], [], [], []
    for window in windows:
        stored = statistics(window)
        for k, variant in enumerate(window.variants):
            for row in stored[k] if random_looks else stored[k][:1]:
                rows.append(row)
                for values, value in zip((want, known), target(variant)):
                    values.append(value)
                variants.append(variant)
                of.append(window)
    return Samples(np.array(rows), np.array(want), np.array(known), variants, of)


def statistics(window: Window, code: str = code_of_statistics()) -> np.ndarray:
    """[pictures, 1 + LOOKS, features]: of the look at run time, and of looks at random places (the same in all twins)."""
    path = window.path[:-4] + f".stats-{code}.npy"
    if not os.path.exists(path):
        net, looker, rng = Statistics(), Looker(), random.Random(window.path.split("/")[-1])
        pictures = torch.from_numpy(np.array(window.pictures()))[:, None]
        _, _, height, width = pictures.shape
        with torch.no_grad():
            found = [torch.cat([net(looker(picture[None])) for picture in pictures])]
            for _ in range(LOOKS):
                places = [(rng.randrange(0, height - PATCH + 1, GRID), rng.randrange(0, width - PATCH + 1, GRID)) for _ in range(rng.choice([3, 6]))]
                cut = torch.stack([pictures[:, 0, y:y + PATCH, x:x + PATCH] for y, x in places], 1)
                found.append(net(cut))
        np.save(path, torch.stack(found, 1).numpy())
    return np.load(path)
