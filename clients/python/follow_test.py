"""follow.py against a server that breaks off, forgets, and is replaced."""

import os
import tempfile
import unittest
from concurrent import futures

import grpc
from streamvet.v1 import verdicts_pb2, verdicts_pb2_grpc

import follow


class Journal(verdicts_pb2_grpc.VerdictServiceServicer):
    """Plays a list of calls: each is how many records it gives before it breaks off with a code."""

    def __init__(self, *calls, id="first", first=1, latest=1000):
        self.calls, self.id, self.first, self.latest = list(calls), id, first, latest
        self.requests = []

    def FollowVerdicts(self, request, context):
        self.requests.append(request)
        if request.journal and request.journal != self.id:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "another journal")
        count, code = self.calls.pop(0)
        place = getattr(request, "from")
        at = {"sequence": place.sequence, "start": self.first}.get(place.WhichOneof("at"), self.latest + 1)
        yield self._mark(at - 1)
        if at < self.first:
            yield verdicts_pb2.FollowVerdictsResponse(gap=verdicts_pb2.Gap(first=at, last=self.first - 1))
            at = self.first
        for sequence in range(at, at + count):
            yield verdicts_pb2.FollowVerdictsResponse(record=verdicts_pb2.Record(sequence=sequence))
        context.abort(code, "broken off")

    def _mark(self, sequence):
        status = verdicts_pb2.JournalStatus(id=self.id, latest_sequence=self.latest)
        return verdicts_pb2.FollowVerdictsResponse(mark=verdicts_pb2.Mark(sequence=sequence, journal=status))


LOST, END = grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.PERMISSION_DENIED


class FollowTest(unittest.TestCase):
    def follow(self, journal, **options):
        """Follows until the journal says END; gives what came, as +record and (gap)."""
        server = grpc.server(futures.ThreadPoolExecutor(2))
        verdicts_pb2_grpc.add_VerdictServiceServicer_to_server(journal, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self.addCleanup(lambda: server.stop(0).wait())
        waits, came = [], []
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            follower = follow.Follower(verdicts_pb2_grpc.VerdictServiceStub(channel), wait=waits.append, **options)
            with self.assertRaises(grpc.RpcError) as end:
                for event in follower:
                    kind = event.WhichOneof("event")
                    if kind == "record":
                        came.append(event.record.sequence)
                    elif kind == "gap":
                        came.append((event.gap.first, event.gap.last))
        self.assertEqual(end.exception.code(), END)
        return came, waits, follower.place

    def test_goes_on_after_the_last_record(self):
        journal = Journal((3, LOST), (0, LOST), (2, LOST), (1, END))
        start = verdicts_pb2.Position(start=True)
        came, waits, place = self.follow(journal, first=start)
        self.assertEqual(came, [1, 2, 3, 4, 5, 6])
        self.assertEqual(len(waits), 3)
        self.assertEqual(place, follow.Place(6, "first"))

    def test_begins_now(self):
        came, _, _ = self.follow(Journal((0, LOST), (2, END)))
        self.assertEqual(came, [1001, 1002])

    def test_waits_longer_each_time(self):
        class Down(Journal):
            def FollowVerdicts(self, request, context):
                count, code = self.calls.pop(0)
                context.abort(code, "down")
                yield

        _, waits, _ = self.follow(Down(*[(0, LOST)] * 9, (0, END)))
        for wait, want in zip(waits, [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10], strict=True):
            self.assertAlmostEqual(wait, want, delta=0.21 * want)

    def test_tells_of_gaps(self):
        came, _, _ = self.follow(Journal((1, END), first=10), place=follow.Place(4, "first"))
        self.assertEqual(came, [(5, 9), 10])

    def test_follows_a_new_journal_from_its_start(self):
        journal = Journal((2, END), id="second")
        came, _, place = self.follow(journal, place=follow.Place(900, "first"))
        self.assertEqual(came, [1, 2])
        self.assertEqual(place, follow.Place(2, "second"))

    def test_keeps_its_place(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "place")
            self.assertEqual(follow.load(path), follow.Place())
            follow.save(path, follow.Place(7, "first"))
            self.assertEqual(follow.load(path), follow.Place(7, "first"))


if __name__ == "__main__":
    unittest.main()
