"""Reads the meanings in the vector files: the notation `Name { field: value }` and its like.

A meaning becomes plain Python: a struct is (name, {field: value}), `Some(x)` and ids such as
`ItemId(7)` are what is in them, an enum without fields is its name.
"""

import json
import re

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+|\w+|[{}\[\]():,]')


def parse(text):
    tokens = TOKEN.findall(text)
    value, at = _value(tokens, 0)
    if at != len(tokens):
        raise ValueError(f"more than one value: {text}")
    return value


def _value(tokens, at):
    token = tokens[at]
    if token[0] == '"':
        return json.loads(token), at + 1
    if re.fullmatch(r"-?\d+", token):
        return int(token), at + 1
    if token in "[(":
        return _items(tokens, at + 1, {"[": "]", "(": ")"}[token])
    if token in ("true", "false"):
        return int(token == "true"), at + 1
    follows = tokens[at + 1] if at + 1 < len(tokens) else ""
    if follows == "{":
        fields, at = _fields(tokens, at + 2)
        return (token, fields), at
    if follows == "(":
        items, at = _items(tokens, at + 2, ")")
        is_plain = token == "Some" or token.endswith("Id") or token in ("Tick", "Money", "Reject")
        return (items[0] if is_plain else (token, items)), at
    return (None if token == "None" else token), at + 1


def _items(tokens, at, end):
    items = []
    while tokens[at] != end:
        item, at = _value(tokens, at)
        items.append(item)
        at += tokens[at] == ","
    return items, at + 1


def _fields(tokens, at):
    fields = {}
    while tokens[at] != "}":
        name = tokens[at]
        fields[name], at = _value(tokens, at + 2)
        at += tokens[at] == ","
    return fields, at + 1


# Names of enums, numbered as in docs/protocol.md.
NUMBERS = {
    "severity": {"Information": 0, "Warning": 1, "Alert": 2},
    "left": {"Docked": 1, "Jumped": 2, "LoggedOff": 3, "Destroyed": 4},
    "code": {
        name: number
        for number, name in enumerate(
            "ProtocolMismatch ContentMismatch LoginRefused AlreadyPlaying NoCharacter ServerFull "
            "Draining OutOfOrder Malformed Oversize TooManyMessages TimedOut InternalError "
            "Dismissed".split(),
            1,
        )
    },
    "transfer": {
        name: number
        for number, name in enumerate(
            "PlayerPayment MarketSale MarketPurchase OrderEscrow OrderRefund BrokerFee SalesTax "
            "RelistFee Trade".split(),
            1,
        )
    },
    "why": {"Filled": 1, "Cancelled": 2, "Expired": 3, "Removed": 4},
    "state": {"Open": 1, "Done": 2, "Cancelled": 3, "Expired": 4, "Offered": 5},
    "range": {"Station": 1, "System": 2, "Jumps": 3, "Region": 4},
    "place": {"Hangar": 1, "Cargo": 2},
}
FLAGS = {"is_assembled": 1, "is_damaged": 2, "is_boarded": 4}
RENAMED = {"at_unix_ms": "at", "expires_unix_ms": "expires", "placed_unix_ms": "placed"}


def _number(group, value):
    if value is None or isinstance(value, int):
        return value or 0
    return NUMBERS[group][value]


def _reason(value):
    group = "left" if value in NUMBERS["left"] else "transfer"
    return _number(group, value)


def _range(value):
    name, jumps = (value[0], value[1][0]) if isinstance(value, tuple) else (value, 0)
    return {"scope": _number("range", name), "jumps": jumps}


def _where(value):
    """The fields `place` and `station` of the query `Inventory`."""
    name, items = value
    if name == "HangarAt":
        return {"place": 3, "station": items[0]}
    return {"place": _number("place", items[0]), "station": 0}


def normal(value, parent=""):
    """A meaning in the words and shapes of docs/protocol.md."""
    if isinstance(value, list):
        return [normal(item, parent) for item in value]
    if not isinstance(value, tuple):
        return value
    name, fields = value
    out = {"flags": 0} if name == "ItemRow" else {}
    for key, inner in fields.items():
        key = RENAMED.get(key, key)
        if key in FLAGS:
            out["flags"] |= FLAGS[key] * inner
        elif key in ("command", "query", "view"):
            out[key] = _tagged(inner)
        elif key == "reason":
            out[key] = _reason(inner)
        elif key == "range":
            out[key] = _range(inner)
        elif key == "place":
            out.update(_where(inner))
        elif key == "to" and isinstance(inner, str):
            out[key] = _number("place", inner)
        elif key in ("severity", "code", "why", "state"):
            out[key] = _number(key, inner)
        elif key in ("docked", "reject", "target"):
            out[key] = inner or 0
        elif key == "token":
            out[key] = bytes(inner)
        elif key == "names":
            out[key] = [{"character": who, "name": called} for who, called in inner]
        else:
            out[key] = normal(inner)
    return out


def _tagged(value):
    """A command, query or view: (name, fields)."""
    if value is None:
        return None
    return (value, {}) if isinstance(value, str) else (value[0], normal(value))


def message(text):
    """What a line of a vector file says, as `wire.decode` gives it."""
    return _tagged(parse(text))
