//! What happens to a batch when the kernel refuses to segment half-way through it.

use core::net::SocketAddr;

use quinn_proto::Transmit;

use super::*;

fn batch_of(entries: &[(usize, Option<usize>)]) -> TransmitBatch {
    let mut batch = TransmitBatch::new(entries.len());
    for &(size, segment_size) in entries {
        batch.fill(|bytes| {
            bytes.resize(size, 0);
            let destination = SocketAddr::from(([127, 0, 0, 1], 1));
            Some(Transmit {
                destination,
                ecn: None,
                size,
                segment_size,
                src_ip: None,
            })
        });
    }
    batch
}

#[test]
fn the_rest_of_a_batch_is_split_into_its_datagrams() {
    let batch = batch_of(&[(2_500, Some(1_000)), (700, None), (2_000, Some(1_000))]);
    let mut messages = Vec::new();
    for (entry, outgoing) in batch.entries().iter().enumerate() {
        push_messages(&mut messages, entry, outgoing, true);
    }
    let counts: Vec<_> = messages
        .iter()
        .map(|message| datagrams_of(&batch, message))
        .collect();
    assert_eq!(counts, [3, 1, 2]);
    // The first one is gone already.
    split_messages(&mut messages, 1, &batch);
    let parts: Vec<_> = messages.iter().map(|m| (m.entry, m.start, m.end)).collect();
    assert_eq!(
        parts,
        [(0, 0, 2_500), (1, 0, 700), (2, 0, 1_000), (2, 1_000, 2_000)]
    );
    assert!(
        messages[1..]
            .iter()
            .all(|message| datagrams_of(&batch, message) == 1)
    );
    // From the start, with a short last one.
    split_messages(&mut messages, 0, &batch);
    let parts: Vec<_> = messages.iter().map(|m| (m.entry, m.start, m.end)).collect();
    assert_eq!(
        parts[..3],
        [(0, 0, 1_000), (0, 1_000, 2_000), (0, 2_000, 2_500)]
    );
}
