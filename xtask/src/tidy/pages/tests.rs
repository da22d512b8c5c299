use super::check;
use crate::figures::{PAGE, SUMMARY};
use crate::tidy::Workspace;
use crate::tidy::tests::shown;

fn found(files: &[(&str, &str)]) -> Vec<String> {
    shown(&check(&Workspace::of(files, Vec::new())))
}

#[test]
fn the_page_shows_what_was_measured() {
    let page = "| `a.b` | goal | 2 |\n";
    assert_eq!(found(&[(PAGE, page), (SUMMARY, "{\"a.b\": 2}")]), [""; 0]);
    assert_eq!(
        found(&[(PAGE, page), (SUMMARY, "{\"a.b\": 3}")]),
        ["docs/figures.md:1: not what was measured: run `cargo xtask figures`"]
    );
    assert_eq!(
        found(&[(PAGE, page), (SUMMARY, "{\"a.b\": 2, \"c.d\": 1}")]),
        ["docs/figures.md:1: c.d is measured, but the page has no row for it"]
    );
    assert_eq!(found(&[(PAGE, page), (SUMMARY, "[]")]).len(), 1);
    assert_eq!(found(&[(PAGE, page)]).len(), 1, "an invented value");
}

const TABLE: &str = "
const METRICS: &[Metric] = &[
    Metric { name: \"beat\", unit: Unit::Seconds, kind: Kind::Histogram, read: |_| {} },
    Metric { name: \"grids\", unit: Unit::None, kind: Kind::Gauge },
    Metric { name: \"sent\", unit: Unit::Bytes, kind: Kind::Counter },
];
";

#[test]
fn dashboards_name_metrics_that_exist() {
    let rules = "a: rate(orrery_beat_seconds_bucket[5m])\nb: orrery_grids + orrery_sent_bytes_total\n\
                 c: orrery_sent_bytes\nd: orrery_grids_count or orrery_beat\n";
    let files = [
        ("server/src/metrics/table.rs", TABLE),
        ("deploy/prometheus/alerts.yml", rules),
    ];
    let of = |line, name| {
        format!("deploy/prometheus/alerts.yml:{line}: server/src/metrics has no metric {name}")
    };
    assert_eq!(
        found(&files),
        [
            of(3, "orrery_sent_bytes"),
            of(4, "orrery_grids_count"),
            of(4, "orrery_beat"),
        ]
    );
}

#[test]
fn a_table_that_cannot_be_read_is_told() {
    let files = [("server/src/metrics/mod.rs", "fn f() {}\n")];
    assert!(found(&files)[0].contains("has the table another form now?"));
}
