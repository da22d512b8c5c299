"""The integer law of motion (docs/protocol.md, "Motion"; docs/mechanics.md, "In integers").

The same bits as the server's: Python's integers do not overflow, `>>` is arithmetic, and what a
32-bit position saturates at is written down.
"""

from typing import NamedTuple

LOWEST, HIGHEST = -(1 << 31), (1 << 31) - 1
SPEED_BOUND = 1 << 30


class Motion(NamedTuple):
    """Position in cm, velocity and target velocity in 2^-14 cm per beat, response in 2^-32."""

    position: tuple
    velocity: tuple
    target: tuple
    response: int


def step(motion, beat):
    """The state after the step of `beat`, from the one after the step before it."""
    n = beat % 128
    positions, velocities = [], []
    for p, v0, target in zip(motion.position, motion.velocity, motion.target):
        v1 = v0 + (((target - v0) * motion.response + (1 << 31)) >> 32)
        w = (((v0 + v1) >> 1) + 64) >> 7
        p += ((w * (n + 1)) >> 7) - ((w * n) >> 7)
        positions.append(min(max(p, LOWEST), HIGHEST))
        velocities.append(v1)
    return motion._replace(position=tuple(positions), velocity=tuple(velocities))


def carry(motion, before, to):
    """From the state at beat `before` to the state at beat `to`: steps before + 1 … to."""
    for beat in range(before + 1, to + 1):
        motion = step(motion, beat)
    return motion
