//! A world, a lossy network and a client that the bytes drive: exact means exact.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| orrery_proto::exercise::snapshot_world(data));
