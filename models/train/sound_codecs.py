"""Lossy coding by ffmpeg, aligned: what a codec does to a sound, and what wrong bytes do to the coded sound."""

import functools
import json
import os
import subprocess
import tempfile

import numpy as np

RATE = 32000  # of the network's input

# name: (encoder, file, bit rates in kb/s). Opus is in no training set.
CODECS = {
    "aac": ("aac", "mp4", (64, 96, 128, 192)),
    "mp3": ("libmp3lame", "mp3", (64, 96, 128, 192)),
    "mp2": ("mp2", "ts", (128, 192, 256)),
    "ac3": ("ac3", "ts", (128, 192, 256)),
    "vorbis": ("libvorbis", "ogg", (64, 96, 160)),
    "wma": ("wmav2", "asf", (96, 128, 192)),
    "opus": ("libopus", "ogg", (64, 96, 128)),
    "pcm": ("pcm_s16le", "wav", (0,)),
}
TRAIN_CODECS = ("aac", "aac", "aac", "mp3", "mp3", "mp2", "ac3", "vorbis", "wma", "pcm", "pcm")
HELD_OUT_CODEC = "opus"
DAMAGED_CODECS = ("aac", "aac", "mp3", "mp2", "ac3")
FILLED = f"aresample={RATE}:async=1:min_hard_comp=0.005:first_pts=0"  # holes in time stay holes


def ffmpeg(args, given=b"") -> bytes:
    line = ["ffmpeg", "-v", "quiet", "-nostdin" if not given else "-hide_banner", "-threads", "1", "-y", *args]
    return subprocess.run(line, input=given, stdout=subprocess.PIPE, check=False).stdout


def read(path: str, rate: int, channels: int, start=0., seconds=None) -> np.ndarray:
    """[channels, n] of a file."""
    cut = (["-ss", f"{start:.3f}"] if start else []) + (["-t", f"{seconds:.3f}"] if seconds else [])
    raw = ffmpeg([*cut, "-i", path, "-vn", "-ar", str(rate), "-ac", str(channels), "-f", "f32le", "-"])
    return np.frombuffer(raw[:len(raw) // (4 * channels) * 4 * channels], np.float32).reshape(-1, channels).T.copy()


def encode(x: np.ndarray, rate: int, codec: str, kbps: int, path: str) -> None:
    """16 bits, then the codec. Opus knows 48 kHz only and resamples for itself."""
    encoder = CODECS[codec][0]
    samples = np.clip(np.round(x * 32768), -32768, 32767).astype("<i2").T.tobytes()
    bits = ["-b:a", f"{kbps}k"] if kbps else []
    ffmpeg(["-f", "s16le", "-ar", str(rate), "-ac", str(len(x)), "-i", "pipe:0", *(["-ar", "48000"] if codec == "opus" else []),
            "-c:a", encoder, *bits, path], samples)


def decode(path: str, channels: int) -> np.ndarray:
    raw = ffmpeg(["-i", path, "-af", FILLED, "-ac", str(channels), "-f", "f32le", "-"])
    return np.frombuffer(raw[:len(raw) // (4 * channels) * 4 * channels], np.float32).reshape(-1, channels).T.copy()


@functools.lru_cache(maxsize=None)
def delay(codec: str, rate: int) -> int:
    """Samples at RATE that a round trip comes late, measured with bursts of noise; bit rate and channels do not change it."""
    rng = np.random.default_rng(7)
    x = np.zeros(rate)
    for at in (.2, .45, .73):
        k = int(at * rate)
        x[k:k + rate // 20] = rng.normal(0, .15, rate // 20)
    x = np.convolve(x, np.ones(4) / 4, "same")
    got, want = (trip(x[None], rate, c, CODECS[c][2][0])[0] for c in (codec, "pcm"))
    size, reach = 1 << 17, 8000
    cross = np.fft.irfft(np.fft.rfft(got, size) * np.conj(np.fft.rfft(want, size)))
    return int(np.argmax(np.concatenate([cross[-reach:], cross[:reach]]))) - reach


def trip(x: np.ndarray, rate: int, codec: str, kbps: int) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x." + CODECS[codec][1])
        encode(x, rate, codec, kbps, path)
        return decode(path, len(x))


def aligned(y: np.ndarray, late: int, n: int) -> np.ndarray:
    """y without its delay, n samples long."""
    y = y[:, late:] if late >= 0 else np.pad(y, ((0, 0), (-late, 0)))
    return np.pad(y, ((0, 0), (0, max(0, n - y.shape[1]))))[:, :n]


def recoded(x, rate, codec, kbps) -> np.ndarray:
    """x [channels, n] at rate -> the decoded sound at RATE, sample by sample where x has it."""
    n = x.shape[1] * RATE // rate
    return aligned(trip(x, rate, codec, kbps), delay(codec, rate), n)


def damaged(x, rate, codec, kbps, rng):
    """(clean, damaged) decodes at RATE of one coding of x; None where nothing could be damaged."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.mp4")
        encode(x, rate, codec, kbps, path)
        clean = decode(path, len(x))
        listed = subprocess.run(["ffprobe", "-v", "quiet", "-show_entries", "packet=pos,size", "-of", "json", path], stdout=subprocess.PIPE, check=False)
        packets = [(int(p["pos"]), int(p["size"])) for p in json.loads(listed.stdout).get("packets", []) if int(p.get("size", 0)) > 12]
        if len(packets) < 20:
            return None
        with open(path, "rb") as f:
            data = bytearray(f.read())
        harm(data, packets, rng)
        with open(path, "wb") as f:
            f.write(data)
        broken = decode(path, len(x))
    n = x.shape[1] * RATE // rate
    late = delay(codec, rate) if codec != "ac3" else 0
    return aligned(clean, late, n), aligned(broken, late, n)


def harm(data: bytearray, packets, rng) -> None:
    """Wrong bytes, packets of zeros, of noise, of an earlier packet, cut short; single ones and runs."""
    way = rng.choice(("bytes", "bytes", "bytes", "zeros", "noise", "earlier", "tail"))
    count = max(1, int(len(packets) * np.exp(rng.uniform(np.log(.004), np.log(.15)))))
    run = 1 if rng.random() < .7 else int(rng.integers(2, 8))
    for first in rng.integers(8, len(packets) - 1, max(1, count // run)):
        for at, size in packets[first:first + run]:
            head = int(rng.integers(0, 5))
            if way == "bytes":
                for k in rng.integers(head, size, int(rng.integers(1, 17))):
                    data[at + k] ^= int(rng.integers(1, 256))
            elif way == "zeros":
                data[at + head:at + size] = bytes(size - head)
            elif way == "noise":
                data[at + head:at + size] = rng.integers(0, 256, size - head, dtype=np.uint8).tobytes()
            elif way == "tail":
                keep = int(rng.integers(head, size))
                data[at + keep:at + size] = bytes(size - keep)
            else:
                other, length = packets[first - 3]
                take = min(length, size)
                data[at:at + take] = data[other:other + take]
