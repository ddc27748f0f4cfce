"""Generated pictures that look like damage and are none: text, boxes, dots, checks, charts, pixel art, tickers, windows."""

import random

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WORDS = "market rises after the storm passed north coast results 2:1 live breaking LIVE news 24 today score water energy report".split()


def sequence(name: str, rng: random.Random, count: int, width: int, height: int) -> np.ndarray:
    """One card, still, scrolling or replaced in the middle. name is gfx-<style>-<n>."""
    style = name.split("-")[1]
    cards = [np.asarray(STYLES[style](rng, width, height)) for _ in range(2)]
    motion = rng.choice(["still", "scroll", "cut", "fade"])
    dx, dy = rng.choice([(0, 1), (2, 0), (3, 1), (0, 5)])
    out = np.empty((count, height, width), np.uint8)
    for k in range(count):
        if motion == "scroll":
            out[k] = np.roll(cards[0], (-dy * k, -dx * k), (0, 1))
        elif motion == "fade":
            t = min(1, max(0, (k - count * .3) / (count * .4)))
            out[k] = cards[0] * (1 - t) + cards[1] * t
        else:
            out[k] = cards[motion == "cut" and k > count // 2]
    return out


def overlay(luma: np.ndarray, rng: random.Random) -> None:
    """Draws captions, a logo, boxes, track dots or a window over pictures [n, H, W] in place; still or moving."""
    count, height, width = luma.shape
    w, h = rng.randrange(width // 8, width), rng.randrange(max(24, height // 12), max(25, height // 2))
    style = rng.choice(["caption", "caption", "box", "track", "window", "letterbox"])
    if style == "letterbox":
        bar = rng.randrange(4, height // 6)
        luma[:, :bar] = luma[:, height - bar:] = 16
        return
    patch = Image.new("L", (w, h), 0)
    mask = Image.new("L", (w, h), 0)
    pen, cut = ImageDraw.Draw(patch), ImageDraw.Draw(mask)
    if style == "caption":
        if rng.random() < .6:
            pen.rectangle((0, 0, w, h), fill=rng.randrange(256))
            cut.rectangle((0, 0, w, h), fill=rng.choice([160, 255]))
        for line in range(rng.randrange(1, 4)):
            font = ImageFont.load_default(rng.randrange(10, 40))
            at, text = (rng.randrange(10), line * h // 3), " ".join(rng.choices(WORDS, k=6))
            pen.text(at, text, fill=rng.choice([16, 235, 255]), font=font)
            cut.text(at, text, fill=255, font=font)
    elif style == "box":
        for _ in range(rng.randrange(1, 5)):
            x, y = rng.randrange(w // 2), rng.randrange(h // 2)
            box = (x, y, rng.randrange(x + 2, w + 1), rng.randrange(y + 2, h + 1))
            pen.rectangle(box, outline=rng.randrange(256), width=rng.randrange(1, 5))
            cut.rectangle(box, outline=255, width=rng.randrange(1, 5))
    elif style == "track":
        for _ in range(rng.randrange(20, 200)):
            x, y, r = rng.randrange(w), rng.randrange(h), rng.randrange(1, 6)
            pen.ellipse((x - r, y - r, x + r, y + r), fill=rng.randrange(256))
            cut.ellipse((x - r, y - r, x + r, y + r), fill=255)
    else:  # picture in picture
        other = luma[rng.randrange(count)]
        patch = Image.fromarray(other).resize((w, h), Image.BILINEAR)
        cut.rectangle((0, 0, w, h), fill=255)
    x, y = rng.randrange(width - w + 1), rng.randrange(height - h + 1)
    dx, dy = rng.choice([(0, 0), (0, 0), (2, 0), (0, 1), (5, 2)])
    top, alpha = np.asarray(patch).astype(np.float32), np.asarray(mask).astype(np.float32) / 255
    for k in range(count):
        px, py = min(x + dx * k, width - w), min(y + dy * k, height - h)
        under = luma[k, py:py + h, px:px + w]
        luma[k, py:py + h, px:px + w] = under * (1 - alpha) + top * alpha


def slides(rng, w, h):
    image = Image.new("L", (w, h), rng.choice([16, 40, 200, 235, 250]))
    pen = ImageDraw.Draw(image)
    for _ in range(rng.randrange(1, 5)):
        x, y = rng.randrange(w), rng.randrange(h)
        pen.rectangle((x, y, x + rng.randrange(20, w), y + rng.randrange(8, h // 2)), fill=rng.randrange(256))
    for line in range(rng.randrange(4, 24)):
        font = ImageFont.load_default(rng.choice([9, 12, 16, 24, 40]))
        pen.text((rng.randrange(w // 3), rng.randrange(h)), " ".join(rng.choices(WORDS, k=12)), fill=rng.choice([0, 16, 128, 235]), font=font)
    return image


def dots(rng, w, h):
    image = Image.fromarray(gradient(rng, w, h))
    pen = ImageDraw.Draw(image)
    pitch, r = rng.randrange(8, 48), rng.randrange(2, 8)
    jitter = rng.choice([0, pitch // 2])
    for y in range(0, h, pitch):
        for x in range(0, w, pitch):
            px, py = x + rng.randrange(jitter + 1), y + rng.randrange(jitter + 1)
            pen.ellipse((px - r, py - r, px + r, py + r), fill=rng.randrange(256))
    return image


def checks(rng, w, h):
    a, b = rng.randrange(2, 40), rng.randrange(2, 40)
    x, y = np.arange(w)[None], np.arange(h)[:, None]
    kind = rng.choice(["check", "stripe", "tartan"])
    if kind == "check":
        pattern = ((x // a + y // b) % 2) * 1.0
    elif kind == "stripe":
        pattern = ((x * rng.choice([0, 1, 1, 2]) + y * rng.choice([1, 2])) // a % 2) * 1.0
    else:
        pattern = (x // a % 2) * .5 + (y // b % 3 == 0) * .5
    low, high = sorted((rng.randrange(256), rng.randrange(256)))
    return Image.fromarray((low + (high - low) * np.broadcast_to(pattern, (h, w))).astype(np.uint8))


def chart(rng, w, h):
    image = Image.fromarray(gradient(rng, w, h))
    pen = ImageDraw.Draw(image)
    bars = rng.randrange(4, 40)
    for k in range(bars):
        x = k * w // bars
        pen.rectangle((x, rng.randrange(h), x + max(w // bars - rng.randrange(1, 6), 0), h), fill=rng.randrange(256))
    for _ in range(rng.randrange(0, 5)):
        points = [(k * w // 20, rng.randrange(h)) for k in range(21)]
        pen.line(points, fill=rng.randrange(256), width=rng.randrange(1, 5))
    for k in range(rng.randrange(0, 30)):
        pen.line((0, k * h // 30, w, k * h // 30), fill=128)
    return image


def windows(rng, w, h):
    image = Image.fromarray(gradient(rng, w, h))
    for _ in range(rng.randrange(2, 9)):
        pw, ph = rng.randrange(40, w), rng.randrange(30, h)
        inner = rng.choice([slides, chart, checks])(rng, pw, ph)
        image.paste(inner, (rng.randrange(-pw // 2, w), rng.randrange(-ph // 2, h)))
    return image


def pixelart(rng, w, h):
    cell = rng.choice([3, 5, 7, 10, 12, 20])
    small = np.random.default_rng(rng.randrange(2**32)).choice([16, 60, 120, 180, 235], (h // cell + 1, w // cell + 1)).astype(np.uint8)
    small[:, ::2] = small[:, 1::2][:, :1] if rng.random() < .2 else small[:, ::2]
    hole = Image.fromarray(gradient(rng, w, h))
    code = Image.fromarray(small).resize((small.shape[1] * cell, small.shape[0] * cell), Image.NEAREST)
    hole.paste(code.crop((0, 0, rng.randrange(w // 8, w), rng.randrange(h // 8, h))), (rng.randrange(w // 2), rng.randrange(h // 2)))
    return hole


def gradient(rng, w, h):
    x, y = np.linspace(0, 1, w)[None], np.linspace(0, 1, h)[:, None]
    a, b, c = rng.randrange(256), rng.uniform(-120, 120), rng.uniform(-120, 120)
    return np.clip(a + b * x + c * y, 0, 255).astype(np.uint8)


STYLES = {"slides": slides, "dots": dots, "checks": checks, "chart": chart, "windows": windows, "pixelart": pixelart}
