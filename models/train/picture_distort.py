"""Distortions of known strength, made in the many ways that others make them, and the encode that comes after.

A strength is in the unit of the literature's ladder; REFERENCE is the second rung of it, where the wanted score is a half.
"""

import math
import os
import random
import subprocess
import tempfile
from dataclasses import dataclass, field
from typing import Callable

import numpy as np
from scipy.ndimage import gaussian_filter, uniform_filter

DEFECTS = ["blur", "noise", "banding", "compression", "upscaling"]
REFERENCE = {"blur": 1.1,         # deviation in pixels: a kernel of 5 as OpenCV has it
             "noise": 10,         # deviation in 8-bit levels
             "banding": 8,        # levels from step to step: 5 bits
             "compression": 1,    # quantiser step over that of QP 37
             "upscaling": 1}      # factor - 1
LADDER = {"blur": [.8, 1.1, 1.4, 1.7], "noise": [5, 10, 25, 50], "banding": [4, 8, 16, 32], "compression": [32, 37, 42, 47], "upscaling": [1.5, 2, 3, 4]}


@dataclass
class Distortion:
    defect: str = ""
    strength: float = 0.
    how: str = "none"
    filters: str = ""                                            # for ffmpeg, or
    edit: Callable[[np.ndarray], np.ndarray] | None = None       # float luma [n,H,W] to the same, or
    recode: list[str] = field(default_factory=list)              # an encoder's arguments


def wanted(defect: str, strength: float) -> float:
    """0 for none, 1/2 at the reference, towards 1 for very strong."""
    return 1 - 2 ** (-strength / REFERENCE[defect])


def draw(defect: str, rng: random.Random, size: tuple[int, int], level: int | None = None) -> Distortion:
    """A random one, or one of the ladder's levels 1 to 4."""
    return MAKERS[defect](rng, size, level)


def at_level(defect, level):
    return LADDER[defect][level - 1]


def blur(rng, size, level):
    how = rng.choice(["gblur", "gblur", "gaussian", "kernel", "boxblur", "avgblur", "unsharp"]) if level is None else rng.choice(["gblur", "kernel"])
    sigma = rng.uniform(.7, 1.8) if rng.random() < .6 else rng.uniform(1.8, 6)
    if level is not None:
        sigma = at_level("blur", level)
    if how == "gblur":
        return Distortion("blur", sigma, how, f"gblur=sigma={sigma:.3f}:steps={rng.choice([1, 2, 3])}")
    if how == "gaussian":
        return Distortion("blur", sigma, how, edit=lambda luma: gaussian_filter(luma, (0, sigma, sigma)))
    if how == "kernel":
        kernel = max(3, round((sigma - .35) / .15) // 2 * 2 + 1)
        sigma = .15 * kernel + .35
        return Distortion("blur", sigma, how, edit=lambda luma: gaussian_filter(luma, (0, sigma, sigma), truncate=(kernel // 2) / sigma))
    if how == "unsharp":  # with a negative amount it takes detail away
        n, amount = rng.choice([3, 5, 7]), rng.uniform(.7, 1.4)
        return Distortion("blur", math.sqrt(amount * (n * n - 1) / 12), how, f"unsharp={n}:{n}:{-amount:.2f}:{n}:{n}:{-amount:.2f}")
    radius, times = rng.choice([1, 1, 2, 3, 5]), rng.choice([1, 1, 2, 3])
    if how == "avgblur":
        return Distortion("blur", math.sqrt(((2 * radius + 1) ** 2 - 1) / 12), how, f"avgblur=sizeX={radius}")
    return Distortion("blur", math.sqrt(times * ((2 * radius + 1) ** 2 - 1) / 12), how, f"boxblur={radius}:{times}")


def noise(rng, size, level):
    sigma = 10 ** rng.uniform(.7, 1.72) if level is None else at_level("noise", level)
    how = rng.choice(["filter", "filter", "gaussian", "gaussian", "uniform", "shot", "impulse", "soft"]) if level is None else rng.choice(["filter", "gaussian"])
    if how == "filter":  # ffmpeg's strength is about 1.5 deviations, 3 where uniform
        uniform = sigma < 32 and rng.random() < .3
        return Distortion("noise", sigma, how, f"noise=alls={min(100, round(sigma * (3.04 if uniform else 1.53)))}:allf=t{'+u' if uniform else ''}")
    source = np.random.default_rng(rng.randrange(2**32))

    def edit(luma):
        if how == "impulse":
            share = min(.3, (sigma / 90) ** 2)
            hit = source.random(luma.shape, np.float32)
            return np.where(hit < share / 2, 16., np.where(hit < share, 235., luma))
        unit = source.random(luma.shape, np.float32) * 3.46 - 1.73 if how == "uniform" else source.standard_normal(luma.shape, np.float32)
        if how == "shot":
            unit *= np.sqrt(np.maximum(luma - 16, 4) / 112)
        if how == "soft":
            unit = gaussian_filter(unit, (0, .6, .6), truncate=3)
            unit /= unit.std()
        return luma + sigma * unit
    return Distortion("noise", sigma, how, edit=edit)


def banding(rng, size, level):
    step = rng.choice([4, 5, 6, 8, 8, 8, 10, 12, 16, 16, 24, 32]) if level is None else at_level("banding", level)
    how = rng.choice(["floor", "middle", "round", "lutyuv", "rgb", "range"]) if level is None else rng.choice(["floor", "middle", "lutyuv"])
    if how == "lutyuv":
        return Distortion("banding", step, how, f"lutyuv=y=floor(val/{step})*{step}")
    if how == "rgb":
        table = f"floor(val/{step})*{step}"
        return Distortion("banding", step * 219 / 255, how, f"format=rgb24,lutrgb=r={table}:g={table}:b={table},format=yuv420p")
    if how == "range":  # few levels between black and white
        bits = round(8 - math.log2(step))
        step = 219 / (2 ** bits - 1)
        return Distortion("banding", step, how, edit=lambda luma: 16 + np.round((luma - 16) / step) * step)
    offset = {"floor": 0, "middle": step / 2, "round": 0}[how]
    if how == "round":
        return Distortion("banding", step, how, edit=lambda luma: np.round(luma / step) * step)
    return Distortion("banding", step, how, edit=lambda luma: np.floor(luma / step) * step + offset)


def quantiser(qp: float) -> float:
    return 2 ** ((qp - 37) / 6)


def compression(rng, size, level):
    """MPEG's quantiser scale q is taken for a step of 3q, VP9's 0..63 for about the QP of the same picture quality."""
    preset = ["-preset", rng.choice(["superfast", "veryfast", "medium"])]
    qp = rng.choice([30, 32, 34, 36, 37, 37, 38, 40, 42, 44, 47, 51]) if level is None else at_level("compression", level)
    how = rng.choice(["x264", "x264", "x264", "x264crf", "x265", "mpeg2", "mpeg4", "vp9", "mjpeg"]) if level is None else rng.choice(["x264", "x264", "x265"])
    if how == "x264":
        return Distortion("compression", quantiser(qp), how, recode=["-c:v", "libx264", *preset, "-qp", str(qp)])
    if how == "x264crf":
        return Distortion("compression", quantiser(qp), how, recode=["-c:v", "libx264", *preset, "-crf", str(qp)])
    if how == "x265":
        return Distortion("compression", quantiser(qp), how, recode=["-c:v", "libx265", "-preset", "ultrafast", "-x265-params",
                                                                    f"log-level=none:pools=1:frame-threads=1:qp={qp}"])
    if how == "vp9":
        crf = min(63, max(36, round(37 + (qp - 32) * 1.6)))
        return Distortion("compression", quantiser(32 + (crf - 37) / 1.6), how, recode=["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "0", "-crf", str(crf)])
    scale = rng.choice([8, 10, 13, 16, 20, 25, 31])
    return Distortion("compression", 3 * scale / .625 / 2 ** (37 / 6), how, recode=["-c:v", {"mpeg2": "mpeg2video"}.get(how, how), "-q:v", str(scale), "-qmax", "31"])


def upscaling(rng, size, level):
    factor = rng.choice([1.33, 1.5, 1.5, 2, 2, 2.25, 3, 4]) if level is None else at_level("upscaling", level)
    down = rng.choice(["area", "bicubic", "bilinear", "lanczos"])
    up = rng.choice(["bilinear", "bicubic", "lanczos", "spline"])
    width, height = size
    small = f"{round(width / factor / 2) * 2}:{round(height / factor / 2) * 2}"
    return Distortion("upscaling", factor - 1, f"{down}-{up}", f"scale={small}:flags={down},scale={width}:{height}:flags={up}")


MAKERS = {"blur": blur, "noise": noise, "banding": banding, "compression": compression, "upscaling": upscaling}


def final_encode(rng: random.Random) -> list[str]:
    """What follows every distortion: another one than the inserting code's lattice reaches the network. Good quality."""
    crf = rng.choice([15, 17, 18, 20, 22, 23, 24, 26, 28])
    kind = rng.choice(["x264"] * 6 + ["x265", "x265", "mpeg2", "mpeg4"])
    if kind == "x264":
        tune = rng.choice([[], [], [], ["-tune", "film"], ["-tune", "zerolatency"]])
        return ["-c:v", "libx264", "-preset", rng.choice(["ultrafast", "superfast", "superfast", "veryfast"]), *tune, "-crf", str(crf)]
    if kind == "x265":
        return ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", f"log-level=none:pools=1:frame-threads=1:crf={crf}"]
    return ["-c:v", {"mpeg2": "mpeg2video", "mpeg4": "mpeg4"}[kind], "-q:v", str(rng.choice([2, 2, 3, 4])), "-g", "12"]


def twins(yuv: np.ndarray, distortions: list[Distortion], last: list[str]) -> np.ndarray:
    """[1 + len(distortions), n, H, W] luma that a viewer gets: the clean pictures and each distortion of them, all through the same encode."""
    parts, height = [yuv], yuv.shape[1] * 2 // 3
    for one in distortions:
        part = yuv
        if one.edit:
            part = yuv.copy()
            part[:, :height] = np.clip(np.round(one.edit(yuv[:, :height].astype(np.float32))), 0, 255)
        if one.recode:
            part = coded(yuv, one.recode)
        parts.append(part)
    count = len(yuv)
    graph = f"split={len(parts)}" + "".join(f"[s{k}]" for k in range(len(parts))) + ";"
    for k, filters in enumerate([""] + [one.filters for one in distortions]):
        graph += f"[s{k}]trim=start_frame={k * count}:end_frame={(k + 1) * count},setpts=PTS-STARTPTS,{filters + ',' if filters else ''}format=yuv420p[t{k}];"
    graph += "".join(f"[t{k}]" for k in range(len(parts))) + f"concat=n={len(parts)}"
    first = "+".join(f"eq(n,{k * count})" for k in range(1, len(parts)))  # no twin may lean on another
    out = coded(np.concatenate(parts), [*last, "-force_key_frames", f"expr:{first}"], graph, "gray")
    if len(out) != len(parts) * count:
        raise ValueError(f"{len(out)} pictures came back instead of {len(parts) * count}")
    return out.reshape(len(parts), count, *out.shape[1:])


def coded(yuv: np.ndarray, encoder: list[str], filters: str = "", pixels: str = "yuv420p") -> np.ndarray:
    """Through ffmpeg's filters and an encoder and back, as 4:2:0 (yuv420p) or luma (gray)."""
    _, rows, width = yuv.shape
    height = rows * 2 // 3
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.mkv")
        run(["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-r", "25", "-i", "-", *(["-vf", filters] if filters else []),
             *encoder, "-fps_mode", "passthrough", "-threads", "1", "-y", path], yuv.tobytes())
        # MJPEG is full range and taken back; of others the luma plane is taken as it is.
        take = "scale=out_range=tv,format=yuv420p" + (",extractplanes=y" if pixels == "gray" else "")
        out = run(["-i", path, "-vf", take, "-fps_mode", "passthrough", "-f", "rawvideo", "-"])
    rows = height if pixels == "gray" else rows
    return np.frombuffer(out, np.uint8, len(out) // (rows * width) * rows * width).reshape(-1, rows, width)


def run(args: list[str], data: bytes | None = None) -> bytes:
    return subprocess.run(["ffmpeg", "-v", "error", "-threads", "1", "-filter_threads", "1", *args], input=data, capture_output=True, timeout=300, check=True).stdout
