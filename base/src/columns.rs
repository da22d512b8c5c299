//! Struct-of-arrays columns: one `Vec` per field, one row per entity.
//!
//! [`columns!`] declares the columns and the row that they are made of in one place; the
//! kernel's table, the game's systems and the snapshot of a checkpoint all use that one list.

/// Columns of equal length, addressed by row.
pub trait Columns {
    /// One row: every field of one entity.
    type Row;

    /// Number of rows.
    fn len(&self) -> usize;

    /// Whether there is no row.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a row.
    fn push(&mut self, row: Self::Row);

    /// Takes a row out; the last row moves into its place.
    ///
    /// # Panics
    /// If `row` is not below [`Columns::len`].
    fn swap_remove(&mut self, row: usize) -> Self::Row;

    /// A copy of a row.
    ///
    /// # Panics
    /// If `row` is not below [`Columns::len`].
    fn row(&self, row: usize) -> Self::Row;

    /// Overwrites a row.
    ///
    /// # Panics
    /// If `row` is not below [`Columns::len`].
    fn set_row(&mut self, row: usize, value: Self::Row);

    /// Removes every row and keeps the memory.
    fn clear(&mut self);

    /// Makes room for `additional` more rows.
    fn reserve(&mut self, additional: usize);
}

/// Declares a struct of columns and its row.
///
/// ```
/// use orrery_base::columns::{Columns, columns};
/// columns! {
///     /// Two fields.
///     pub struct ProbeColumns;
///     /// One row of them.
///     pub struct Probe {
///         /// Metres.
///         pub range_m: i32,
///         /// Alive or not.
///         pub alive: bool,
///     }
/// }
/// let mut columns = ProbeColumns::default();
/// columns.push(Probe { range_m: 5, alive: true });
/// assert_eq!(columns.range_m, [5]);
/// assert_eq!(columns.row(0), Probe { range_m: 5, alive: true });
/// ```
#[macro_export]
macro_rules! columns {
    (
        $(#[$columns_doc:meta])* $columns_vis:vis struct $columns:ident;
        $(#[$row_doc:meta])* $row_vis:vis struct $row:ident {
            $( $(#[$field_doc:meta])* pub $field:ident : $type:ty ),* $(,)?
        }
    ) => {
        $(#[$columns_doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        $columns_vis struct $columns { $( $(#[$field_doc])* pub $field: Vec<$type> ),* }

        $(#[$row_doc])*
        #[derive(Clone, Debug, PartialEq)]
        $row_vis struct $row { $( $(#[$field_doc])* pub $field: $type ),* }

        impl $crate::columns::Columns for $columns {
            type Row = $row;

            fn len(&self) -> usize {
                let lengths = [$( self.$field.len() ),*];
                lengths[0]
            }

            fn push(&mut self, row: $row) {
                $( self.$field.push(row.$field); )*
            }

            fn swap_remove(&mut self, row: usize) -> $row {
                $row { $( $field: self.$field.swap_remove(row) ),* }
            }

            fn row(&self, row: usize) -> $row {
                $row { $( $field: self.$field[row].clone() ),* }
            }

            fn set_row(&mut self, row: usize, value: $row) {
                $( self.$field[row] = value.$field; )*
            }

            fn clear(&mut self) {
                $( self.$field.clear(); )*
            }

            fn reserve(&mut self, additional: usize) {
                $( self.$field.reserve(additional); )*
            }
        }
    };
}

pub use columns;
