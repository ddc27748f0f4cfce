"""Frames to a transport stream, and back to luma with timestamps. Debian's ffmpeg; a training-only tool."""

import random
import re
import subprocess

import numpy as np

RATE = 25
RTP_BYTES = 1400  # of a coded slice, at most: what one RTP packet carries


def encode(yuv: np.ndarray, codec: str, rng: random.Random) -> tuple[bytes, dict]:
    """One MPEG-TS holding the frames; the settings chosen come back with it."""
    _, rows, width = yuv.shape
    args, chosen = SETTINGS[codec](rng)
    out = subprocess.run(["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{rows * 2 // 3}", "-r", str(RATE),
                          "-i", "-", *args, "-threads", "1", "-f", "mpegts" if codec != "vp8" and codec != "mjpeg" else "matroska",
                          *(["-muxdelay", "0", "-muxpreload", "0"] if codec not in ("vp8", "mjpeg") else []), "-"],
                         input=yuv.tobytes(), capture_output=True, timeout=300, check=True).stdout
    return out, {"codec": codec, **chosen}


def h264(rng, crfs=(20, 23, 26, 29, 32, 36)):
    chosen = dict(crf=rng.choice(crfs), gop=rng.choice([12, 25, 50, 250]), bframes=rng.choice([0, 2, 3]), slices=rng.choice([1, 1, 4, 8]),
                  preset=rng.choice(["superfast", "veryfast", "veryfast", "medium"]), deblock=rng.random() < .85, cabac=rng.random() < .7,
                  refresh=rng.random() < .08, slice_bytes=rng.choice([0, 0, RTP_BYTES]))
    params = "repeat-headers=1:threads=1:scenecut=40"
    params += "" if chosen["deblock"] else ":no-deblock=1"
    params += "" if chosen["cabac"] else ":cabac=0"
    params += ":intra-refresh=1" if chosen["refresh"] else ""
    params += f":slice-max-size={chosen['slice_bytes']}" if chosen["slice_bytes"] else ""
    return ["-c:v", "libx264", "-preset", chosen["preset"], "-crf", str(chosen["crf"]), "-g", str(chosen["gop"]), "-bf", str(chosen["bframes"]),
            "-slices", str(chosen["slices"]), "-x264-params", params], chosen


def h264_hard(rng):
    return h264(rng, crfs=(36, 39, 42, 46))


def hevc(rng, crfs=(22, 26, 30, 34)):
    chosen = dict(crf=rng.choice(crfs), gop=rng.choice([12, 25, 50]))
    return ["-c:v", "libx265", "-preset", "ultrafast", "-crf", str(chosen["crf"]), "-g", str(chosen["gop"]),
            "-x265-params", f"log-level=none:repeat-headers=1:pools=1:frame-threads=1:ctu={rng.choice([16, 32, 64])}"], chosen


def hevc_hard(rng):
    return hevc(rng, crfs=(36, 40, 44))


def by_quantiser(name, scales):
    def settings(rng):
        chosen = dict(q=rng.choice(scales), gop=12, bframes=rng.choice([0, 2]) if name != "mjpeg" else 0)
        return ["-c:v", name, "-q:v", str(chosen["q"]), "-g", "12", "-bf", str(chosen["bframes"])], chosen
    return settings


def vp8(rng):
    chosen = dict(rate=rng.choice([200, 500, 1500]))
    return ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", f"{chosen['rate']}k"], chosen


SETTINGS = {"h264": h264, "h264_hard": h264_hard, "hevc": hevc, "hevc_hard": hevc_hard,
            "mpeg2": by_quantiser("mpeg2video", [2, 3, 5, 8, 12]), "mpeg2_hard": by_quantiser("mpeg2video", [12, 20, 31]),
            "mpeg4": by_quantiser("mpeg4", [2, 3, 5, 8, 12]), "mpeg4_hard": by_quantiser("mpeg4", [12, 20, 31]),
            "mjpeg": by_quantiser("mjpeg", [3, 10, 20, 31]), "vp8": vp8}


def decode(path: str, concealment: int | None) -> dict[int, np.ndarray]:
    """Timestamp -> luma. concealment is FFmpeg's -ec; None leaves the default (guess motion vectors, deblock)."""
    ec = [] if concealment is None else ["-ec", str(concealment)]
    out = subprocess.run(["ffmpeg", "-hide_banner", "-nostats", "-loglevel", "info", "-threads", "1", "-err_detect", "ignore_err",
                          "-flags", "+output_corrupt", *ec, "-i", path, "-map", "0:v:0", "-vf", "showinfo=checksum=0", "-fps_mode", "passthrough",
                          "-pix_fmt", "yuv420p", "-f", "rawvideo", "-"], capture_output=True, timeout=240)
    frames, offset = {}, 0
    for pts, width, height in re.findall(r"n: *\d+ pts: *(-?\d+|NOPTS) .*?s:(\d+)x(\d+) ", out.stderr.decode("latin1")):
        width, height = int(width), int(height)
        if offset + width * height > len(out.stdout):
            break
        if pts != "NOPTS":
            frames[int(pts)] = np.frombuffer(out.stdout, np.uint8, width * height, offset).reshape(height, width)
        offset += width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)
    return frames
