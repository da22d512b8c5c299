//! The results as files: everything as JSON, a table as Markdown, a few keys of the summary.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use clap::Parser as _;
use orrery_benches::report::rounded;
use orrery_benches::{machine, report};
use serde_json::{Value, json};

use crate::Args;
use crate::figures::Figures;
use crate::run::Run;
use crate::series::Series;

/// The size of the run whose figures go into the summary.
pub(crate) const SUMMARISED_BOTS: u32 = 1_000;

/// Where and how it was measured.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The command that repeats it.
    pub(crate) command: String,
    /// The commit that is checked out.
    pub(crate) commit: Value,
    /// When, UTC.
    pub(crate) when: String,
    /// Processor, cores, memory, kernel.
    pub(crate) machine: Value,
    /// Load averages before the run: of 1, 5 and 15 minutes.
    pub(crate) load: Value,
    /// Bots.
    pub(crate) bots: u32,
}

impl Setting {
    /// Looks around.
    pub(crate) fn of_this_machine(args: &Args, root: &Path) -> Self {
        let date = Command::new("date")
            .args(["-u", "+%Y-%m-%dT%H:%M:%SZ"])
            .output();
        let date = date.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        Self {
            command: command(args),
            commit: machine::commit(root),
            when: date.unwrap_or_default(),
            machine: machine::describe(),
            load: machine::load(),
            bots: args.bots,
        }
    }

    /// One line for people.
    pub(crate) fn line(&self) -> String {
        let word = |value: &Value| value.as_str().unwrap_or("unknown").to_owned();
        let commit = word(&self.commit["id"]);
        format!(
            "{} · {} cores · Linux {} · commit {}{} · {} · load before {}",
            word(&self.machine["processor"]),
            self.machine["cores"],
            word(&self.machine["kernel"]),
            commit.get(..10).unwrap_or(&commit),
            if self.commit["changed"] == true {
                " and changes"
            } else {
                ""
            },
            self.when,
            self.load[0],
        )
    }
}

/// The arguments without what is as usual.
fn command(args: &Args) -> String {
    let usual = Args::parse_from(["capacity"]);
    let mut command = format!("perf/capacity.sh {} {}", args.bots, args.seconds);
    let mut option = |name: &str, value: String, usual: String| {
        if value != usual {
            // Writing to a string does not fail.
            let _ = write!(command, " --{name} {value}");
        }
    };
    let systems = |args: &Args| {
        args.systems
            .map_or_else(String::new, |systems| systems.to_string())
    };
    option("behaviour", args.behaviour.clone(), usual.behaviour.clone());
    option("systems", systems(args), systems(&usual));
    option("shards", args.shards.to_string(), usual.shards.to_string());
    option(
        "warm-up",
        args.warm_up.to_string(),
        usual.warm_up.to_string(),
    );
    option("seed", args.seed.to_string(), usual.seed.to_string());
    command
}

/// Writes a file whole or not at all.
pub(crate) fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, text).with_context(|| format!("write {}", fresh.display()))?;
    std::fs::rename(&fresh, path).with_context(|| format!("write {}", path.display()))
}

/// Replaces this command's keys in the summary and leaves the others.
pub(crate) fn summarise(path: &Path, figures: &Figures) -> anyhow::Result<()> {
    let names: Vec<_> = figures
        .limited
        .iter()
        .map(|figure| {
            (
                format!("capacity_{SUMMARISED_BOTS}.{}", figure.key),
                figure.value,
            )
        })
        .collect();
    let figures: Vec<_> = names
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    report::summarise(path, &figures).with_context(|| format!("write {}", path.display()))
}

/// The table: figure, measured, limit, whether it holds.
pub(crate) fn markdown(setting: &Setting, run: &Run, figures: &Figures) -> String {
    let mut rows = vec![[
        "figure".into(),
        "measured".into(),
        "limit".into(),
        "".into(),
    ]];
    let verdict = |holds: bool| if holds { "pass" } else { "**FAIL**" }.to_owned();
    for figure in &figures.limited {
        let (value, below) = (
            shown(figure.value, figure.unit),
            shown(figure.below, figure.unit),
        );
        rows.push([
            figure.name.into(),
            value,
            format!("under {below}"),
            verdict(figure.holds()),
        ]);
    }
    for condition in &figures.conditions {
        rows.push([
            condition.name.into(),
            condition.found.clone(),
            "must be".into(),
            verdict(condition.holds),
        ]);
    }
    let mut text = format!(
        "# {} players on one machine\n\n",
        thousands(f64::from(setting.bots))
    );
    let _ = writeln!(
        text,
        "`{}` · {} star systems · {:.1} s measured\n",
        setting.command, run.systems, figures.window_s
    );
    let _ = writeln!(text, "{}\n", setting.line());
    text.push_str(&table(&rows));
    rows = vec![["also".into(), "measured".into()].map(|cell: String| cell)]
        .into_iter()
        .map(|[a, b]| [a, b, String::new(), String::new()])
        .collect();
    for figure in &figures.plain {
        rows.push([
            figure.name.into(),
            shown(figure.value, figure.unit),
            String::new(),
            String::new(),
        ]);
    }
    text.push('\n');
    text.push_str(&table(&rows));
    rows = vec![[
        "phase of a beat".into(),
        "mean".into(),
        "p99".into(),
        "of all".into(),
    ]];
    for phase in &figures.phases {
        rows.push([
            phase.name.clone(),
            shown(phase.mean_ms, "ms"),
            format!(
                "{} to {}",
                shown(phase.p99.from_ms, ""),
                shown(phase.p99.to_ms, "ms")
            ),
            format!("{:.1} %", phase.share * 1e2),
        ]);
    }
    text.push('\n');
    text.push_str(&table(&rows));
    rows = vec![[
        "thread of the server".into(),
        "cores".into(),
        String::new(),
        String::new(),
    ]];
    for (name, cores) in figures
        .threads
        .iter()
        .filter(|(_, cores)| *cores >= 0.000_5)
    {
        rows.push([
            name.clone(),
            format!("{cores:.3}"),
            String::new(),
            String::new(),
        ]);
    }
    text.push('\n');
    text.push_str(&table(&rows));
    text
}

/// A table with aligned columns; columns that are empty throughout are left out.
fn table(rows: &[[String; 4]]) -> String {
    let is_used = |column: usize| rows.iter().any(|row| !row[column].is_empty());
    let columns: Vec<usize> = (0..4).filter(|&column| is_used(column)).collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
            .max(3)
    };
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        for &column in &columns {
            let pad = width(column) - row[column].chars().count();
            let _ = write!(text, "| {}{} ", row[column], " ".repeat(pad));
        }
        text.push_str("|\n");
        if number == 0 {
            for &column in &columns {
                let _ = write!(text, "| {} ", "-".repeat(width(column)));
            }
            text.push_str("|\n");
        }
    }
    text
}

/// A value with its unit, as precise as it makes sense.
pub(crate) fn shown(value: f64, unit: &str) -> String {
    if unit == "of 1" {
        return format!("{} %", plain(value * 1e2));
    }
    let text = if value.abs() >= 1_000.0 {
        thousands(value)
    } else {
        plain(value)
    };
    if unit.is_empty() {
        text
    } else {
        format!("{text} {unit}")
    }
}

/// Three significant digits; below a thousandth two, as more would be noise.
fn plain(value: f64) -> String {
    let decimals = match value.abs() {
        _ if value == value.trunc() => 0,
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        size if size >= 0.001 => 3,
        _ => 5,
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A whole number with commas.
pub(crate) fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 {
        format!("-{text}")
    } else {
        text
    }
}

/// Everything.
pub(crate) fn json(setting: &Setting, run: &Run, figures: &Figures) -> anyhow::Result<String> {
    let series = Series::of(run);
    let all = |values: &[f64]| values.iter().copied().map(rounded).collect::<Vec<_>>();
    let limited = figures.limited.iter().map(|figure| {
        let holds = figure.holds();
        (figure.key, json!({"value": rounded(figure.value), "below": figure.below, "unit": figure.unit, "holds": holds}))
    });
    let conditions = figures
        .conditions
        .iter()
        .map(|it| json!({"what": it.name, "found": it.found, "holds": it.holds}));
    let plain = figures
        .plain
        .iter()
        .map(|it| (it.key, json!({"value": rounded(it.value), "unit": it.unit})));
    let phases = figures.phases.iter().map(|phase| {
        json!({
            "phase": phase.name, "count": phase.count, "mean_ms": rounded(phase.mean_ms),
            "p99_ms": rounded(phase.p99.ms), "share": rounded(phase.share),
        })
    });
    let threads = figures
        .threads
        .iter()
        .map(|(name, cores)| (name, json!(rounded(*cores))));
    let value = json!({
        "name": format!("capacity_{}", setting.bots),
        "command": setting.command,
        "commands": run.commands,
        "commit": setting.commit,
        "when": setting.when,
        "machine": setting.machine,
        "load": { "before": setting.load, "after": machine::load() },
        "systems": run.systems,
        "window_s": rounded(figures.window_s),
        "holds": figures.hold(),
        "limited": limited.collect::<std::collections::BTreeMap<_, _>>(),
        "conditions": conditions.collect::<Vec<_>>(),
        "figures": plain.collect::<std::collections::BTreeMap<_, _>>(),
        "phases": phases.collect::<Vec<_>>(),
        "threads_cores": threads.collect::<std::collections::BTreeMap<_, _>>(),
        "audit": match &run.audit { Ok(text) | Err(text) => text },
        "bots_report": run.report,
        "series": {
            "at_s": all(&series.at_s),
            "beat_p50_ms": all(&series.beat_p50_ms),
            "beat_p99_ms": all(&series.beat_p99_ms),
            "clients": all(&series.clients),
            "rss_mb": all(&series.rss_mb),
            "bytes_per_client_s": all(&series.bytes_per_client_s),
            "cpu_server_cores": all(&series.cpu_server),
            "cpu_bots_cores": all(&series.cpu_bots),
            "cpu_others_cores": all(&series.cpu_others),
        },
    });
    let mut text = serde_json::to_string_pretty(&value).context("write the results")?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(thousands(1_234_567.0), "1,234,567");
        assert_eq!(thousands(999.0), "999");
        assert_eq!(shown(0.012_34, "of 1"), "1.23 %");
        assert_eq!(shown(0.0, "of 1"), "0 %");
        assert_eq!(shown(16.0, "ms"), "16 ms");
        assert_eq!(shown(7.256, "ms"), "7.26 ms");
        assert_eq!(shown(20_000.0, "bytes/s"), "20,000 bytes/s");
        assert_eq!(shown(-1_234.0, ""), "-1,234");
    }

    #[test]
    fn the_summary_keeps_what_others_measured() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary.json");
        std::fs::write(
            &path,
            "{\"wire.bytes_per_entity\": 0.5, \"capacity_1000.rss_mb\": 3}",
        )
        .unwrap();
        let figure = crate::figures::Limited {
            key: "rss_mb",
            name: "",
            value: 123.456,
            below: 1.0,
            unit: "MB",
        };
        let figures = Figures {
            limited: vec![figure],
            conditions: Vec::new(),
            plain: Vec::new(),
            phases: Vec::new(),
            threads: Vec::new(),
            window_s: 1.0,
        };
        summarise(&path, &figures).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "{\n  \"capacity_1000.rss_mb\": 123.5,\n  \"wire.bytes_per_entity\": 0.5\n}\n"
        );
    }

    #[test]
    fn tables_are_aligned_and_have_no_empty_columns() {
        let row = |a: &str, b: &str| [a.to_owned(), b.to_owned(), String::new(), String::new()];
        let text = table(&[row("a", "b"), row("long", "µs")]);
        assert_eq!(text, "| a    | b   |\n| ---- | --- |\n| long | µs  |\n");
    }
}
