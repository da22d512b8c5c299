//! What a galaxy is made from.

/// A closed range of counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The least.
    pub min: u32,
    /// The most.
    pub max: u32,
}

/// Parameters of [`super::generate`].
///
/// **Where the number of gates cannot be kept.** A system has at most one gate to another, so
/// in a galaxy of n systems none has more than n − 1 gates: with fewer than `gates_min` + 1
/// systems every system is joined to every other, and a single system has no gate at all. Where
/// `gates_min` = `gates_max` and n · `gates_min` is odd, every graph has a system that differs;
/// one system then has `gates_min` − 1 gates. In every other case all systems are in range.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Everything random follows from it.
    pub seed: u64,
    /// How many systems, 1..=10,000.
    pub systems: u32,
    /// How many planets a system has, at most 24.
    pub planets: Span,
    /// How many belts a system has, at most 32.
    pub belts: Span,
    /// How few gates a system may have, 1..=`gates_max`.
    pub gates_min: u32,
    /// How many gates a system may have, `gates_min`..=8, and at least 2 for more than two
    /// systems.
    pub gates_max: u32,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            seed: 1,
            systems: 50,
            planets: Span { min: 2, max: 10 },
            belts: Span { min: 1, max: 8 },
            gates_min: 2,
            gates_max: 3,
        }
    }
}

/// Why there is no such galaxy.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GalaxyError {
    /// The number of systems is out of range.
    #[error("a galaxy has from 1 to {max} systems, not {found}", max = Params::SYSTEMS_MAX)]
    Systems {
        /// What was asked for.
        found: u32,
    },
    /// A range of counts is empty or reaches too far.
    #[error("{what} from {min} to {max}: the range must not be empty, nor end above {most}", min = span.min, max = span.max)]
    Span {
        /// Of what.
        what: &'static str,
        /// What was asked for.
        span: Span,
        /// Where it may end.
        most: u32,
    },
    /// The bounds for gates are impossible.
    #[error("from {min} to {max} gates: there must be at least 1 and at most {most}, and the range must not be empty", most = Params::GATES_MAX)]
    Gates {
        /// The least.
        min: u32,
        /// The most.
        max: u32,
    },
    /// With one gate each, only two systems can be joined.
    #[error("{systems} systems with one gate each cannot be joined: gates_max must be at least 2")]
    Disconnected {
        /// How many systems.
        systems: u32,
    },
    /// The content has no type that the galaxy needs.
    #[error("the content has no {what}")]
    Content {
        /// What is missing.
        what: &'static str,
    },
    /// The content's type is too large for the hub.
    #[error("{name} with a radius of {radius_m} m is too large for a hub: at most {most_m} m")]
    TooLarge {
        /// The type.
        name: String,
        /// Its radius, rounded up.
        radius_m: u32,
        /// What fits.
        most_m: u32,
    },
}

impl Params {
    /// The most systems.
    pub const SYSTEMS_MAX: u32 = 10_000;
    /// The most planets of a system.
    pub const PLANETS_MAX: u32 = 24;
    /// The most belts of a system.
    pub const BELTS_MAX: u32 = 32;
    /// The most gates of a system.
    pub const GATES_MAX: u32 = 8;

    /// Whether there can be such a galaxy.
    ///
    /// # Errors
    /// The first parameter that is out of its range.
    pub fn validate(&self) -> Result<(), GalaxyError> {
        if self.systems == 0 || self.systems > Self::SYSTEMS_MAX {
            return Err(GalaxyError::Systems {
                found: self.systems,
            });
        }
        for (what, span, most) in [
            ("planets", self.planets, Self::PLANETS_MAX),
            ("belts", self.belts, Self::BELTS_MAX),
        ] {
            if span.min > span.max || span.max > most {
                return Err(GalaxyError::Span { what, span, most });
            }
        }
        let (min, max) = (self.gates_min, self.gates_max);
        if min == 0 || min > max || max > Self::GATES_MAX {
            return Err(GalaxyError::Gates { min, max });
        }
        if self.systems > 2 && max < 2 {
            return Err(GalaxyError::Disconnected {
                systems: self.systems,
            });
        }
        Ok(())
    }
}
