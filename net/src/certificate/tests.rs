//! Certificates on disk.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::Tls;

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn a_development_certificate_is_kept_until_it_is_nearly_over() {
    let folder = tempfile::tempdir().unwrap();
    let now = SystemTime::now();
    let first = Certificate::development(folder.path(), now).unwrap();
    let mode = fs::metadata(folder.path().join(DEVELOPMENT_FILE))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(
        Certificate::development(folder.path(), now + 9 * DAY)
            .unwrap()
            .sha256(),
        first.sha256()
    );
    let second = Certificate::development(folder.path(), now + 11 * DAY).unwrap();
    assert_ne!(second.sha256(), first.sha256());
    // A clock that was set back past its beginning is a reason as well.
    let third = Certificate::development(folder.path(), now).unwrap();
    assert_ne!(third.sha256(), second.sha256());
}

#[test]
fn a_development_certificate_suits_browsers() {
    let folder = tempfile::tempdir().unwrap();
    let now = SystemTime::now();
    let certificate = Certificate::development(folder.path(), now).unwrap();
    assert!(certificate.is_acceptable_at(now));
    assert!(certificate.is_acceptable_at(now - CLOCK_SKEW / 2));
    assert!(certificate.is_acceptable_at(now + 12 * DAY));
    assert!(!certificate.is_acceptable_at(now + 13 * DAY));
    assert_eq!(certificate.chain().len(), 1);
    // The fingerprint is that of the whole certificate, as `openssl x509 -fingerprint` has it.
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate.chain()[0].as_ref());
    assert_eq!(digest.as_ref(), certificate.sha256());
    assert_eq!(
        Tls::new(&certificate).unwrap().certificate_sha256(),
        certificate.sha256()
    );
}

#[test]
fn a_damaged_one_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(DEVELOPMENT_FILE);
    let now = SystemTime::now();
    let good = Certificate::development(folder.path(), now).unwrap();
    let text = fs::read(&path).unwrap();
    for damaged in [
        &b""[..],
        b"nonsense",
        &text[..text.len() / 2],
        &text[..text.len() - 40],
    ] {
        fs::write(&path, damaged).unwrap();
        // A crash while writing leaves this behind.
        fs::write(path.with_extension("new"), b"half").unwrap();
        let fresh = Certificate::development(folder.path(), now).unwrap();
        assert_ne!(fresh.sha256(), good.sha256());
        assert!(Tls::new(&fresh).is_ok());
    }
}

#[test]
fn files_of_ones_own_are_read_and_their_faults_named() {
    let folder = tempfile::tempdir().unwrap();
    let made = Certificate::development(folder.path(), SystemTime::now()).unwrap();
    let file = folder.path().join(DEVELOPMENT_FILE);
    let read = Certificate::from_files(&file, &file).unwrap();
    assert_eq!(read.sha256(), made.sha256());
    let nowhere = folder.path().join("nowhere.pem");
    let error = Certificate::from_files(&nowhere, &file).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot read a certificate from "),
        "{error}"
    );
    let error = Certificate::from_files(&file, &nowhere).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot read a private key from "),
        "{error}"
    );
    let empty = folder.path().join("empty.pem");
    fs::write(&empty, "").unwrap();
    assert!(Certificate::from_files(&empty, &file).is_err());
}

#[test]
fn a_key_of_another_certificate_is_no_use() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for folder in [&one, &two] {
        Certificate::development(folder.path(), SystemTime::now()).unwrap();
    }
    let file = |folder: &tempfile::TempDir| folder.path().join(DEVELOPMENT_FILE);
    let mixed = Certificate::from_files(&file(&one), &file(&two)).unwrap();
    assert!(Tls::new(&mixed).is_err());
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error =
        Certificate::development(&folder.path().join("missing"), SystemTime::now()).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
}
