//! The pack's bytes: a header, then an rkyv archive of [`Pack`].
//!
//! | offset | bytes | what |
//! | --- | --- | --- |
//! | 0 | 8 | [`MAGIC`] |
//! | 8 | 8 | [`FORMAT_VERSION`], little-endian |
//! | 16 | 8 | length of the archive, little-endian |
//! | 24 | 8 | digest of the archive, little-endian: the content hash |
//! | 32 | … | the archive |
//!
//! The hash finds what a disk or a copy has damaged before the archive is looked at; the checked
//! access that follows makes an archive that somebody has forged an error instead of a fault.

use super::{
    ContainerType, Economy, Empire, GateType, Grant, Group, ItemType, MarketRules, Navigation,
    ShipType, StationType, Tap,
};
use orrery_base::{TypeId, digest};
use rkyv::rancor;
use rkyv::util::AlignedVec;
use rkyv::{Archive, Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The first bytes of a pack.
pub const MAGIC: [u8; 8] = *b"ORRYPACK";
/// The version of the format; a pack of any other version is refused.
pub const FORMAT_VERSION: u64 = 3;
const HEADER_BYTES: usize = 32;
/// What the archive's alignment may need; the header keeps it.
const ALIGNMENT: usize = 16;

/// All content, as it is stored. Rows stand by ascending number, those of the grant by name.
#[derive(Clone, PartialEq, Debug, Archive, Serialize, Deserialize)]
pub struct Pack {
    /// The powers of the known worlds.
    pub empires: Vec<Empire>,
    /// Hulls.
    pub ships: Vec<ShipType>,
    /// Kinds of station.
    pub stations: Vec<StationType>,
    /// Kinds of gate.
    pub gates: Vec<GateType>,
    /// The limits of orders.
    pub navigation: Navigation,
    /// Groups of items.
    pub groups: Vec<Group>,
    /// What can be owned, except for packed hulls and containers, which follow from theirs.
    pub items: Vec<ItemType>,
    /// Kinds of container.
    pub containers: Vec<ContainerType>,
    /// Money, newcomers, memory.
    pub economy: Economy,
    /// The rules of markets.
    pub market: MarketRules,
    /// What new characters are given, by name.
    pub grants: Vec<Grant>,
    /// Where value comes into being.
    pub faucets: Vec<Tap>,
    /// Where it ceases to be.
    pub sinks: Vec<Tap>,
}

impl Default for Pack {
    fn default() -> Self {
        Self {
            empires: Vec::new(),
            ships: Vec::new(),
            stations: Vec::new(),
            gates: Vec::new(),
            navigation: Navigation {
                approach_range_m: 0,
                keep_range_m: [0; 2],
                orbit_range_m: [0; 2],
            },
            groups: Vec::new(),
            items: Vec::new(),
            containers: Vec::new(),
            economy: Economy::default(),
            market: MarketRules::default(),
            grants: Vec::new(),
            faucets: Vec::new(),
            sinks: Vec::new(),
        }
    }
}

/// Why a pack was not loaded or not written.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The file could not be opened, mapped or written.
    #[error("content pack {path}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The bytes do not begin like a pack.
    #[error("not a content pack: it does not begin with {:?}", String::from_utf8_lossy(&MAGIC))]
    BadMagic,
    /// The pack has another format.
    #[error(
        "content pack of format {found}, this program reads format {FORMAT_VERSION}: compile it again"
    )]
    OtherVersion {
        /// The pack's format.
        found: u64,
    },
    /// The file is shorter or longer than its header says.
    #[error("content pack of {found} bytes that should have {expected}")]
    BadLength {
        /// Bytes that the header promises, itself included.
        expected: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// The content is not what was written.
    #[error("content pack is damaged: its hash is {found:016x}, not {expected:016x}")]
    BadHash {
        /// The hash in the header.
        expected: u64,
        /// The hash of what is there.
        found: u64,
    },
    /// The archive does not pass rkyv's checks.
    #[error("content pack is not a valid archive: {reason}")]
    BadArchive {
        /// The first check that failed.
        reason: String,
    },
    /// A value is out of the range that the rules need.
    #[error("content pack: {row}: {reason}")]
    Invalid {
        /// Which row.
        row: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Pack {
    /// The archive alone.
    fn archive(&self) -> AlignedVec {
        rkyv::to_bytes::<rancor::Panic>(self).unwrap_or_else(|never| match never {})
    }

    /// The hash of the content.
    #[must_use]
    pub fn hash(&self) -> u64 {
        digest::of_bytes(&self.archive())
    }

    /// The pack's bytes, header included: equal for equal content.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let archive = self.archive();
        let mut bytes = Vec::with_capacity(HEADER_BYTES + archive.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes.extend_from_slice(&(archive.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&digest::of_bytes(&archive).to_le_bytes());
        bytes.extend_from_slice(&archive);
        bytes
    }

    /// Writes the pack to a file: first beside it, then over it, so that a reader sees the old
    /// pack or the new one and a server's map of the old one stays whole.
    ///
    /// # Errors
    /// [`PackError::File`].
    pub fn write(&self, path: &Path) -> Result<(), PackError> {
        let error = |source| PackError::File {
            path: path.to_owned(),
            source,
        };
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let mut file = File::create(&beside).map_err(error)?;
        file.write_all(&self.to_bytes()).map_err(error)?;
        file.sync_all().map_err(error)?;
        drop(file);
        std::fs::rename(&beside, path).map_err(error)
    }

    /// Reads a pack from its bytes, which need no alignment. The ranges of the values are not
    /// checked here but by [`super::Content::new`].
    ///
    /// # Errors
    /// See [`PackError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PackError> {
        let archive = archive_of(bytes)?;
        let read = |archive: &[u8]| {
            rkyv::from_bytes::<Self, rancor::Error>(archive).map_err(|error| {
                PackError::BadArchive {
                    reason: error.to_string(),
                }
            })
        };
        if (archive.as_ptr() as usize).is_multiple_of(ALIGNMENT) {
            return read(archive);
        }
        let mut aligned = AlignedVec::<ALIGNMENT>::with_capacity(archive.len());
        aligned.extend_from_slice(archive);
        read(&aligned)
    }

    /// Every type's number, in the order of the tables.
    pub(super) fn type_ids(&self) -> Vec<TypeId> {
        let ships = self.ships.iter().map(|it| it.id);
        let stations = self.stations.iter().map(|it| it.id);
        ships
            .chain(stations)
            .chain(self.gates.iter().map(|it| it.id))
            .chain(self.items.iter().map(|it| it.id))
            .chain(self.containers.iter().map(|it| it.id))
            .collect()
    }

    /// Brings the rows into the order of their numbers.
    pub(super) fn sort(&mut self) {
        self.empires.sort_by_key(|it| it.id);
        self.ships.sort_by_key(|it| it.id);
        self.stations.sort_by_key(|it| it.id);
        self.gates.sort_by_key(|it| it.id);
        self.groups.sort_by_key(|it| it.id);
        self.items.sort_by_key(|it| it.id);
        self.containers.sort_by_key(|it| it.id);
        self.grants.sort_by(|a, b| a.item.cmp(&b.item));
        self.faucets.sort_by_key(|it| it.id);
        self.sinks.sort_by_key(|it| it.id);
    }
}

/// The archive of a pack whose header is right.
fn archive_of(bytes: &[u8]) -> Result<&[u8], PackError> {
    if !bytes.starts_with(&MAGIC) {
        return Err(PackError::BadMagic);
    }
    let found = bytes.len() as u64;
    let Some((header, archive)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        return Err(PackError::BadLength {
            expected: HEADER_BYTES as u64,
            found,
        });
    };
    let word = |at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&header[at..at + 8]);
        u64::from_le_bytes(word)
    };
    let version = word(8);
    if version != FORMAT_VERSION {
        return Err(PackError::OtherVersion { found: version });
    }
    let expected = word(16).saturating_add(HEADER_BYTES as u64);
    if expected != found {
        return Err(PackError::BadLength { expected, found });
    }
    let (expected, found) = (word(24), digest::of_bytes(archive));
    if expected != found {
        return Err(PackError::BadHash { expected, found });
    }
    Ok(archive)
}

/// Maps a file and hands its bytes to `read`; the map ends when that returns.
pub(super) fn map<T>(
    path: &Path,
    read: impl FnOnce(&[u8]) -> Result<T, PackError>,
) -> Result<T, PackError> {
    let error = |source| PackError::File {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(error)?;
    if file.metadata().map_err(error)?.len() == 0 {
        // An empty file cannot be mapped on every system.
        return read(&[]);
    }
    #[expect(unsafe_code, reason = "a file map is only as constant as the file")]
    // SAFETY: the bytes must not change while the map lives. It lives for the duration of one
    // load; packs are replaced by renaming (`Pack::write`), never written in place, and a mapped
    // file that is renamed over or unlinked keeps its content.
    let map = unsafe { memmap2::Mmap::map(&file) }.map_err(error)?;
    read(&map)
}
