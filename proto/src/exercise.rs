//! What the fuzz targets do with their bytes, and the test that runs the committed corpus: one
//! function for each decoder. They panic where a promise is broken, so that either runner sees
//! it; bytes that are merely refused are fine.

mod world;

pub use world::snapshot_world;

use crate::bits::{BitReader, BitWriter};
use crate::input::{InputDatagram, MAX_INPUT_BYTES};
use crate::message::{ClientMessage, FrameDecoder, MAX_MESSAGE_BYTES, ServerMessage};
use crate::snapshot::{Replica, SnapshotError};

/// A fuzz target's name and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target, with the names of `fuzz/fuzz_targets/` and `fuzz/corpus/`.
pub const TARGETS: [Target; 6] = [
    ("bits", bits),
    ("client_stream", client_stream),
    ("server_stream", server_stream),
    ("input_datagram", input_datagram),
    ("snapshot_bytes", snapshot_bytes),
    ("snapshot_world", snapshot_world),
];

/// Reads as the first bytes say, from the rest; what was read is written and must be the same.
pub fn bits(data: &[u8]) {
    let (plan, bytes) = data.split_at(data.len() / 3);
    let mut reader = BitReader::new(bytes);
    let mut writer = BitWriter::new();
    for &step in plan {
        let before = reader.position();
        if step & 0x80 != 0 {
            match reader.read_varint() {
                Ok(Some(value)) => {
                    let mut again = BitWriter::new();
                    again.write_varint(value);
                    assert_eq!(
                        again.bits(),
                        reader.position() - before,
                        "varints are canonical"
                    );
                    writer.write_varint(value);
                }
                Ok(None) | Err(_) => return,
            }
        } else {
            let count = u32::from(step) % 65;
            let Ok(value) = reader.read(count) else {
                assert_eq!(reader.position(), before, "a failed read consumes nothing");
                assert!(
                    u64::from(count) > reader.remaining(),
                    "reads fail only at the end"
                );
                return;
            };
            writer.write(value, count);
        }
    }
    let mut copy = Vec::new();
    writer.copy_into(&mut copy);
    let read = reader.position();
    assert_eq!(read, writer.bits(), "what was read is what was written");
    for (index, (&a, &b)) in copy.iter().zip(bytes).enumerate() {
        let valid = (read - index as u64 * 8).min(8) as u32;
        assert_eq!(a, b & (0xff_u16 >> (8 - valid)) as u8, "bit for bit");
    }
}

/// The first byte says in which pieces the stream arrives.
fn frames(data: &[u8], mut message: impl FnMut(&[u8])) {
    let Some((&piece, stream)) = data.split_first() else {
        return;
    };
    let mut decoder = FrameDecoder::new();
    for bytes in stream.chunks(usize::from(piece).max(1)) {
        decoder.push(bytes);
        loop {
            match decoder.poll() {
                Ok(Some(frame)) => {
                    assert!(frame.len() <= MAX_MESSAGE_BYTES, "frames have a limit");
                    message(frame);
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.poll(), Err(error), "an error is for ever");
                    return;
                }
            }
        }
        assert!(
            decoder.waiting_bytes() <= MAX_MESSAGE_BYTES + 3,
            "less than one frame waits"
        );
    }
}

/// What a server reads.
pub fn client_stream(data: &[u8]) {
    frames(data, |frame| {
        if let Ok(message) = ClientMessage::decode(frame) {
            let again = message.to_frame();
            let body = body(&again);
            assert_eq!(
                ClientMessage::decode(body).as_ref(),
                Ok(&message),
                "a message that was read can be written and read"
            );
        }
    });
}

/// What a client reads.
pub fn server_stream(data: &[u8]) {
    frames(data, |frame| {
        if let Ok(message) = ServerMessage::decode(frame) {
            let again = message.to_frame();
            let body = body(&again);
            assert_eq!(
                ServerMessage::decode(body).as_ref(),
                Ok(&message),
                "a message that was read can be written and read"
            );
        }
    });
}

/// A frame without its length.
fn body(frame: &[u8]) -> &[u8] {
    let prefix = frame.iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
    &frame[prefix..]
}

/// One datagram upstream.
pub fn input_datagram(data: &[u8]) {
    if let Ok(datagram) = InputDatagram::decode(data) {
        let mut again = Vec::new();
        datagram.encode(&mut again);
        assert!(again.len() <= MAX_INPUT_BYTES, "datagrams have a limit");
        assert!(data.starts_with(&again), "there is one encoding");
        for input in datagram.inputs() {
            let _ = input.is_valid();
        }
    }
}

/// Datagrams downstream, each behind two bytes of length, into one replica.
pub fn snapshot_bytes(data: &[u8]) {
    let mut replica = Replica::new();
    for datagram in datagrams(data) {
        let before = (replica.tick(), replica.entities().count());
        match replica.decode(datagram) {
            Ok(applied) => {
                assert_eq!(replica.tick(), Some(applied.tick), "applied is the newest");
                let exact = replica
                    .entities()
                    .filter(|entity| replica.is_exact(entity))
                    .inspect(|entity| assert!(entity.motion().is_valid(), "the law's ranges"))
                    .count();
                assert_eq!(exact, applied.exact, "what is exact is shown");
                assert!(
                    replica
                        .acknowledgement()
                        .is_some_and(|ack| ack.contains(applied.tick))
                );
            }
            Err(error) => {
                let after = (replica.tick(), replica.entities().count());
                assert_eq!(before, after, "a refused snapshot changes nothing: {error}");
                let _: bool = SnapshotError::is_harmless(&error);
            }
        }
    }
}

/// Cuts data into pieces, each behind two bytes of length; the last one may be short.
pub fn datagrams(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = data.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        let (datagram, rest) = rest.split_at(length);
        data = rest;
        Some(datagram)
    })
}
