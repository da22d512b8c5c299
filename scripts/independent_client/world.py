"""What a client sees while it flies, and what is checked of it.

`World` applies snapshots, some of which it drops on purpose, and sends inputs and
acknowledgements. `Reckoning` carries every entity on by the law of motion from where it was first
seen under its present law, never looking at what the server says meanwhile, and compares: the
states must be equal to the bit.
"""

from collections import Counter

import wire
from motion import Motion, carry
from snapshot import REACH, Ignored, Replica

# A ship that shall rest is moored once its velocity is this small (docs/mechanics.md,
# "In integers": 1.6 cm/s for the heaviest hulls, in 2^-14 cm per beat).
MOORED_BELOW = 1_000


class Track:
    """One entity under one law: the state that was predicted, and since when."""

    def __init__(self, tick, motion):
        self.since = self.tick = tick
        self.motion: Motion = motion
        # Whether it was told in every snapshot: between others its law may change, and back.
        self.is_heard = True

    def law(self):
        return self.motion.target, self.motion.response


class Reckoning:
    def __init__(self):
        self.tracks, self.own = {}, None
        self.counts = Counter()
        self.own_beats_most = self.other_beats_most = 0
        self.wrong = []

    def see(self, applied):
        """Compares what a snapshot says with what was predicted."""
        tracks = {}
        for slot, entity in applied.exact.items():
            track = self.tracks.get(entity.id)
            law = entity.motion.target, entity.motion.response
            if track is None or track.law() != law:
                track = Track(applied.tick, entity.motion)
            elif not self._compare(track, entity, applied.tick, slot in applied.full):
                track = Track(applied.tick, entity.motion)
            tracks[entity.id] = track
        for number, track in self.tracks.items():
            if number not in tracks and applied.tick - track.tick <= REACH:
                track.is_heard = False
                tracks[number] = track
        self.tracks = tracks

    def _compare(self, track, entity, tick, is_full):
        track.motion = carry(track.motion, track.tick, tick)
        track.tick = tick
        who = "own" if entity.id == self.own else "other"
        if track.motion == entity.motion:
            track.is_heard = True
            self.counts[f"{who} equal"] += 1
            if is_full:
                self.counts[f"{who} equal in full"] += 1
                beats = tick - track.since
                if who == "own":
                    self.own_beats_most = max(self.own_beats_most, beats)
                else:
                    self.other_beats_most = max(self.other_beats_most, beats)
            return True
        if is_moored(track.motion, entity.motion):
            self.counts["moored"] += 1
            return False
        if not track.is_heard:
            self.counts["changed unseen"] += 1
            return False
        self.counts[f"{who} corrected"] += 1
        self.wrong.append((who, entity.id, tick, track.motion, entity.motion))
        return False


def is_moored(predicted, told):
    """The velocity was set to zero, and nothing else was."""
    return (
        told.target == told.velocity == (0, 0, 0)
        and all(abs(axis) <= MOORED_BELOW for axis in predicted.velocity)
        and all(abs(a - b) <= 1 for a, b in zip(predicted.position, told.position))
    )


class World:
    def __init__(self, session, drop_every):
        self.session, self.replica, self.reckoning = session, Replica(), Reckoning()
        self.grid = self.steer = None  # steer: (direction, throttle) while there is some
        self.is_silent = False  # whether acknowledgements are withheld
        self.drop_every, self.arrived = drop_every, 0
        self.sequence = self.input = 0
        self.inputs = []  # newest first
        self.counts, self.kinds = Counter(), Counter()
        self.entities, self.epochs, self.bytes, self.errors = set(), set(), 0, []
        session.on_message, session.on_datagram = self.on_message, self.on_datagram

    def on_message(self, name, fields):
        if name == "EntitySpawned":
            self.grid, self.reckoning.own = fields["grid"], fields["entity"]
            # What was seen before is of another stay.
            self.reckoning.tracks = {}
        elif name in ("GridLeft", "Docked"):
            self.grid = None

    def on_datagram(self, data):
        if self.grid is None:
            self.counts["early"] += 1
            return
        self.arrived += 1
        if self.drop_every and self.arrived % self.drop_every == 0:
            self.counts["dropped on purpose"] += 1
            return
        try:
            applied = self.replica.apply(data, on=self.grid)
        except Ignored:
            self.counts["ignored"] += 1
            return
        except wire.Refused as error:
            self.errors.append(f"{error}: {data.hex()}")
            return
        self._applied(applied, len(data))

    def _applied(self, applied, size):
        self.bytes += size
        self.counts["decoded"] += 1
        self.counts["against a baseline" if applied.age else "without a baseline"] += 1
        self.counts["full records"] += len(applied.full)
        self.counts[f"age {applied.age}"] += 1
        self.kinds.update(applied.kinds)
        self.epochs.add(applied.epoch)
        self.entities.update(entity.id for entity in applied.exact.values())
        if self.reckoning.own not in (entity.id for entity in applied.exact.values()):
            self.counts["without the own ship"] += 1
        if applied.last_input > self.input:
            self.errors.append(f"input {applied.last_input} was never sent")
        self.reckoning.see(applied)

    def own(self):
        """The own ship as the newest snapshot has it, or None."""
        ids = {entity.id: entity for entity, _ in self.replica.shown.values()}
        return ids.get(self.reckoning.own)

    def send_inputs(self):
        """One datagram: the newest three inputs and, unless it is silent, what was applied."""
        ack = self.replica.ack()
        if ack is None or self.grid is None:
            return
        if self.steer:
            self.input += 1
            self.inputs = [(self.input, *self.steer), *self.inputs][:3]
        self.sequence += 1
        ack = None if self.is_silent else ack
        inputs = self.inputs if self.steer else []
        self.session.send_datagram(wire.input_datagram(self.sequence, ack, inputs))
