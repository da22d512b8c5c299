//! Tether: a structure protects a ship that may dock in it and does nothing.
//!
//! in range (⚙ the docking ring and 10 km) of a structure where the pilot has docking rights, crewed,
//! without a weapons timer and not held by warp inhibition             docs/mechanics.md#tether
//! broken by: locking, leaving the range, launching fighters, a beacon, a siege mode, an area burst
//!
//! A tethered ship cannot be locked, takes no area damage, and is repaired. It can be pushed out
//! of range. Pure predicates; one bit per ship in a column.

/// What the rule looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Situation {
    /// The pilot may dock at the structure.
    pub has_docking_rights: bool,
    /// The ship is within the structure's tether range.
    pub is_in_range: bool,
    /// A pilot sits in the ship.
    pub is_crewed: bool,
    /// The pilot has a weapons timer.
    pub has_weapons_timer: bool,
    /// More warp inhibition than the ship's core holds.
    pub is_warp_blocked: bool,
    /// The structure has power and is not being destroyed.
    pub is_structure_working: bool,
}

/// Whether a ship may be tethered: the rule that begins a tether and without which it ends.
#[must_use]
pub const fn may_tether(situation: &Situation) -> bool {
    situation.has_docking_rights
        && situation.is_in_range
        && situation.is_crewed
        && situation.is_structure_working
        && !situation.has_weapons_timer
        && !situation.is_warp_blocked
}

/// What a pilot may do that concerns a tether.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    /// Starts to lock something.
    Lock,
    /// Launches fighters.
    LaunchFighters,
    /// Lights a beacon for jump drives.
    LightBeacon,
    /// Enters a mode that roots the ship: siege, triage, bastion.
    RootingMode,
    /// Fires a command burst.
    CommandBurst,
    /// Fires a burst that breaks locks around.
    SensorBurst,
    /// Launches or fires a bomb.
    AreaWeapon,
    /// Anything else: flying, harmless modules.
    Other,
}

/// What becomes of an act under a tether.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Consequence {
    /// It is done, and the tether holds.
    Holds,
    /// It is done, and the tether breaks.
    Breaks,
    /// It is refused.
    Refused,
}

/// What becomes of an act of a tethered ship.
#[must_use]
pub const fn consequence(act: Act) -> Consequence {
    match act {
        Act::Lock
        | Act::LaunchFighters
        | Act::LightBeacon
        | Act::RootingMode
        | Act::CommandBurst
        | Act::SensorBurst => Consequence::Breaks,
        Act::AreaWeapon => Consequence::Refused,
        Act::Other => Consequence::Holds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_condition_is_needed() {
        let held = Situation {
            has_docking_rights: true,
            is_in_range: true,
            is_crewed: true,
            is_structure_working: true,
            ..Situation::default()
        };
        assert!(may_tether(&held));
        let changes: [fn(&mut Situation); 6] = [
            |s| s.has_docking_rights = false,
            |s| s.is_in_range = false,
            |s| s.is_crewed = false,
            |s| s.is_structure_working = false,
            |s| s.has_weapons_timer = true,
            |s| s.is_warp_blocked = true,
        ];
        for change in changes {
            let mut situation = held;
            change(&mut situation);
            assert!(!may_tether(&situation), "{situation:?}");
        }
    }

    #[test]
    fn acts_have_their_consequences() {
        use Consequence::{Breaks, Holds, Refused};
        let acts = [
            (Act::Lock, Breaks),
            (Act::LaunchFighters, Breaks),
            (Act::LightBeacon, Breaks),
            (Act::RootingMode, Breaks),
            (Act::CommandBurst, Breaks),
            (Act::SensorBurst, Breaks),
            (Act::AreaWeapon, Refused),
            (Act::Other, Holds),
        ];
        for (act, want) in acts {
            assert_eq!(consequence(act), want, "{act:?}");
        }
    }
}
