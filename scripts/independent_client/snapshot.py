"""Snapshots: what is true at one beat on one grid, decoded bit by bit.

Follows docs/protocol.md and no code ("Snapshots"). A `Replica` is what a client remembers: the
exact entities of the snapshots that it applied, and the others, carried by the law of motion.
"""

from dataclasses import dataclass, replace

from motion import SPEED_BOUND, Motion, carry
from wire import Refused, unrotate, unzigzag

REACH = 31  # beats: as far back as a snapshot may refer, and as long as nothing is said
KEPT = 8  # beats: snapshots that are kept, and acknowledged, whatever the server says of `keep`
MASK32 = (1 << 32) - 1


class Ignored(Exception):
    """A snapshot that is legal and of no use: stale, or it refers to what is not there."""


@dataclass(frozen=True)
class Entity:
    id: int
    type_id: int
    owner: int
    motion: Motion
    vitals: tuple
    activity: int


@dataclass(frozen=True)
class Applied:
    """What a snapshot said, and how: for acknowledgements, statistics and checks."""

    tick: int
    grid: int
    epoch: int
    is_new_epoch: bool
    last_input: int
    age: int  # 0: no baseline
    exact: dict  # slot -> Entity
    full: frozenset  # slots told in full
    kinds: dict  # kind of change -> how many


class Bits:
    def __init__(self, data):
        self.value, self.left = int.from_bytes(data, "little"), 8 * len(data)

    def u(self, count):
        if count > self.left:
            raise Refused("truncated")
        out = self.value & ((1 << count) - 1)
        self.value >>= count
        self.left -= count
        return out

    def varint(self):
        value = shift = 0
        while True:
            byte = self.u(8)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > 63:
                raise Refused("a varint of more than 64 bits")
        if value >> 64 or (byte == 0 and shift > 0):
            raise Refused("a varint beyond 64 bits or not in its shortest form")
        return value

    def vector(self):
        width = self.u(5)
        width = 32 if width == 31 else width
        return tuple(unzigzag(self.u(width)) for _ in range(3))

    def finish(self):
        if self.left > 7 or self.value:
            raise Refused("bits behind the end")


def wrap32(value):
    return (value + (1 << 31) & MASK32) - (1 << 31)


def sum32(a, b):
    return tuple(wrap32(x + y) for x, y in zip(a, b))


def slow(velocity):
    if any(abs(axis) >= SPEED_BOUND for axis in velocity):
        raise Refused("a velocity of 2^30 or more")
    return velocity


def read_target(bits, old):
    if bits.u(1) == 0:
        return old
    shift, is_absolute = (0, 8, 11, 14)[bits.u(2)], bits.u(1)
    vector = tuple(wrap32(axis << shift) for axis in bits.vector())
    return slow(vector if is_absolute else sum32(old, vector))


def read_law(bits, motion):
    response = bits.u(32) if bits.u(1) else motion.response
    return motion._replace(target=read_target(bits, motion.target), response=response)


def read_new_law(bits, motion, since, tick):
    age = tick - since
    ago = bits.u((age - 1).bit_length())
    if ago >= age:
        raise Refused("a law older than its baseline")
    turned = tick - ago - 1
    return carry(read_law(bits, carry(motion, since, turned)), turned, tick)


def read_residual(bits, motion, since, tick):
    motion = carry(motion, since, tick)
    position = sum32(motion.position, bits.vector())
    velocity = slow(sum32(motion.velocity, bits.vector()))
    return read_law(bits, motion._replace(position=position, velocity=velocity))


def read_vital(bits, old):
    if bits.u(1) == 0:
        code = bits.u(3)
        value = old + code - (4 if code < 4 else 3)
    elif bits.u(1) == 0:
        code = bits.u(5)
        value = old + code - (16 if code < 16 else 15)
    else:
        value = bits.u(8)
    if not 0 <= value <= 255:
        raise Refused("a vital beyond 0 to 255")
    return value


def read_vitals(bits, old):
    which = bits.u(3) if bits.u(1) else 1
    return tuple(read_vital(bits, v) if which >> i & 1 else v for i, v in enumerate(old))


def read_activity(bits, old):
    return bits.u(8) if bits.u(1) else old ^ 1 << bits.u(3)


# kind -> (motion, vitals, activity); 6 has them in its bits and 7 is none
GROUPS = {0: (1, 0, 0), 1: (0, 1, 0), 2: (0, 0, 1), 3: (0, 1, 1), 4: (1, 1, 0), 5: (1, 0, 1)}


def read_change(bits, kind, entity, since, tick):
    """The entity at `tick`, which was `entity` at `since`."""
    law, has_vitals, has_activity = (
        (bits.u(2), bits.u(1), bits.u(1)) if kind == 6 else GROUPS[kind]
    )
    if law == 3:
        raise Refused("motion 3")
    motion = (
        lambda: carry(entity.motion, since, tick),
        lambda: read_new_law(bits, entity.motion, since, tick),
        lambda: read_residual(bits, entity.motion, since, tick),
    )[law]()
    vitals = read_vitals(bits, entity.vitals) if has_vitals else entity.vitals
    activity = read_activity(bits, entity.activity) if has_activity else entity.activity
    return replace(entity, motion=motion, vitals=vitals, activity=activity)


def read_wide(bits, size, most, least=0):
    width = bits.u(size) + least
    if width > most:
        raise Refused(f"a number of {width} bits where {most} may be")
    return bits.u(width)


def read_full(bits):
    number = unrotate(read_wide(bits, 6, 64, least=1))
    if number == 0:
        raise Refused("no entity has the id zero")
    type_id, owner = read_wide(bits, 6, 32), read_wide(bits, 7, 64)
    position = bits.vector()
    target = read_target(bits, (0, 0, 0))
    velocity = slow(sum32(target, bits.vector()))
    response = bits.u(32)
    vitals = tuple(bits.u(8) for _ in range(3)) if bits.u(1) else (255, 255, 255)
    activity = bits.u(8) if bits.u(1) else 0
    motion = Motion(position, velocity, target, response)
    return Entity(number, type_id, owner, motion, vitals, activity)


@dataclass
class Header:
    tick: int
    keep: int
    last_input: int
    age: int
    k: int
    grid: int


def near(low, count, reference):
    """The number with these low bits that is nearest to `reference`."""
    modulus = 1 << count
    offset = (low - reference) % modulus
    return reference + (offset - modulus if offset >= modulus // 2 else offset)


class Replica:
    """What a client knows of a grid."""

    def __init__(self):
        self.epoch = None
        self._forget()

    def _forget(self):
        self.tick, self.grid, self.last_input = 0, None, 0
        self.history = {}  # tick -> {slot: Entity}: the exact ones
        self.shown = {}  # slot -> (Entity at self.tick, tick when it was exact)
        self.tenants = {}  # slot -> (id, tick of the full record that began its stay)

    def ack(self):
        """(epoch, tick, mask) of the snapshots that are kept, or None before the first one."""
        if self.epoch is None:
            return None
        behind = (self.tick - 1 - tick for tick in self.history)
        return self.epoch, self.tick, sum(1 << age for age in behind if 0 <= age < 32)

    def apply(self, data, on=None):
        """Applies a datagram, or raises `Refused` or `Ignored` and changes nothing. With `on`,
        the grid where the client is, one of another grid is ignored."""
        bits = Bits(data)
        if (version := bits.u(8)) != 1 or (kind := bits.u(8)) != 2:
            raise Refused("another version or kind")
        epoch = bits.u(8)
        is_new = self.epoch is None or epoch != self.epoch
        if is_new and self.epoch is not None and (epoch - self.epoch & 0xFF) >= 0x80:
            raise Ignored("stale: a former epoch")
        history = {} if is_new else self.history
        header = self._header(bits, is_new)
        if on is not None and header.grid != on:
            raise Ignored(f"of grid {header.grid}")
        if not is_new and header.tick <= self.tick:
            raise Ignored("stale: not newer")
        exact, gone, kinds = {}, [], {}
        if header.age:
            baseline = history.get(header.tick - header.age)
            if baseline is None:
                raise Ignored(f"its baseline {header.tick - header.age} is not known")
            read_changes(bits, header, baseline, exact, gone, kinds)
        tenants = {} if is_new else self.tenants
        full = read_entries(bits, header.tick, history, tenants, exact, kinds)
        bits.finish()
        self._commit(header, epoch, is_new, exact, gone, full)
        return Applied(header.tick, self.grid, epoch, is_new, header.last_input, header.age,
                       exact, full, kinds)

    def _header(self, bits, is_new):
        if bits.u(1):
            low_tick, keep, low_input = bits.u(16), bits.u(5), bits.u(16)
            age, k = bits.u(5), bits.u(3)
            if age == 0:
                raise Refused("a baseline of age zero")
            tick = near(low_tick, 16, self.tick)
            last_input = near(low_input, 16, self.last_input) & MASK32
            if is_new:
                raise Ignored("a baseline in an epoch of which nothing is known")
            return Header(tick, keep, last_input, age, k, self.grid)
        grid, tick = bits.varint(), bits.varint()
        if grid >> 32 or tick >> 56:
            raise Refused("a grid or a beat that is too large")
        if not is_new and grid != self.grid:
            raise Refused("another grid in the same epoch")
        return Header(tick, bits.u(5), bits.u(32), 0, 0, grid)

    def _commit(self, header, epoch, is_new, exact, gone, full):
        if is_new:
            self._forget()
            self.epoch = epoch
        for slot in gone:
            self.shown.pop(slot, None)
        for slot in full:
            if self.tenants.get(slot, (0, 0))[0] != exact[slot].id:
                self.tenants[slot] = (exact[slot].id, header.tick)
        shown = {}
        for slot, (entity, told) in self.shown.items():
            if slot not in exact and header.tick - told <= REACH:
                motion = carry(entity.motion, self.tick, header.tick)
                shown[slot] = (replace(entity, motion=motion), told)
        for slot, entity in exact.items():
            shown[slot] = (entity, header.tick)
        self.shown = shown
        self.tick, self.grid, self.last_input = header.tick, header.grid, header.last_input
        self.history[header.tick] = exact
        oldest = header.tick - max(header.keep, KEPT)
        self.history = {t: e for t, e in self.history.items() if t >= oldest}


def read_distance(bits, k):
    """How many lawful entities are passed over; None is the end mark."""
    ones = 0
    while ones < 8 and bits.u(1):
        ones += 1
    if ones < 8:
        return (ones << k) + bits.u(k)
    return bits.u(16) if bits.u(1) else None


def read_changes(bits, header, baseline, exact, gone, kinds):
    slots, at, since = sorted(baseline), 0, header.tick - header.age

    def lawful(until):
        for slot in slots[at:until]:
            motion = carry(baseline[slot].motion, since, header.tick)
            exact[slot] = replace(baseline[slot], motion=motion)

    while (distance := read_distance(bits, header.k)) is not None:
        if at + distance >= len(slots):
            raise Refused("a distance beyond the last entity")
        lawful(at + distance)
        at += distance
        slot, kind = slots[at], bits.u(3)
        kinds[kind] = kinds.get(kind, 0) + 1
        if kind < 7:
            exact[slot] = read_change(bits, kind, baseline[slot], since, header.tick)
        elif bits.u(1) == 0:
            gone.append(slot)
        at += 1
    lawful(len(slots))


def read_reference(bits, slot, tick, history, tenants, kinds):
    age = bits.u(5)
    if age == 0:
        raise Refused("a reference of age zero")
    if tick - age not in history:
        raise Ignored(f"a reference to {tick - age}, which is not known")
    entity = history[tick - age].get(slot)
    if entity is None:
        raise Refused("a reference to what was not exact")
    if tick - age < tenants[slot][1]:
        raise Refused("a reference to a former tenant")
    if bits.u(1) == 0:
        return replace(entity, motion=carry(entity.motion, tick - age, tick))
    kind = bits.u(3)
    kinds[kind] = kinds.get(kind, 0) + 1
    if kind == 7:
        raise Refused("a reference of kind 7")
    return read_change(bits, kind, entity, tick - age, tick)


def read_entries(bits, tick, history, tenants, exact, kinds):
    """Reads the entries into `exact`; the slots that were told in full."""
    full, width = set(), bits.u(5)
    if width > 16:
        raise Refused("slots of more than 16 bits")
    while width and bits.u(1):
        slot = bits.u(width)
        if slot in exact:
            raise Refused("a slot that is told of twice")
        if bits.u(1):
            exact[slot] = read_full(bits)
            full.add(slot)
        else:
            exact[slot] = read_reference(bits, slot, tick, history, tenants, kinds)
    return frozenset(full)
