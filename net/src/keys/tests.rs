//! Keys on disk.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// What can be seen of the keys: a signature, and the key of the connection ids.
fn seen(keys: &EdgeKeys) -> ([u8; 32], [u8; 16]) {
    let mut signature = [0; 32];
    keys.reset.sign(b"data", &mut signature);
    (signature, keys.connection_id)
}

#[test]
fn keys_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let first = EdgeKeys::load_or_create(folder.path()).unwrap();
    let second = EdgeKeys::load_or_create(folder.path()).unwrap();
    assert_eq!(seen(&first), seen(&second));
    let mode = fs::metadata(folder.path().join(KEYS_FILE))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_ne!(seen(&EdgeKeys::random().unwrap()), seen(&first));
}

#[test]
fn damaged_keys_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let first = EdgeKeys::load_or_create(folder.path()).unwrap();
    let path = folder.path().join(KEYS_FILE);
    let good = fs::read(&path).unwrap();
    let mut other = good.clone();
    other[0] ^= 1;
    for damaged in [&b""[..], &good[..good.len() - 1], &other] {
        fs::write(&path, damaged).unwrap();
        assert_ne!(
            seen(&EdgeKeys::load_or_create(folder.path()).unwrap()),
            seen(&first)
        );
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = EdgeKeys::load_or_create(&folder.path().join("missing")).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
}

#[test]
fn secrets_are_not_printed() {
    assert_eq!(
        format!("{:?}", EdgeKeys::random().unwrap()),
        "EdgeKeys(secret)"
    );
}
