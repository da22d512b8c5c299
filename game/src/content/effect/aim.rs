//! When effects take place, and what they are aimed at.

use super::Effect;

/// When what an effect does takes place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Landing {
    /// Never: the module is passive.
    Never,
    /// At the start of each cycle.
    Start,
    /// At the end of each cycle.
    End,
    /// From the start of the first cycle to the end of the last.
    Whole,
}

/// What an effect is aimed at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Aim {
    /// The own ship, or nothing at all.
    Own,
    /// A ship or another locked thing.
    Target,
    /// A locked rock.
    Rock,
    /// A locked wreck or container.
    Wreck,
    /// Everything within a radius.
    Around,
}

impl Effect {
    /// When what it does takes place.
    #[must_use]
    pub const fn landing(&self) -> Landing {
        match self {
            Self::Passive => Landing::Never,
            Self::ArmourRepairer { .. }
            | Self::HullRepairer { .. }
            | Self::RemoteArmour { .. }
            | Self::RemoteHull { .. }
            | Self::MiningLaser { .. }
            | Self::Salvager { .. } => Landing::End,
            Self::Turret { .. }
            | Self::Launcher { .. }
            | Self::BombLauncher { .. }
            | Self::ShieldBooster { .. }
            | Self::RemoteShield { .. }
            | Self::RemoteCapacitor { .. }
            | Self::JammerBurst { .. }
            | Self::Neutraliser { .. }
            | Self::Nosferatu { .. }
            | Self::NeutraliserBurst { .. }
            | Self::SmartBomb { .. }
            | Self::InterdictionLauncher
            | Self::ProbeLauncher => Landing::Start,
            _ => Landing::Whole,
        }
    }

    /// What it is aimed at. A bubble generator whose script gives it a strength needs a target.
    #[must_use]
    pub const fn aim(&self) -> Aim {
        match self {
            Self::MiningLaser { .. } => Aim::Rock,
            Self::Tractor { .. } | Self::Salvager { .. } => Aim::Wreck,
            Self::BubbleGenerator { strength, .. } if *strength > 0.0 => Aim::Target,
            Self::JammerBurst { .. }
            | Self::NeutraliserBurst { .. }
            | Self::SmartBomb { .. }
            | Self::BubbleGenerator { .. } => Aim::Around,
            Self::Passive
            | Self::Active
            | Self::BombLauncher { .. }
            | Self::Afterburner { .. }
            | Self::MicrowarpDrive { .. }
            | Self::ShieldBooster { .. }
            | Self::ArmourRepairer { .. }
            | Self::HullRepairer { .. }
            | Self::InterdictionLauncher
            | Self::ProbeLauncher
            | Self::Cloak { .. }
            | Self::CovertCloak { .. } => Aim::Own,
            _ => Aim::Target,
        }
    }
}
