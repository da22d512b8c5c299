"""The control stream: frames, messages, commands, queries and views.

Follows docs/protocol.md and no code ("Control stream", "Value", "Input datagrams"). Messages are
tables, as they are there: a name and a list of fields, each with its type. One table serves both
directions, so a vector can be read and written back.
"""

FRAME_MOST = 16_384


class Refused(Exception):
    """Bytes that must be refused; the text says why."""


def write_varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value):
    return value << 1 if value >= 0 else (-value << 1) - 1


def unzigzag(code):
    return code >> 1 if code & 1 == 0 else -(code >> 1) - 1


class Reader:
    """Reads fields from bytes; everything that runs over the end is refused."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def at_end(self):
        return self.at == len(self.data)

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Refused("truncated")
        self.at += count
        return self.data[self.at - count : self.at]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > 63:
                raise Refused("a varint of more than 64 bits")
        if value >> 64 or (byte == 0 and shift > 0):
            raise Refused("a varint beyond 64 bits or not in its shortest form")
        return value


# A type is what reads a value, what writes one, and the value of a field that is missing.
class Type:
    def __init__(self, read, write, default):
        self.read, self.write, self.default = read, write, default


def v(bits):
    def read(reader):
        value = reader.varint()
        if value >> bits:
            raise Refused(f"{value} is beyond {bits} bits")
        return value

    return Type(read, write_varint, 0)


def fixed(size):
    return Type(
        lambda reader: int.from_bytes(reader.take(size), "little"),
        lambda value: value.to_bytes(size, "little"),
        0,
    )


def raw(most):
    def read(reader):
        length = reader.varint()
        if length > most:
            raise Refused(f"{length} bytes where at most {most} may be")
        return bytes(reader.take(length))

    return Type(read, lambda value: write_varint(len(value)) + bytes(value), b"")


def text(most):
    inner = raw(most)

    def read(reader):
        try:
            return inner.read(reader).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Refused("not UTF-8") from error

    return Type(read, lambda value: inner.write(value.encode("utf-8")), "")


def listed(most, item, shape):
    """A count, at most `most`, and then so many of `item`: no fields, so none may be missing."""

    def read(reader):
        count = reader.varint()
        if count > most:
            raise Refused(f"{count} elements where at most {most} may be")
        return [item(reader) for _ in range(count)]

    def write(value):
        return write_varint(len(value)) + b"".join(shape(element) for element in value)

    return Type(read, write, [])


def struct(fields):
    """Fields within a byte string of their own."""

    def read(reader):
        return read_fields(Reader(raw(FRAME_MOST).read(reader)), fields)

    def write(value):
        inner = write_fields(value, fields)
        empty = value == {name: kind.default for name, kind in fields}
        return write_varint(0) if empty else write_varint(len(inner)) + inner

    # Without any byte all of them have their defaults.
    return Type(read, write, {name: kind.default for name, kind in fields})


def rows(most, fields):
    inner = struct(fields)

    def write_row(value):
        data = write_fields(value, fields)
        return write_varint(len(data)) + data

    return listed(most, inner.read, write_row)


def tagged(table):
    """`varint kind | fields` within a byte string: a command, a query or a view."""

    def read(reader):
        inner = Reader(raw(FRAME_MOST).read(reader))
        if inner.at_end():
            return None
        kind = inner.varint()
        if kind not in table:
            return None
        name, fields = table[kind]
        try:
            return (name, read_fields(inner, fields))
        except Unknown:
            return None

    def write(value):
        if value is None:
            return write_varint(0)
        name, fields = value
        kind, (_, shape) = next((k, e) for k, e in table.items() if e[0] == name)
        data = write_varint(kind) + write_fields(fields, shape)
        return write_varint(len(data)) + data

    return Type(read, write, None)


class Unknown(Exception):
    """A place, range or filter that is not known: so is what it is in."""


def known(values):
    def read(reader):
        value = reader.varint()
        if value not in values:
            raise Unknown
        return value

    return Type(read, write_varint, 0)


V8, V16, V32, V64 = v(8), v(16), v(32), v(64)
ID = VARINT = V64
F64, F128 = fixed(8), fixed(16)
FLAG = Type(lambda reader: int(reader.varint() != 0), write_varint, 0)
I16 = Type(
    lambda reader: int.from_bytes(reader.take(2), "little", signed=True),
    lambda value: value.to_bytes(2, "little", signed=True),
    0,
)
MASK64 = (1 << 64) - 1
MONEY = Type(lambda reader: unzigzag(reader.varint()), lambda cents: write_varint(zigzag(cents)), 0)
# Three fields, of which any may be missing at the end.
DIRECTION = Type(
    lambda reader: [0 if reader.at_end() else I16.read(reader) for _ in range(3)],
    lambda value: b"".join(I16.write(axis) for axis in value),
    [0, 0, 0],
)


def unrotate(value):
    return value >> 1 | (value & 1) << 63


# The rotation to the left brings bit 63, which marks ships, to bit 0.
ENTITY = Type(
    lambda reader: unrotate(reader.varint()),
    lambda entity: write_varint((entity << 1 | entity >> 63) & MASK64),
    0,
)
PLACE = known({1, 2})
WHERE = known({1, 2, 3})
NAMED = [("character", ID), ("name", text(64))]


def order_range(kind):
    """Two fields; `jumps` counts with scope 3 only."""

    def read(reader):
        scope = kind.read(reader)
        jumps = 0 if reader.at_end() else V8.read(reader)
        return {"scope": scope, "jumps": jumps if scope == 3 else 0}

    def write(value):
        return write_varint(value["scope"]) + write_varint(value["jumps"])

    return Type(read, write, {"scope": 0, "jumps": 0})


# In a command an unknown range makes it an unknown one, in a row it is just some other one.
RANGE, TOLD_RANGE = order_range(known({1, 2, 3, 4})), order_range(VARINT)


def read_fields(reader, fields):
    """A frame may end before a field, which then has its default; what follows is ignored."""
    return {name: kind.default if reader.at_end() else kind.read(reader) for name, kind in fields}


def write_fields(values, fields):
    return b"".join(kind.write(values[name]) for name, kind in fields)


def table(*entries):
    return {kind: (name, fields) for kind, name, fields in entries}


ITEM_COUNT = [("item", ID), ("quantity", V64)]
TRADE_ITEM = [("trade", ID), ("item", ID), ("quantity", V64)]

COMMANDS = table(
    (1, "Fly", [("direction", DIRECTION), ("throttle", V16)]),
    (2, "Approach", [("target", ENTITY)]),
    (3, "KeepAtRange", [("target", ENTITY), ("range_m", V32)]),
    (4, "Orbit", [("target", ENTITY), ("range_m", V32)]),
    (5, "Align", [("target", ENTITY)]),
    (6, "Stop", []),
    (7, "Afterburner", [("on", FLAG)]),
    (8, "Jump", [("gate", ENTITY)]),
    (9, "Dock", [("station", ENTITY)]),
    (10, "Undock", []),
    (11, "Lock", [("target", ENTITY)]),
    (12, "Unlock", [("target", ENTITY)]),
    (13, "Activate", [("slot", V8), ("target", ENTITY)]),
    (14, "Deactivate", [("slot", V8)]),
    (32, "Stack", [("from", ID), ("onto", ID)]),
    (33, "Split", ITEM_COUNT),
    (34, "Move", ITEM_COUNT + [("to", PLACE)]),
    (35, "Trash", ITEM_COUNT),
    (36, "Assemble", [("item", ID)]),
    (37, "Repackage", [("item", ID)]),
    (38, "Board", [("item", ID)]),
    (39, "Rename", [("item", ID), ("name", text(48))]),
    (40, "Pay", [("to", ID), ("amount", MONEY), ("memo", text(64))]),
    (41, "Sell", ITEM_COUNT + [("price", MONEY), ("days", V8)]),
    (42, "Buy", [("type_id", V32), ("quantity", V64), ("minimum", V64), ("price", MONEY),
                 ("range", RANGE), ("days", V8)]),
    (43, "CancelOrder", [("order", ID)]),
    (44, "ModifyOrder", [("order", ID), ("price", MONEY)]),
    (45, "OfferTrade", [("with", ID)]),
    (46, "AddItem", TRADE_ITEM),
    (47, "SetMoney", [("trade", ID), ("amount", MONEY)]),
    (48, "AcceptTrade", [("trade", ID), ("version", V32)]),
    (49, "CancelTrade", [("trade", ID)]),
    (50, "RemoveItem", TRADE_ITEM),
)

QUERIES = table(
    (1, "Wallet", [("before", V64), ("limit", V8), ("reason", VARINT)]),
    (2, "Inventory", [("place", WHERE), ("station", ENTITY), ("after", ID)]),
    (3, "Book", [("type_id", V32), ("limit", V8)]),
    (4, "MyOrders", [("after", ID)]),
    (5, "History", [("type_id", V32), ("before_day", V32)]),
    (6, "Trade", [("trade", ID)]),
)

ENTRY_ROW = [("entry", V64), ("at", V64), ("reason", VARINT), ("amount", MONEY),
             ("balance", MONEY), ("other", ID), ("reference", V64), ("memo", text(64))]
ITEM_ROW = [("item", ID), ("type_id", V32), ("quantity", V64), ("flags", VARINT),
            ("name", text(48))]
ORDER_ROW = [("order", ID), ("price", MONEY), ("quantity", V64), ("minimum", V64),
             ("station", ENTITY), ("range", TOLD_RANGE), ("expires", V64)]
OWN_ORDER = [("public", struct(ORDER_ROW)), ("type_id", V32), ("is_buy", FLAG),
             ("initial", V64), ("placed", V64)]
CANDLE = [("day", V32), ("open", MONEY), ("high", MONEY), ("low", MONEY), ("close", MONEY),
          ("volume", V64), ("trades", V64)]
OFFER = struct([("money", MONEY), ("has_accepted", FLAG), ("items", rows(100, ITEM_ROW))])

VIEWS = table(
    (1, "Wallet", [("balance", MONEY), ("entries", rows(50, ENTRY_ROW)), ("next", V64)]),
    (2, "Inventory", [("items", rows(100, ITEM_ROW)), ("next", ID)]),
    (3, "Book", [("type_id", V32), ("sells", rows(100, ORDER_ROW)),
                 ("buys", rows(100, ORDER_ROW))]),
    (4, "MyOrders", [("orders", rows(100, OWN_ORDER)), ("next", ID)]),
    (5, "History", [("type_id", V32), ("candles", rows(100, CANDLE)), ("next", V32)]),
    (6, "Trade", [("trade", ID), ("with", ID), ("version", V32), ("state", VARINT),
                  ("own", OFFER), ("theirs", OFFER)]),
)

LOCK_ROW = [("target", ENTITY), ("since", V64), ("done", V64)]
MODULE_ROW = [("slot", V8), ("module", V32), ("charge", V32), ("charges", V32), ("flags", V8),
              ("target", ENTITY), ("start", V64), ("end", V64)]
HIT_ROW = [("other", ENTITY), ("is_dealt", FLAG), ("slot", V8), ("shield", V32), ("armour", V32),
           ("hull", V32), ("quality", V16)]
KILLER_ROW = [("character", ID), ("hull", V32), ("damage", V64)]

ANSWER = struct([("item", ID), ("order", ID), ("trade", ID), ("quantity", V64),
                 ("money", MONEY), ("fees", MONEY)])

CLIENT = table(
    (1, "Hello", [("protocol", V16), ("content_hash", F64), ("client", text(64))]),
    (2, "Login", [("token", raw(512))]),
    (3, "SubscribeInputs", []),
    (4, "Command", [("sequence", V32), ("request", F128), ("command", tagged(COMMANDS))]),
    (5, "WhoIs", [("characters", listed(64, ID.read, ID.write))]),
    (6, "Bye", []),
    (7, "Query", [("sequence", V32), ("query", tagged(QUERIES))]),
)

SERVER = table(
    (1, "Welcome", [("protocol", V16), ("content_hash", F64), ("beats_per_second", V16),
                    ("snapshot_interval_beats", V8), ("tick", V64)]),
    (2, "Refused", [("code", V16), ("sentence", text(512))]),
    (3, "Authenticated", [("account", ID)]),
    (4, "ClientIdAssigned", [("client", ID)]),
    (5, "PlayerLoaded", [("character", ID), ("name", text(64)), ("system", V32),
                         ("docked", ENTITY), ("ship", ENTITY), ("ship_type", V32)]),
    (6, "InputsSubscribed", []),
    (7, "EntitySpawned", [("grid", V32), ("system", V32), ("entity", ENTITY), ("tick", V64)]),
    (8, "GridLeft", [("grid", V32), ("reason", VARINT)]),
    (9, "Docked", [("station", ENTITY), ("tick", V64)]),
    (10, "CommandResult", [("sequence", V32), ("request", F128), ("tick", V64),
                           ("reject", V16), ("answer", ANSWER)]),
    (11, "Departed", [("entity", ENTITY), ("reason", VARINT)]),
    (12, "Names", [("names", listed(64, lambda r: {n: t.read(r) for n, t in NAMED},
                                    lambda row: write_fields(row, NAMED)))]),
    (13, "Dilation", [("per_mille", V16), ("from_tick", V64)]),
    (14, "Notice", [("severity", VARINT), ("text", text(512))]),
    (15, "Draining", [("seconds", V32)]),
    (16, "QueryAnswer", [("sequence", V32), ("last", FLAG), ("view", tagged(VIEWS)),
                         ("reject", V16)]),
    (17, "WalletChanged", [("balance", MONEY), ("amount", MONEY), ("reason", VARINT)]),
    (18, "OrderFilled", [("order", ID), ("quantity", V64), ("price", MONEY), ("left", V64)]),
    (19, "OrderEnded", [("order", ID), ("why", VARINT)]),
    (20, "ItemsDelivered", [("station", ENTITY), ("type_id", V32), ("quantity", V64),
                            ("item", ID)]),
    (21, "TradeChanged", [("trade", ID), ("with", ID), ("version", V32), ("state", VARINT)]),
    (22, "ShipStatus", [("tick", V64), ("capacitor_tick", V64), ("capacitor", V64),
                        ("capacitor_most", V64), ("capacitor_tau_ms", V32), ("max_speed", V32),
                        ("disruption", V32), ("is_jammed", FLAG), ("locks", rows(16, LOCK_ROW)),
                        ("modules", rows(32, MODULE_ROW))]),
    (23, "Damage", [("tick", V64), ("hits", rows(64, HIT_ROW))]),
    (24, "KillReport", [("report", F128), ("tick", V64), ("system", V32), ("victim", ID),
                        ("hull", V32), ("final_blow", ID), ("killers", rows(32, KILLER_ROW))]),
)


def decode(data, messages):
    """A frame without its length: (name, fields), or None for a kind that is not known."""
    reader = Reader(data)
    kind = reader.varint()
    if kind not in messages:
        return None
    name, fields = messages[kind]
    return (name, read_fields(reader, fields))


def encode(name, values, messages):
    """A frame with its length."""
    kind, (_, fields) = next((k, e) for k, e in messages.items() if e[0] == name)
    data = write_varint(kind) + write_fields(values, fields)
    return write_varint(len(data)) + data


class Frames:
    """Cuts a stream into frames (without their lengths)."""

    def __init__(self):
        self.held = b""

    def push(self, data):
        self.held += data
        out = []
        while (cut := self._length()) is not None:
            length, start = cut
            if len(self.held) < start + length:
                break
            if length:
                out.append(self.held[start : start + length])
            self.held = self.held[start + length :]
        return out

    def _length(self):
        head = self.held[:10]
        if len(head) < 10 and all(byte >= 0x80 for byte in head):
            # Cut off within the varint (or nothing there): more has to come.
            return None
        reader = Reader(head)
        length = reader.varint()
        if length > FRAME_MOST:
            raise Refused(f"a frame of {length} bytes")
        return length, reader.at


def input_datagram(sequence, ack, inputs):
    """`ack`: (epoch, tick, mask) or None; `inputs`: (sequence, direction, throttle), newest first."""
    out = bytes([1, 1]) + sequence.to_bytes(4, "little")
    out += bytes([len(inputs) | (4 if ack else 0)])
    if ack:
        epoch, tick, mask = ack
        out += bytes([epoch]) + tick.to_bytes(8, "little") + mask.to_bytes(4, "little")
    for number, direction, throttle in inputs:
        out += number.to_bytes(4, "little") + DIRECTION.write(direction)
        out += throttle.to_bytes(2, "little")
    return out


def read_input_datagram(data):
    """(sequence, ack, inputs) as above; what a server does, here for the vectors."""
    reader = Reader(data)
    fixed_int = lambda size: int.from_bytes(reader.take(size), "little")
    if fixed_int(1) != 1 or fixed_int(1) != 1:
        raise Refused("another version or kind")
    sequence, flags, ack = fixed_int(4), fixed_int(1), None
    if flags & ~7:
        raise Refused("undefined flags")
    if flags & 4:
        ack = (fixed_int(1), fixed_int(8), fixed_int(4))
    axes = lambda: [I16.read(reader) for _ in range(3)]
    inputs = [(fixed_int(4), axes(), fixed_int(2)) for _ in range(flags & 3)]
    return sequence, ack, inputs
