//! What a client reads from a control stream, in pieces.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| orrery_proto::exercise::server_stream(data));
