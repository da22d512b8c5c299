//! The generated galaxy as rows: a graph whose nodes are systems and whose edges are gates.
//!
//! | row | key in the domain `Galaxy` | value |
//! | --- | --- | --- |
//! | description | `m` | version byte, rkyv: parameters, digest, counts |
//! | system | `s`, system id (4 bytes big-endian) | version byte, the system without its gates |
//! | gate | `g`, from system, to system (4 bytes big-endian each) | version byte, the gate |
//!
//! Keys sort so that the gates of a system stand together, by the system that they lead to.
//!
//! **Invariants**
//! - What [`load`] returns has the digest of what was [stored](store): a damaged or half-written
//!   galaxy is an error. (Half-written cannot be: it is one batch.)
//! - A galaxy is never replaced unless asked for by name ([`Replace::Yes`]): characters are in it.
//!
//! Cost: about 1 KB a system.

use core::fmt;
use std::collections::BTreeMap;

use orrery_base::SystemId;
use orrery_game::galaxy::{Galaxy, Gate, Params, Span, System};
use orrery_storage::{Batch, Domain, ReadError, Rows};

use crate::economy::{PARTITIONS, put_partitions};
use crate::record::{self, RecordError};
use crate::rows::{RowError, fixed_key};

const META_KEY: &[u8] = b"m";
const SYSTEM_PREFIX: u8 = b's';
const GATE_PREFIX: u8 = b'g';
const META_VERSION: u8 = 1;
const SYSTEM_VERSION: u8 = 1;
const GATE_VERSION: u8 = 1;

/// A galaxy as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    /// What it was generated from.
    pub params: Params,
    /// [`Galaxy::digest`].
    pub digest: u64,
    /// The galaxy.
    pub galaxy: Galaxy,
}

/// Whether a stored galaxy may be replaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Replace {
    /// Keep what is there.
    No,
    /// Replace it, though characters may be at places that will be no more.
    Yes,
}

/// Why a galaxy was not stored.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// There is one, and replacing was not asked for.
    #[error("the store already has a galaxy of {systems} systems (seed {seed})")]
    AlreadyThere {
        /// Systems of the stored galaxy.
        systems: u32,
        /// Its seed.
        seed: u64,
    },
    /// The store is bad.
    #[error(transparent)]
    Rows(#[from] RowError),
}

/// Why a stored galaxy could not be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LoadError {
    /// The store is bad.
    #[error(transparent)]
    Rows(#[from] RowError),
    /// The rows are readable but are not the galaxy that was stored.
    #[error("the stored galaxy has digest {found:016x} instead of {expected:016x}")]
    Digest {
        /// Of the rows.
        found: u64,
        /// As written when it was stored.
        expected: u64,
    },
    /// A gate belongs to no system.
    #[error("the stored galaxy has a gate in system {0}, which it does not have")]
    StrayGate(SystemId),
}

impl From<ReadError> for LoadError {
    fn from(error: ReadError) -> Self {
        Self::Rows(error.into())
    }
}

/// The rows of `galaxy`, which was generated from `params`.
///
/// # Errors
/// [`StoreError`].
pub fn store(
    rows: &impl Rows,
    params: &Params,
    galaxy: &Galaxy,
    replace: Replace,
) -> Result<Batch, StoreError> {
    let mut batch = Batch::new();
    if replace == Replace::No {
        if let Some(meta) = read_meta(rows)? {
            return Err(StoreError::AlreadyThere {
                systems: meta.systems,
                seed: meta.params().seed,
            });
        }
        // Once, at the store's birth: what is in it is divided by this number for ever.
        put_partitions(&mut batch, PARTITIONS);
    } else {
        batch.delete_range(Domain::Galaxy, [0], [u8::MAX]);
    }
    for system in &galaxy.systems {
        let mut node = system.clone();
        for gate in node.gates.drain(..) {
            let key = gate_key(system.id, gate.to_system);
            batch.put(Domain::Galaxy, key, record::encode(GATE_VERSION, &gate));
        }
        batch.put(
            Domain::Galaxy,
            system_key(system.id),
            record::encode(SYSTEM_VERSION, &node),
        );
    }
    let meta = Meta::new(params, galaxy);
    batch.put(
        Domain::Galaxy,
        META_KEY,
        record::encode(META_VERSION, &meta),
    );
    Ok(batch)
}

/// The stored galaxy, if there is one.
///
/// # Errors
/// [`LoadError`].
pub fn load(rows: &impl Rows) -> Result<Option<Stored>, LoadError> {
    let Some(meta) = read_meta(rows)? else {
        return Ok(None);
    };
    let mut systems: BTreeMap<SystemId, System> = BTreeMap::new();
    for row in rows.prefix(Domain::Galaxy, &[SYSTEM_PREFIX]) {
        let row = row?;
        let system: System =
            record::decode(SYSTEM_VERSION, &row.value).map_err(|error| damaged(&row.key, error))?;
        systems.insert(system.id, system);
    }
    for row in rows.prefix(Domain::Galaxy, &[GATE_PREFIX]) {
        let row = row?;
        let key: [u8; 9] = fixed_key(Domain::Galaxy, &row.key)?;
        let from = SystemId(u32::from_be_bytes([key[1], key[2], key[3], key[4]]));
        let gate: Gate =
            record::decode(GATE_VERSION, &row.value).map_err(|error| damaged(&row.key, error))?;
        systems
            .get_mut(&from)
            .ok_or(LoadError::StrayGate(from))?
            .gates
            .push(gate);
    }
    let params = meta.params();
    let galaxy = Galaxy {
        seed: params.seed,
        systems: systems.into_values().collect(),
    };
    let found = galaxy.digest();
    if found != meta.digest {
        return Err(LoadError::Digest {
            found,
            expected: meta.digest,
        });
    }
    Ok(Some(Stored {
        params,
        digest: found,
        galaxy,
    }))
}

fn system_key(system: SystemId) -> [u8; 5] {
    let [a, b, c, d] = system.0.to_be_bytes();
    [SYSTEM_PREFIX, a, b, c, d]
}

fn gate_key(from: SystemId, to: SystemId) -> [u8; 9] {
    let [a, b, c, d] = from.0.to_be_bytes();
    let [e, f, g, h] = to.0.to_be_bytes();
    [GATE_PREFIX, a, b, c, d, e, f, g, h]
}

fn read_meta(rows: &impl Rows) -> Result<Option<Meta>, RowError> {
    let Some(bytes) = rows.get(Domain::Galaxy, META_KEY)? else {
        return Ok(None);
    };
    record::decode(META_VERSION, &bytes)
        .map(Some)
        .map_err(|error| damaged(META_KEY, error))
}

fn damaged(key: &[u8], reason: RecordError) -> RowError {
    RowError::damaged(Domain::Galaxy, key, reason)
}

/// The description on disk: changes only with a new version byte.
#[derive(rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
struct Meta {
    digest: u64,
    seed: u64,
    systems: u32,
    planets: [u32; 2],
    belts: [u32; 2],
    gates: [u32; 2],
}

impl Meta {
    fn new(params: &Params, galaxy: &Galaxy) -> Self {
        Self {
            digest: galaxy.digest(),
            seed: params.seed,
            systems: params.systems,
            planets: [params.planets.min, params.planets.max],
            belts: [params.belts.min, params.belts.max],
            gates: [params.gates_min, params.gates_max],
        }
    }

    fn params(&self) -> Params {
        Params {
            seed: self.seed,
            systems: self.systems,
            planets: Span {
                min: self.planets[0],
                max: self.planets[1],
            },
            belts: Span {
                min: self.belts[0],
                max: self.belts[1],
            },
            gates_min: self.gates[0],
            gates_max: self.gates[1],
        }
    }
}

/// What is wrong with a galaxy as a graph.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum GraphProblem {
    /// A gate leads to a system or a gate that is not there, or that does not lead back.
    Unpaired {
        /// The gate's system.
        from: SystemId,
        /// Where it leads.
        to: SystemId,
    },
    /// No way leads to this system from the first.
    Unreachable(SystemId),
}

impl fmt::Display for GraphProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unpaired { from, to } => {
                write!(
                    f,
                    "the gate from system {from} to system {to} has no pair there"
                )
            }
            Self::Unreachable(system) => write!(f, "no gates lead to system {system}"),
        }
    }
}

/// Whether every gate has its pair and every system can be reached.
#[must_use]
pub fn check_graph(galaxy: &Galaxy) -> Vec<GraphProblem> {
    let mut problems = Vec::new();
    let mut reached: BTreeMap<SystemId, bool> = galaxy
        .systems
        .iter()
        .map(|system| (system.id, false))
        .collect();
    for system in &galaxy.systems {
        for gate in &system.gates {
            let paired = galaxy.gate(gate.to_gate).is_some_and(|(there, pair)| {
                there.id == gate.to_system
                    && pair.to_system == system.id
                    && pair.to_gate == gate.object
            });
            if !paired {
                problems.push(GraphProblem::Unpaired {
                    from: system.id,
                    to: gate.to_system,
                });
            }
        }
    }
    let mut next: Vec<SystemId> = galaxy
        .systems
        .first()
        .map(|first| first.id)
        .into_iter()
        .collect();
    while let Some(id) = next.pop() {
        match reached.get_mut(&id) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        next.extend(galaxy.system(id).into_iter().flat_map(System::neighbours));
    }
    problems.extend(
        reached
            .iter()
            .filter(|(_, reached)| !**reached)
            .map(|(id, _)| GraphProblem::Unreachable(*id)),
    );
    problems
}

#[cfg(test)]
pub(crate) mod tests;
