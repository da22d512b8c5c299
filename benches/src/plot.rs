//! A bar plot as SVG, from a template: one bar for each contender, the quartiles as a whisker.

use std::fmt::Write;

use serde_json::Value;

use crate::measure::{Measured, Role};
use crate::report::rounded;
use crate::suites::Suite;

const WIDTH: f64 = 860.0;
const NAMES: f64 = 300.0;
const BARS: f64 = 440.0;
const LINE: f64 = 22.0;
const HEAD: f64 = 66.0;

/// Groups whose values differ by more than this are drawn to a logarithmic scale.
const LINEAR_SPAN: f64 = 40.0;

/// The plot of a suite's results.
#[must_use]
pub fn draw(suite: &Suite, groups: &[Measured], about: &Value) -> String {
    let lines: usize = groups.iter().map(|group| group.series.len() + 2).sum();
    let height = HEAD + lines as f64 * LINE;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\">\n\
         <style>\n\
         svg {{ color: #1c2530; background: #fff; }}\n\
         text {{ fill: currentColor; }}\n\
         .small {{ font-size: 11px; opacity: .7; }}\n\
         .ours {{ fill: #2563c9; }} .peer {{ fill: #9aa5b1; }}\n\
         .limit {{ fill: #e3e7ec; stroke: #9aa5b1; }}\n\
         @media (prefers-color-scheme: dark) {{\n\
         svg {{ color: #dde4ec; background: #12171d; }}\n\
         .ours {{ fill: #5b9bff; }} .peer {{ fill: #66727f; }}\n\
         .limit {{ fill: #232b34; stroke: #66727f; }} }}\n\
         </style>\n"
    );
    text(
        &mut svg,
        16.0,
        26.0,
        "font-weight=\"bold\" font-size=\"16\"",
        suite.about,
    );
    text(&mut svg, 16.0, 46.0, "class=\"small\"", &caption(about));
    let mut y = HEAD + LINE / 2.0;
    for group in groups {
        let scale = Scale::of(group);
        let kind = if scale.logarithmic {
            " (log scale)"
        } else {
            ""
        };
        let title = format!("{}, {}{kind}", group.name, group.unit);
        text(&mut svg, 16.0, y, "font-weight=\"bold\"", &title);
        y += LINE;
        for series in &group.series {
            let (low, high) = (series.quantile(0.25), series.quantile(0.75));
            bar(
                &mut svg,
                y,
                &scale,
                series.role,
                series.median(),
                [low, high],
            );
            text(&mut svg, 24.0, y, "", &series.name);
            y += LINE;
        }
        y += LINE;
    }
    svg.push_str("</svg>\n");
    svg
}

fn caption(about: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or("unknown").to_owned();
    let commit = word(&about["commit"]["id"]);
    format!(
        "commit {}{} · {} · {} rounds, median and quartiles",
        commit.get(..10).unwrap_or(&commit),
        if about["commit"]["changed"] == true {
            " and changes"
        } else {
            ""
        },
        word(&about["machine"]["processor"]),
        about["rounds"],
    )
}

/// From a value to the length of a bar.
struct Scale {
    least: f64,
    most: f64,
    logarithmic: bool,
}

impl Scale {
    fn of(group: &Measured) -> Self {
        let medians = || group.series.iter().map(|series| series.median());
        let least = medians().fold(f64::INFINITY, f64::min);
        let most = medians().fold(0.0, f64::max);
        Self {
            least,
            most,
            logarithmic: most > least * LINEAR_SPAN,
        }
    }

    fn length(&self, value: f64) -> f64 {
        let share = if self.logarithmic {
            // A tenth of the width for the least, so that every bar can be seen.
            0.1 + 0.9 * (value / self.least).ln() / (self.most / self.least).ln()
        } else {
            value / self.most
        };
        BARS * share.clamp(0.0, 1.05)
    }
}

fn bar(svg: &mut String, y: f64, scale: &Scale, role: Role, median: f64, [low, high]: [f64; 2]) {
    let class = role.name();
    let (length, top) = (scale.length(median), y - 12.0);
    let (from, to) = (NAMES + scale.length(low), NAMES + scale.length(high));
    // Writing to a String cannot fail.
    let _ = writeln!(
        svg,
        "<rect class=\"{class}\" x=\"{NAMES}\" y=\"{top:.1}\" width=\"{length:.1}\" height=\"15\"/>\
         <path d=\"M{from:.1} {middle:.1}H{to:.1}\" stroke=\"currentColor\"/>",
        middle = y - 4.5,
    );
    let label = rounded(median).to_string();
    text(svg, NAMES + length.max(to - NAMES) + 6.0, y, "", &label);
}

fn text(svg: &mut String, x: f64, y: f64, attributes: &str, content: &str) {
    let content = content
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    // Writing to a String cannot fail.
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{content}</text>"
    );
}
