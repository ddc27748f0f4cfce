"""Items to pictures: planar 4:2:0 frames in the clip's own range, shaped [n, H*3/2, W]."""

import math
import random
import subprocess

import numpy as np
from PIL import Image

import cards
from sets import Item


def even(value: float) -> int:
    return int(value) // 2 * 2


def frames(item: Item, rng: random.Random, count: int, box: tuple[int, int]) -> np.ndarray:
    if item.kind == "graphics":
        width, height = rng.choice([box, (even(box[0] * .75), even(box[1] * .75)), (640, 360)])
        return grey(cards.sequence(item.group, rng, count, width, height))
    if item.kind in ("photo", "artwork"):
        yuv = grey(pan(item.path, rng, count, *box))
    else:
        yuv = clip(item, rng, count, box)
    if rng.random() < .25:
        cards.overlay(yuv[:, :yuv.shape[1] * 2 // 3], rng)
    return yuv


def grey(luma: np.ndarray) -> np.ndarray:
    count, height, width = luma.shape
    return np.concatenate([luma, np.full((count, height // 2, width), 128, np.uint8)], axis=1)


def clip(item: Item, rng: random.Random, count: int, box: tuple[int, int]) -> np.ndarray:
    count = min(count, item.frames)
    first = rng.randrange(item.frames - count + 1)
    width, height = item.width, item.height
    if item.height > item.width:
        box = (box[1], box[0])
    if width > box[0] and rng.random() < .5:  # native detail: a window of the picture
        width, height = min(width, box[0]), min(height, box[1])
        window = f"crop={width}:{height}:{even(rng.random() * (item.width - width))}:{even(rng.random() * (item.height - height))}"
    else:
        scale = min(1, box[0] / width, box[1] / height) * (rng.choice([1, 1, .75, .5]) if min(width, height) >= 480 else 1)
        width, height = even(width * scale), even(height * scale)
        window = f"scale={width}:{height}:flags=bicubic"
    raw = item.path.endswith((".264", ".h264"))
    seek = [] if raw else ["-ss", f"{max(0, (first - .5) / item.fps):.3f}"]
    pick = f"select=gte(n\\,{first})," if raw else ""
    out = subprocess.run(["ffmpeg", "-v", "error", "-threads", "1", *seek, "-i", item.path, "-map", "0:v:0", "-an", "-vf", pick + window,
                          "-fps_mode", "passthrough", "-frames:v", str(count), "-pix_fmt", "yuv420p", "-f", "rawvideo", "-"],
                         capture_output=True, timeout=300, check=True).stdout
    size = width * height * 3 // 2
    return np.frombuffer(out, np.uint8, len(out) // size * size).reshape(-1, height * 3 // 2, width).copy()


def pan(path: str, rng: random.Random, count: int, width: int, height: int) -> np.ndarray:
    """A slow pan and zoom over a still picture: pristine material, which no fetched clip is."""
    picture = Image.open(path).convert("L")
    least = max(width / picture.width, height / picture.height)
    scale = least if least > 1 else least + (1 - least) * rng.random()  # 1 = native detail
    picture = picture.resize((max(width, math.ceil(picture.width * scale)), max(height, math.ceil(picture.height * scale))), Image.LANCZOS)
    zoom = rng.choice([1, 1, .9])  # at the end, the window is this share of the one at the start
    free_x, free_y = picture.width - width, picture.height - height
    x0, y0 = rng.random() * free_x, rng.random() * free_y
    step = rng.choice([0, .5, 2, 6]) * count
    x1 = min(max(x0 + rng.uniform(-1, 1) * step, 0), free_x)
    y1 = min(max(y0 + rng.uniform(-1, 1) * step, 0), free_y)
    out = np.empty((count, height, width), np.uint8)
    for k in range(count):
        t = k / max(1, count - 1)
        window = 1 - (1 - zoom) * t
        x, y = x0 + (x1 - x0) * t, y0 + (y1 - y0) * t
        out[k] = np.asarray(picture.transform((width, height), Image.AFFINE, (window, 0, x, 0, window, y), Image.BILINEAR))
    return out
