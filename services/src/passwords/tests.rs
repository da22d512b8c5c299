use super::*;

/// The least that Argon2 takes, so that tests are quick.
const CHEAP: Cost = Cost {
    memory_kib: 8,
    passes: 1,
    lanes: 1,
};
const SALT: [u8; SALT_BYTES] = *b"0123456789abcdef";

fn hasher() -> Hasher {
    Hasher::new(CHEAP, &SALT).expect("valid parameters")
}

#[test]
fn a_hash_verifies_its_password_only() {
    let hasher = hasher();
    let hash = hasher.hash("correct horse battery", &SALT).expect("memory");
    assert!(
        hash.as_str().starts_with("$argon2id$v=19$m=8,t=1,p=1$"),
        "{}",
        hash.as_str()
    );
    assert!(hasher.verify("correct horse battery", &hash));
    assert!(!hasher.verify("correct horse batterz", &hash));
    assert!(!hasher.verify("", &hash));
    let stored = Hash::from_stored(hash.as_str().to_owned());
    assert!(hasher.verify("correct horse battery", &stored));
}

#[test]
fn salts_make_hashes_differ() {
    let hasher = hasher();
    let a = hasher.hash("correct horse battery", &SALT).expect("memory");
    let b = hasher
        .hash("correct horse battery", b"another salt 16B")
        .expect("memory");
    assert_ne!(a, b);
}

#[test]
fn rubbish_matches_nothing() {
    let hasher = hasher();
    for text in [
        "",
        "rubbish",
        "$argon2id$",
        "$argon2id$v=19$m=8,t=1,p=1$",
        "$scrypt$x$y",
    ] {
        assert!(
            !hasher.verify("", &Hash::from_stored(text.to_owned())),
            "{text}"
        );
    }
    assert!(
        !format!("{:?}", hasher.decoy()).contains("argon2id"),
        "hashes stay out of logs"
    );
}

#[test]
fn a_changed_cost_outdates_hashes() {
    let old = hasher()
        .hash("correct horse battery", &SALT)
        .expect("memory");
    let dearer = Hasher::new(Cost { passes: 2, ..CHEAP }, &SALT).expect("valid parameters");
    assert!(!hasher().is_outdated(&old));
    assert!(dearer.is_outdated(&old));
    // Verification goes by the hash's own parameters.
    assert!(dearer.verify("correct horse battery", &old));
}

#[test]
fn impossible_costs_are_refused() {
    let error = Hasher::new(
        Cost {
            memory_kib: 1,
            passes: 1,
            lanes: 1,
        },
        &SALT,
    )
    .expect_err("1 KiB");
    assert!(
        error
            .to_string()
            .starts_with("argon2 parameters memory 1 KiB"),
        "{error}"
    );
}

#[test]
fn weak_passwords_are_refused_with_advice() {
    assert_eq!(check("short", &[]), Err(PasswordError::TooShort));
    assert_eq!(check(&"a".repeat(257), &[]), Err(PasswordError::TooLong));
    for weak in [
        "password",
        "12345678",
        "qwertyuiop",
        "aaaaaaaaaa",
        "orreryorrery",
    ] {
        let error = check(weak, &[]).expect_err(weak);
        assert!(
            error
                .to_string()
                .starts_with("This password is too easy to guess."),
            "{error}"
        );
    }
    assert!(check("adalovelace", &["Ada Lovelace", "adalovelace"]).is_err());
    assert_eq!(check("violet comet drifts slowly", &["Ada"]), Ok(()));
}
