//! Makes one module of `kernel/src/ring.rs` as it is, and one per planted fault, each with the
//! models of `src/models.rs` over it.
//!
//! The text of the ring is taken whole, but for its two file modules: `sync` becomes this crate's,
//! which is loom's, and `tests` stays at home. A fault is a piece of that text and what stands in
//! its place; a piece that is not found exactly as often as said fails the build, so that a
//! change of the ring cannot make a fault disappear unnoticed.

use std::path::PathBuf;
use std::{env, fs};

const RING: &str = "../kernel/src/ring.rs";
const MODELS: &str = "src/models.rs";

/// Name, text, how often it occurs, what stands there instead.
const FAULTS: [(&str, &str, usize, &str); 14] = [
    (
        "the_producer_publishes_without_release",
        "tail.store(self.tail, Ordering::Release)",
        1,
        "tail.store(self.tail, Ordering::Relaxed)",
    ),
    (
        "the_consumer_looks_without_acquire",
        "tail.load(Ordering::Acquire)",
        1,
        "tail.load(Ordering::Relaxed)",
    ),
    (
        "the_consumer_gives_back_without_release",
        "head.store(self.head, Ordering::Release)",
        1,
        "head.store(self.head, Ordering::Relaxed)",
    ),
    (
        "the_producer_looks_without_acquire",
        "head.load(Ordering::Acquire)",
        1,
        "head.load(Ordering::Relaxed)",
    ),
    (
        "closing_without_release",
        "is_closed.store(true, Ordering::Release)",
        2,
        "is_closed.store(true, Ordering::Relaxed)",
    ),
    (
        "seeing_the_close_without_acquire",
        "is_closed.load(Ordering::Acquire)",
        2,
        "is_closed.load(Ordering::Relaxed)",
    ),
    (
        "slots_are_given_back_before_they_are_read",
        "let value = self.take();\n        self.release();",
        1,
        "self.head = self.head.wrapping_add(1);\n        self.release();\n        \
         self.head = self.head.wrapping_sub(1);\n        let value = self.take();",
    ),
    (
        "one_more_fits_than_fits",
        "let mut free = self.capacity() - ",
        1,
        "let mut free = self.capacity() + 1 - ",
    ),
    (
        "a_batch_is_never_published",
        "self.0.publish();",
        1,
        "let _ = &self.0;",
    ),
    (
        "a_batch_is_never_given_back",
        "self.0.release();",
        1,
        "let _ = &self.0;",
    ),
    (
        "a_value_is_read_twice",
        "self.head = index.wrapping_add(1);",
        1,
        "self.head = index.wrapping_add(index & 1);",
    ),
    (
        "what_is_undelivered_is_never_dropped",
        "unsafe { (*slot).assume_init_drop() }",
        1,
        "let _ = slot;",
    ),
    (
        "undelivered_values_end_where_the_numbers_end",
        "while index != tail",
        1,
        "while index < tail",
    ),
    (
        "the_consumer_counts_as_if_nothing_wrapped",
        "available = self.tail_seen.wrapping_sub(self.head);",
        2,
        "available = self.tail_seen.saturating_sub(self.head);",
    ),
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={RING}");
    let ring = fs::read_to_string(RING).expect("the ring is part of the checkout");
    let ring = replaced(&ring, "module", "\nmod sync;\n", 1, "\nuse crate::sync;\n");
    let ring = replaced(&ring, "tests", "#[cfg(test)]\nmod tests;\n", 1, "");

    let mut out = module("faithful", &ring);
    let mut table = String::new();
    for (name, text, count, instead) in FAULTS {
        out += &module(name, &replaced(&ring, name, text, count, instead));
        table += &format!("    (\"{name}\", {name}::models::ALL),\n");
    }
    out += &format!(
        "/// Every planted fault, with the models over the faulty ring.\n\
         pub const FAULTS: &[(&str, &[Model])] = &[\n{table}];\n"
    );
    let folder = env::var_os("OUT_DIR").expect("cargo says where to write");
    fs::write(PathBuf::from(folder).join("rings.rs"), out).expect("cargo made this folder");
}

fn replaced(text: &str, name: &str, from: &str, count: usize, to: &str) -> String {
    let found = text.matches(from).count();
    assert!(
        found == count,
        "{name}: {RING} has {found} times, not {count} times: {from:?}; adapt verify/build.rs"
    );
    text.replace(from, to)
}

fn module(name: &str, ring: &str) -> String {
    let here = env::var("CARGO_MANIFEST_DIR").expect("cargo says where this is");
    format!(
        "/// A ring and the models over it.\n\
         pub mod {name} {{\n\
         pub mod ring {{\n{ring}\n}}\n\
         /// The models.\n\
         pub mod models {{ include!(\"{here}/{MODELS}\"); }}\n\
         }}\n"
    )
}
