"""Lost slices: H.264 in slices of one network packet each, as it goes over RTP. Nothing of what arrives is broken, so a decoder
notices less than after lost TS packets: what is missing at the end of a picture, and often nothing."""

import random
import re

PACKET, VIDEO_PID = 188, 256
START = re.compile(rb"\x00\x00\x01")


def lose(ts: bytes, rng: random.Random) -> bytes:
    """The stream without some of its slices. The first 8 % of the pictures stay whole."""
    pictures = list(access_units(ts))
    count = sum(len(nals(stream)) for _, stream in pictures)
    rate, stay, lost, out = max(rng.choice([.005, .01, .02, .05]), 4 / count), rng.choice([0, .3, .6]), False, bytearray()
    other = [ts[s:s + PACKET] for s in range(0, len(ts) - PACKET + 1, PACKET) if pid(ts[s:s + PACKET]) != VIDEO_PID]
    out += b"".join(other[:3])  # the tables, once, before all pictures
    counter = 0
    for k, (header, stream) in enumerate(pictures):
        kept = bytearray()
        for nal in nals(stream):
            if k >= len(pictures) * .08 and nal[start_length(nal)] & 31 in (1, 5):
                lost = rng.random() < (stay if lost else rate)
                if lost:
                    continue
            kept += nal
        packets, counter = packetise(header + kept, counter)
        out += packets
    return bytes(out)


def pid(packet: bytes) -> int:
    return (packet[1] & 31) << 8 | packet[2]


def access_units(ts: bytes):
    """(PES header without a length, elementary stream) of each picture."""
    whole = bytearray()
    for s in range(0, len(ts) - PACKET + 1, PACKET):
        packet = ts[s:s + PACKET]
        if pid(packet) != VIDEO_PID:
            continue
        if packet[1] & 64 and whole:
            yield split(whole)
            whole = bytearray()
        skip = 4 + (1 + packet[4] if packet[3] & 32 else 0)
        if packet[3] & 16:
            whole += packet[skip:]
    if whole:
        yield split(whole)


def split(pes: bytearray) -> tuple[bytes, bytes]:
    end = 9 + pes[8]
    return bytes(pes[:4]) + b"\0\0" + bytes(pes[6:end]), bytes(pes[end:])


def nals(stream: bytes) -> list[bytes]:
    """NAL units with their start codes."""
    at = [m.start() - (m.start() > 0 and stream[m.start() - 1] == 0) for m in START.finditer(stream)]
    return [stream[a:b] for a, b in zip(at, at[1:] + [len(stream)])]


def start_length(nal: bytes) -> int:
    return 4 if nal[2] == 0 else 3


def packetise(pes: bytes, counter: int) -> tuple[bytes, int]:
    out = bytearray()
    for at in range(0, len(pes), PACKET - 4):
        part = pes[at:at + PACKET - 4]
        room = PACKET - 4 - len(part)
        head = bytes([0x47, (64 if at == 0 else 0) | VIDEO_PID >> 8, VIDEO_PID & 255, (0x30 if room else 0x10) | counter])
        stuffing = bytes([room - 1]) + (b"\0" + b"\xff" * (room - 2) if room > 1 else b"") if room else b""
        out += head + stuffing + part
        counter = counter + 1 & 15
    return bytes(out), counter
