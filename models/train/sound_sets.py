"""What the sound network may hear, and what it may never hear.

Every recording belongs to a content group (one track, one voice, one kit), a group to exactly one split, and most
collections to one split as a whole: train (weights), val (calibration, thresholds), test (reported numbers only).
A recording whose licence does not allow training is refused by name.
"""

import argparse
import csv
import hashlib
import os
import re
from dataclasses import dataclass

SUFFIXES = (".wav", ".ogg", ".mp3", ".flac", ".opus", ".aac", ".m4a", ".aif", ".aiff", ".au", ".oga")
ALLOWED = ("permissive", "share-alike")

# Debian packages: split ("" for: by group), one group for the whole package, and licence.
COLLECTIONS = {
    "wesnoth-1.16-music": ("", False, "GPL-2+", "share-alike"),
    "sonic-pi-samples": ("train", False, "CC0 (131 files), CC BY-SA 4.0", "share-alike"),
    # Debian doubts that all samples of LMMS are GPL-2+ (lmms issue 2752): never trained on.
    "lmms-common": ("test", False, "GPL-2+, in doubt", "share-alike"),
    "hydrogen-data": ("train", False, "GPL-2+", "share-alike"),
    "hydrogen-drumkits": ("train", False, "GPL-2+", "share-alike"),
    "asterisk-core-sounds-en-g722": ("train", True, "CC BY-SA 3.0", "share-alike"),
    "asterisk-core-sounds-fr-g722": ("train", True, "CC BY-SA 3.0", "share-alike"),
    "asterisk-core-sounds-ru-g722": ("val", True, "CC BY-SA 3.0", "share-alike"),
    "asterisk-core-sounds-it-g722": ("test", True, "CC BY-SA 3.0", "share-alike"),
    "asterisk-moh-opsound-wav": ("train", False, "CC BY-SA 2.5", "share-alike"),
    "fretsonfire-songs-sectoid": ("train", False, "Expat", "permissive"),
    "fretsonfire-songs-muldjord": ("test", False, "CC BY-SA 3.0", "share-alike"),
    "warzone2100-music": ("test", False, "GPL-2+, CC0", "share-alike"),
    "nexuiz-music": ("val", False, "GPL-2", "share-alike"),
    "singularity-music": ("val", False, "CC BY-SA 3.0", "share-alike"),
    "fillets-ng-data": ("train", False, "GPL-2", "share-alike"),
    "fillets-ng-data-cs": ("test", True, "GPL-2", "share-alike"),
    "klettres-data": ("train", True, "GPL-2+", "share-alike"),
    "tuxpaint-stamps-default": ("train", True, "GPL-2", "share-alike"),
    "colobot-common-sounds": ("val", False, "GPL-3+", "share-alike"),
    "ufoai-sound": ("train", False, "GPL-2+, CC BY-SA 3.0", "share-alike"),
    "ufoai-music": ("", False, "GPL-2+, CC BY-SA 3.0", "share-alike"),
    "fb-music-high": ("train", False, "GPL-2", "share-alike"),
    "hyperrogue-music": ("train", False, "CC BY-SA 3.0", "share-alike"),
    "hedgewars-data": ("train", False, "GPL-2, sounds GFDL 1.3 and CC BY-SA 3.0", "share-alike"),
    "supertux-data": ("test", False, "GPL-2+, CC BY-SA", "share-alike"),
    # The package comes with the text of Sampling Plus 1.0 beside those of its own licences, so single sounds may be under it: never trained on.
    "openttd-opensfx": ("test", False, "CC BY-SA 3.0", "share-alike"),
    "sound-theme-freedesktop": ("train", True, "GPL-2+, CC BY-SA", "share-alike"),
    "oxygen-sounds": ("val", True, "LGPL-3+", "share-alike"),
    "espeak-ng": ("train", False, "speech made by espeak-ng (GPL-3+) from public text", "share-alike"),
}
# Recordings beside the clips (audio.tsv) are tested on only; of the clips' sound tracks, these are too.
TEST_CLIPS = r"LatentSync|grasp2act|go1_outdoor|jackal_|nasa_13013|audiobox"
VAL_CLIPS = r"GRID/|drpbench|videos/1\.mp4"
SHARED_SCENES = ["grasp2act", "GRID", "bunny", "drpbench", "bookshelf", "curobo", "LatentSync"]


class Refused(ValueError):
    """A licence that does not allow training, with the recording's name."""


@dataclass(frozen=True)
class Recording:
    path: str
    name: str        # collection/path inside it
    collection: str
    group: str
    split: str       # train, val, test
    licence: str
    licence_class: str


def packages(folder: str) -> list[Recording]:
    """Unpacked packages, one a folder."""
    found = []
    for collection in sorted(os.listdir(folder)):
        root = os.path.join(folder, collection)
        files = sorted(sound_files(root))
        if not files:
            continue
        if collection not in COLLECTIONS:
            raise Refused(f"{files[0]}: nothing is known of the licence of {collection}; add it to COLLECTIONS or take it away")
        split, whole, licence, licence_class = COLLECTIONS[collection]
        for path in files:
            inside = path[len(root) + 1:]
            group = collection if whole else f"{collection}/{group_of(inside)}"
            found.append(Recording(path, f"{collection}/{inside}", collection, group, split or hashed_split(group), licence, licence_class))
    return found


def sound_files(root: str):
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if name.lower().endswith(SUFFIXES) and not os.path.islink(path) and os.path.getsize(path) > 3000:
                yield path


def group_of(inside: str) -> str:
    """A kit or a song is a folder, a track a file; takes of one sound (name1, name2) are one group."""
    folder, name = os.path.split(inside)
    parent = os.path.basename(folder)
    if parent in ("music", "sounds", "samples", "moh", "effects") or "music" in inside.lower():
        return re.sub(r"[-_ ]?\d*\.\w+$", "", name)
    return parent


def clips(data: str) -> list[Recording]:
    """The recordings of audio.tsv, and the sound tracks of clips.tsv; what may not train is left out, as for the pictures."""
    found = []
    for table in ("audio.tsv", "clips.tsv"):
        with open(os.path.join(data, table)) as f:
            for row in csv.DictReader(f, delimiter="\t"):
                silent = table == "clips.tsv" and (not row["audio"].startswith("yes") or "silent" in row["audio"])
                if silent or row["licence_class"] not in ALLOWED:
                    continue
                path = row["path"]
                split = "test" if table == "audio.tsv" or re.search(TEST_CLIPS, path) else "val" if re.search(VAL_CLIPS, path) else "train"
                scene = next((s for s in SHARED_SCENES if s in path), os.path.splitext(os.path.basename(path))[0])
                collection = path.split("/")[1]
                found.append(Recording(os.path.join(data, path), path, collection, f"{collection}/{scene}", split, row["licence"], row["licence_class"]))
    return found


def recordings(data: str | None, folder: str | None) -> list[Recording]:
    found = (packages(folder) if folder else []) + (clips(data) if data else [])
    check(found)
    return found


def check(found: list[Recording]) -> None:
    splits = {}
    for r in found:
        if r.split in ("train", "val") and r.licence_class not in ALLOWED:
            raise Refused(f"{r.name}: its licence ({r.licence}, {r.licence_class}) does not allow training; take it away")
        if splits.setdefault(r.group, r.split) != r.split:
            raise ValueError(f"group {r.group} lies in two splits")


def hashed_split(text: str) -> str:
    slot = int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % 8
    return "val" if slot == 0 else "train"


def write_provenance(found: list[Recording], out: str) -> None:
    """A row for each clip; of packages, which hold thousands of recordings, one for all of a package in one split."""
    rows = {}
    for r in found:
        rows.setdefault((r.split, r.collection if r.collection in COLLECTIONS else r.name), []).append(r)
    with open(out, "w") as f:
        f.write("path\tfiles\tsha256\tgroups\tsplit\tlicence_class\tlicence\n")
        for (split, name), these in sorted(rows.items()):
            groups = {r.group for r in these}
            group = groups.pop() if len(groups) == 1 else f"{len(groups)} groups"
            f.write(f"{name}\t{len(these)}\t{digest(these)}\t{group}\t{split}\t{these[0].licence_class}\t{these[0].licence}\n")


def digest(these: list[Recording]) -> str:
    """Of one recording its SHA-256; of several, that of their digests, in order of their names."""
    digests = []
    for r in sorted(these, key=lambda r: r.name):
        with open(r.path, "rb") as data:
            digests.append(hashlib.sha256(data.read()).hexdigest())
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


def main() -> None:
    args = argparse.ArgumentParser(description="Writes the provenance list of the sound network.")
    args.add_argument("--data")
    args.add_argument("--sounds")
    args.add_argument("--out", required=True)
    args = args.parse_args()
    write_provenance(recordings(args.data, args.sounds), args.out)


if __name__ == "__main__":
    main()
