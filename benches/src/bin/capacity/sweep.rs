//! More and more players, until a limit is missed: where this server on this machine is full.

use std::fmt::Write as _;

use anyhow::Context as _;
use serde_json::json;

use crate::figures::Figures;
use crate::record::{self, Setting, shown, thousands};
use crate::{Args, measure};

const WIDTH: f64 = 1_000.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 960.0;
const TOP: f64 = 110.0;
const PANEL: f64 = 120.0;
const GAP: f64 = 46.0;
const PAPER: &str = "#fbfbf9";
const INK: &str = "#1d2530";
const FAINT: &str = "#6a7482";
const LINE: &str = "#dcdfe3";
const PASS: &str = "#1a7f4b";
const FAIL: &str = "#c0322b";

/// One size.
struct Step {
    bots: u32,
    figures: Figures,
}

impl Step {
    /// Cores that the server used.
    fn cores(&self) -> f64 {
        self.figures.threads.iter().map(|(_, cores)| cores).sum()
    }
}

/// Runs from `args.bots` up, by a half each time, until a limit is missed or a run fails. Says
/// whether the first size held.
pub(crate) fn sweep(args: &Args) -> anyhow::Result<bool> {
    let root = orrery_benches::machine::root().context("find the checkout")?;
    let setting = Setting::of_this_machine(args, &root);
    let mut steps: Vec<Step> = Vec::new();
    let mut ended_by = String::from("nothing: the largest size held");
    let mut bots = args.bots;
    while bots <= 50_000 {
        println!("capacity: {bots} bots");
        let step = Args {
            bots,
            ..args.clone()
        };
        match measure(&step) {
            Ok(figures) => {
                let missed = missed(&figures);
                steps.push(Step { bots, figures });
                if let Some(missed) = missed {
                    ended_by = missed;
                    break;
                }
            }
            // A server that does not even let everybody in is full, too.
            Err(error) if !steps.is_empty() => {
                ended_by = format!("{bots} bots: {error:#}");
                break;
            }
            Err(error) => return Err(error),
        }
        bots += bots / 2;
    }
    let results = args
        .results
        .clone()
        .unwrap_or_else(|| root.join("perf/results"));
    let held = steps.iter().rev().find(|step| step.figures.hold());
    let most = held.map_or(0, |step| step.bots);
    let rows: Vec<_> = steps.iter().map(row).collect();
    let value = json!({
        "command": setting.command,
        "commit": setting.commit,
        "when": setting.when,
        "machine": setting.machine,
        "load_before": setting.load,
        "most_players": most,
        "ended_by": ended_by,
        "steps": rows,
    });
    record::write(
        &results.join("capacity_sweep.json"),
        &format!("{value:#}\n"),
    )?;
    record::write(
        &results.join("capacity_sweep.svg"),
        &svg(&setting, &steps, &ended_by),
    )?;
    println!(
        "\ncapacity: up to {} players hold every limit; ended by {ended_by}",
        thousands(f64::from(most))
    );
    Ok(steps.first().is_some_and(|step| step.figures.hold()))
}

fn missed(figures: &Figures) -> Option<String> {
    let limit = figures.limited.iter().find(|figure| !figure.holds());
    let limit = limit.map(|figure| {
        let (value, below) = (
            shown(figure.value, figure.unit),
            shown(figure.below, figure.unit),
        );
        format!("{}: {value}, limit {below}", figure.name)
    });
    let condition = figures.conditions.iter().find(|condition| !condition.holds);
    limit.or_else(|| condition.map(|condition| format!("{}: {}", condition.name, condition.found)))
}

fn row(step: &Step) -> serde_json::Value {
    let mut row =
        json!({"bots": step.bots, "holds": step.figures.hold(), "server_cores": step.cores()});
    for figure in &step.figures.limited {
        row[figure.key] = json!(figure.value);
    }
    row
}

fn svg(setting: &Setting, steps: &[Step], ended_by: &str) -> String {
    let names: Vec<_> = steps[0].figures.limited.iter().collect();
    let height = TOP + (names.len() + 1) as f64 * (PANEL + GAP) + 20.0;
    let mut out = String::new();
    // Writing to a string does not fail, here and below.
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"Inter, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif\" font-size=\"12\" fill=\"{INK}\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"{PAPER}\"/>\n\
         <text x=\"{LEFT}\" y=\"36\" font-size=\"20\" font-weight=\"600\">Players, up to saturation</text>\n\
         <text x=\"{LEFT}\" y=\"56\" fill=\"{FAINT}\">{}</text>\n\
         <text x=\"{LEFT}\" y=\"74\" fill=\"{FAINT}\">ended by {ended_by}</text>",
        setting.line()
    );
    for (place, figure) in names.iter().enumerate() {
        let values = steps.iter().map(|step| step.figures.limited[place].value);
        let title = format!("{}, {}", figure.name, figure.unit);
        panel(
            &mut out,
            place,
            &title,
            steps,
            &values.collect::<Vec<_>>(),
            Some(figure.below),
        );
    }
    let cores: Vec<_> = steps.iter().map(Step::cores).collect();
    panel(&mut out, names.len(), "server, cores", steps, &cores, None);
    out.push_str("</svg>\n");
    out
}

fn panel(
    out: &mut String,
    place: usize,
    title: &str,
    steps: &[Step],
    values: &[f64],
    limit: Option<f64>,
) {
    let top = TOP + place as f64 * (PANEL + GAP);
    let most = values.iter().copied().fold(0.0, f64::max);
    // A limit that is far away would press the curve flat.
    let limit = limit.filter(|limit| *limit < 4.0 * most);
    let scale = most.max(limit.unwrap_or(0.0)).max(1e-9) * 1.1;
    let last = steps.last().map_or(1.0, |step| f64::from(step.bots));
    let x = |bots: u32| LEFT + f64::from(bots) / last * (RIGHT - LEFT);
    let y = |value: f64| top + PANEL * (1.0 - value / scale);
    let _ = writeln!(
        out,
        "<text x=\"{LEFT}\" y=\"{:.0}\" font-weight=\"600\">{title}</text>\n\
         <path d=\"M{LEFT} {top}V{:.0}H{RIGHT}\" stroke=\"{LINE}\" fill=\"none\"/>",
        top - 8.0,
        top + PANEL
    );
    if let Some(limit) = limit {
        let _ = writeln!(
            out,
            "<path d=\"M{LEFT} {0:.1}H{RIGHT}\" stroke=\"{FAIL}\" stroke-dasharray=\"6 4\"/>\
             <text x=\"{RIGHT}\" y=\"{1:.1}\" text-anchor=\"end\" fill=\"{FAIL}\">limit</text>",
            y(limit),
            y(limit) - 4.0
        );
    }
    let mut path = String::new();
    for (step, value) in steps.iter().zip(values) {
        let command = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(path, "{command}{:.1} {:.1}", x(step.bots), y(*value));
    }
    let _ = writeln!(
        out,
        "<path d=\"{path}\" stroke=\"#1f5fbf\" stroke-width=\"1.8\" fill=\"none\"/>"
    );
    for (step, value) in steps.iter().zip(values) {
        let colour = if step.figures.hold() { PASS } else { FAIL };
        let _ = writeln!(
            out,
            "<circle cx=\"{0:.1}\" cy=\"{1:.1}\" r=\"4\" fill=\"{colour}\"/>\
             <text x=\"{0:.1}\" y=\"{2:.1}\" text-anchor=\"middle\">{3}</text>\
             <text x=\"{0:.1}\" y=\"{4:.1}\" text-anchor=\"middle\" fill=\"{FAINT}\">{5}</text>",
            x(step.bots),
            y(*value),
            y(*value) - 8.0,
            shown((value * 1e3).round() / 1e3, ""),
            top + PANEL + 16.0,
            thousands(f64::from(step.bots))
        );
    }
}
