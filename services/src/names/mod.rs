//! Names of accounts and characters: which may be had, and when two are the same name.
//!
//! A [`Name`] is what the player typed in Unicode's NFKC form. It has 3 to 24 characters: letters
//! and digits that Unicode (UTS #39) recommends for identifiers, all of one script, beginning
//! with a letter; between two of them may stand one space, hyphen, full stop, underscore or
//! apostrophe.
//!
//! **Invariants**
//! - A `Name` is always valid: the only ways to one are [`Name::parse`] and a stored row.
//! - Two names are the same exactly when their [`Name::key`]s are equal. The key is built from
//!   normalisation and full case folding, which Unicode promises never to change for assigned
//!   characters, so that the unique index on disk outlives an update of the tables. Which *new*
//!   names are allowed may change; that is why the tables of UTS #39 are not part of the key.
//! - Names of one script only: no `а` (Cyrillic) in a Latin name. Within one script look-alikes
//!   remain possible (`Il`), as in every game.

use caseless::Caseless as _;
use unicode_normalization::UnicodeNormalization as _;
use unicode_security::{GeneralSecurityProfile as _, MixedScript as _};

/// Fewest characters (Unicode scalar values after normalisation) of a name.
pub const NAME_CHARACTERS_MIN: usize = 3;
/// Most characters of a name.
pub const NAME_CHARACTERS_MAX: usize = 24;
/// Most bytes of a name, which is what the wire has room for (`proto::message::MAX_NAME_BYTES`).
pub const NAME_BYTES_MAX: usize = 64;
/// Most bytes that a client may send as a name: longer input is refused before any Unicode
/// work. Compatibility characters may shrink or grow in NFKC, so this is generous.
pub const NAME_INPUT_BYTES_MAX: usize = 256;

/// Characters that may stand singly between two letters or digits.
const SEPARATORS: &[char] = &[' ', '-', '.', '_', '\''];

/// Why a name was refused. `Display` is a sentence for the player.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameError {
    /// Fewer than [`NAME_CHARACTERS_MIN`] characters.
    #[error("A name has at least {NAME_CHARACTERS_MIN} characters.")]
    TooShort,
    /// More than [`NAME_CHARACTERS_MAX`] characters.
    #[error("A name has at most {NAME_CHARACTERS_MAX} characters.")]
    TooLong,
    /// More than [`NAME_BYTES_MAX`] bytes, which only some scripts reach.
    #[error("A name has at most {NAME_BYTES_MAX} bytes; in this script that is fewer characters.")]
    TooManyBytes,
    /// A character that no name may have.
    #[error(
        "A name is made of letters and digits, with single spaces, hyphens, full stops, \
         underscores or apostrophes between them; {0:?} is not allowed."
    )]
    CharacterNotAllowed(char),
    /// The first character is not a letter.
    #[error("A name begins with a letter.")]
    MustBeginWithLetter,
    /// A separator at the end, or two in a row.
    #[error(
        "A space, hyphen, full stop, underscore or apostrophe stands alone between letters or digits."
    )]
    SeparatorMisplaced,
    /// Letters of more than one script.
    #[error("The letters of a name are all of one script.")]
    MixedScripts,
}

/// A valid name, in NFKC.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Name(String);

impl Name {
    /// Reads a name as a player typed it. Blanks around it are dropped.
    ///
    /// # Errors
    /// [`NameError`]: the first rule that the name breaks.
    pub fn parse(input: &str) -> Result<Self, NameError> {
        if input.len() > NAME_INPUT_BYTES_MAX {
            return Err(NameError::TooLong);
        }
        let name: String = input.trim().nfkc().collect();
        let count = name.chars().count();
        if count < NAME_CHARACTERS_MIN {
            return Err(NameError::TooShort);
        }
        if count > NAME_CHARACTERS_MAX {
            return Err(NameError::TooLong);
        }
        if name.len() > NAME_BYTES_MAX {
            return Err(NameError::TooManyBytes);
        }
        check_characters(&name)?;
        if !name.as_str().is_single_script() {
            return Err(NameError::MixedScripts);
        }
        Ok(Self(name))
    }

    /// Whether a stored name is in normal form and of an allowed length. Weaker than
    /// [`Name::parse`]: the tables of allowed characters change, names that exist stay.
    #[must_use]
    pub fn is_normal(stored: &str) -> bool {
        let count = stored.chars().count();
        (NAME_CHARACTERS_MIN..=NAME_CHARACTERS_MAX).contains(&count)
            && stored.len() <= NAME_BYTES_MAX
            && unicode_normalization::is_nfkc(stored)
    }

    /// The name as it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the unique index holds: equal for names that are the same name.
    #[must_use]
    pub fn key(&self) -> String {
        fold(&self.0)
    }
}

impl core::fmt::Display for Name {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Compatibility caseless folding, Unicode 3.13 definition D146. Total, so that whatever was
/// typed into a log-in form has a key too. Blanks around the text are dropped before and after:
/// the normal form of `¸` and its like begins with a space.
#[must_use]
pub fn fold(text: &str) -> String {
    let folded: String = text
        .trim()
        .nfd()
        .default_case_fold()
        .nfkd()
        .default_case_fold()
        .nfkc()
        .collect();
    folded.trim().to_owned()
}

fn check_characters(name: &str) -> Result<(), NameError> {
    let mut after_separator = true;
    for (index, character) in name.chars().enumerate() {
        if SEPARATORS.contains(&character) {
            if index == 0 {
                return Err(NameError::MustBeginWithLetter);
            }
            if after_separator {
                return Err(NameError::SeparatorMisplaced);
            }
            after_separator = true;
            continue;
        }
        if index == 0 && character.is_numeric() {
            return Err(NameError::MustBeginWithLetter);
        }
        // Identifier_Status is "allowed" for some punctuation too (the middle dot), and
        // combining marks count as part of the letter before them.
        let letter = character.is_alphanumeric()
            || (index > 0 && unicode_normalization::char::is_combining_mark(character));
        if !letter || !character.identifier_allowed() {
            return Err(NameError::CharacterNotAllowed(character));
        }
        after_separator = false;
    }
    if after_separator {
        return Err(NameError::SeparatorMisplaced);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
