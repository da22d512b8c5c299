use proptest::prelude::*;

use super::*;

fn key(input: &str) -> String {
    Name::parse(input).expect("a valid name").key()
}

#[test]
fn ordinary_names_are_allowed() {
    for name in [
        "Ada",
        "Ada Lovelace",
        "O'Brien-Smith",
        "x_1",
        "Jürgen Größe",
        "Ζωή",
        "Наташа",
        "山田太郎",
        "ひらがなとカタカナ",
        "김철수",
        "नमस्ते",
        "שלום",
    ] {
        assert_eq!(
            Name::parse(name).map(|name| name.to_string()),
            Ok(name.to_owned())
        );
    }
}

#[test]
fn each_rule_has_its_refusal() {
    let cases = [
        ("", NameError::TooShort),
        ("  ab  ", NameError::TooShort),
        ("abcdefghijklmnopqrstuvwxy", NameError::TooLong),
        ("7of9", NameError::MustBeginWithLetter),
        ("-abc", NameError::MustBeginWithLetter),
        ("abc-", NameError::SeparatorMisplaced),
        ("a--b", NameError::SeparatorMisplaced),
        ("a  b", NameError::SeparatorMisplaced),
        ("ab/c", NameError::CharacterNotAllowed('/')),
        ("ab\u{200b}c", NameError::CharacterNotAllowed('\u{200b}')),
        ("ab\u{202e}c", NameError::CharacterNotAllowed('\u{202e}')),
        ("ab\nc", NameError::CharacterNotAllowed('\n')),
        ("ab🚀", NameError::CharacterNotAllowed('🚀')),
        ("\u{301}abc", NameError::CharacterNotAllowed('\u{301}')),
        ("p\u{430}ypal", NameError::MixedScripts),
    ];
    for (input, expected) in cases {
        assert_eq!(Name::parse(input), Err(expected), "{input:?}");
    }
    assert_eq!(Name::parse(&"山".repeat(22)), Err(NameError::TooManyBytes));
    assert_eq!(
        Name::parse(&"a".repeat(NAME_INPUT_BYTES_MAX + 1)),
        Err(NameError::TooLong)
    );
}

#[test]
fn the_same_name_in_other_clothes_has_the_same_key() {
    assert_eq!(key("Ada Lovelace"), key("ADA lovelace"));
    assert_eq!(key("  Ada  "), key("ada"));
    // Full width, ligature, composed and decomposed, sharp s, final sigma.
    assert_eq!(key("Ａｄａ"), key("ada"));
    assert_eq!(key("of\u{fb01}ce"), key("office"));
    assert_eq!(key("Jürgen"), key("Ju\u{308}rgen"));
    assert_eq!(key("Straße"), key("STRASSE"));
    assert_eq!(key("ΟΔΥΣΣΕΥΣ"), key("οδυσσευς"));
    assert_ne!(key("Ada"), key("Adah"));
}

proptest! {
    #[test]
    fn parsing_never_panics_and_is_idempotent(input in "\\PC{0,40}|.{0,40}") {
        if let Ok(name) = Name::parse(&input) {
            let count = name.as_str().chars().count();
            prop_assert!((NAME_CHARACTERS_MIN..=NAME_CHARACTERS_MAX).contains(&count));
            let again = Name::parse(name.as_str());
            prop_assert_eq!(again.as_ref(), Ok(&name));
            prop_assert!(!name.as_str().chars().any(char::is_control));
        }
    }

    #[test]
    fn folding_is_idempotent(input in ".{0,40}") {
        let folded = fold(&input);
        prop_assert_eq!(fold(&folded), folded);
    }

    #[test]
    fn case_never_makes_another_name(input in "[A-Za-zÀ-ÖØ-öø-ÿ]{3,24}") {
        let name = Name::parse(&input).expect("Latin letters");
        for other in [input.to_uppercase(), input.to_lowercase()] {
            // Upper case of ß is two letters, so the other spelling may be too long to be had.
            if let Ok(other) = Name::parse(&other) {
                prop_assert_eq!(name.key(), other.key());
            }
        }
    }
}
