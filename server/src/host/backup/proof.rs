//! The audit of a store: its structure, then what its rows mean.

use std::fmt;

use orrery_storage::Store;

/// What an audit has found.
#[derive(Debug)]
pub struct Proof {
    structure: orrery_storage::audit::Report,
    rows: orrery_services::audit::Report,
}

impl Proof {
    /// What the rows mean.
    #[must_use]
    pub const fn rows(&self) -> &orrery_services::audit::Report {
        &self.rows
    }

    /// Reads everything.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub fn of(store: &Store) -> anyhow::Result<Self> {
        Ok(Self {
            structure: orrery_storage::audit::structure(store),
            rows: orrery_services::audit::audit(store)?,
        })
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.structure.is_sound() && self.rows.is_sound()
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "structure: {}", self.structure)?;
        writeln!(f, "rows: {}", self.rows)
    }
}
