//! The audit of the services' rows: proof that they fit together, or a list of what does not.
//!
//! Reads everything once, in key order; meant for a stopped store, or for a view that stands
//! still. What `storage` proves of the store's own structure is not repeated here.
//!
//! Checked:
//! - every row can be read, and its key is its own id;
//! - an account's name is in the index of names and leads back, and so is a character's; no
//!   name in the index leads nowhere;
//! - a character has an account that lists it, once, and the account lists no other;
//! - a character has a ship; the ship's row names the character and the same hull; no ship is
//!   had twice; no ship is without a character;
//! - a location is a grid that exists, and when docked a station that exists on it;
//! - the counters are above every id that was given out;
//! - the faucets have minted as many ships as there are;
//! - custody: what was minted less what was burned is there, and every item is in one place
//!   ([`crate::custody::audit`]);
//! - the ship at a character's helm is the one that the character's row names. A character whom
//!   custody does not know is sound: the grant is given when the wallet is first read;
//! - the galaxy is the one that was stored, its gates are paired and its systems connected.
//!
//! Cost: about 200 bytes of memory per character and 40 per item, and a minute per ten million
//! rows.

mod check;
mod report;
mod value;

use orrery_base::{EntityId, GridId, SystemId};
use orrery_game::galaxy::Galaxy;
use orrery_storage::{ReadError, Rows};

use crate::galaxy::{self, LoadError, check_graph};
use crate::rows::RowError;

pub use report::{Counts, PROBLEMS_MAX, Problem, Report};

/// Audits all rows of the services, with the stored galaxy for the places.
///
/// # Errors
/// [`ReadError`] when the store itself cannot be read; anything less is in the report.
pub fn audit(rows: &impl Rows) -> Result<Report, ReadError> {
    match galaxy::load(rows) {
        Ok(Some(stored)) => {
            let galaxy = stored.galaxy;
            let mut report = audit_rows(rows, |grid, station| is_place(&galaxy, grid, station))?;
            report.counts.systems = galaxy.systems.len() as u64;
            for problem in check_graph(&galaxy) {
                report.add(Problem::Galaxy(problem.to_string()));
            }
            Ok(report)
        }
        Ok(None) => audit_rows(rows, |_, _| false),
        Err(LoadError::Rows(RowError::Read(error))) => Err(error),
        Err(error) => {
            // Without a galaxy nobody can say which places exist: one problem, not thousands.
            let mut report = audit_rows(rows, |_, _| true)?;
            report.add(Problem::Galaxy(error.to_string()));
            Ok(report)
        }
    }
}

/// Audits the rows of accounts, characters and custody. `is_place` says whether a grid exists, and with a
/// station whether it is on that grid.
///
/// # Errors
/// [`ReadError`] when the store itself cannot be read; anything less is in the report.
pub fn audit_rows(
    rows: &impl Rows,
    is_place: impl Fn(GridId, Option<EntityId>) -> bool,
) -> Result<Report, ReadError> {
    let mut auditor = check::Auditor::new(is_place);
    auditor.read_names(rows)?;
    auditor.read_accounts(rows)?;
    auditor.read_ships(rows)?;
    auditor.read_characters(rows)?;
    auditor.read_tokens(rows)?;
    auditor.check_counters(rows)?;
    auditor.read_custody(rows)?;
    Ok(auditor.finish())
}

fn is_place(galaxy: &Galaxy, grid: GridId, station: Option<EntityId>) -> bool {
    let system: SystemId = grid.system();
    match station {
        None => galaxy.system(system).is_some(),
        Some(station) => station
            .object()
            .and_then(|object| galaxy.station(object))
            .is_some_and(|(at, _)| at.id == system),
    }
}

#[cfg(test)]
mod tests;
