"""An independent client: plays a little by docs/protocol.md, and checks what it is told.

    python3 scripts/independent_client/client.py --http http://127.0.0.1:7780

`scripts/independent_client.sh` installs what it needs and gives it a server of its own. Exit code
0 if everything held; each line that begins with `FAILED` says what did not.
"""

import argparse
import asyncio
import math
import secrets
import sys
import time

from rest import Rest
from session import Closed, WrongCertificate, open_session, shake_hands
from value import Value, new_request, same_answer
from world import World

INPUT_PERIOD_S = 1 / 30
SNAPSHOTS_WANTED = 300
PAYMENT = 1  # the reason of a transfer between players
PASSWORD = "violet comet drifts " + secrets.token_hex(4)


class Report:
    """What was seen and what did not hold."""

    def __init__(self):
        self.failed = []

    def check(self, holds, what):
        print(f"  {'ok' if holds else 'FAILED'}: {what}", flush=True)
        if not holds:
            self.failed.append(what)


def sign_up(http, report):
    """An account with two characters: one plays, the other one is paid."""
    rest, tail = Rest(http), secrets.token_hex(3)
    paths = rest.described()
    wanted = ("/api/v1/accounts", "/api/v1/sessions", "/api/v1/characters", "/api/v1/game-token")
    report.check(all("post" in paths.get(path, {}) for path in wanted), "the API is as described")
    rest.sign_up(f"Indy {tail}", PASSWORD)
    rest.log_in(f"Indy {tail}", PASSWORD)
    pilot = rest.new_character(f"Pilot {tail}")
    payee = rest.new_character(f"Payee {tail}")
    return rest, pilot, payee


async def strangers(token, report):
    """What must not work: another certificate, another protocol."""
    async with open_session(token) as session:
        try:
            session.check_pin("00" * 32)
            report.check(False, "a certificate that is not the pinned one is recognised")
        except WrongCertificate:
            report.check(True, "a certificate that is not the pinned one is recognised")
    async with open_session(token) as session:
        content = int(token["content_hash"], 16)
        session.send("Hello", protocol=2, content_hash=content, client="of the future")
        try:
            await session.expect("Welcome")
            report.check(False, "protocol 2 is refused")
        except Closed as closed:
            # `Refused` may be overtaken by the close, which says the same.
            codes = [fields["code"] for name, fields in session.inbox if name == "Refused"]
            report.check(closed.code == 0x101 and codes in ([], [1]),
                         f"protocol 2 is refused: {closed}")


async def granted(value):
    """The wallet with what newcomers are granted, which comes a moment after the first login."""
    for _ in range(50):
        wallet = await value.wallet()
        if wallet["balance"] > 0:
            return wallet
        await asyncio.sleep(0.1)
    raise AssertionError("a newcomer was granted nothing")


async def pay_twice(value, payee, report):
    """A payment, and the same request again: one effect, one answer."""
    before = await granted(value)
    request, order = new_request(), {"to": payee["id"], "amount": 12_34, "memo": "once"}
    first = await value.command(request, "Pay", **order)
    again = await value.command(request, "Pay", **order)
    report.check(first["reject"] == 0, f"a payment is accepted: {first}")
    report.check(same_answer(first, again), f"the same request again has the same answer: {again}")
    changed = await value.session.expect("WalletChanged", lambda f: f["reason"] == PAYMENT)
    after = await value.wallet()
    report.check(after["balance"] == before["balance"] - 12_34 == changed["balance"],
                 f"it was paid once: {before['balance']} - 1234 = {after['balance']} cents")
    entries = [entry for entry in after["entries"] if entry["memo"] == "once"]
    report.check(len(entries) == 1 and entries[0]["amount"] == -12_34
                 and entries[0]["other"] == payee["id"], "and stands in the wallet once")
    return request, order, first


async def split_twice(value, report):
    """A stack is split, by a request that is sent twice."""
    stacks = [item for item in await value.hangar() if item["quantity"] >= 2]
    if not stacks:
        report.check(False, "the hangar of a newcomer has a stack that can be split")
        return
    stack, request = stacks[0], new_request()
    order = {"item": stack["item"], "quantity": 1}
    first = await value.command(request, "Split", **order)
    again = await value.command(request, "Split", **order)
    report.check(first["reject"] == 0 and same_answer(first, again), "so with a split")
    items = {item["item"]: item for item in await value.hangar()}
    new = items.get(first["answer"]["item"], {})
    report.check(new.get("quantity") == 1 and new.get("type_id") == stack["type_id"]
                 and items[stack["item"]]["quantity"] == stack["quantity"] - 1,
                 f"which was done once: {stack['quantity']} of type {stack['type_id']} less 1")


async def fly_for(world, seconds, silent_for=0.0):
    """Sends inputs 30 times a second; withholds acknowledgements at the end."""
    begun = time.monotonic()
    beats = 0
    while (passed := time.monotonic() - begun) < seconds:
        world.is_silent = passed > seconds - silent_for
        world.send_inputs()
        if world.session.failed:
            raise world.session.failed
        beats += 1
        await asyncio.sleep(max(0.0, begun + beats * INPUT_PERIOD_S - time.monotonic()))
    world.is_silent = False


def check_course(world, direction, throttle, speed_most, report):
    """The target velocity is where the inputs say, and as long."""
    target = world.own().motion.target
    length = math.hypot(*target)
    cosine = sum(a * b for a, b in zip(target, direction)) / (length * math.hypot(*direction) or 1)
    share = length / (speed_most or length)
    report.check(cosine > 0.999 and abs(share - throttle / 1_000) < 0.01,
                 f"the ship flies where it is steered: cosine {cosine:.6f}, {share:.4f} of its speed")
    return length


async def undock(world, value, ship, report):
    """Leaves the station, and waits for the first snapshot outside."""
    undocked = await value.command(new_request(), "Undock")
    report.check(undocked["reject"] == 0, "undocking is accepted")
    spawned = await world.session.expect("EntitySpawned")
    report.check(spawned["entity"] == ship, f"the own ship is in space: {spawned}")
    decoded, begun = world.counts["decoded"], time.monotonic()
    while world.counts["decoded"] == decoded and time.monotonic() - begun < 5:
        await asyncio.sleep(INPUT_PERIOD_S)


async def fly(session, value, station, ship, report):
    """Undocks and flies until enough snapshots were seen; the world, with its counts."""
    world = World(session, drop_every=11)
    # Out, back into the station, and out again: two stays, the second in an epoch of its own.
    await undock(world, value, ship, report)
    world.steer = ((-16_384, 0, 0), 100)
    await fly_for(world, 1.0)
    before, world.steer = world.replica.last_input, None
    docked = await value.command(new_request(), "Dock", station=station)
    report.check(docked["reject"] == 0, "docking is accepted")
    report.check((await session.expect("Docked"))["station"] == station, "and done")
    await undock(world, value, ship, report)
    first, second = (16_384, 0, 0), (0, 9_830, -13_107)
    world.steer = (first, 1_000)
    await fly_for(world, 6.0, silent_for=1.8)
    speed = check_course(world, first, 1_000, None, report)
    world.steer = (second, 500)
    await fly_for(world, 5.0, silent_for=1.8)
    check_course(world, second, 500, speed, report)
    world.steer = None
    orbit = await value.command(new_request(), "Orbit", target=station, range_m=3_000)
    report.check(orbit["reject"] == 0, "an orbit is accepted")
    now = world.replica.last_input
    report.check(0 < before < now, f"inputs are numbered on over both stays: {before}, {now}")
    await fly_for(world, 5.0)
    stopped = await value.command(new_request(), "Stop")
    report.check(stopped["reject"] == 0, "and so is stopping")
    begun = time.monotonic()
    while world.counts["decoded"] < SNAPSHOTS_WANTED + 20 and time.monotonic() - begun < 25:
        await fly_for(world, 2.5, silent_for=1.3)
    return world


def judge(world, report):
    """The figures of the flight, and whether they are right."""
    counts, reckoning = world.counts, world.reckoning
    told = {k: v for k, v in sorted(counts.items()) if not k.startswith("age ")}
    ages = {int(k[4:]): v for k, v in counts.items() if k.startswith("age ")}
    print(f"  snapshots: {told}")
    print(f"  ages of baselines: {dict(sorted(ages.items()))}, "
          f"kinds of change: {dict(sorted(world.kinds.items()))}")
    print(f"  entities {len(world.entities)}, bytes of snapshots {world.bytes}, "
          f"{world.bytes / max(counts['decoded'], 1):.1f} a snapshot")
    wrong = {who: reckoning.counts[f"{who} corrected"] for who in ("own", "other")}
    print(f"  reckoning: {dict(sorted(reckoning.counts.items()))}; corrections {wrong}; equal over "
          f"as many as {reckoning.own_beats_most} beats (own), {reckoning.other_beats_most} (others)")
    for who, entity, tick, predicted, truth in reckoning.wrong[:8]:
        print(f"  {who} {entity:#x} at {tick}: predicted {predicted}, told {truth}")
    report.check(counts["decoded"] >= SNAPSHOTS_WANTED, f"{counts['decoded']} snapshots decoded")
    report.check(not world.errors, f"none of them malformed {world.errors[:3]}")
    report.check(counts["against a baseline"] >= 100 and counts["without a baseline"] >= 20,
                 "with and without a baseline")
    report.check(len(world.epochs) == 2, f"two stays, two epochs: {sorted(world.epochs)}")
    report.check(len(ages) >= 3, "against baselines of several ages, as some were lost")
    report.check(counts["without the own ship"] == 0, "the own ship is in every one")
    report.check(world.replica.last_input > 100, f"inputs arrived: {world.replica.last_input}")
    equal, full = reckoning.counts["own equal"], reckoning.counts["own equal in full"]
    report.check(not reckoning.counts["own corrected"] and equal >= 100 and full >= 20,
                 f"the own ship's prediction was equal {equal} times, {full} of them told in full")
    equal, full = reckoning.counts["other equal"], reckoning.counts["other equal in full"]
    report.check(not reckoning.counts["other corrected"] and equal >= 100 and full >= 20,
                 f"others' were equal {equal} times, {full} of them told in full")


async def play(http, report):
    rest, pilot, payee = await asyncio.to_thread(sign_up, http, report)
    token = await asyncio.to_thread(rest.game_token, pilot["id"])
    await strangers(token, report)
    async with open_session(token) as session:
        welcome, player = await shake_hands(session, token)
        report.check(player["character"] == pilot["id"] and player["docked"] != 0,
                     f"the handshake is done: {player['name']}, docked, {welcome}")
        value = Value(session)
        paid = await pay_twice(value, payee, report)
        await split_twice(value, report)
        session.send("WhoIs", characters=[payee["id"], 1 << 40])
        names = (await session.expect("Names"))["names"]
        report.check(names == [{"character": payee["id"], "name": payee["name"]}], "names are told")
        world = await fly(session, value, player["docked"], player["ship"], report)
        judge(world, report)
        print(f"  bytes of the stream {session.stream_bytes}, of datagrams "
              f"{session.datagram_bytes}; unknown messages {session.unknown_kinds}")
        session.send("Bye")
    await come_back(rest, pilot, paid, report)


async def come_back(rest, pilot, paid, report):
    """Another connection of the same character: the old request still has its answer."""
    token = await asyncio.to_thread(rest.game_token, pilot["id"])
    request, order, first = paid
    async with open_session(token) as session:
        await shake_hands(session, token)
        value = Value(session)
        before = await value.wallet()
        again = await value.command(request, "Pay", **order)
        after = await value.wallet()
        report.check(same_answer(first, again) and before["balance"] == after["balance"],
                     "over a new connection the payment has its old answer, and no effect")
        session.send("Bye")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--http", required=True, help="address of the server's REST interface")
    parser.add_argument("--seconds", type=float, default=75.0, help="how long it may take")
    arguments = parser.parse_args()
    report, begun = Report(), time.monotonic()

    async def bounded():
        async with asyncio.timeout(arguments.seconds):
            await play(arguments.http, report)

    try:
        asyncio.run(bounded())
    except Exception as error:
        report.check(False, f"it came to its end: {type(error).__name__} {error}")
    word = "FAILED" if report.failed else "ok"
    print(f"independent client: {word} in {time.monotonic() - begun:.1f} s")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
