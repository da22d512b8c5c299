//! From TOML to a pack.
//!
//! Every `*.toml` of the folder may hold any of the tables `[[empire]]`, `[[ship]]`,
//! `[[station]]`, `[[gate]]` and, once in all, `[navigation]`: a new hull is a new table in a
//! file, or a new file. Files are read in the order of their names, and the pack is sorted by
//! number, so that how content is spread over files does not change its hash.

use super::check::{self, Fault, Row};
use super::{Empire, GateType, Navigation, Pack, ShipType, StationType};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// Why content did not compile. Files are named as they were found, lines count from 1.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The folder or a file could not be read.
    #[error("read content {path}")]
    Read {
        /// Which folder or file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A line is wrong.
    #[error("{}:{line}: {reason}", file.display())]
    Invalid {
        /// Which file.
        file: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Something is missing altogether.
    #[error("{}: no file has a {what}", folder.display())]
    Missing {
        /// The folder.
        folder: PathBuf,
        /// The table that is missing.
        what: &'static str,
    },
}

/// One file, as serde sees it.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    #[serde(default)]
    empire: Vec<Empire>,
    #[serde(default)]
    ship: Vec<ShipType>,
    #[serde(default)]
    station: Vec<StationType>,
    #[serde(default)]
    gate: Vec<GateType>,
    navigation: Option<Navigation>,
}

/// A file and its text, to find lines in.
struct Source {
    path: PathBuf,
    text: String,
}

/// Where the rows of one table come from: the index of the file and of the row in that file.
type Origins = Vec<(usize, usize)>;

/// Compiles all `*.toml` of a folder.
///
/// # Errors
/// The first fault in the order of file and table, see [`ContentError`].
pub fn compile(folder: &Path) -> Result<Pack, ContentError> {
    let sources = read(folder)?;
    let mut pack = Pack::default();
    let mut origins: [(&str, Origins); 5] =
        ["empire", "ship", "station", "gate", "navigation"].map(|table| (table, Origins::new()));
    let mut navigation = None;
    for (file, source) in sources.iter().enumerate() {
        let tables = parse(source)?;
        let counts = [
            tables.empire.len(),
            tables.ship.len(),
            tables.station.len(),
            tables.gate.len(),
            usize::from(tables.navigation.is_some()),
        ];
        for ((_, origins), count) in origins.iter_mut().zip(counts) {
            origins.extend((0..count).map(|row| (file, row)));
        }
        pack.empires.extend(tables.empire);
        pack.ships.extend(tables.ship);
        pack.stations.extend(tables.station);
        pack.gates.extend(tables.gate);
        navigation = match (navigation, tables.navigation) {
            (Some(_), Some(_)) => {
                let line = line_of(source, "navigation", 0, "");
                let reason = "[navigation] is in another file already".to_owned();
                return Err(ContentError::Invalid {
                    file: source.path.clone(),
                    line,
                    reason,
                });
            }
            (first, second) => first.or(second),
        };
    }
    let missing = |what| ContentError::Missing {
        folder: folder.to_owned(),
        what,
    };
    pack.navigation = navigation.ok_or_else(|| missing("[navigation]"))?;
    for (what, empty) in [
        ("[[ship]]", pack.ships.is_empty()),
        ("[[station]]", pack.stations.is_empty()),
        ("[[gate]]", pack.gates.is_empty()),
    ] {
        if empty {
            return Err(missing(what));
        }
    }
    check::pack(&pack).map_err(|(row, fault)| locate(&sources, &origins, row, &fault))?;
    pack.sort();
    Ok(pack)
}

/// The folder's TOML files by name.
fn read(folder: &Path) -> Result<Vec<Source>, ContentError> {
    let error = |path: &Path, source| ContentError::Read {
        path: path.to_owned(),
        source,
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(|source| error(folder, source))? {
        let path = entry.map_err(|source| error(folder, source))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            paths.push(path);
        }
    }
    // The order in which a folder lists its files is the file system's own.
    paths.sort();
    paths
        .into_iter()
        .map(|path| match fs::read_to_string(&path) {
            Ok(text) => Ok(Source { path, text }),
            Err(source) => Err(error(&path, source)),
        })
        .collect()
}

fn parse(source: &Source) -> Result<Tables, ContentError> {
    toml::from_str(&source.text).map_err(|error| ContentError::Invalid {
        file: source.path.clone(),
        line: line_at(&source.text, error.span().map_or(0, |span| span.start)),
        reason: error.message().to_owned(),
    })
}

/// The fault with the file and line of its field. Of two rows that want the same, the later is
/// at fault.
fn locate(
    sources: &[Source],
    origins: &[(&str, Origins)],
    row: Row,
    fault: &Fault,
) -> ContentError {
    let place = |row: Row| {
        let origin = origins
            .iter()
            .find(|(table, _)| *table == row.table)
            .and_then(|(_, origins)| origins.get(row.index));
        let &(file, index) = origin.unwrap_or(&(0, 0));
        (file, line_of(&sources[file], row.table, index, fault.field))
    };
    let places = [Some(row), fault.first].map(|row| row.map(place));
    let (file, line) = places.into_iter().flatten().max().unwrap_or((0, 1));
    let mut reason = fault.to_string();
    if let [Some(second), Some(first)] = places {
        let (file, line) = second.min(first);
        reason = format!("{reason} by {}:{line}", sources[file].path.display());
    }
    ContentError::Invalid {
        file: sources[file].path.clone(),
        line,
        reason,
    }
}

/// The line of a field in the table's row `index`, or of the row where the field is absent.
/// Fields of inner tables have a dot before them.
fn line_of(source: &Source, table: &str, index: usize, field: &str) -> usize {
    // The text has been parsed before; were it not so, the first line would do.
    let document = DeTable::parse(&source.text)
        .map(toml::Spanned::into_inner)
        .unwrap_or_default();
    let Some(value) = document.get(table) else {
        return 1;
    };
    let mut value = value.get_ref().get(index).unwrap_or(value);
    for key in field.split('.') {
        match value.get_ref().get(key) {
            Some(inner) => value = inner,
            None => break,
        }
    }
    line_at(&source.text, value.span().start)
}

/// The line, from 1, of a byte of the text.
fn line_at(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    1 + before.filter(|&&byte| byte == b'\n').count()
}
