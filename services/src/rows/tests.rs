use super::*;

#[test]
fn what_is_on_its_way_is_seen_and_settles_in_order() {
    let mut stored = MemoryRows::default();
    let mut pending = Pending::default();
    let mut first = Batch::new();
    first.put(Domain::Name, b"a", b"1");
    first.put(Domain::Name, b"b", b"1");
    let mut second = Batch::new();
    second.put(Domain::Name, b"a", b"2");
    second.delete(Domain::Name, b"b");
    let one = pending.add(&first);
    let two = pending.add(&second);
    let read = |stored: &MemoryRows, pending: &Pending| {
        let ahead = pending.over(stored);
        let one_by_one = [
            ahead.get(Domain::Name, b"a").expect("memory"),
            ahead.get(Domain::Name, b"b").expect("memory"),
        ];
        let together = ahead
            .multi_get(Domain::Name, &[b"a", b"b"])
            .expect("memory");
        assert_eq!(together, one_by_one);
        one_by_one
    };
    let expected = [Some(b"2".to_vec()), None];
    assert_eq!(read(&stored, &pending), expected);
    stored.apply(&first);
    pending.settle(one);
    assert_eq!(read(&stored, &pending), expected);
    stored.apply(&second);
    pending.settle(two);
    assert!(pending.is_empty());
    assert_eq!(read(&stored, &pending), expected);
}

#[test]
fn memory_rows_scan_ranges_in_both_orders() {
    let mut rows = MemoryRows::default();
    let mut batch = Batch::new();
    for key in [b"a1", b"a2", b"b1"] {
        batch.put(Domain::Name, key, key);
    }
    batch.put(Domain::Meta, b"a3", b"elsewhere");
    rows.apply(&batch);
    let keys = |range: KeyRange, order| -> Vec<Vec<u8>> {
        rows.scan(Domain::Name, range, order)
            .map(|row| row.expect("memory").key)
            .collect()
    };
    assert_eq!(
        keys(KeyRange::prefix(b"a"), Order::Ascending),
        [b"a1", b"a2"]
    );
    assert_eq!(
        keys(KeyRange::all(), Order::Descending),
        [b"b1", b"a2", b"a1"]
    );
    let mut batch = Batch::new();
    batch.delete_range(Domain::Name, b"a", b"b");
    rows.apply(&batch);
    assert_eq!(rows.count(Domain::Name, KeyRange::all()), Ok(1));
    assert_eq!(rows.count(Domain::Meta, KeyRange::all()), Ok(1));
}
