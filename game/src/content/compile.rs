//! From TOML to a pack.
//!
//! Every `*.toml` of the folder may hold any of the tables `[[empire]]`, `[[ship]]`,
//! `[[station]]`, `[[gate]]`, `[[group]]`, `[[item]]`, `[[container]]`, `[[grant]]`, `[[faucet]]`,
//! `[[sink]]`, `[[module]]`, `[[charge]]`, `[[drone]]`, `[[skill]]`, `[[asteroid]]`, `[[refining]]`,
//! `[[bubble]]`, `[[faction]]`, `[[npc]]`, `[[fit]]` and, once in all, `[navigation]`, `[economy]` and `[market]`: a new hull is a new
//! table in a file, or a new file. Files are read in the order of their names, and the pack is sorted by
//! number, so that how content is spread over files does not change its hash.

use super::check::{self, Fault, Row};
use super::{
    AsteroidType, BubbleType, ChargeType, ContainerType, Content, DroneType, Economy, Empire,
    Faction, GateType, Grant, Group, ItemType, MarketRules, ModuleType, NamedFit, Navigation,
    NpcType, Pack, Refining, ShipType, SkillType, StationType, Tap,
};
use std::collections::BTreeMap;
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
    #[serde(default)]
    group: Vec<Group>,
    #[serde(default)]
    item: Vec<ItemType>,
    #[serde(default)]
    container: Vec<ContainerType>,
    #[serde(default)]
    grant: Vec<Grant>,
    #[serde(default)]
    faucet: Vec<Tap>,
    #[serde(default)]
    sink: Vec<Tap>,
    #[serde(default)]
    module: Vec<ModuleType>,
    #[serde(default)]
    charge: Vec<ChargeType>,
    #[serde(default)]
    drone: Vec<DroneType>,
    #[serde(default)]
    skill: Vec<SkillType>,
    #[serde(default)]
    asteroid: Vec<AsteroidType>,
    #[serde(default)]
    refining: Vec<Refining>,
    #[serde(default)]
    bubble: Vec<BubbleType>,
    #[serde(default)]
    faction: Vec<Faction>,
    #[serde(default)]
    npc: Vec<NpcType>,
    #[serde(default)]
    fit: Vec<NamedFit>,
    navigation: Option<Navigation>,
    economy: Option<Economy>,
    market: Option<MarketRules>,
}

/// A file and its text, to find lines in.
struct Source {
    path: PathBuf,
    text: String,
}

/// Where the rows of each table come from: the index of the file and of the row in that file.
type Origins = BTreeMap<&'static str, Vec<(usize, usize)>>;

/// What the files before have brought.
#[derive(Default)]
struct Reading {
    pack: Pack,
    navigation: Option<Navigation>,
    economy: Option<Economy>,
    market: Option<MarketRules>,
    origins: Origins,
}

impl Reading {
    /// Takes the tables of the file with this index.
    fn take(&mut self, index: usize, source: &Source, tables: Tables) -> Result<(), ContentError> {
        let mut file = FileRows {
            index,
            source,
            origins: &mut self.origins,
        };
        let pack = &mut self.pack;
        file.rows("empire", &mut pack.empires, tables.empire);
        file.rows("ship", &mut pack.ships, tables.ship);
        file.rows("station", &mut pack.stations, tables.station);
        file.rows("gate", &mut pack.gates, tables.gate);
        file.rows("group", &mut pack.groups, tables.group);
        file.rows("item", &mut pack.items, tables.item);
        file.rows("container", &mut pack.containers, tables.container);
        file.rows("grant", &mut pack.grants, tables.grant);
        file.rows("faucet", &mut pack.faucets, tables.faucet);
        file.rows("sink", &mut pack.sinks, tables.sink);
        file.rows("module", &mut pack.modules, tables.module);
        file.rows("charge", &mut pack.charges, tables.charge);
        file.rows("drone", &mut pack.drones, tables.drone);
        file.rows("skill", &mut pack.skills, tables.skill);
        file.rows("asteroid", &mut pack.asteroids, tables.asteroid);
        file.rows("refining", &mut pack.refinings, tables.refining);
        file.rows("bubble", &mut pack.bubbles, tables.bubble);
        file.rows("faction", &mut pack.factions, tables.faction);
        file.rows("npc", &mut pack.npcs, tables.npc);
        file.rows("fit", &mut pack.fits, tables.fit);
        file.once("navigation", &mut self.navigation, tables.navigation)?;
        file.once("economy", &mut self.economy, tables.economy)?;
        file.once("market", &mut self.market, tables.market)
    }

    /// The pack, if nothing is missing altogether, and where its rows come from.
    fn finish(self, folder: &Path) -> Result<(Pack, Origins), ContentError> {
        let missing = |what| ContentError::Missing {
            folder: folder.to_owned(),
            what,
        };
        let mut pack = self.pack;
        pack.navigation = self.navigation.ok_or_else(|| missing("[navigation]"))?;
        for (what, is_empty) in [
            ("[[ship]]", pack.ships.is_empty()),
            ("[[station]]", pack.stations.is_empty()),
            ("[[gate]]", pack.gates.is_empty()),
            ("[[group]]", pack.groups.is_empty()),
            ("[[item]]", pack.items.is_empty()),
            ("[[container]]", pack.containers.is_empty()),
            ("[[faucet]]", pack.faucets.is_empty()),
            ("[[sink]]", pack.sinks.is_empty()),
        ] {
            if is_empty {
                return Err(missing(what));
            }
        }
        pack.economy = self.economy.ok_or_else(|| missing("[economy]"))?;
        pack.market = self.market.ok_or_else(|| missing("[market]"))?;
        Ok((pack, self.origins))
    }
}

/// A file whose tables are being taken.
struct FileRows<'a> {
    index: usize,
    source: &'a Source,
    origins: &'a mut Origins,
}

impl FileRows<'_> {
    /// Takes all rows of a table.
    fn rows<T>(&mut self, table: &'static str, all: &mut Vec<T>, more: Vec<T>) {
        let origins = self.origins.entry(table).or_default();
        origins.extend((0..more.len()).map(|row| (self.index, row)));
        all.extend(more);
    }

    /// Takes a table of which there is one.
    fn once<T>(
        &mut self,
        table: &'static str,
        only: &mut Option<T>,
        more: Option<T>,
    ) -> Result<(), ContentError> {
        if more.is_none() {
            return Ok(());
        }
        if only.is_some() {
            return Err(ContentError::Invalid {
                file: self.source.path.clone(),
                line: line_of(self.source, table, 0, ""),
                reason: format!("[{table}] is in another file already"),
            });
        }
        self.origins.entry(table).or_default().push((self.index, 0));
        *only = more;
        Ok(())
    }
}

/// Compiles all `*.toml` of a folder.
///
/// # Errors
/// The first fault in the order of file and table, see [`ContentError`].
pub fn compile(folder: &Path) -> Result<Pack, ContentError> {
    let sources = read(folder)?;
    let mut reading = Reading::default();
    for (index, source) in sources.iter().enumerate() {
        let tables = parse(source)?;
        reading.take(index, source, tables)?;
    }
    let (mut pack, origins) = reading.finish(folder)?;
    let located = |(row, fault): (Row, Fault)| locate(&sources, &origins, row, &fault);
    check::pack(&pack).map_err(located)?;
    check::fits(&Content::of_checked(pack.clone()), &pack.fits).map_err(located)?;
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
fn locate(sources: &[Source], origins: &Origins, row: Row, fault: &Fault) -> ContentError {
    let place = |row: Row| {
        let rows = origins.get(row.table);
        let origin = rows.and_then(|rows| rows.get(row.index));
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
