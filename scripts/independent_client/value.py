"""Commands about value that are sent twice: one effect, one answer (docs/protocol.md, "Value")."""

import itertools
import secrets
import time


def new_request():
    """A UUID of version 7 as a 128-bit number."""
    random = secrets.randbits(74)
    high = time.time_ns() // 1_000_000 << 80 | 7 << 76 | random >> 62 << 64
    return high | 2 << 62 | random & (1 << 62) - 1


class Value:
    """Asks and commands over a session; sequences count up from 1, over sessions too."""

    sequences = itertools.count(1)

    def __init__(self, session):
        self.session = session

    async def command(self, request, name, **fields):
        sequence = next(self.sequences)
        self.session.send("Command", sequence=sequence, request=request, command=(name, fields))
        result = await self.session.expect("CommandResult", lambda f: f["sequence"] == sequence)
        if result["request"] != request:
            raise AssertionError(f"the answer to another request: {result}")
        return result

    async def query(self, name, **fields):
        """The rows of all parts of an answer, one after the other."""
        sequence, whole = next(self.sequences), None
        self.session.send("Query", sequence=sequence, query=(name, fields))
        while True:
            part = await self.session.expect("QueryAnswer", lambda f: f["sequence"] == sequence)
            if part["reject"]:
                raise AssertionError(f"the query {name} was rejected: {part['reject']}")
            if part["view"]:
                view = part["view"][1]
                whole = {**view, **{k: whole[k] + v for k, v in view.items()
                                    if whole and isinstance(v, list)}}
            if part["last"]:
                return whole

    async def wallet(self):
        return await self.query("Wallet", before=0, limit=0, reason=0)

    async def hangar(self):
        return (await self.query("Inventory", place=1, station=0, after=0) or {"items": []})["items"]


def same_answer(first, again):
    """Whether a repeated command was answered with what was answered first. The sequence is the
    new one's, and so is the beat."""
    return all(first[part] == again[part] for part in ("request", "reject", "answer"))
