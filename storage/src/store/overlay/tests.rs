use proptest::prelude::*;

use super::*;
use crate::commit::RowSink as _;
use crate::commit::simulated::MapSink;
use crate::rows::Rows as _;

#[derive(Clone, Debug)]
enum Change {
    Put(u8, u8),
    Delete(u8),
    Cut(u8, u8),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let key = 0_u8..12;
    let change = prop_oneof![
        3 => (key.clone(), any::<u8>()).prop_map(|(key, value)| Change::Put(key, value)),
        1 => key.clone().prop_map(Change::Delete),
        1 => (key.clone(), key).prop_map(|(from, to)| Change::Cut(from, to)),
    ];
    prop::collection::vec(change, 0..12)
}

fn batch_of(changes: &[Change]) -> Batch {
    let mut batch = Batch::new();
    for change in changes {
        match *change {
            Change::Put(key, value) => batch.put(Domain::Ship, [key], [value]),
            Change::Delete(key) => batch.delete(Domain::Ship, [key]),
            Change::Cut(from, to) => batch.delete_range(Domain::Ship, [from], [to]),
        }
    }
    batch
}

proptest! {
    /// Over any rows, any changes in any number of batches read as if they had been applied.
    #[test]
    fn an_overlay_reads_as_if_it_had_been_applied(
        below in changes(),
        above in prop::collection::vec(changes(), 0..4),
        from in 0_u8..13,
        to in prop::option::of(0_u8..13),
    ) {
        let sink = MapSink::new();
        sink.apply(1..=1, &batch_of(&below)).unwrap();
        let engine = sink.rows();
        let mut overlay = Overlay::default();
        for (frame, changes) in (2..).zip(&above) {
            sink.apply(frame..=frame, &batch_of(changes)).unwrap();
            overlay.apply(&batch_of(changes));
        }
        let expected = sink.rows();
        for order in [Order::Ascending, Order::Descending] {
            let range = KeyRange { from: vec![from], to: to.map(|to| vec![to]) };
            let below = engine.scan(Domain::Ship, range.clone(), order);
            let found: Vec<_> = overlay.scan(Domain::Ship, range.clone(), order, below).collect();
            let wanted: Vec<_> = expected.scan(Domain::Ship, range, order).collect();
            prop_assert_eq!(found, wanted);
        }
        let keys: Vec<[u8; 1]> = (0..13).map(|key| [key]).collect();
        let mut rows = engine.multi_get(Domain::Ship, &keys).unwrap();
        overlay.cover(Domain::Ship, &keys, &mut rows);
        prop_assert_eq!(rows, expected.multi_get(Domain::Ship, &keys).unwrap());
    }
}
