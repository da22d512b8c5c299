//! The galaxy as a table for terminals.

use super::super::{Galaxy, SecurityBand, StarClass, System};
use super::{Holder, holders};
use crate::content::Empire;
use std::fmt::Write as _;

/// One line per system: id, name, security, holder, star, planets, belts, and where the gates
/// lead. Columns are as wide as their widest cell. Empires have numbers instead of names; see
/// [`table_with`].
#[must_use]
pub fn table(galaxy: &Galaxy) -> String {
    table_with(galaxy, &[])
}

/// [`table`] with the names of `empires`.
#[must_use]
pub fn table_with(galaxy: &Galaxy, empires: &[Empire]) -> String {
    let holders = &holders(galaxy, empires);
    let mut rows: Vec<[String; 8]> = vec![
        [
            "id", "system", "security", "held by", "star", "planets", "belts", "gates to",
        ]
        .map(str::to_owned),
    ];
    rows.extend(
        galaxy
            .systems
            .iter()
            .map(|system| row(galaxy, system, holders)),
    );
    let widths: [usize; 8] = core::array::from_fn(|column| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    });
    let mut out = String::new();
    for row in &rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            // Writing to a `String` cannot fail. Numbers stand on the right.
            let _ = match column {
                0 | 5 | 6 => write!(line, "{cell:>width$}  ", width = widths[column]),
                _ => write!(line, "{cell:<width$}  ", width = widths[column]),
            };
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn row(galaxy: &Galaxy, system: &System, holders: &[Holder]) -> [String; 8] {
    let band = match system.band() {
        SecurityBand::High => "high",
        SecurityBand::Low => "low",
        SecurityBand::Null => "null",
    };
    let holder = holders
        .iter()
        .find(|it| it.id == system.empire)
        .map_or("-", |it| it.name.as_str());
    let gates: Vec<&str> = system
        .neighbours()
        .filter_map(|it| galaxy.system(it))
        .map(|it| it.name.as_str())
        .collect();
    [
        system.id.to_string(),
        system.name.clone(),
        format!("{:>4.1} {band}", f64::from(system.security_tenths()) / 10.0),
        holder.to_owned(),
        star(system),
        system.planets.len().to_string(),
        system.belts.len().to_string(),
        gates.join(", "),
    ]
}

/// "G4", or "K2 giant".
fn star(system: &System) -> String {
    let class = match system.star.class {
        StarClass::O => 'O',
        StarClass::B => 'B',
        StarClass::A => 'A',
        StarClass::F => 'F',
        StarClass::G => 'G',
        StarClass::K => 'K',
        StarClass::M => 'M',
    };
    let size = if system.star.giant { " giant" } else { "" };
    format!("{class}{}{size}", system.star.subclass)
}
