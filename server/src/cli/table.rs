//! Tables of text for a terminal.

/// On which side of its column a cell stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table with aligned columns, two spaces between them, and a line for the names.
///
/// # Panics
/// When a row has more cells than there are columns.
pub(super) fn table(columns: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = columns
        .iter()
        .map(|(name, _)| name.chars().count())
        .collect();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            widths[column] = widths[column].max(cell.chars().count());
        }
    }
    let names: Vec<String> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut text = String::new();
    for row in core::iter::once(&names).chain(rows) {
        let mut line = String::new();
        for ((cell, &width), (_, align)) in row.iter().zip(&widths).zip(columns) {
            if !line.is_empty() {
                line.push_str("  ");
            }
            match align {
                Align::Left => line.push_str(&format!("{cell:<width$}")),
                Align::Right => line.push_str(&format!("{cell:>width$}")),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let columns = [("what", Align::Left), ("units", Align::Right)];
        let row = |what: &str, units: &str| vec![what.to_owned(), units.to_owned()];
        let rows = [row("Ümlaut", "7"), row("a", "1234567")];
        assert_eq!(
            table(&columns, &rows),
            "what      units\nÜmlaut        7\na       1234567\n"
        );
        assert_eq!(table(&columns, &[]), "what  units\n");
    }
}
