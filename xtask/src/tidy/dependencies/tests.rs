use super::check;
use crate::tidy::Workspace;
use crate::tidy::tests::{package, shown};
use crate::tidy::workspace::Purpose;

#[test]
fn an_arrow_that_points_up_is_found_on_its_line() {
    let manifest = "[dependencies]\norrery-kernel.workspace = true\n";
    let workspace = Workspace::of(
        &[("game/Cargo.toml", manifest)],
        vec![
            package("base", &[]),
            package("game", &["orrery-base", "orrery-kernel"]),
            package("kernel", &["orrery-base"]),
        ],
    );
    assert_eq!(
        shown(&check(&workspace)),
        ["game/Cargo.toml:2: game/ may not depend on kernel/ (it may use: base, spatial)"]
    );
}

#[test]
fn tests_obey_the_directions_too() {
    let mut net = package("net", &["orrery-client"]);
    net.dependencies[0].purpose = Purpose::Test;
    let workspace = Workspace::of(&[], vec![package("client", &[]), net]);
    assert_eq!(check(&workspace).len(), 1);
}

#[test]
fn the_server_may_use_everything_but_tools() {
    let workspace = Workspace::of(
        &[],
        vec![
            package("client", &[]),
            package("benches", &["orrery-server"]),
            package("server", &["orrery-client", "orrery-benches"]),
        ],
    );
    assert_eq!(
        shown(&check(&workspace)),
        ["server/Cargo.toml:1: server/ may not depend on benches/ \
          (it may use: anything but sim, benches, xtask)"]
    );
}

#[test]
fn peers_stay_in_the_benches_and_engines_behind_their_fences() {
    let manifest = "[dependencies]\nhecs.workspace = true\nrocksdb = \"1\"\n";
    let workspace = Workspace::of(
        &[("kernel/Cargo.toml", manifest)],
        vec![
            package("benches", &["hecs"]),
            package("kernel", &["hecs", "rocksdb", "glommio"]),
            package("storage", &["rocksdb"]),
        ],
    );
    assert_eq!(
        shown(&check(&workspace)),
        [
            "kernel/Cargo.toml:2: kernel/ may not depend on hecs: a peer that the benches \
             measure us against; nothing else may use it",
            "kernel/Cargo.toml:3: kernel/ may not depend on rocksdb: only storage/ knows RocksDB; \
             benches/ measure against it",
        ]
    );
}

#[test]
fn inside_the_kernel_only_the_runtime_names_glommio() {
    let workspace = Workspace::of(
        &[
            ("kernel/src/runtime.rs", "use glommio::Task;\n"),
            ("kernel/src/runtime/timer.rs", "use glommio::timer;\n"),
            (
                "kernel/src/grid.rs",
                "// not glommio::Task\nuse glommio::Task;\n",
            ),
        ],
        Vec::new(),
    );
    assert_eq!(
        shown(&check(&workspace)),
        ["kernel/src/grid.rs:2: glommio may be named only under kernel/src/runtime"]
    );
}

#[test]
fn an_unknown_crate_needs_a_row_in_the_table() {
    let workspace = Workspace::of(&[], vec![package("extra", &[])]);
    assert!(
        check(&workspace)[0]
            .reason
            .contains("the table of directions")
    );
}
