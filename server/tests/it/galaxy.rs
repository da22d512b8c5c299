//! `orrery galaxy` and `orrery content`, as a user runs them.

use std::process::Command;

use crate::process::{binary, content_folder};

fn run(arguments: &[&str]) -> (bool, String) {
    // Only what the command says, not what is logged.
    let mut command = Command::new(binary());
    let output = command.args(["--log", "error"]).args(arguments).output();
    let output = output.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn the_same_seed_gives_the_same_galaxy_and_a_map() {
    let folder = tempfile::tempdir().unwrap();
    let digest = |name: &str, seed: &str| {
        let data = folder.path().join(name);
        let data = data.to_str().unwrap();
        let pack = format!("{data}/content.pack");
        let (ok, text) = run(&[
            "content",
            "compile",
            "--source",
            content_folder(),
            "--out",
            &pack,
        ]);
        assert!(ok, "{text}");
        let generate = [
            "galaxy",
            "generate",
            "--data",
            data,
            "--systems",
            "30",
            "--gates",
            "2..3",
            "--seed",
            seed,
        ];
        let (ok, text) = run(&generate);
        assert!(ok, "{text}");
        let (ok, again) = run(&generate);
        assert!(!ok && again.contains("--replace"), "{again}");
        text.lines().last().unwrap().to_owned()
    };
    assert_eq!(digest("a", "7"), digest("b", "7"));
    assert_ne!(digest("c", "8"), digest("d", "7"));
    let map = folder.path().join("map.svg");
    let data = folder.path().join("a");
    let show = [
        "galaxy",
        "show",
        "--data",
        data.to_str().unwrap(),
        "--svg",
        map.to_str().unwrap(),
    ];
    let (ok, text) = run(&show);
    assert!(ok && text.lines().count() > 30, "{text}");
    assert!(std::fs::read_to_string(map).unwrap().starts_with("<svg"));
}

#[test]
fn bad_input_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("content");
    std::fs::create_dir(&source).unwrap();
    std::fs::write(source.join("ships.toml"), "\n\n[[ship]]\nid = \"one\"\n").unwrap();
    let out = folder.path().join("x.pack");
    let (ok, text) = run(&[
        "content",
        "compile",
        "--source",
        source.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ]);
    assert!(!ok && text.contains("ships.toml:4"), "{text}");
    // A file where a folder should be: nobody can write below it, not even root.
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let data = file.join("data");
    let (ok, text) = run(&["galaxy", "generate", "--data", data.to_str().unwrap()]);
    assert!(!ok && text.contains("create data folder"), "{text}");
    let missing = folder.path().join("nothing");
    let (ok, text) = run(&[
        "serve",
        "--port",
        "0",
        "--http",
        "127.0.0.1:0",
        "--data",
        missing.to_str().unwrap(),
    ]);
    assert!(!ok && text.contains("orrery content compile"), "{text}");
    let (ok, text) = run(&[
        "galaxy",
        "generate",
        "--systems",
        "0",
        "--data",
        data.to_str().unwrap(),
    ]);
    assert!(!ok && !text.is_empty(), "{text}");
}
