"""What the picture network may look at: clips, photographs, artwork, generated scenes; and which split each belongs to.

Clips keep the split of sets.py. Wallpapers come in several sizes of one picture, so their group is the picture, not the file.
"""

import argparse
import os
import random
import re
import subprocess

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

import cards
import content
import sets
from sets import Item

# Widths and heights that are worked at: all multiples of 16, as at run time. Larger clips give windows at native detail.
SIZES = [(320, 176), (480, 272), (480, 352), (640, 352), (640, 352), (768, 432)]
LARGE = [(1280, 720), (1920, 1072)]
TRAINABLE = {"permissive", "share-alike"}


def items(clips_dir: str, pictures_dir: str) -> list[Item]:
    found = sets.clips(clips_dir) if clips_dir else []
    for item in sets.pictures(pictures_dir) if pictures_dir else []:
        group = "pic-" + picture_group(item.path)
        found.append(Item(item.kind, group, hashed_split(group), item.path, licence=item.licence, licence_class=item.licence_class))
    return found + generated()


def generated(seeds: int = 4) -> list[Item]:
    """The generator is shared by all splits, so the test says little about graphics of another make."""
    splits = ["train", "train", "val", "test"]
    return [Item("graphics" if name in cards.STYLES else "scene", f"gen-{name}-{k}", splits[k], "", licence="generated", licence_class="permissive")
            for name in list(cards.STYLES) + list(SCENES) for k in range(seeds)]


def picture_group(path: str) -> str:
    if "/contents/" in path:
        return path.split("/")[-4]
    return re.sub(r"[-_]?\d+x\d+$|-(l|d)$", "", os.path.splitext(os.path.basename(path))[0])


def hashed_split(group: str) -> str:
    slot = int(sets.short_hash(group), 16) % 8
    return "test" if slot < 2 else "val" if slot == 2 else "train"


def refuse_untrainable(name: str, licence: str, licence_class: str) -> None:
    if licence_class not in TRAINABLE:
        raise SystemExit(f"{name}: its licence ({licence or 'none stated'}, class {licence_class or 'none'}) does not allow training; "
                         "leave the clip out of the set")


def window(item: Item, rng: random.Random, count: int, size: tuple[int, int]) -> np.ndarray:
    """[count, H*3/2, W] 4:2:0; H and W multiples of 16, at most `size`."""
    width, height = size
    if item.kind == "graphics":
        yuv = content.grey(cards.sequence("x-" + item.group.split("-")[1], rng, count, width, height))
    elif item.kind == "scene":
        yuv = content.grey(scene(item.group.split("-")[1], rng, count, width, height))
    elif item.path and item.kind in ("photo", "artwork"):
        yuv = still(item.path, rng, count, width, height)
    elif rng.random() < .3 or item.path.endswith((".264", ".h264", ".y4m")):
        yuv = cut16(content.clip(item, rng, count, size))
    else:
        yuv = panned(key_picture(item, rng), rng, count, *size)
    if rng.random() < .12:
        cards.overlay(yuv[:, :yuv.shape[1] * 2 // 3], rng)
    return yuv


def cut16(yuv: np.ndarray) -> np.ndarray:
    count, rows, width = yuv.shape
    height = rows * 2 // 3
    h, w = height // 16 * 16, width // 16 * 16
    luma = yuv[:, :height][:, :h, :w]
    chroma = yuv[:, height:].reshape(count, 2, height // 2, width // 2)[:, :, :h // 2, :w // 2]
    return np.concatenate([luma, chroma.reshape(count, h // 2, w)], axis=1)


def key_picture(item: Item, rng: random.Random) -> Image.Image:
    """A key picture of a clip: one is quickly decoded, and a pan makes it move."""
    width, height = item.width // 2 * 2, item.height // 2 * 2
    out = subprocess.run(["ffmpeg", "-v", "error", "-threads", "1", "-noaccurate_seek", "-ss", f"{rng.random() * item.frames / item.fps:.3f}", "-i", item.path,
                          "-map", "0:v:0", "-frames:v", "1", "-vf", f"crop={width}:{height}:0:0:exact=1,format=yuv444p", "-f", "rawvideo", "-"],
                         capture_output=True, timeout=300, check=True).stdout
    planes = np.frombuffer(out, np.uint8).reshape(3, height, width)
    return Image.fromarray(np.ascontiguousarray(np.moveaxis(planes, 0, 2)), "YCbCr")


def still(path: str, rng: random.Random, count: int, width: int, height: int) -> np.ndarray:
    """A photograph as a film would show it: seen pixel by pixel most are as soft as a blurred picture."""
    picture = Image.open(path)
    widest = max(rng.choice([1280, 1920]), width)
    if picture.format == "JPEG":  # decoded no larger than needed
        picture.draft("YCbCr", (widest, round(widest * picture.height / picture.width)))
    picture = picture.convert("YCbCr")
    if picture.width > widest:
        picture = picture.resize((widest, round(widest * picture.height / picture.width)), Image.LANCZOS)
    luma, *chroma = picture.split()
    return panned(Image.merge("YCbCr", [luma.point([round(16 + v * 219 / 255) for v in range(256)]), *chroma]), rng, count, width, height)


def panned(picture: Image.Image, rng: random.Random, count: int, width: int, height: int) -> np.ndarray:
    """A pan by whole pixels over a YCbCr picture in the range of video: as crisp as it is at the size it is shown at, between fit and native."""
    if picture.width < picture.height:
        width, height = height, width
    width, height = min(width, picture.width // 16 * 16), min(height, picture.height // 16 * 16)
    least = max(width / picture.width, height / picture.height)
    scale = rng.choice([1, least + (1 - least) * rng.random()])
    if scale < 1:
        picture = picture.resize((max(width, round(picture.width * scale)), max(height, round(picture.height * scale))), Image.LANCZOS)
    free_x, free_y = picture.width - width, picture.height - height
    x0, y0 = rng.randint(0, free_x), rng.randint(0, free_y)
    dx, dy = rng.choice([(0, 0), (1, 0), (-3, 1), (0, 2), (6, -2)])
    out = np.empty((count, height * 3 // 2, width), np.uint8)
    for k in range(count):
        x, y = min(max(x0 + dx * k, 0), free_x), min(max(y0 + dy * k, 0), free_y)
        part = picture.crop((x, y, x + width, y + height))
        out[k, :height] = np.asarray(part)[..., 0]
        small = np.asarray(part.resize((width // 2, height // 2), Image.BOX))[..., 1:]
        out[k, height:] = np.moveaxis(small, 2, 0).reshape(height // 2, width)
    return out


# Scenes that tempt the network: smooth shading, fog, night, drawn pictures, credits. All sharp, clean and whole.

def scene(name: str, rng: random.Random, count: int, width: int, height: int) -> np.ndarray:
    noise = np.random.default_rng(rng.randrange(2**32))
    big = SCENES[name](rng, noise, width + 64, height + 64).astype(np.float32)
    dither = rng.choice([0, 0, .5, 1])
    dx, dy = rng.choice([(0, 0), (1, 0), (0, 1), (3, 2)])
    out = np.empty((count, height, width), np.uint8)
    for k in range(count):
        x, y = min(dx * k, 64), min(dy * k, 64)
        part = big[y:y + height, x:x + width]
        out[k] = np.clip(part + dither * (noise.random(part.shape, np.float32) - .5) + .5, 16, 235)
    return out


def smooth(noise, width, height, cells):
    """Random shading, as of sky or fog."""
    small = Image.fromarray(noise.random((cells, cells), np.float32))
    return np.asarray(small.resize((width, height), Image.BICUBIC))


def sky(rng, noise, width, height):
    low, high = sorted(rng.sample(range(30, 230), 2))
    return low + (high - low) * np.clip(smooth(noise, width, height, rng.choice([2, 3, 5])), 0, 1)


def ridge(rng, noise, width, height):
    """Shading behind a sharp skyline of fine texture."""
    back = sky(rng, noise, width, height)
    line = (height * (.4 + .5 * smooth(noise, width, 1, 9)[0])).astype(int)
    front = rng.randrange(20, 120) + rng.choice([8, 25, 50]) * (noise.random((height, width), np.float32) - .5)
    return np.where(np.arange(height)[:, None] > line[None], front, back)


def night(rng, noise, width, height):
    image = Image.fromarray((16 + 14 * smooth(noise, width, height, 4)).clip(16, 60).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(rng.randrange(10, 120)):
        x, y, r = rng.randrange(width), rng.randrange(height), rng.choice([0, 1, 1, 2, 6])
        pen.ellipse((x - r, y - r, x + r, y + r), fill=rng.randrange(60, 235))
    return np.asarray(image)


def cartoon(rng, noise, width, height):
    """Flat areas with dark outlines, drawn at twice the size."""
    image = Image.new("L", (2 * width, 2 * height), rng.randrange(40, 230))
    pen = ImageDraw.Draw(image)
    for _ in range(rng.randrange(8, 40)):
        x, y, r = rng.randrange(2 * width), rng.randrange(2 * height), rng.randrange(10, width // 2)
        shape = rng.choice([pen.ellipse, pen.rectangle])
        shape((x - r, y - r // 2, x + r, y + r // 2), fill=rng.randrange(16, 235), outline=20, width=rng.choice([2, 4, 6]))
    return np.asarray(image.resize((width, height), Image.LANCZOS))


def credits(rng, noise, width, height):
    image = Image.new("L", (width, height), rng.choice([16, 16, 30, 235]))
    pen, ink = ImageDraw.Draw(image), 235 if image.getpixel((0, 0)) < 100 else 16
    y, size = 4, rng.choice([12, 16, 22, 30])
    font = ImageFont.load_default(size)
    while y < height:
        pen.text((width // 2 + rng.choice([-1, 1]) * rng.randrange(8, width // 3), y), " ".join(rng.choices(cards.WORDS, k=3)), fill=ink, font=font)
        y += size + rng.choice([2, 10, 30])
    return np.asarray(image)


def leaves(rng, noise, width, height):
    """Fine texture all over: what noise must not be taken for. Overlapping crisp discs, the dead leaves of Lee, Mumford and Huang (IJCV 2001)."""
    image = Image.new("L", (2 * width, 2 * height), 128)
    pen, least = ImageDraw.Draw(image), rng.choice([2, 4, 8])
    for _ in range(rng.choice([2500, 5000])):
        r = min(least / max(noise.random(), .004) ** .5, width / 3)
        x, y = rng.randrange(2 * width), rng.randrange(2 * height)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=rng.randrange(20, 235))
    return np.asarray(image.resize((width, height), Image.BOX))


SCENES = {"sky": sky, "ridge": ridge, "night": night, "cartoon": cartoon, "credits": credits, "leaves": leaves}


# Looks of a source that are no defect. Both the clean picture and its distorted twins have them.

def dress(yuv: np.ndarray, rng: random.Random, kind: str) -> list[str]:
    """Changes luma in place; returns what was done."""
    height = yuv.shape[1] * 2 // 3
    noise, done = np.random.default_rng(rng.randrange(2**32)), []
    looks = [("contrast", contrast, .25), ("depth", shallow_focus, .06), ("rain", rain, .04), ("grain", grain, .16)]
    for name, look, share in looks:
        if rng.random() < share and not (name == "depth" and kind in ("graphics", "scene")):
            luma = look(yuv[:, :height].astype(np.float32), rng, noise)
            yuv[:, :height] = np.clip(luma + .5, 0, 255)
            done.append(name)
    return done


def contrast(luma, rng, noise):
    """Fog, night, flat grading."""
    gain, mean = rng.uniform(.35, 1.1), luma.mean()
    return np.clip((luma - mean) * gain + mean + rng.uniform(-50, 50), 16, 235)


def shallow_focus(luma, rng, noise):
    """A sharp part before a soft background."""
    count, height, width = luma.shape
    x, y, r = rng.uniform(.2, .8) * width, rng.uniform(.2, .8) * height, rng.uniform(.2, .4) * height
    away = np.hypot(np.arange(width)[None] - x, np.arange(height)[:, None] - y) / r
    mask = np.clip((away - 1) * 3, 0, 1)[None]
    deviation = rng.uniform(2, 8)
    soft = np.stack([gaussian_filter(picture, deviation, truncate=3) for picture in luma])
    return luma * (1 - mask) + soft * mask


def rain(luma, rng, noise):
    count, height, width = luma.shape
    length, slant, snow = rng.randrange(6, 30), rng.uniform(-.4, .4), rng.random() < .5
    for picture in luma:
        for _ in range(rng.choice([60, 250])):
            x, y, light = noise.integers(width), noise.integers(height), noise.uniform(10, 60)
            if snow:
                r = int(noise.integers(1, 4))
                picture[y:y + r, x:x + r] += light
                continue
            rows = np.arange(y, min(y + length, height))
            picture[rows, np.clip(x + ((rows - y) * slant).astype(int), 0, width - 1)] += light
    return luma


def grain(luma, rng, noise):
    """Film grain: correlated over a pixel or two, strongest in the middle tones, new in every picture."""
    strength, size = rng.uniform(1, 4.5), rng.uniform(.5, 1.2)
    for k in range(len(luma)):
        field = gaussian_filter(noise.standard_normal(luma[k].shape, np.float32), size, truncate=3)
        tone = 1 - .6 * np.abs(luma[k] - 128) / 128
        luma[k] += field / field.std() * strength * tone
    return luma


def main() -> None:
    args = argparse.ArgumentParser(description="Writes the provenance list.")
    args.add_argument("--clips", required=True)
    args.add_argument("--pictures", required=True)
    args.add_argument("--out", required=True)
    args = args.parse_args()
    sets.write_provenance(items(args.clips, args.pictures), args.out, [args.clips, args.pictures])


if __name__ == "__main__":
    main()
