//! The plot of a run: what was measured, as tiles, and five figures over time.

use std::fmt::Write as _;

use crate::figures::{Figures, Limited};
use crate::record::{Setting, shown, thousands};
use crate::run::Run;
use crate::series::Series;

const WIDTH: f64 = 1_000.0;
const LEFT: f64 = 70.0;
/// Where the curves end; their names stand to the right of it.
const RIGHT: f64 = 850.0;
const TILES_TOP: f64 = 86.0;
const TILE_HEIGHT: f64 = 74.0;
const PANELS_TOP: f64 = 206.0;
const PANEL_HEIGHT: f64 = 104.0;
const PANEL_GAP: f64 = 44.0;

const PAPER: &str = "#fbfbf9";
const INK: &str = "#1d2530";
const FAINT: &str = "#6a7482";
const LINE: &str = "#dcdfe3";
const WINDOW: &str = "#eef2f7";
const PASS: &str = "#1a7f4b";
const FAIL: &str = "#c0322b";
/// Told apart without seeing colours: they differ in lightness too.
const COLOURS: [&str; 3] = ["#1f5fbf", "#d9822b", "#8a93a0"];

/// A curve of a panel.
struct Curve<'a> {
    name: &'a str,
    values: &'a [f64],
}

/// One figure over time.
struct Panel<'a> {
    title: &'a str,
    unit: &'a str,
    curves: Vec<Curve<'a>>,
    limit: Option<f64>,
}

/// Where time and values are on a panel.
struct Scale {
    from_s: f64,
    to_s: f64,
    top: f64,
    most: f64,
}

impl Scale {
    fn x(&self, at_s: f64) -> f64 {
        let span = (self.to_s - self.from_s).max(1e-9);
        LEFT + (at_s - self.from_s) / span * (RIGHT - LEFT)
    }

    fn y(&self, value: f64) -> f64 {
        self.top + PANEL_HEIGHT * (1.0 - (value / self.most).clamp(0.0, 1.0))
    }
}

/// Draws it.
pub(crate) fn svg(setting: &Setting, run: &Run, figures: &Figures) -> String {
    let series = Series::of(run);
    let kilo: Vec<f64> = series
        .bytes_per_client_s
        .iter()
        .map(|bytes| bytes / 1e3)
        .collect();
    let curve = |name, values| Curve { name, values };
    let below = |key: &str| {
        figures
            .limited
            .iter()
            .find(|it| it.key == key)
            .map(|it| it.below)
    };
    let panels = [
        Panel {
            title: "Beat",
            unit: "ms",
            curves: vec![
                curve("p99", &series.beat_p99_ms),
                curve("p50", &series.beat_p50_ms),
            ],
            limit: below("beat_p99_ms"),
        },
        Panel {
            title: "To each client",
            unit: "KB/s",
            curves: vec![curve("", &kilo)],
            limit: below("bytes_per_client_s").map(|bytes| bytes / 1e3),
        },
        Panel {
            title: "Memory of the server",
            unit: "MB",
            curves: vec![curve("", &series.rss_mb)],
            limit: below("rss_mb"),
        },
        Panel {
            title: "Clients",
            unit: "",
            curves: vec![curve("", &series.clients)],
            limit: None,
        },
        Panel {
            title: "Processor",
            unit: "cores",
            curves: vec![
                curve("server", &series.cpu_server),
                curve("bots", &series.cpu_bots),
                curve("others", &series.cpu_others),
            ],
            limit: None,
        },
    ];
    let height = PANELS_TOP + panels.len() as f64 * (PANEL_HEIGHT + PANEL_GAP) + 24.0;
    let mut out = String::new();
    // Writing to a string does not fail, here and below.
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"Inter, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif\" font-size=\"13\" fill=\"{INK}\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"{PAPER}\"/>"
    );
    let title = format!(
        "{} players on one machine",
        thousands(f64::from(setting.bots))
    );
    text(
        &mut out,
        LEFT,
        40.0,
        "font-size=\"22\" font-weight=\"600\"",
        &title,
    );
    text(
        &mut out,
        LEFT,
        62.0,
        &format!("font-size=\"11.5\" fill=\"{FAINT}\""),
        &setting.line(),
    );
    tiles(&mut out, figures);
    let window = [
        0.0,
        (run.end.at.as_secs_f64() - run.begin.at.as_secs_f64()).max(0.0),
    ];
    for (number, panel) in panels.iter().enumerate() {
        let top = PANELS_TOP + number as f64 * (PANEL_HEIGHT + PANEL_GAP);
        draw(&mut out, panel, &series.at_s, window, top);
    }
    foot(&mut out, setting, height);
    out.push_str("</svg>\n");
    out
}

/// What the axes are, and the command that repeats it.
fn foot(out: &mut String, setting: &Setting, height: f64) {
    let note = format!(
        "seconds; the measured window is shaded · {}",
        setting.command
    );
    let style = format!("font-size=\"11.5\" fill=\"{FAINT}\"");
    text(out, LEFT, height - 14.0, &style, &note);
}

/// The figures that have limits, each with its limit and whether it holds.
fn tiles(out: &mut String, figures: &Figures) {
    let count = figures.limited.len() as f64;
    let gap = 12.0;
    let width = (WIDTH - LEFT - 40.0 - gap * (count - 1.0)) / count;
    for (number, figure) in figures.limited.iter().enumerate() {
        tile(out, figure, LEFT + number as f64 * (width + gap), width);
    }
}

fn tile(out: &mut String, figure: &Limited, left: f64, width: f64) {
    let (colour, verdict) = if figure.holds() {
        (PASS, "✓")
    } else {
        (FAIL, "✗ missed,")
    };
    let _ = writeln!(
        out,
        "<rect x=\"{left:.1}\" y=\"{TILES_TOP}\" width=\"{width:.1}\" height=\"{TILE_HEIGHT}\" rx=\"6\" fill=\"#fff\" stroke=\"{LINE}\"/>\n\
         <rect x=\"{left:.1}\" y=\"{TILES_TOP}\" width=\"4\" height=\"{TILE_HEIGHT}\" rx=\"2\" fill=\"{colour}\"/>"
    );
    let x = left + 16.0;
    text(
        out,
        x,
        TILES_TOP + 20.0,
        &format!("font-size=\"12\" fill=\"{FAINT}\""),
        figure.name,
    );
    text(
        out,
        x,
        TILES_TOP + 44.0,
        "font-size=\"19\" font-weight=\"600\"",
        &shown(figure.value, figure.unit),
    );
    let limit = format!("{verdict} under {}", shown(figure.below, figure.unit));
    text(
        out,
        x,
        TILES_TOP + 63.0,
        &format!("font-size=\"12\" fill=\"{colour}\""),
        &limit,
    );
}

fn draw(out: &mut String, panel: &Panel<'_>, at_s: &[f64], window: [f64; 2], top: f64) {
    let most = panel
        .curves
        .iter()
        .flat_map(|curve| curve.values)
        .copied()
        .fold(0.0, f64::max);
    // A limit that is far away would press the curve flat: then it is only named.
    let near = panel.limit.filter(|limit| *limit < 3.0 * most);
    let step = step((most.max(near.unwrap_or(0.0)) * 1.05).max(1e-9), 3.0);
    let scale = Scale {
        from_s: at_s.first().copied().unwrap_or(0.0),
        to_s: at_s.last().copied().unwrap_or(1.0),
        top,
        most: ((most.max(near.unwrap_or(0.0)) * 1.02 / step).ceil() * step).max(step),
    };
    let unit = if panel.unit.is_empty() {
        String::new()
    } else {
        format!(", {}", panel.unit)
    };
    text(
        out,
        LEFT,
        top - 9.0,
        "font-weight=\"600\"",
        &format!("{}{unit}", panel.title),
    );
    let [from, to] = window.map(|at| scale.x(at).clamp(LEFT, RIGHT));
    let _ = writeln!(
        out,
        "<rect x=\"{from:.1}\" y=\"{top}\" width=\"{:.1}\" height=\"{PANEL_HEIGHT}\" fill=\"{WINDOW}\"/>",
        (to - from).max(0.0)
    );
    grid(out, &scale, step);
    if let Some(limit) = near {
        let y = scale.y(limit);
        let _ = writeln!(
            out,
            "<path d=\"M{LEFT} {y:.1}H{RIGHT}\" stroke=\"{FAIL}\" stroke-width=\"1.2\" stroke-dasharray=\"6 4\" fill=\"none\"/>"
        );
        text(
            out,
            RIGHT + 8.0,
            y + 4.0,
            &format!("font-size=\"12\" fill=\"{FAIL}\""),
            &format!("limit {}", shown(limit, panel.unit)),
        );
    } else if let Some(limit) = panel.limit {
        let aside = format!("text-anchor=\"end\" font-size=\"12\" fill=\"{FAINT}\"");
        text(
            out,
            RIGHT,
            top - 9.0,
            &aside,
            &format!("the limit, {}, is far above", shown(limit, panel.unit)),
        );
    }
    for (curve, colour) in panel.curves.iter().zip(COLOURS) {
        path(out, &scale, at_s, curve.values, colour);
    }
    names(out, panel, &scale, near);
}

/// Lines at round values and round seconds.
fn grid(out: &mut String, scale: &Scale, step: f64) {
    let lines = (scale.most / step).round() as usize;
    for line in 0..=lines {
        let value = line as f64 * step;
        let y = scale.y(value);
        let _ = writeln!(
            out,
            "<path d=\"M{LEFT} {y:.1}H{RIGHT}\" stroke=\"{LINE}\" fill=\"none\"/>"
        );
        let label = format!("text-anchor=\"end\" font-size=\"11.5\" fill=\"{FAINT}\"");
        text(
            out,
            LEFT - 8.0,
            y + 4.0,
            &label,
            &shown((value * 1e6).round() / 1e6, ""),
        );
    }
    let every = self::step(scale.to_s - scale.from_s, 10.0).max(1.0);
    // Without the sum the first of them may be -0.
    let mut at = (scale.from_s / every).ceil() * every + 0.0;
    while at <= scale.to_s {
        let (x, bottom) = (scale.x(at), scale.top + PANEL_HEIGHT);
        let _ = writeln!(
            out,
            "<path d=\"M{x:.1} {bottom}v4\" stroke=\"{FAINT}\" fill=\"none\"/>"
        );
        text(
            out,
            x,
            bottom + 16.0,
            &format!("text-anchor=\"middle\" font-size=\"11\" fill=\"{FAINT}\""),
            &format!("{at:.0}"),
        );
        at += every;
    }
}

fn path(out: &mut String, scale: &Scale, at_s: &[f64], values: &[f64], colour: &str) {
    let mut points = String::new();
    for (number, (&at, &value)) in at_s.iter().zip(values).enumerate() {
        let command = if number == 0 { 'M' } else { 'L' };
        let _ = write!(points, "{command}{:.1} {:.1}", scale.x(at), scale.y(value));
    }
    let _ = writeln!(
        out,
        "<path d=\"{points}\" stroke=\"{colour}\" stroke-width=\"1.8\" stroke-linejoin=\"round\" fill=\"none\"/>"
    );
}

/// The curves' names at their ends, pushed apart where they would cover each other or the limit.
fn names(out: &mut String, panel: &Panel<'_>, scale: &Scale, near: Option<f64>) {
    let mut taken: Vec<f64> = near.map(|limit| scale.y(limit)).into_iter().collect();
    let mut ends: Vec<_> = panel
        .curves
        .iter()
        .zip(COLOURS)
        .filter_map(|(curve, colour)| {
            Some((
                scale.y(*curve.values.last()?),
                *curve.values.last()?,
                curve.name,
                colour,
            ))
        })
        .collect();
    ends.sort_by(|one, other| other.0.total_cmp(&one.0));
    for (y, value, name, colour) in ends {
        let mut place = y;
        while taken.iter().any(|other| (other - place).abs() < 14.0) {
            place -= 2.0;
        }
        taken.push(place);
        let label = if name.is_empty() {
            shown(value, panel.unit)
        } else {
            format!("{name} {}", shown(value, ""))
        };
        text(
            out,
            RIGHT + 8.0,
            place + 4.0,
            &format!("font-size=\"12\" fill=\"{colour}\" font-weight=\"600\""),
            &label,
        );
    }
}

/// A round step that divides a span into at most so many parts.
fn step(span: f64, parts: f64) -> f64 {
    let rough = (span / parts).max(1e-12);
    let power = 10_f64.powf(rough.log10().floor());
    let round = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .find(|&it| it * power >= rough * 0.999);
    round.unwrap_or(10.0) * power
}

fn text(out: &mut String, x: f64, y: f64, style: &str, what: &str) {
    let what = what.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" {style}>{what}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        assert_eq!(step(16.0, 3.0), 10.0);
        assert_eq!(step(6.0, 3.0), 2.0);
        assert_eq!(step(1_000.0, 3.0), 500.0);
        assert!((step(0.7, 3.0) - 0.25).abs() < 1e-12);
    }

    #[test]
    fn what_is_written_is_escaped() {
        let mut out = String::new();
        text(&mut out, 1.0, 2.0, "", "a < b & c");
        assert!(out.contains("a &lt; b &amp; c"));
    }
}
