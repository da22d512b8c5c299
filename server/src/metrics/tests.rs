use std::collections::BTreeSet;

use orrery_base::command::RejectCode;
use orrery_proto::message::RefusalCode;

use super::samples::{Sample, Samples};
use super::*;

/// A grid on one shard, at half speed.
fn grid(number: u32, clients: u32, cost_ns: u64) -> GridStatus {
    GridStatus {
        grid: GridId(number),
        entities: clients + 4,
        clients,
        dilation_milli: 500,
        members: 1,
        cost_ns,
    }
}

/// A registry with something in most places.
fn busy() -> Arc<Registry> {
    let registry = Registry::new(2);
    let shard = registry.shard(ShardIndex(1));
    for phase in BeatPhase::ALL {
        shard.record_phase(phase, Duration::from_micros(100));
    }
    shard.record_beat(Tick(77), Duration::from_millis(5), Duration::from_micros(3));
    shard.rejected(RejectCode::Docked);
    shard.refused(RefusalCode::ServerFull);
    shard.refused(RefusalCode::ServerFull);
    shard.snapshot_sent(300, 40);
    shard.dilation_milli.set(500);
    shard.copy_edge(&orrery_net::Counters {
        bytes_in: 1_234,
        ..Default::default()
    });
    shard.publish_grids(vec![grid(7, 3, 2_000_000), grid(8, 0, 1_000)]);
    shard.grid_lost(GridId(7));
    shard.grid_restored(GridId(7));
    shard.checkpoints_skipped.increment();
    shard.value_answers.add(3);
    let control = registry.control();
    control.placement(PlacementSource::Balancer, PlacementKind::Move);
    registry.control().answered(404);
    registry.control().log_in(LogInOutcome::Failed);
    registry
}

#[test]
fn the_table_keeps_the_conventions() {
    let mut names = BTreeSet::new();
    for metric in metrics() {
        let name = metric.name;
        assert!(names.insert(name), "{name} is there twice");
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(
            name.chars().all(allowed),
            "{name}: lower case and underscores"
        );
        for ending in [
            "_total", "_seconds", "_bytes", "_ratio", "_count", "_sum", "_bucket", "_ms", "_us",
        ] {
            assert!(
                !name.ends_with(ending),
                "{name}: units and {ending} are added by the table"
            );
        }
        assert!(!name.starts_with("orrery"), "{name}: the prefix is added");
        assert!(
            metric.help.ends_with('.') && !metric.help.contains('\n'),
            "{name}: a sentence"
        );
        assert!(
            metric.kind != Kind::Histogram || metric.unit == Unit::Seconds,
            "{name}: durations"
        );
        let labels: BTreeSet<_> = metric.labels.iter().collect();
        assert_eq!(labels.len(), metric.labels.len(), "{name}: a label twice");
        assert!(!labels.contains(&"le"), "{name}: le belongs to histograms");
    }
}

#[test]
fn every_metric_can_be_read_and_no_sample_is_there_twice() {
    let registry = busy();
    for metric in metrics() {
        let mut seen = BTreeSet::new();
        let mut sink = |labels: &[(&'static str, String)], sample: Sample| {
            assert!(seen.insert(labels.to_vec()), "{metric:?}: {labels:?} twice");
            let durations = matches!(sample, Sample::Durations(_));
            assert_eq!(durations, metric.kind == Kind::Histogram, "{metric:?}");
            Ok(())
        };
        let mut samples = Samples::new(metric, &mut sink);
        (metric.read)(&registry, &mut samples);
        assert_eq!(samples.finish(), Ok(()));
        let needs_commit = metric.name.starts_with("commit") && metric.labels != ["shard"];
        assert_eq!(seen.is_empty(), needs_commit, "{metric:?} has no samples");
    }
}

#[test]
fn a_scrape_has_every_metric_and_what_was_recorded() {
    let text = encode(&busy());
    for metric in metrics() {
        let name = metric.full_name();
        let family = name.strip_suffix("_total").unwrap_or(&name);
        assert!(
            text.contains(&format!("# HELP {family} {}\n", metric.help)),
            "{name}"
        );
    }
    for line in [
        "orrery_beat_duration_seconds_bucket{le=\"0.004194304\",shard=\"1\"} 0",
        "orrery_beat_duration_seconds_bucket{le=\"0.008388608\",shard=\"1\"} 1",
        "orrery_beat_duration_seconds_bucket{le=\"+Inf\",shard=\"1\"} 1",
        "orrery_beat_duration_seconds_sum{shard=\"1\"} 0.005",
        "orrery_beat_phase_duration_seconds_count{shard=\"1\",phase=\"publish\"} 1",
        "orrery_tick{shard=\"1\"} 77",
        "orrery_tick{shard=\"0\"} 0",
        "orrery_time_dilation_ratio{shard=\"1\"} 0.5",
        "orrery_grid_beat_seconds{grid=\"7\"} 0.002",
        "orrery_grid_members{grid=\"7\"} 1",
        "orrery_grid_dilation_ratio{grid=\"7\"} 0.5",
        "orrery_grid_clients{grid=\"7\"} 3",
        "orrery_grids_lost_total{shard=\"1\"} 1",
        "orrery_grids_restored_total{shard=\"1\"} 1",
        "orrery_grid_restore_duration_seconds_count{shard=\"1\"} 1",
        "orrery_checkpoints_skipped_total{shard=\"1\"} 1",
        "orrery_value_answers_total{shard=\"1\"} 3",
        "orrery_placement_requests_total{by=\"balancer\",what=\"move\"} 1",
        "orrery_placement_requests_total{by=\"operator\",what=\"move\"} 0",
        "orrery_commands_rejected_total{shard=\"1\",code=\"Docked\"} 1",
        "orrery_clients_refused_total{shard=\"1\",code=\"ServerFull\"} 2",
        "orrery_snapshot_payload_bytes_total{shard=\"1\"} 300",
        "orrery_udp_payload_bytes_total{shard=\"1\",direction=\"in\"} 1234",
        "orrery_http_requests_total{status=\"4xx\"} 1",
        "orrery_log_ins_total{result=\"failed\"} 1",
        "# EOF",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn a_registry_adds_up_its_shards() {
    let registry = busy();
    registry
        .shard(ShardIndex(0))
        .record_beat(Tick(78), Duration::from_millis(1), Duration::ZERO);
    assert_eq!(registry.tick(), Tick(78));
    assert_eq!(registry.beats().count(), 2);
    assert_eq!(registry.sum(|shard| shard.snapshots.value()), 1);
    assert_eq!(registry.durable_lag_beats(), 78);
    assert!(registry.shard(ShardIndex(0)).since_last_beat().is_some());
    assert!(
        Registry::new(1)
            .shard(ShardIndex(0))
            .since_last_beat()
            .is_none()
    );
    assert!(resident_bytes().expect("Linux") > 1 << 20);
}

#[test]
fn only_the_busiest_grids_are_shown() {
    let registry = Registry::new(1);
    let shard = registry.shard(ShardIndex(0));
    let count = GRIDS_SHOWN_MAX as u32 + 10;
    let mut grids: Vec<_> = (1..=count)
        .map(|number| grid(number, 1, u64::from(number)))
        .collect();
    // Nobody is there and it costs nothing; nobody is there and it costs much; it is lost.
    grids.push(grid(count + 1, 0, 1_000));
    grids.push(grid(count + 2, 0, 5_000_000));
    grids.push(GridStatus {
        members: 0,
        ..grid(count + 3, 0, 4_000_000)
    });
    shard.publish_grids(grids);
    let text = encode(&registry);
    let shown: Vec<u32> = text
        .lines()
        .filter_map(|line| {
            let rest = line.strip_prefix("orrery_grid_members{grid=\"")?;
            rest.split_once('"')?.0.parse().ok()
        })
        .collect();
    assert_eq!(shown.len(), GRIDS_SHOWN_MAX);
    // The three that cost least of those with a client have to give way.
    assert!(shown.contains(&(count + 2)) && shown.contains(&(count + 3)));
    assert!(!shown.contains(&(count + 1)) && !shown.contains(&12) && shown.contains(&13));
}

#[test]
fn a_grid_that_two_shards_show_is_where_the_newer_table_has_it() {
    let registry = Registry::new(2);
    let home = |grid| registry.grids().get(&GridId(grid)).map(|(shard, _)| *shard);
    let [old, new] = [0, 1].map(|shard| registry.shard(ShardIndex(shard)));
    old.record_beat(Tick(10), Duration::ZERO, Duration::ZERO);
    old.publish_grids(vec![grid(1, 1, 1), grid(2, 1, 1)]);
    assert_eq!(home(1), Some(ShardIndex(0)));
    new.record_beat(Tick(20), Duration::ZERO, Duration::ZERO);
    new.publish_grids(vec![grid(1, 1, 1)]);
    assert_eq!(home(1), Some(ShardIndex(1)), "it has moved");
    assert_eq!(home(2), Some(ShardIndex(0)));
    // And back: now the first shard's table is the newer one, whatever their order.
    old.record_beat(Tick(30), Duration::ZERO, Duration::ZERO);
    old.publish_grids(vec![grid(1, 1, 1), grid(2, 1, 1)]);
    assert_eq!(home(1), Some(ShardIndex(0)));
    assert_eq!(home(3), None);
}
