//! Every file of `fuzz/corpus/` through its decoder: what fuzzing found once stays found, on
//! any compiler.

use std::fs;
use std::path::Path;

use orrery_proto::exercise::TARGETS;

#[test]
fn every_committed_input_is_harmless() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for (name, run) in TARGETS {
        let folder = corpus.join(name);
        let entries =
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        assert!(!paths.is_empty(), "{name} has a corpus");
        for path in paths {
            let bytes = fs::read(&path).unwrap();
            // The test's output names the file that panicked.
            println!("{}", path.display());
            run(&bytes);
        }
    }
}

#[test]
fn every_target_is_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/fuzz_targets");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .display()
                .to_string()
        })
        .collect();
    files.sort();
    let mut names: Vec<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    // The storage's own; its corpus is run there.
    names.push("beat_log".to_owned());
    names.sort();
    assert_eq!(files, names);
}
