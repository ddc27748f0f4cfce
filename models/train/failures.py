"""A sheet of the worst cases: clean pictures that score high (left), damaged ones that score low (right); the map in red.

    failures.py --model M --set OUT/main/test --out failures.png      after `evaluate.py pictures` on the same set
"""

import argparse

import numpy as np
from PIL import Image, ImageDraw

import label
from crops import CONCEALED, DAMAGED
from evaluate import Model, chosen

TILE, ROWS = (360, 240), 8


def worst(found, scores, order, count):
    """One a group, so that the sheet shows kinds of failure and not one clip's frames."""
    seen, picks = set(), []
    for k in order:
        if found[k].meta["group"] not in seen and len(picks) < count:
            seen.add(found[k].meta["group"])
            picks.append((found[k], scores[k]))
    return picks


def tile(model, picture, score):
    luma = label.cut(picture.luma())
    _, heat = model.session.run(["score", "map"], {"luma": np.ascontiguousarray(luma)[None, None]})
    heat = np.kron(heat[0, 0], np.ones((label.MB, label.MB)))
    colour = np.stack([np.maximum(luma, heat * 255), luma * (1 - heat * .6), luma * (1 - heat * .6)], -1).astype(np.uint8)
    image = Image.fromarray(colour).resize(TILE)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, TILE[0], 12), fill=0)
    area = (picture.blocks == label.VISIBLE).mean()
    pen.text((2, 1), f"{score:.2f} {picture.meta['group'][:26]} {picture.meta['codec']} {picture.meta.get('mode', '')} {area:.2%}", fill=(255, 255, 0))
    return image


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--model", "--set", "--out"):
        args.add_argument(name, required=True)
    args.add_argument("--files", type=int, default=10**6)
    args = args.parse_args()
    found, model = chosen(args.set, args.files), Model(args.model)
    scores = np.load(args.set.rstrip("/") + "-scores.npz")["scores"]
    kinds = np.array([p.kind for p in found])
    clean, damaged = np.flatnonzero((kinds != DAMAGED) & (kinds != CONCEALED)), np.flatnonzero(kinds == DAMAGED)
    columns = [worst(found, scores, clean[np.argsort(-scores[clean])], 2 * ROWS), worst(found, scores, damaged[np.argsort(scores[damaged])], 2 * ROWS)]
    sheet = Image.new("RGB", (TILE[0] * 4, TILE[1] * ROWS))
    for side, picks in enumerate(columns):
        for k, (picture, score) in enumerate(picks):
            sheet.paste(tile(model, picture, score), ((side * 2 + k % 2) * TILE[0], k // 2 * TILE[1]))
    sheet.save(args.out)


if __name__ == "__main__":
    main()
