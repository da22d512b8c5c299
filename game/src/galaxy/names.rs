//! Names of systems: syllables, each empire with sounds of its own. Letters are ASCII, so that
//! any name can be typed on any keyboard.

use orrery_base::rng::Rng;
use orrery_base::{EntityId, Tick};
use std::collections::BTreeSet;

const PURPOSE_NAME: u32 = 0x6e61_6d65;

/// The sounds of a language: a name is an onset and a vowel, then syllables in the middle, then
/// an ending.
struct Sounds {
    onsets: &'static [&'static str],
    vowels: &'static [&'static str],
    middles: &'static [&'static str],
    endings: &'static [&'static str],
}

/// One language per empire, taken round; the first is that of nobody's space.
const LANGUAGES: [Sounds; 5] = [
    Sounds {
        onsets: &[
            "b", "br", "c", "d", "dr", "f", "g", "h", "k", "kr", "l", "m", "n", "p", "r", "s",
            "st", "t", "tr", "v", "w", "z",
        ],
        vowels: &["a", "e", "i", "o", "u", "ae", "oa"],
        middles: &[
            "ld", "rk", "n", "m", "st", "g", "v", "rr", "nd", "sk", "l", "th",
        ],
        endings: &[
            "ack", "en", "ow", "ast", "ix", "um", "ell", "ond", "urn", "ey", "ath", "im",
        ],
    },
    Sounds {
        onsets: &[
            "v", "s", "sh", "l", "m", "n", "r", "y", "th", "el", "is", "f", "h", "al",
        ],
        vowels: &["e", "a", "i", "ea", "ia", "ei", "y"],
        middles: &[
            "l", "r", "sh", "n", "v", "th", "m", "ss", "ll", "ry", "nd", "s",
        ],
        endings: &[
            "ara", "iel", "een", "ais", "oria", "ys", "enne", "ia", "esh", "uin", "ora", "il",
        ],
    },
    Sounds {
        onsets: &[
            "k", "t", "kh", "g", "d", "dr", "gr", "kr", "z", "tz", "b", "r", "skar", "vr",
        ],
        vowels: &["a", "o", "u", "aa", "e"],
        middles: &[
            "rk", "gg", "rd", "z", "kt", "r", "lk", "zd", "rg", "dd", "k", "nk",
        ],
        endings: &[
            "ak", "or", "uln", "ath", "ur", "okh", "ard", "ez", "unn", "ag", "orr", "em",
        ],
    },
    Sounds {
        onsets: &[
            "t", "m", "n", "k", "h", "w", "p", "l", "r", "tau", "mo", "ke", "wa", "s",
        ],
        vowels: &["a", "o", "u", "i", "e", "ai", "au"],
        middles: &["n", "k", "m", "l", "t", "r", "h", "p", "w", "s", "nu", "ka"],
        endings: &[
            "ani", "oa", "uru", "ika", "amu", "eho", "una", "ako", "ali", "ewa", "oro", "ini",
        ],
    },
    Sounds {
        onsets: &[
            "j", "v", "p", "kv", "st", "h", "l", "m", "ol", "sv", "br", "fj", "gl", "n",
        ],
        vowels: &["o", "y", "i", "e", "a", "u", "ja"],
        middles: &[
            "rn", "lm", "kk", "v", "st", "nn", "rd", "lv", "gn", "ft", "sk", "tt",
        ],
        endings: &[
            "vik", "nes", "dal", "heim", "und", "ar", "oy", "by", "stad", "fell", "mar", "li",
        ],
    },
];

/// What no name may contain, in any language that its players are likely to speak.
const UNWANTED: [&str; 20] = [
    "anal", "anus", "arsch", "ass", "bitch", "cock", "cum", "cunt", "dick", "fag", "fick", "fuck",
    "hitler", "kkk", "nazi", "nig", "penis", "rape", "shit", "slut",
];

/// Unique names of systems held by these empires (numbers, zero for nobody).
pub(super) fn names(holders: &[u8], seed: u64) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let name = |(system, &holder): (usize, &u8)| {
        let mut rng = Rng::new(seed, Tick(0), EntityId(system as u64 + 1), PURPOSE_NAME);
        let language = match holder {
            0 => &LANGUAGES[0],
            empire => &LANGUAGES[1 + (usize::from(empire) - 1) % (LANGUAGES.len() - 1)],
        };
        let mut tries = 0;
        loop {
            // Names grow when short ones run out: there are always more of the longer ones.
            let name = draw(&mut rng, language, tries / 8);
            let wanted = !UNWANTED
                .iter()
                .any(|unwanted| name.to_lowercase().contains(unwanted));
            if wanted && taken.insert(name.clone()) {
                return name;
            }
            tries += 1;
        }
    };
    holders.iter().enumerate().map(name).collect()
}

fn draw(rng: &mut Rng, sounds: &Sounds, more: u32) -> String {
    let mut pick = |from: &[&'static str]| from[rng.below(from.len() as u32) as usize];
    let mut name = String::from(pick(sounds.onsets));
    if name.ends_with(['a', 'e', 'i', 'o', 'u']) {
        name.push_str(pick(sounds.middles));
    }
    name.push_str(pick(sounds.vowels));
    let long = pick(&["", "", "x"]) == "x";
    for _ in 0..more + u32::from(long) {
        name.push_str(pick(sounds.middles));
        name.push_str(pick(sounds.vowels));
    }
    name.push_str(pick(sounds.middles));
    name.push_str(pick(sounds.endings));
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

/// A number as Roman numerals, for planets. Empty for zero.
pub(super) fn roman(mut number: u32) -> String {
    const NUMERALS: [(u32, &str); 9] = [
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let mut roman = String::new();
    for (value, numeral) in NUMERALS {
        while number >= value {
            roman.push_str(numeral);
            number -= value;
        }
    }
    roman
}
