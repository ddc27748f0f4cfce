"""Lossy coding by ffmpeg, aligned to the sample."""

import functools
import os
import subprocess
import tempfile

import numpy as np

RATE = 8000  # of the network's input

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
    raw = ffmpeg(["-i", path, "-ar", str(RATE), "-ac", str(channels), "-f", "f32le", "-"])
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
