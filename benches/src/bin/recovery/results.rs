//! What a run with kills has found, as JSON, as a table, as a plot, and in the summary.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use orrery_benches::machine;
use orrery_benches::report::{rounded, summarise};
use serde_json::{Value, json};

use crate::Setting;
use crate::crash::holds;
use crate::stage::Stage;
use crate::witness::Verdict;

/// The limit for a restart, seconds.
const LIMIT_S: f64 = 2.0;

/// One life of a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    /// The beat that it began with.
    pub(crate) beat: u64,
    /// Seconds from the start of the process until every digest had been compared.
    pub(crate) recovered_s: f64,
    /// Until it was ready for players.
    pub(crate) ready_s: f64,
    /// Players who had arrived by the kill, in hundreds.
    pub(crate) players: u32,
    /// From there to the kill.
    pub(crate) lived_s: f64,
}

/// All lives and what the witnesses say.
pub(crate) struct Results {
    /// Players.
    pub(crate) bots: u32,
    /// Each ended with a kill.
    pub(crate) lives: Vec<Life>,
    /// What became of what was acknowledged.
    pub(crate) verdict: Verdict,
    /// How many of the facts that were found are places of ships.
    pub(crate) places: u64,
}

/// The folder for results, made if it is missing.
///
/// # Errors
/// If it cannot be made.
pub(crate) fn folder(common: &Setting, root: &Path) -> anyhow::Result<PathBuf> {
    let folder = common.results.clone();
    let folder = folder.unwrap_or_else(|| root.join("perf/results"));
    std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    Ok(folder)
}

/// Code, machine and load, and the command that was given.
pub(crate) fn about(root: &Path) -> Value {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    json!({
        "command": format!("orrery-recovery {}", arguments.join(" ")),
        "commit": machine::commit(root),
        "machine": machine::describe(),
        "load": machine::load(),
    })
}

/// Writes a result as JSON.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write_json(path: &Path, value: &Value) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(value).context("encode the results")?;
    text.push('\n');
    std::fs::write(path, text).with_context(|| format!("write {}", path.display()))
}

/// The value that such a share of all does not exceed.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (share * sorted.len() as f64).ceil() as usize;
    let place = place.clamp(1, sorted.len().max(1)) - 1;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

impl Results {
    /// Writes everything; whether nothing was lost or doubled.
    ///
    /// # Errors
    /// If something cannot be written.
    pub(crate) fn write(&self, common: &Setting, stage: &Stage) -> anyhow::Result<bool> {
        let folder = folder(common, stage.root())?;
        // The first life began with an empty store.
        let after_kills = self.lives.get(1..).unwrap_or_default();
        let recovered: Vec<f64> = after_kills.iter().map(|life| life.recovered_s).collect();
        let ready: Vec<f64> = after_kills.iter().map(|life| life.ready_s).collect();
        let (lost, doubled) = (self.verdict.lost.len(), self.verdict.doubled.len());
        let p99_s = quantile(&recovered, 0.99);
        let value = json!({
            "about": about(stage.root()),
            "bots": self.bots,
            "kills": self.lives.len(),
            "accounts_and_characters_found": self.verdict.found - self.places,
            "places_of_ships_found": self.places,
            "lost": self.verdict.lost,
            "doubled": self.verdict.doubled,
            "recovered_s": spread(&recovered),
            "ready_s": spread(&ready),
            "lives": self.lives.iter().map(|life| json!({
                "beat": life.beat,
                "players": life.players,
                "recovered_s": rounded(life.recovered_s),
                "ready_s": rounded(life.ready_s),
                "lived_s": rounded(life.lived_s),
            })).collect::<Vec<_>>(),
        });
        write_json(&folder.join("recovery.json"), &value)?;
        let table = self.table(&recovered, &ready);
        let path = folder.join("recovery.md");
        std::fs::write(&path, &table).with_context(|| format!("write {}", path.display()))?;
        let path = folder.join("recovery.svg");
        let plot = plot(&recovered, &ready, self.bots);
        std::fs::write(&path, plot).with_context(|| format!("write {}", path.display()))?;
        let figures = [
            ("recovery.kills", self.lives.len() as f64),
            ("recovery.lost", lost as f64),
            ("recovery.doubled", doubled as f64),
            ("recovery.p99_s", p99_s),
        ];
        let path = folder.join("summary.json");
        summarise(&path, &figures).with_context(|| format!("write {}", path.display()))?;
        println!("\n{table}");
        for what in self.verdict.lost.iter().chain(&self.verdict.doubled) {
            println!("NOT RIGHT: {what}");
        }
        Ok(holds(&self.verdict))
    }

    fn table(&self, recovered: &[f64], ready: &[f64]) -> String {
        let times = |values: &[f64]| {
            let [p50, p99, most] = [0.5, 0.99, 1.0].map(|share| quantile(values, share));
            format!("p50 {p50:.2} s, p99 {p99:.2} s, at most {most:.2} s")
        };
        let most = self.lives.iter().map(|life| life.players).max();
        let most = most.unwrap_or(0);
        let rows = [
            ("kills (SIGKILL)", self.lives.len().to_string()),
            ("players, most at a kill", format!("{}, {most}", self.bots)),
            (
                "acknowledged accounts and characters found again",
                (self.verdict.found - self.places).to_string(),
            ),
            (
                "acknowledged docks and undocks found again",
                self.places.to_string(),
            ),
            ("lost", self.verdict.lost.len().to_string()),
            ("doubled", self.verdict.doubled.len().to_string()),
            ("start to recovered, every digest equal", times(recovered)),
            ("start to ready for players", times(ready)),
        ];
        let mut text = String::from("| figure | measured |\n| --- | --- |\n");
        for (name, value) in rows {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "| {name} | {value} |");
        }
        text
    }
}

fn spread(values: &[f64]) -> Value {
    json!({
        "p50": rounded(quantile(values, 0.5)),
        "p99": rounded(quantile(values, 0.99)),
        "most": rounded(quantile(values, 1.0)),
    })
}

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 60.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 40.0;

/// Every restart in the order of the kills: a dot for recovered, one for ready.
fn plot(recovered: &[f64], ready: &[f64], bots: u32) -> String {
    let most = ready.iter().copied().fold(LIMIT_S, f64::max) * 1.1;
    let x = |kill: usize| {
        LEFT + (kill as f64 + 0.5) * (WIDTH - LEFT - 20.0) / recovered.len().max(1) as f64
    };
    let y = |seconds: f64| HEIGHT - BOTTOM - seconds / most * (HEIGHT - TOP - BOTTOM);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\">\n<style>\n\
         svg {{ color: #1c2530; background: #fff; }} text {{ fill: currentColor; }}\n\
         .recovered {{ fill: #2563c9; }} .ready {{ fill: #9aa5b1; }}\n\
         @media (prefers-color-scheme: dark) {{ svg {{ color: #dde4ec; background: #12171d; }} }}\n\
         </style>\n\
         <text x=\"16\" y=\"26\" font-weight=\"bold\" font-size=\"16\">\
         Restarts after SIGKILL, {bots} players</text>\n\
         <text x=\"16\" y=\"44\" font-size=\"11\">seconds from the start of the process: blue, \
         every digest compared; grey, ready for players; dashed, the limit</text>\n\
         <path d=\"M{LEFT} {0:.1}H{1}\" stroke=\"currentColor\" stroke-dasharray=\"4 4\"/>\n\
         <path d=\"M{LEFT} {TOP}V{2:.1}H{1}\" stroke=\"currentColor\" fill=\"none\"/>\n",
        y(LIMIT_S),
        WIDTH - 20.0,
        y(0.0),
    );
    for second in 0..=most as u32 {
        // Writing to a string cannot fail.
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{second} s</text>",
            LEFT - 8.0,
            y(f64::from(second)) + 4.0
        );
    }
    for (class, values) in [("ready", ready), ("recovered", recovered)] {
        for (kill, &seconds) in values.iter().enumerate() {
            let _ = writeln!(
                svg,
                "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"/>",
                x(kill),
                y(seconds)
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantile(&values, 0.5), 2.0);
        assert_eq!(quantile(&values, 0.99), 4.0);
        assert_eq!(quantile(&values, 0.0), 1.0);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn the_plot_has_a_dot_for_each_restart() {
        let svg = plot(&[0.5, 0.6], &[0.7, 2.9], 10);
        assert_eq!(svg.matches("<circle").count(), 4);
        assert!(svg.contains("3 s") && svg.ends_with("</svg>\n"), "{svg}");
    }
}
