use super::*;

#[test]
fn a_prefix_ends_before_the_next_key_without_it() {
    assert_eq!(KeyRange::prefix(b""), KeyRange::all());
    assert_eq!(KeyRange::prefix(&[1, 2]), KeyRange::between([1, 2], [1, 3]));
    assert_eq!(
        KeyRange::prefix(&[1, 0xff, 0xff]),
        KeyRange::between([1, 0xff, 0xff], [2])
    );
    assert_eq!(
        KeyRange::prefix(&[0xff, 0xff]),
        KeyRange::from([0xff, 0xff])
    );
}

#[test]
fn a_range_knows_that_it_is_empty() {
    assert!(KeyRange::between([2], [2]).is_empty());
    assert!(KeyRange::between([2], [1]).is_empty());
    assert!(!KeyRange::between([2], [2, 0]).is_empty());
    assert!(!KeyRange::all().is_empty());
}
