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

#[test]
fn dashboards_name_metrics_that_exist() {
    let source = "const A: &str = \"beat_seconds\";\nconst B: &str = \"orrery_grids\";\n";
    let rules = "a: rate(orrery_beat_seconds_bucket[5m])\nb: orrery_grids\nc: orrery_gone_total\n";
    let files = [
        ("server/src/metrics/names.rs", source),
        ("deploy/alerts.yml", rules),
    ];
    assert_eq!(
        found(&files),
        ["deploy/alerts.yml:3: server/src/metrics has no metric orrery_gone_total"]
    );
}
