"""What happens to a transport stream on the way: lost packets, lost datagrams, flipped bits, removed segments."""

import random

PACKET, VIDEO_PID = 188, 256
MODES = ["burst", "burst", "datagram", "loss", "segment", "bits", "bytes"]


def damage(ts: bytes, rng: random.Random) -> tuple[bytes, str] | None:
    """A damaged copy and the mode. The first 8 % stay whole, so that a decoder starts. None if there is too little to damage."""
    data = bytearray(ts)
    starts = range(0, len(data) - PACKET + 1, PACKET)
    video = [s for s in starts if (data[s + 1] & 31) << 8 | data[s + 2] == VIDEO_PID]
    if len(video) < 40:
        return None
    video = video[int(len(video) * .08):]
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


LOSSES = {"burst": burst, "segment": segment, "loss": loss, "datagram": datagram}
