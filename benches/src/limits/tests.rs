use super::*;
use crate::field::RADIUS_CM;
use orrery_spatial::CellIndex;

/// A limit that does less than the work is no limit.
#[test]
fn the_limits_find_what_the_index_finds() {
    let field = Field::plane(3_000, 60);
    let mut cells = Cells::new(&field, RADIUS_CM);
    cells.rebuild(&field);
    let mut index = CellIndex::for_radius(RADIUS_CM);
    index.rebuild(&field.x, &field.y, &field.z);
    let mut out = vec![0; field.len() + 16];
    let mut total = 0;
    for &row in &field.observers[..200] {
        let found = cells.scan(field.place(row), &mut out);
        let mut limit = out[..found].to_vec();
        limit.sort_unstable();
        let mut ours = Vec::new();
        index.within(field.place(row), RADIUS_CM, &mut ours);
        // The limit may be wrong about ships on the very border.
        let differences = limit.len().abs_diff(ours.len());
        assert!(differences <= 1, "{limit:?} {ours:?}");
        total += ours.len();
    }
    assert!((40 * 200..75 * 200).contains(&total), "{total}");
}

#[test]
fn a_known_threshold_finds_the_nearest() {
    let field = Field::battle(2_000);
    let known = KnownThreshold::new(&field);
    let centre = field.place(17);
    let mut out = vec![0; field.len() + 16];
    let found = known.scan(centre, known.threshold(centre, 255), &mut out);
    assert!((255..257).contains(&found), "{found}");
}
