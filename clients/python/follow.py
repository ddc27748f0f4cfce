#!/usr/bin/env python3
"""Follows the verdicts of a streamvet server and prints each record as a line of JSON.

Whatever ends the call, it goes on after the last record. With --state FILE it does
so too when it is itself ended and started again.
"""

import argparse
import dataclasses
import json
import os
import random
import sys
import time

import grpc
from google.protobuf import json_format
from streamvet.v1 import verdict_pb2, verdicts_pb2, verdicts_pb2_grpc

# No use in trying again with the same request.
FINAL = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.OUT_OF_RANGE,
}


@dataclasses.dataclass
class Place:
    """How far a follower has come: all up to sequence in that journal."""

    sequence: int = 0
    journal: str = ""


class Follower:
    """Iterates over the events of the journal: records, gaps, and marks.

    `first` is where to begin while `place` is new. `place` moves with the event that
    was taken last: who keeps it after an event is done with loses nothing.
    """

    def __init__(self, stub, filter=None, first=None, place=None, metadata=None, wait=time.sleep):
        self.stub, self.filter, self.first = stub, filter, first
        self.place = place or Place()
        self.metadata, self.wait = metadata, wait

    def __iter__(self):
        delay = 0.1
        while True:
            try:
                for event in self.stub.FollowVerdicts(self._request(), metadata=self.metadata):
                    delay = 0.1
                    self._advance(event)
                    yield event
            except grpc.RpcError as e:
                if e.code() in FINAL:
                    raise
                if e.code() == grpc.StatusCode.FAILED_PRECONDITION and self.place.journal:
                    print("the journal is another one: following from its start", file=sys.stderr)
                    self.first = verdicts_pb2.Position(start=True)
                    self.place = Place()
                    continue
                print(f"{e.code().name}: {e.details()}; following again", file=sys.stderr)
            self.wait(delay * random.uniform(0.8, 1.2))
            delay = min(2 * delay, 10)

    def _request(self):
        request = verdicts_pb2.FollowVerdictsRequest(filter=self.filter)
        if self.place.journal:
            request.journal = self.place.journal
            getattr(request, "from").sequence = self.place.sequence + 1
        elif self.first:
            getattr(request, "from").CopyFrom(self.first)
        return request

    def _advance(self, event):
        kind = event.WhichOneof("event")
        if kind == "mark":
            self.place = Place(event.mark.sequence, event.mark.journal.id)
        elif kind == "record":
            self.place.sequence = event.record.sequence
        elif kind == "gap":
            self.place.sequence = event.gap.last


def load(path):
    """Reads a Place; a new one where there is no file yet."""
    try:
        with open(path) as f:
            return Place(**json.load(f))
    except FileNotFoundError:
        return Place()


def save(path, place):
    """Writes a Place so that a crash leaves either the old one or the new one."""
    with open(path + ".new", "w") as f:
        json.dump(dataclasses.asdict(place), f)
        f.flush()
        os.fsync(f.fileno())
    os.replace(path + ".new", path)


def open_channel(options):
    """Opens the channel; it notices within a minute when the server is gone without a word."""
    settings = [("grpc.keepalive_time_ms", 30_000), ("grpc.keepalive_timeout_ms", 20_000)]
    if options.plaintext:
        return grpc.insecure_channel(options.address, settings)

    def read(path):
        return open(path, "rb").read() if path else None

    credentials = grpc.ssl_channel_credentials(read(options.ca), read(options.key), read(options.cert))
    return grpc.secure_channel(options.address, credentials, settings)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0], epilog="A token is taken from $STREAMVET_TOKEN.")
    p.add_argument("address", help="such as 127.0.0.1:7171")
    p.add_argument("--from-start", action="store_true", help="from the oldest record kept; otherwise from now")
    p.add_argument("--source", action="append", default=[], help="only of this source; may be repeated")
    p.add_argument("--label", action="append", default=[], metavar="KEY=VALUE", help="only of sources with this label")
    p.add_argument("--min-severity", choices=["minor", "major", "critical"], help="only of this severity or worse")
    p.add_argument("--state", metavar="FILE", help="where to keep how far it has come")
    p.add_argument("--plaintext", action="store_true", help="without TLS")
    p.add_argument("--ca", metavar="FILE", help="certificates to trust; otherwise those of the system")
    p.add_argument("--cert", metavar="FILE", help="certificate of this client")
    p.add_argument("--key", metavar="FILE", help="key of this client")
    options = p.parse_args()

    filter = verdicts_pb2.VerdictFilter(
        sources=options.source,
        labels=dict(label.split("=", 1) for label in options.label),
        min_severity=verdict_pb2.Severity.Value("SEVERITY_" + (options.min_severity or "unspecified").upper()),
    )
    token = os.environ.get("STREAMVET_TOKEN")
    with open_channel(options) as channel:
        follower = Follower(
            verdicts_pb2_grpc.VerdictServiceStub(channel),
            filter=filter,
            first=verdicts_pb2.Position(start=True) if options.from_start else None,
            place=load(options.state) if options.state else None,
            metadata=[("authorization", "Bearer " + token)] if token else None,
        )
        for event in follower:
            if event.WhichOneof("event") == "record":
                print(json_format.MessageToJson(event.record, indent=None), flush=True)
            elif event.WhichOneof("event") == "gap":
                print(f"records {event.gap.first} to {event.gap.last} are gone", file=sys.stderr)
            if options.state:
                save(options.state, follower.place)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
    except grpc.RpcError as e:
        sys.exit(f"{e.code().name}: {e.details()}")
