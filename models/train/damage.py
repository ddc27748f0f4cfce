"""What happens to a transport stream on the way: lost packets, lost datagrams, flipped bits, removed segments, lost slices."""

import random
import re

PACKET, VIDEO_PID = 188, 256
MODES = ["burst", "burst", "datagram", "loss", "segment", "bits", "bytes"]
SLICE_START, FILLER = re.compile(rb"\x00\x00\x01(?=[\x01-\x05\x21-\x25\x41-\x45\x61-\x65])"), 12  # NAL units of H.264


def damage(ts: bytes, rng: random.Random, slices: bool = False) -> tuple[bytes, str] | None:
    """A damaged copy and the mode. The first 8 % stay whole, so that a decoder starts. None if there is too little to damage.
    slices: H.264 in slices of one RTP packet each, most of which are lost as wholes."""
    data = bytearray(ts)
    starts = range(0, len(data) - PACKET + 1, PACKET)
    video = [s for s in starts if (data[s + 1] & 31) << 8 | data[s + 2] == VIDEO_PID]
    if len(video) < 40:
        return None
    video = video[int(len(video) * .08):]
    if slices and rng.random() < .75:
        return lose_slices(data, video, rng), "slice"
    mode = rng.choice(MODES)
    lost = LOSSES[mode](video, rng) if mode in LOSSES else set()
    if not lost:
        flip(data, video, mode, rng)
    return b"".join(bytes(data[s:s + PACKET]) for s in starts if s not in lost), mode


def burst(video, rng):
    return runs(video, rng, [1, 2, 3], [1, 2, 4, 8, 16])


def segment(video, rng):
    """BSCV (NeurIPS 2023): segments of 2 to 8 kB are removed."""
    return runs(video, rng, [1, 1, 2], [11, 22, 44])


def runs(video, rng, counts, lengths):
    lost = set()
    for _ in range(rng.choice(counts)):
        at = rng.randrange(len(video))
        lost.update(video[at:at + rng.choice(lengths)])
    return lost


def loss(video, rng):
    rate = rng.choice([.002, .005, .01, .02])
    return {s for s in video if rng.random() < rate} or {rng.choice(video)}


def datagram(video, rng):
    """Seven packets a datagram, lost in bursts (Gilbert-Elliott)."""
    lost, bad, enter = set(), False, rng.choice([.002, .005, .01])
    for at in range(0, len(video), 7):
        bad = rng.random() < (.5 if bad else enter)
        if bad:
            lost.update(video[at:at + 7])
    return lost or set(video[len(video) // 2:len(video) // 2 + 7])


def flip(data, video, mode, rng):
    for _ in range(rng.choice([2, 5, 10, 20])):
        length = 1 if mode == "bits" else rng.choice([4, 16, 60])
        at = rng.choice(video) + rng.randrange(24, PACKET - length)
        for k in range(length):
            data[at + k] ^= 1 << rng.randrange(8) if mode == "bits" else rng.randrange(1, 256)


def lose_slices(data, video, rng):
    """Turns lost slices into padding, which decoders pass over, so that nothing else of the stream is hurt."""
    offsets = [at for s in video for at in range(s + payload(data, s), s + PACKET)]
    found = [offsets[m.end()] for m in SLICE_START.finditer(bytes(data[at] for at in offsets)) if m.end() < len(offsets)]
    rate, length = rng.choice([.002, .005, .01, .02]), rng.choice([1, 1, 1, 2, 4])
    certain = rng.randrange(len(found))  # at least one is lost
    for first in range(len(found)):
        if first == certain or rng.random() < rate / length:
            for at in found[first:first + length]:
                data[at] = FILLER
    return bytes(data)


def payload(data, start):
    """Where in a packet its payload begins."""
    control = data[start + 3] >> 4 & 3
    return PACKET if not control & 1 else min(5 + data[start + 4], PACKET) if control & 2 else 4


LOSSES = {"burst": burst, "segment": segment, "loss": loss, "datagram": datagram}
