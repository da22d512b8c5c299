//! Reading and writing single bits.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| orrery_proto::exercise::bits(data));
