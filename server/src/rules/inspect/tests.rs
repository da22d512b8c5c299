use orrery_base::Tick;
use orrery_game::columns::Kind;

use super::*;

fn row() -> SpaceRow {
    let ship = Ship::fixed(Kind::Ship, TypeId(7), [1, -2, 3], Tick(9));
    let pilot = Pilot {
        name: "Ada".into(),
        ..Pilot::default()
    };
    SpaceRow {
        ship,
        pilot,
        fight: Fight::default(),
    }
}

#[test]
fn every_column_has_a_name_of_its_own() {
    let mut names = Vec::new();
    each_column(&row(), |name, _| names.push(name));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(
        ["px", "order_direction", "name", "since"]
            .iter()
            .all(|it| names.contains(it))
    );
}

#[test]
fn what_differs_is_named_and_nothing_else() {
    assert_eq!(differences(&row(), &row()), []);
    let mut other = row();
    other.ship.py = 5;
    other.pilot.name = "Ben".into();
    let found = differences(&row(), &other);
    let columns: Vec<_> = found.iter().map(|it| it.column).collect();
    assert_eq!(columns, ["py", "name"]);
    assert_eq!(
        (&found[0].left, &found[0].right),
        (&Value::from(-2), &Value::from(5))
    );
    assert_eq!(found[1].right, Value::from("Ben"));
}
