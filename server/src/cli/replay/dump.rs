//! All entities of some grids as they were after a beat: a table, a list, or JSON.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::ensure;
use orrery_base::columns::Columns as _;
use orrery_base::{EntityId, GridId, Tick};
use orrery_kernel::grid::Grid;
use serde_json::{Map, Value};

use super::source::Source;
use crate::cli::{print, progress};
use crate::rules::Space;
use crate::rules::columns::SpaceRow;
use crate::rules::inspect::each_column;

/// One entity.
pub(super) struct Entity {
    /// Its id.
    pub(super) id: EntityId,
    /// Its slot on the grid.
    pub(super) slot: u32,
    /// The grid's own beat in which it came.
    pub(super) born: Tick,
    /// All its columns.
    pub(super) row: SpaceRow,
}

/// The entities of a grid, by id.
pub(super) fn entities(grid: &Grid<Space>) -> Vec<Entity> {
    let mut found = Vec::with_capacity(grid.entity_count());
    for part in grid.parts() {
        let table = &part.table;
        for (row, &id) in table.ids().iter().enumerate() {
            found.push(Entity {
                id,
                slot: table.slots()[row].0,
                born: table.born()[row],
                row: table.columns().row(row),
            });
        }
    }
    found.sort_unstable_by_key(|entity| entity.id);
    found
}

/// Prints the entities, or one, as they were after the host's beat `beat`.
///
/// # Errors
/// If the beat is none of the journal's, or there is no such entity.
pub(super) fn dump(
    source: &Source,
    grids: &[GridId],
    beat: u64,
    entity: Option<u64>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let until = source.beat("--dump", beat)?;
    let mut replay = source.begin(grids, until.next(), until, 1)?;
    let bar = progress::bar("replay");
    let from = replay.from();
    source.follow(&mut replay, until, |tick, _| {
        bar.update(tick.since(from), until.since(from));
    })?;
    bar.finish();
    let mut shown = 0;
    for grid in replay.grids() {
        let mut here = entities(grid);
        here.retain(|it| entity.is_none_or(|id| it.id.0 == id));
        shown += here.len();
        let text = match (json, entity) {
            (true, _) => lines(grid, until, &here),
            (false, Some(_)) => here.iter().map(|it| list(grid, until, it)).collect(),
            (false, None) => table(grid, until, &here),
        };
        print(&text)?;
    }
    ensure!(
        shown > 0 || entity.is_none(),
        "after beat {until} there is no entity {} on {}",
        entity.unwrap_or_default(),
        match grids {
            [grid] => format!("grid {grid}"),
            _ => "any grid".to_owned(),
        }
    );
    Ok(ExitCode::SUCCESS)
}

/// Every cell of an entity, with its column.
fn cells(entity: &Entity) -> Vec<(&'static str, Value)> {
    let mut cells = vec![
        ("entity", Value::from(entity.id.0)),
        ("slot", Value::from(entity.slot)),
        ("born", Value::from(entity.born.0)),
    ];
    each_column(&entity.row, |column, value| cells.push((column, value)));
    cells
}

/// A value without quotation marks.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn lines(grid: &Grid<Space>, beat: Tick, entities: &[Entity]) -> String {
    let mut text = String::new();
    for entity in entities {
        let mut object = Map::new();
        object.insert("grid".into(), grid.id().0.into());
        object.insert("beat".into(), beat.0.into());
        object.insert("own_beat".into(), grid.tick().0.into());
        for (column, value) in cells(entity) {
            object.insert(column.into(), value);
        }
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", Value::Object(object));
    }
    text
}

fn heading(grid: &Grid<Space>, beat: Tick) -> String {
    format!(
        "grid {} after beat {beat}, its own {}: {} entities, digest {:016x}\n",
        grid.id(),
        grid.tick(),
        grid.entity_count(),
        grid.digest()
    )
}

fn list(grid: &Grid<Space>, beat: Tick, entity: &Entity) -> String {
    let mut text = heading(grid, beat);
    for (column, value) in cells(entity) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {column:<16} {}", plain(&value));
    }
    text
}

fn table(grid: &Grid<Space>, beat: Tick, entities: &[Entity]) -> String {
    let mut text = heading(grid, beat);
    let rows: Vec<Vec<_>> = entities.iter().map(cells).collect();
    let Some(first) = rows.first() else {
        return text;
    };
    let mut printed: Vec<Vec<String>> = vec![first.iter().map(|it| it.0.to_owned()).collect()];
    let values = |row: &Vec<(_, Value)>| row.iter().map(|(_, value)| plain(value)).collect();
    printed.extend(rows.iter().map(values));
    let mut widths = vec![0; first.len()];
    for row in &printed {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    for row in &printed {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(text, "{cell:>width$} ");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}
