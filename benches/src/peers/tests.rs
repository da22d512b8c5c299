use super::*;

/// Peers that do other work than ours are no peers.
#[test]
fn the_peers_see_what_the_index_sees() {
    let field = Field::plane(2_000, 60);
    let points = field.points();
    let (star, kd, mut map) = (star(&points), kd(&points), CellMap::default());
    // Twice: what a rebuild leaves behind must not show.
    map.rebuild(&field.moved());
    map.rebuild(&field);
    let mut index = orrery_spatial::CellIndex::for_radius(RADIUS_CM);
    index.rebuild(&field.x, &field.y, &field.z);
    let mut ours = Vec::new();
    let mut seen = Vec::new();
    for &row in &field.observers[..100] {
        let place = field.place(row);
        let point = place.map(|p| p as f32);
        ours.clear();
        index.within(place, RADIUS_CM, &mut ours);
        let check = |seen: &mut Vec<u32>, allowed: usize| {
            seen.sort_unstable();
            let differing = seen.iter().filter(|row| ours.binary_search(row).is_err());
            assert!(differing.count() + seen.len().abs_diff(ours.len()) <= allowed);
        };
        map.visible(&field, place, &mut seen);
        check(&mut seen, 0);
        // Floats may be wrong about a ship on the very border.
        star_visible(&star, point, &mut seen);
        check(&mut seen, 1);
        kd_visible(&kd, point, &mut seen);
        check(&mut seen, 1);
    }
}

#[test]
fn the_peers_integrate() {
    let mut bevy = Bevy::new(10);
    bevy.integrate(0.5);
    bevy.integrate_contiguous(0.25);
    let positions: Vec<f32> = bevy
        .query
        .iter(&bevy.world)
        .map(|(position, _)| position.0[2])
        .collect();
    assert_eq!(positions.len(), 10);
    assert_eq!(positions[3], 3.75);
    let mut hecs = Hecs::new(10);
    hecs.integrate(0.5);
    let first = hecs.0.query_mut::<&Position>().into_iter().next();
    assert_eq!(first.map(|position| position.0), Some([0.5; 3]));
}
