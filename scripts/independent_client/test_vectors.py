"""Holds the independent client against the golden vectors of the protocol.

    python3 scripts/independent_client/test_vectors.py

Needs Python 3.11 and nothing else. Counts what was compared: a file that is empty or has lost its
format fails.
"""

import re
import sys
import unittest
from pathlib import Path

import meaning
import wire
from motion import Motion, carry
from snapshot import Ignored, Replica
from wire import Refused

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "proto" / "tests" / "golden"


def lines(name):
    for line in (GOLDEN / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line


class Messages(unittest.TestCase):
    """Every message, command, query and view, read and written."""

    def pairs(self, name, word):
        held = None
        for line in lines(name):
            if line.startswith(word + " "):
                held = bytes.fromhex(line.split(" ", 1)[1])
            else:
                yield held, line

    def check(self, name, word, messages, is_written, at_least):
        seen = set()
        for data, line in self.pairs(name, word):
            with self.subTest(line=line):
                (frame,) = wire.Frames().push(data)
                read = wire.decode(frame, messages)
                self.assertEqual(read, meaning.message(line))
                if is_written:
                    self.assertEqual(wire.encode(*read, messages).hex(), data.hex())
                seen.add(read[0])
                seen.update(
                    f"{part}:{read[1][part][0]}"
                    for part in ("command", "query", "view")
                    if read[1].get(part)
                )
        self.assertGreaterEqual(len(seen), at_least, sorted(seen))

    def test_client(self):
        wanted = len(wire.CLIENT) + len(wire.COMMANDS) + len(wire.QUERIES)
        self.check("client_messages.hex", "frame", wire.CLIENT, True, wanted)

    def test_server(self):
        self.check("server_messages.hex", "frame", wire.SERVER, True,
                   len(wire.SERVER) + len(wire.VIEWS))

    def test_earlier(self):
        self.check("earlier_messages.hex", "server", wire.SERVER, False, 1)

    def test_a_stream_may_come_in_any_pieces(self):
        frames = [bytes.fromhex(l.split(" ")[1]) for l in lines("server_messages.hex")
                  if l.startswith("frame ")]
        stream, whole, cut = b"\0".join(frames), wire.Frames(), wire.Frames()
        together = whole.push(stream)
        one_by_one = [f for byte in stream for f in cut.push(bytes([byte]))]
        self.assertEqual(together, one_by_one)
        self.assertEqual(len(together), len(frames))


class Page(unittest.TestCase):
    """The tables of docs/protocol.md and those of `wire`: the same kinds, names and fields."""

    LISTS = {"WhoIs": ["characters"], "Names": ["names"]}

    def table(self, head):
        """The rows of the table that begins so: {kind: (name, names of fields)}."""
        page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
        _, found, rest = page.partition(head + "\n| --- | --- | --- |\n")
        self.assertTrue(found, f"docs/protocol.md has no table {head}")
        rows = {}
        for line in rest.partition("\n\n")[0].splitlines():
            kind, name, fields = (cell.strip() for cell in line.strip("|").split("|"))
            name = name.strip("`")
            plain = re.sub(r"\([^()]*\)", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", fields))
            names = re.findall(r"`(\w+)[^`]*`", plain)
            rows[int(kind)] = (name, self.LISTS.get(name, names))
        return rows

    def test_tables(self):
        after = "### Client to server\n\n| kind | message | fields |"
        tables = {
            after: wire.CLIENT,
            "### Server to client\n\n| kind | message | fields |": wire.SERVER,
            "| kind | query | fields |": wire.QUERIES,
            "| kind | view | fields |": wire.VIEWS,
        }
        for head, ours in tables.items():
            with self.subTest(table=head):
                self.assertEqual(self.table(head), self.names(ours))
        flight = self.table("within its own byte string:\n\n| kind | command | fields |")
        value = self.table("`RequestExpired`.\n\n| kind | command | fields |")
        self.assertEqual({**flight, **value}, self.names(wire.COMMANDS))

    def names(self, messages):
        return {
            kind: (name, [field for field, _ in fields])
            for kind, (name, fields) in messages.items()
        }


class Inputs(unittest.TestCase):
    def test_inputs(self):
        cases, held = [], None
        for line in lines("input_datagrams.hex"):
            word, rest = line.split(" ", 1)
            if word == "datagram":
                held = {"data": bytes.fromhex(rest), "ack": None, "inputs": []}
                cases.append(held)
            elif word == "sequence":
                held["sequence"] = int(rest)
            elif word == "ack":
                held["ack"] = tuple(meaning.parse(rest)[1].values())
            else:
                held["inputs"].append(tuple(meaning.parse(rest)[1].values()))
        self.assertGreaterEqual(len(cases), 4)
        for case in cases:
            meant = case["sequence"], case["ack"], case["inputs"]
            self.assertEqual(wire.read_input_datagram(case["data"]), meant)
            self.assertEqual(wire.input_datagram(*meant), case["data"])


class MustBeRefused(unittest.TestCase):
    def test_refused(self):
        decoders = {
            "stream": lambda data: wire.Frames().push(data),
            "client": lambda data: wire.decode(data, wire.CLIENT),
            "server": lambda data: wire.decode(data, wire.SERVER),
            "input": wire.read_input_datagram,
            "snapshot": lambda data: Replica().apply(data),
        }
        seen = set()
        for line in lines("refused.hex"):
            decoder, data, *_ = line.split(" ")
            with self.subTest(line=line), self.assertRaises(Refused):
                decoders[decoder](bytes.fromhex(data))
            seen.add(decoder)
        self.assertEqual(seen, set(decoders))


def shown(replica):
    """What `snapshots.hex` says of every entity, from a replica."""
    for slot, (entity, told) in sorted(replica.shown.items()):
        p, v, t, r = entity.motion
        yield (
            f"{'exact' if told == replica.tick else 'carried'} slot {slot} id {entity.id:#x} "
            f"type {entity.type_id} owner {entity.owner} p {list(p)} v {list(v)} t {list(t)} r {r} "
            f"vitals {list(entity.vitals)} activity {entity.activity:#04x}"
        )


class Snapshots(unittest.TestCase):
    """One client's life, through loss, silence and another grid: every state, to the bit."""

    def test_snapshots(self):
        replica, wanted, got = Replica(), [], []
        kinds, applied, refused = set(), 0, 0
        for line in lines("snapshots.hex"):
            if not line.startswith("datagram"):
                # Why one is refused is this decoder's own; that it is, is not.
                wanted.append("refused" if line.startswith("refused") else line)
                continue
            before = list(shown(replica))
            try:
                told = replica.apply(bytes.fromhex(line[len("datagram"):]))
            except (Refused, Ignored):
                got.append("refused")
                refused += 1
                self.assertEqual(list(shown(replica)), before)
                continue
            applied += 1
            kinds.update(told.kinds)
            _, tick, mask = replica.ack()
            got.append(
                f"Applied {{ tick: Tick({told.tick}), grid: GridId({told.grid}), new_epoch: "
                f"{str(told.is_new_epoch).lower()}, last_input_sequence: {told.last_input}, "
                f"exact: {len(told.exact)} }}"
            )
            got.append(f"ack tick {tick} mask {mask:032b}")
            got.extend(shown(replica))
        for number, (ours, theirs) in enumerate(zip(got, wanted)):
            self.assertEqual(ours, theirs, f"statement {number}")
        self.assertEqual(len(got), len(wanted))
        self.assertGreaterEqual(applied, 20)
        self.assertEqual(refused, 7)
        print(f"snapshots.hex: {applied} applied, {refused} refused, {len(got)} statements, "
              f"kinds of change {sorted(kinds)}")


class Law(unittest.TestCase):
    """The law of motion against the closed form (docs/mechanics.md, "Motion")."""

    def test_motion(self):
        import math

        unit = 16_384 * 100 / 30  # of velocity, in m/s
        # The last line that begins with # names the columns.
        names, rows = [], []
        for line in (ROOT / "base/tests/golden/motion.csv").read_text().splitlines():
            if line.startswith("#"):
                names = [name.strip() for name in line[2:].split(",")]
            else:
                rows.append(dict(zip(names, line.split(","), strict=True)))
        self.assertGreaterEqual(len(rows), 12)
        for row in rows:
            tau = float(row["mass_kg"]) * float(row["inertia"]) / 1e6
            response = int((1 - math.exp(-1 / (30 * tau))) * (1 << 32))
            target = (int(float(row["v_max_m_s"]) * unit), 0, 0)
            start = Motion((0, 0, 0), (0, 0, 0), target, response)
            end = carry(start, 0, round(float(row["t_s"]) * 30))
            # A tenth of a per cent, and the few centimetres that the page allows.
            v, x = float(row["v_m_s"]), float(row["x_m"])
            self.assertAlmostEqual(end.velocity[0] / unit, v, delta=v / 1_000 + 0.01)
            self.assertAlmostEqual(end.position[0] / 100, x, delta=x / 1_000 + 0.05)

    def test_saturation(self):
        fast = Motion(((1 << 31) - 5, -(1 << 31) + 5, 0), (1 << 29, -(1 << 29), 0),
                      (1 << 29, -(1 << 29), 0), 0)
        self.assertEqual(carry(fast, 7, 9).position, ((1 << 31) - 1, -(1 << 31), 0))


if __name__ == "__main__":
    sys.exit(unittest.main())
