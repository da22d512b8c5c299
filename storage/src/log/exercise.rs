//! What the fuzz target does with its bytes, and the test that runs the committed corpus. It
//! panics where a promise is broken; bytes that are merely refused are fine.

use super::frame::codec;
use super::segment::Header;
use super::{BLOCK, Blocks, read};

/// Every decoder of the log: the bytes as a frame, as the content of a frame whose header and
/// sum are right, as a segment file of either form, and as the frames of a segment.
///
/// # Panics
///
/// If what was decoded does not survive another round.
pub fn exercise(data: &[u8]) {
    codec::exercise(data);
    let _ = read::frames_of(data.to_vec());
    let mut segment = Blocks::new();
    let header = Header { first: 1, chain: 0 };
    header.encode(&mut segment);
    let mut segment = segment.bytes().to_vec();
    segment.extend_from_slice(data);
    if let Ok(frames) = read::frames_of(segment) {
        assert!(frames.len() <= data.len().div_ceil(BLOCK));
    }
}
