//! Frames and segments of the beat log. Its files are compiled into this target, because
//! `orrery-storage` would bring RocksDB and twenty minutes of C++.

#![no_main]
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "only the decoders run here"
)]

use libfuzzer_sys::fuzz_target;

#[rustfmt::skip]
#[path = "../../storage/src/batch.rs"]
mod batch;
#[rustfmt::skip]
#[path = "../../storage/src/domain.rs"]
mod domain;
#[rustfmt::skip]
#[path = "../../storage/src/log/mod.rs"]
mod log;

use batch::{Batch, Operation};
use domain::Domain;

fuzz_target!(|data: &[u8]| log::exercise(data));
