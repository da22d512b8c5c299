//! A sequence of datagrams downstream, into one replica.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| orrery_proto::exercise::snapshot_bytes(data));
