"""A connection to the game: QUIC, the pinned certificate, the control stream, datagrams.

docs/protocol.md, "Transport", "Control stream" and "Handshake".
"""

import asyncio
import hashlib
import ssl

import wire
from aioquic.asyncio import QuicConnectionProtocol
from aioquic.asyncio.client import connect
from aioquic.quic import events
from aioquic.quic.configuration import QuicConfiguration
from cryptography.hazmat.primitives.serialization import Encoding

ALPN = "orrery/1"


class Closed(Exception):
    """The connection has ended; `code` is its application error code."""

    def __init__(self, code, reason):
        super().__init__(f"closed with {code:#x} {reason}")
        self.code = code


class WrongCertificate(Exception):
    """The server's certificate has another hash than the token's."""


class Session(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.stream = None
        self.frames, self.inbox = wire.Frames(), []
        self.on_message = self.on_datagram = lambda *_: None
        self.failed, self._news = None, asyncio.Event()
        self.stream_bytes = self.datagram_bytes = self.unknown_kinds = 0

    def check_pin(self, sha256):
        """TLS has proven that the server has the certificate's key; this is which one it is."""
        certificate = self._quic.tls._peer_certificate
        found = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
        if found != sha256.lower():
            raise WrongCertificate(f"{found}, not {sha256}")

    def send(self, name, **values):
        if self.failed:
            raise self.failed
        if self.stream is None:
            self.stream = self._quic.get_next_available_stream_id()
        self._quic.send_stream_data(self.stream, wire.encode(name, values, wire.CLIENT))
        self.transmit()

    def send_datagram(self, data):
        if not self.failed:
            self._quic.send_datagram_frame(data)
            self.transmit()

    def quic_event_received(self, event):
        if isinstance(event, events.StreamDataReceived):
            self.stream_bytes += len(event.data)
            try:
                self._stream_data(event.data)
            except wire.Refused as error:
                self.failed = error
        elif isinstance(event, events.DatagramFrameReceived):
            self.datagram_bytes += len(event.data)
            self.on_datagram(event.data)
        elif isinstance(event, events.ConnectionTerminated):
            self.failed = self.failed or Closed(event.error_code, event.reason_phrase)
        self._news.set()

    def _stream_data(self, data):
        for frame in self.frames.push(data):
            message = wire.decode(frame, wire.SERVER)
            if message is None:
                self.unknown_kinds += 1
                continue
            self.inbox.append(message)
            self.on_message(*message)

    async def expect(self, name, where=lambda fields: True, within=8.0):
        """Takes the first message of this name (that is so) out of the inbox, or waits for it."""
        async with asyncio.timeout(within):
            while True:
                for at, (kind, fields) in enumerate(self.inbox):
                    if kind == name and where(fields):
                        del self.inbox[at]
                        return fields
                if self.failed:
                    raise self.failed
                self._news.clear()
                await self._news.wait()


def open_session(token):
    """A context manager for a connection to where a game token leads."""
    host, port = token["quic"][0].rsplit(":", 1)
    configuration = QuicConfiguration(
        is_client=True,
        alpn_protocols=[ALPN],
        # Nobody has signed the certificate: it is known by its hash.
        verify_mode=ssl.CERT_NONE,
        max_datagram_frame_size=65_535,
        idle_timeout=20.0,
    )
    return connect(host.strip("[]"), int(port), configuration=configuration,
                   create_protocol=Session)


async def shake_hands(session, token):
    """Steps 1 to 8; what the server said: `Welcome` and `PlayerLoaded`."""
    session.check_pin(token["certificate_sha256"])
    content = int(token["content_hash"], 16)
    session.send("Hello", protocol=1, content_hash=content, client="independent/1 Python")
    welcome = await session.expect("Welcome")
    if (welcome["protocol"], welcome["content_hash"]) != (1, content):
        raise wire.Refused(f"a welcome to something else: {welcome}")
    session.send("Login", token=token["token"].encode())
    await session.expect("Authenticated")
    await session.expect("ClientIdAssigned")
    player = await session.expect("PlayerLoaded")
    session.send("SubscribeInputs")
    await session.expect("InputsSubscribed")
    return welcome, player
