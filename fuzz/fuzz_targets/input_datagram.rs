//! One datagram upstream.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| orrery_proto::exercise::input_datagram(data));
