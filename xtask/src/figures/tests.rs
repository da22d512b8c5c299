use super::{fill, parse, short, unlisted};

const PAGE: &str = "\
# Figures

| metric | goal | measured |
| --- | --- | --- |
| `wire.bytes_per_entity` | at most 0.7 | – |
| `recovery.lost` | none | 3 |
| `not a metric` | x | stays |

The name `wire.bytes_per_entity` in prose stays.
";

#[test]
fn values_go_to_the_last_cell_and_missing_ones_become_a_dash() {
    let summary = parse(r#"{"wire.bytes_per_entity": 0.6912}"#).unwrap();
    let filled = fill(PAGE, &summary);
    assert!(filled.contains("| `wire.bytes_per_entity` | at most 0.7 | 0.691 |\n"));
    assert!(filled.contains("| `recovery.lost` | none | – |\n"));
    assert!(filled.contains("| `not a metric` | x | stays |\n"));
    assert_eq!(
        fill(&filled, &summary),
        filled,
        "filling twice changes nothing"
    );
}

#[test]
fn a_value_without_a_row_is_named() {
    let summary = parse(r#"{"recovery.lost": 0, "edge.new": 1}"#).unwrap();
    assert_eq!(unlisted(PAGE, &summary), ["edge.new"]);
}

#[test]
fn a_summary_that_is_not_flat_is_refused() {
    assert!(parse(r#"{"edge": {"new": 1}}"#).is_err());
}

#[test]
fn figures_are_short() {
    let shown: Vec<String> = [0.0, 12_345.6, 303.4, 42.25, 1.5, 0.6912, 0.00123]
        .into_iter()
        .map(short)
        .collect();
    assert_eq!(
        shown,
        ["0", "12346", "303", "42.2", "1.5", "0.691", "0.0012"]
    );
}
