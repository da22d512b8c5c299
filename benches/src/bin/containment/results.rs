//! What came out, as JSON and as a table.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, ensure};
use orrery_benches::machine;
use orrery_benches::report::rounded;
use serde_json::{Value, json};

/// A restoration takes no longer, seconds.
const RESTORE_MAX_S: f64 = 1.0;
/// 99 of 100 beats of the other shard take no longer, milliseconds: what a crowd may take.
const NEIGHBOUR_MAX_MS: f64 = 16.0;

/// Durations of the beats of one shard in one window.
pub(crate) struct Beats {
    /// How many.
    pub(crate) count: usize,
    /// Half of them take no longer, milliseconds.
    pub(crate) p50_ms: f64,
    /// 99 of 100 take no longer.
    pub(crate) p99_ms: f64,
    /// None takes longer.
    pub(crate) max_ms: f64,
}

impl Beats {
    /// Of the beats `from..to` of a shard in the server's trace.
    pub(crate) fn of(trace: &str, shard: u64, from: u64, to: u64) -> anyhow::Result<Self> {
        let mut took_us: Vec<u64> = trace
            .lines()
            .skip(1)
            .filter_map(|line| {
                let mut cells = line.split(',').map(|cell| cell.parse::<u64>().ok());
                let (of, beat, took) = (cells.next()??, cells.next()??, cells.next()??);
                (of == shard && (from..to).contains(&beat)).then_some(took)
            })
            .collect();
        ensure!(
            !took_us.is_empty(),
            "the trace has no beat of shard {shard}"
        );
        took_us.sort_unstable();
        let count = took_us.len();
        let quantile = |of_100: usize| {
            let rank = (count * of_100).div_ceil(100).max(1);
            took_us[rank - 1] as f64 / 1e3
        };
        Ok(Self {
            count,
            p50_ms: quantile(50),
            p99_ms: quantile(99),
            max_ms: quantile(100),
        })
    }

    fn json(&self) -> Value {
        json!({
            "beats": self.count,
            "p50_ms": rounded(self.p50_ms),
            "p99_ms": rounded(self.p99_ms),
            "max_ms": rounded(self.max_ms),
        })
    }
}

/// What has to hold: name, found, limit, whether it does.
type Limit = (&'static str, String, String, bool);

/// What came out of a run.
pub(crate) struct Outcome {
    /// The grid that failed, and how many played on it.
    pub(crate) grid: u64,
    pub(crate) players: u64,
    /// By fault, seconds until the grid went on.
    pub(crate) restored_s: Vec<f64>,
    /// Clients that played after the last fault.
    pub(crate) clients_at_end: u32,
    /// The shard of the failing grid, without and with faults.
    pub(crate) own_before: Beats,
    pub(crate) own_after: Beats,
    /// The other shard.
    pub(crate) other_before: Beats,
    pub(crate) other_after: Beats,
    /// The bots' report.
    pub(crate) report: Value,
    /// Whether the server drained and left a clean store.
    pub(crate) clean: bool,
    /// Whether the journal repeats the run with every digest equal.
    pub(crate) repeatable: bool,
}

impl Outcome {
    fn slowest_s(&self) -> f64 {
        self.restored_s.iter().copied().fold(0.0, f64::max)
    }

    fn limits(&self, bots: u32) -> Vec<Limit> {
        let failed = self.report["failed"].as_u64().unwrap_or(u64::MAX);
        let slowest_s = self.slowest_s();
        let neighbour_ms = self.other_after.p99_ms;
        let yes_no = |holds: bool| if holds { "yes" } else { "no" }.to_owned();
        vec![
            (
                "players who lost their connection",
                failed.to_string(),
                "0".into(),
                failed == 0,
            ),
            (
                "players after the last fault",
                self.clients_at_end.to_string(),
                bots.to_string(),
                self.clients_at_end == bots,
            ),
            (
                "slowest restoration",
                format!("{slowest_s:.3} s"),
                format!("under {RESTORE_MAX_S} s"),
                slowest_s < RESTORE_MAX_S,
            ),
            (
                "beat of the other shard under faults, p99",
                format!("{neighbour_ms:.2} ms"),
                format!("under {NEIGHBOUR_MAX_MS} ms"),
                neighbour_ms < NEIGHBOUR_MAX_MS,
            ),
            (
                "the server drains and ends cleanly",
                yes_no(self.clean),
                "yes".into(),
                self.clean,
            ),
            (
                "`orrery replay` finds every digest equal",
                yes_no(self.repeatable),
                "yes".into(),
                self.repeatable,
            ),
        ]
    }
}

/// Writes both files; says whether every limit holds.
pub(crate) fn write(
    folder: &Path,
    bots: u32,
    outcome: &Outcome,
    root: &Path,
    load: Value,
) -> anyhow::Result<bool> {
    crate::create(folder)?;
    let limits = outcome.limits(bots);
    let holds = limits.iter().all(|(.., holds)| *holds);
    let command = format!("perf/containment.sh {bots} {}", outcome.restored_s.len());
    let restored_s = outcome.restored_s.iter().map(|&s| rounded(s));
    let gap = &outcome.report["snapshot_gap_ms"];
    let (commit, machine) = (machine::commit(root), machine::describe());
    let json = json!({
        "command": command,
        "commit": commit,
        "machine": machine,
        "load_before": load,
        "bots": bots,
        "grid": outcome.grid,
        "players_on_it": outcome.players,
        "restored_s": restored_s.collect::<Vec<_>>(),
        "disconnects": outcome.report["failed"],
        "clients_at_end": outcome.clients_at_end,
        "snapshot_gap_ms": gap,
        "own_shard": {
            "before": outcome.own_before.json(), "under_faults": outcome.own_after.json(),
        },
        "other_shard": {
            "before": outcome.other_before.json(), "under_faults": outcome.other_after.json(),
        },
        "clean": outcome.clean,
        "repeatable": outcome.repeatable,
        "holds": holds,
    });
    let text = table(bots, outcome, &limits, &json);
    print!("\n{text}\n");
    let stem = folder.join("containment");
    for (ending, content) in [("json", format!("{json:#}\n")), ("md", text)] {
        let path = stem.with_extension(ending);
        std::fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(holds)
}

/// The same for people.
fn table(bots: u32, outcome: &Outcome, limits: &[Limit], json: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or("unknown").to_owned();
    let id = word(&json["commit"]["id"]);
    let mut text = String::from("# A grid that fails\n\n");
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "`{}` · grid {} with {} of {bots} players failed {} times · {} · {} cores · \
         commit {} · load before {}\n",
        word(&json["command"]),
        outcome.grid,
        outcome.players,
        outcome.restored_s.len(),
        word(&json["machine"]["processor"]),
        json["machine"]["cores"],
        id.get(..10).unwrap_or(&id),
        json["load_before"][0],
    );
    text.push_str("| figure | measured | limit | |\n| --- | --- | --- | --- |\n");
    for (name, found, limit, holds) in limits {
        let verdict = if *holds { "pass" } else { "**FAIL**" };
        let _ = writeln!(text, "| {name} | {found} | {limit} | {verdict} |");
    }
    text.push_str("\n| beats | number | p50 | p99 | longest |\n| --- | --- | --- | --- | --- |\n");
    for (name, beats) in [
        ("shard of the grid, before", &outcome.own_before),
        ("shard of the grid, under faults", &outcome.own_after),
        ("other shard, before", &outcome.other_before),
        ("other shard, under faults", &outcome.other_after),
    ] {
        let _ = writeln!(
            text,
            "| {name} | {} | {:.2} ms | {:.2} ms | {:.2} ms |",
            beats.count, beats.p50_ms, beats.p99_ms, beats.max_ms
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "\
shard,beat,beat_us,late_us,wait
0,10,1000,3,1
0,11,3000,3,1
0,12,2000,3,1
1,11,9000,3,1
0,13,8000,3,1
";

    #[test]
    fn beats_are_told_apart_by_shard_and_number() {
        let beats = Beats::of(TRACE, 0, 10, 13).unwrap();
        assert_eq!(beats.count, 3);
        assert_eq!((beats.p50_ms, beats.p99_ms, beats.max_ms), (2.0, 3.0, 3.0));
        assert_eq!(Beats::of(TRACE, 1, 10, 13).unwrap().max_ms, 9.0);
        assert!(Beats::of(TRACE, 2, 10, 13).is_err());
    }
}
