//! Safety levels: what a pilot's own ship refuses to do, so that nobody commits a crime by mistake.
//!
//! green: no suspect and no criminal act; yellow: suspect acts; red: everything
//!                                                                    docs/mechanics.md#safety

/// How much a pilot allows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
#[repr(u8)]
pub enum SafetyLevel {
    /// Nothing unlawful.
    #[default]
    Green = 0,
    /// What makes a suspect.
    Yellow = 1,
    /// Everything.
    Red = 2,
}

/// What an act makes of who commits it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Legality {
    /// Nothing.
    Lawful = 0,
    /// A suspect.
    Suspect = 1,
    /// A criminal.
    Criminal = 2,
}

/// Whether a ship at this level does the act.
#[must_use]
pub const fn allows(level: SafetyLevel, act: Legality) -> bool {
    act as u8 <= level as u8
}

/// Who an attack is aimed at, in the eyes of the law.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Target {
    /// A suspect, a criminal or an outlaw.
    pub is_fair_game: bool,
    /// The two have a limited engagement, a duel, or are at war.
    pub may_fight: bool,
    /// Belongs to nobody, or to the aggressor.
    pub is_free: bool,
}

/// What an attack makes of the aggressor. `is_lawful_space`: the police protect (high security);
/// `is_empire_space`: low security, where an attack on a ship makes a suspect and one on a capsule
/// a criminal; elsewhere there is no law.
#[must_use]
pub const fn of_attack(
    target: Target,
    is_lawful_space: bool,
    is_empire_space: bool,
    is_capsule: bool,
) -> Legality {
    if target.is_fair_game || target.may_fight || target.is_free {
        Legality::Lawful
    } else if is_lawful_space || (is_empire_space && is_capsule) {
        Legality::Criminal
    } else if is_empire_space {
        Legality::Suspect
    } else {
        Legality::Lawful
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_allow_what_they_say() {
        use Legality::{Criminal, Lawful, Suspect};
        for (level, most) in [
            (SafetyLevel::Green, Lawful),
            (SafetyLevel::Yellow, Suspect),
            (SafetyLevel::Red, Criminal),
        ] {
            for act in [Lawful, Suspect, Criminal] {
                assert_eq!(allows(level, act), act <= most, "{level:?} {act:?}");
            }
        }
    }

    #[test]
    fn the_law_depends_on_the_place() {
        let innocent = Target::default();
        assert_eq!(of_attack(innocent, true, true, false), Legality::Criminal);
        assert_eq!(of_attack(innocent, false, true, false), Legality::Suspect);
        assert_eq!(of_attack(innocent, false, true, true), Legality::Criminal);
        assert_eq!(of_attack(innocent, false, false, true), Legality::Lawful);
        for target in [
            Target {
                is_fair_game: true,
                ..innocent
            },
            Target {
                may_fight: true,
                ..innocent
            },
            Target {
                is_free: true,
                ..innocent
            },
        ] {
            assert_eq!(of_attack(target, true, true, true), Legality::Lawful);
        }
    }
}
