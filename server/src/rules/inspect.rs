//! The columns of a row by name, for tools that show states and compare them.

use orrery_base::{AccountId, CharacterId, ClientId, EntityId, ShardIndex, TypeId};
use orrery_game::columns::Ship;
use orrery_game::fight::Fighter;
use serde_json::Value;

use super::columns::{Pilot, SpaceRow};
use super::fight::Fight;

/// A column's value as tools show it.
trait Shown {
    fn shown(&self) -> Value;
}

/// All of a fighter that is stored, in one text.
fn shown_fighter(it: &Fighter) -> String {
    let layers = (&it.shield, it.armour_hp, it.hull_hp, &it.capacitor);
    let deeds = (&it.locks, &it.modules, &it.externals, &it.flights);
    let memory = (&it.timers, &it.participants, it.final_blow);
    format!("{layers:?} {deeds:?} {memory:?} {:?}", it.fit)
}

macro_rules! shown {
    ($($type:ty: $value:ident => $shown:expr),* $(,)?) => {$(
        impl Shown for $type {
            fn shown(&self) -> Value {
                let $value = self;
                Value::from($shown)
            }
        }
    )*};
}

shown! {
    u8: it => *it, u16: it => *it, u32: it => *it, u64: it => *it, i32: it => *it,
    [i16; 3]: it => it.to_vec(),
    Box<str>: it => it.as_ref(),
    AccountId: it => it.0, CharacterId: it => it.0, ClientId: it => it.0, EntityId: it => it.0,
    ShardIndex: it => it.0, TypeId: it => it.0,
    Vec<(CharacterId, ClientId, ShardIndex)>: it => format!("{it:?}"),
    Option<Box<Fighter>>: it => it.as_deref().map(shown_fighter),
}

/// Visits every field. A field that is missing in the list does not compile.
macro_rules! each_field {
    ($row:expr, $visit:expr, $type:ident { $($field:ident),* $(,)? }) => {
        let $type { $($field),* } = $row;
        $( $visit(stringify!($field), $field.shown()); )*
    };
}

/// Shows `visit` every column of a row, with its name, in the order of their declaration.
pub fn each_column(row: &SpaceRow, mut visit: impl FnMut(&'static str, Value)) {
    let SpaceRow { ship, pilot, fight } = row;
    each_field!(
        ship,
        visit,
        Ship {
            kind,
            type_id,
            owner,
            px,
            py,
            pz,
            vx,
            vy,
            vz,
            tx,
            ty,
            tz,
            response,
            max_speed,
            order_kind,
            order_target,
            order_range_cm,
            order_direction,
            throttle,
            order_tick,
            shield,
            armour,
            hull,
            activity,
            law_tick,
            state_tick,
        }
    );
    each_field!(
        pilot,
        visit,
        Pilot {
            account,
            name,
            version,
            client,
            edge,
            last_input,
            presence,
            place,
            until,
            since,
        }
    );
    each_field!(
        fight,
        visit,
        Fight {
            fighter,
            attackers,
            died,
            expires,
        }
    );
}

/// A column that differs between two rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The column.
    pub column: &'static str,
    /// Its value in the first row.
    pub left: Value,
    /// Its value in the second.
    pub right: Value,
}

/// The columns in which two rows differ, in the order of their declaration.
#[must_use]
pub fn differences(left: &SpaceRow, right: &SpaceRow) -> Vec<Difference> {
    let mut values = Vec::new();
    each_column(left, |_, value| values.push(value));
    let mut values = values.into_iter();
    let mut found = Vec::new();
    each_column(right, |column, right| {
        let left = values.next().unwrap_or_default();
        if left != right {
            found.push(Difference {
                column,
                left,
                right,
            });
        }
    });
    found
}

#[cfg(test)]
mod tests;
