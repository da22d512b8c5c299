//! Frames and segments of the beat log.

#![no_main]
#![allow(dead_code, unreachable_pub, unused_imports, reason = "only the decoders run here")]

use libfuzzer_sys::fuzz_target;

#[path = "../../storage/src/batch.rs"]
mod batch;
#[path = "../../storage/src/domain.rs"]
mod domain;
#[path = "../../storage/src/log.rs"]
mod log;

use batch::{Batch, Operation};
use domain::Domain;

fuzz_target!(|data: &[u8]| log::exercise(data));
