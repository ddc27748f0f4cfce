"""What the network may look at, and what it may never see.

Every item belongs to one content group (same scene, actor or overlay), and a group lies in exactly one split:
train (weights), val (choosing a step, calibration, thresholds), test (reported numbers only).
Whole repositories are kept for the test where there are enough of them.
"""

import argparse
import csv
import hashlib
import os
import re
from dataclasses import dataclass

CLIP_SPLITS = {
    "test": r"grasp2act|LatentSync|Netflix|VID_1280x720|Zhling|audiobox|go1_outdoor|jackal_|nasa_13013|car-detection"
            r"|omnimotion.*/(butterfly|horsejump-low|flamingo|soapbox|squirrel|tennis|walking)\.mp4"
            r"|nerfies.*/(blueshirt|toby2|mask)\.mp4",
    "val": r"bottle-detection|BA1_FT|Adobe_PDF|omnimotion.*/(giraffe|kangaroo|train|libby)\.mp4|nerfies.*/book\.mp4"
           r"|videos/1\.mp4|GRID/|drpbench",
}
# Clips that share a scene are one group; every other clip is a group of its own.
SHARED_SCENES = ["grasp2act", "asl_gestures", "GRID", "bunny", "drpbench", "bookshelf", "curobo", "omnimotion.*/swing", "Dex4D"]
MIN_SIDE, MIN_FRAMES = 240, 19

# Photographs with camera motion, and artwork (gradients, hard edges), from Debian's wallpaper packages.
PHOTOS = r"backgrounds/[^/]+\.(jpg|png)$|mate/nature/|FallenLeaf/.*2560|Path/.*2560|Autumn/.*2560|summer_1am/.*2560|DarkestHour/.*2560|EveningGlow/.*2560"
ARTWORK = r"mate/(abstract|desktop)/|gnome/.*-l\.webp|(Altai|Kay|Volna|PastelHills|IceCold)/contents/images/\d{4}x\d{4}\.(png|jpg)"
GRAPHICS = ["slides", "dots", "checks", "chart", "windows", "pixelart"]


@dataclass(frozen=True)
class Item:
    kind: str      # natural, overlay, screen, rendered, animation, photo, artwork, graphics
    group: str
    split: str     # train, val, test
    path: str      # "" for graphics
    width: int = 0
    height: int = 0
    frames: int = 0
    fps: float = 25.0
    licence: str = ""
    licence_class: str = ""


def clips(data_dir: str) -> list[Item]:
    items = []
    with open(os.path.join(data_dir, "clips.tsv")) as f:
        for row in csv.DictReader(f, delimiter="\t"):
            width, height, frames = int(row["width"]), int(row["height"]), int(row["frames"])
            if row["licence_class"] == "unclear" or min(width, height) < MIN_SIDE or frames < MIN_FRAMES:
                continue
            path = row["path"]
            items.append(Item(row["kind"], clip_group(path), clip_split(path), os.path.join(data_dir, path), width, height,
                              frames, float(row["fps"]), row["licence"], row["licence_class"]))
    return items


def clip_group(path: str) -> str:
    for scene in SHARED_SCENES:
        if re.search(scene, path):
            return re.sub(r"[^A-Za-z0-9]", "", scene)
    repo = path.split("/")[1].split("+")[0]
    return f"{repo}-{os.path.splitext(os.path.basename(path))[0]}"


def clip_split(path: str) -> str:
    return next((split for split, pattern in CLIP_SPLITS.items() if re.search(pattern, path)), "train")


def pictures(picture_dir: str) -> list[Item]:
    items = []
    for folder, _, names in sorted(os.walk(picture_dir)):
        for name in sorted(names):
            path = os.path.join(folder, name)
            kind = "photo" if re.search(PHOTOS, path) else "artwork" if re.search(ARTWORK, path) else ""
            if kind:
                inside = path[len(picture_dir):].strip("/")
                items.append(Item(kind, "pic-" + short_hash(inside), hashed_split(inside), path,
                                  licence="Debian wallpaper package: CC BY, CC BY-SA, CC0 or GPL-2+", licence_class="share-alike"))
    return items


def graphics(seeds: int = 6) -> list[Item]:
    """Generated cards. The generator is shared by all splits, so the test says little about graphics of another make."""
    splits = ["train", "train", "train", "val", "test", "test"]
    return [Item("graphics", f"gfx-{name}-{k}", splits[k % 6], "", licence="generated", licence_class="permissive")
            for name in GRAPHICS for k in range(seeds)]


def all_items(data_dir: str, picture_dir: str) -> list[Item]:
    items = clips(data_dir) + pictures(picture_dir) + graphics()
    splits = {}
    for item in items:
        if splits.setdefault(item.group, item.split) != item.split:
            raise ValueError(f"group {item.group} lies in two splits")
    return items


def short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def hashed_split(text: str) -> str:
    slot = int(short_hash(text), 16) % 8
    return "test" if slot < 2 else "val" if slot == 2 else "train"


def write_provenance(items: list[Item], out: str, roots: list[str]) -> None:
    """clips.tsv: what was trained on and tested on, with hash and licence."""
    with open(out, "w") as f:
        f.write("path\tsha256\tkind\tgroup\tsplit\tlicence_class\tlicence\n")
        for item in sorted(items, key=lambda i: (i.split, i.path, i.group)):
            name, digest = f"generated:{item.group}", "-"
            if item.path:
                name = next(item.path[len(root):].strip("/") for root in roots if item.path.startswith(root))
                with open(item.path, "rb") as data:
                    digest = hashlib.sha256(data.read()).hexdigest()
            f.write(f"{name}\t{digest}\t{item.kind}\t{item.group}\t{item.split}\t{item.licence_class}\t{item.licence}\n")


def write_list(items: list[Item], split: str, out: str, root: str) -> None:
    """The clips of a split, of four seconds and more, as `streamvet inject --set` takes them."""
    with open(out, "w") as f:
        f.write("path\tgroup\tcollection\tlicence\n")
        for item in sorted(items, key=lambda i: i.path):
            if item.path.startswith(root) and item.split == split and item.frames >= 4 * item.fps:
                collection = os.path.relpath(item.path, root).split(os.sep)[1]
                f.write(f"{os.path.abspath(item.path)}\t{item.group}\t{collection}\t{item.licence}\n")


def main() -> None:
    args = argparse.ArgumentParser(description="Writes the provenance list, or with --split the list of its clips for streamvet inject.")
    args.add_argument("--data", required=True)
    args.add_argument("--pictures", required=True)
    args.add_argument("--out", required=True)
    args.add_argument("--split", choices=["train", "val", "test"])
    args = args.parse_args()
    if args.split:
        return write_list(all_items(args.data, args.pictures), args.split, args.out, args.data)
    write_provenance(all_items(args.data, args.pictures), args.out, [args.data, args.pictures])


if __name__ == "__main__":
    main()
