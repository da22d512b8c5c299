//! The legend: what shapes, colours and lines mean, with counts and a scale.

use super::super::{Galaxy, SecurityBand};
use super::{Drawing, FAINT, Holder, INK, RAMP, View, escaped, mark};

pub(super) fn legend(out: &mut Drawing, galaxy: &Galaxy, holders: &[Holder], view: &View) {
    let left = view.side;
    out.line(format_args!(
        r#"<g transform="translate({left:.0} 0)" font-size="13" fill="{INK}">"#
    ));
    out.line(format_args!(
        r##"<path d="M0 40V{:.0}" stroke="#2a3240"/>"##,
        view.side - 40.0
    ));
    out.line(format_args!(
        r#"<text x="22" y="60" font-size="17">{} systems</text>"#,
        galaxy.systems.len()
    ));
    out.line(format_args!(
        r#"<text x="22" y="81" fill="{FAINT}">seed {}</text>"#,
        galaxy.seed
    ));
    let y = security(out, galaxy, 118.0);
    let y = held_by(out, galaxy, holders, y + 34.0);
    let y = lines(out, y + 38.0);
    scale_bar(out, view, y + 48.0);
    out.line(format_args!("</g>"));
}

/// Shapes and colours of security. Every part begins at a height and returns where it ends.
fn security(out: &mut Drawing, galaxy: &Galaxy, mut y: f64) -> f64 {
    out.line(format_args!(
        r#"<text x="22" y="{y:.0}" fill="{FAINT}">Security</text>"#
    ));
    for (band, label, sample) in [
        (SecurityBand::High, "high, 0.5 and above", 18),
        (SecurityBand::Low, "low, 0.1 to 0.4", 13),
        (SecurityBand::Null, "null, 0.0 and below", 5),
    ] {
        y += 24.0;
        let count = galaxy.systems.iter().filter(|it| it.band() == band).count();
        mark(out, band, RAMP[sample], [30.0, y - 5.0], 6.5);
        out.line(format_args!(
            r#"<text x="46" y="{y:.0}">{label} <tspan fill="{FAINT}">({count})</tspan></text>"#
        ));
    }
    y += 18.0;
    for (index, colour) in RAMP.iter().enumerate() {
        out.line(format_args!(
            r#"<rect x="{:.1}" y="{y:.0}" width="9.6" height="9" fill="{colour}"/>"#,
            22.0 + index as f64 * 9.5
        ));
    }
    y += 24.0;
    out.line(format_args!(r#"<g font-size="11" fill="{FAINT}">"#));
    for (x, anchor, label) in [
        (22, "start", "\u{2212}1.0"),
        (122, "middle", "0.0"),
        (221, "end", "1.0"),
    ] {
        out.line(format_args!(
            r#"<text x="{x}" y="{y:.0}" text-anchor="{anchor}">{label}</text>"#
        ));
    }
    out.line(format_args!("</g>"));
    y
}

fn held_by(out: &mut Drawing, galaxy: &Galaxy, holders: &[Holder], mut y: f64) -> f64 {
    let held = |id| galaxy.systems.iter().filter(|it| it.empire == id).count();
    let mut entry = |y: f64, circle: &str, name: &str, count: usize| {
        out.line(format_args!(
            r#"<circle cx="30" cy="{:.0}" {circle}/>"#,
            y - 5.0
        ));
        out.line(format_args!(
            r#"<text x="46" y="{y:.0}">{name} <tspan fill="{FAINT}">({count})</tspan></text>"#
        ));
    };
    let title = y;
    for holder in holders {
        y += 24.0;
        let circle = format!(r##"r="8" fill="#{:06x}" opacity="0.45""##, holder.colour);
        entry(y, &circle, &escaped(&holder.name), held(holder.id));
    }
    y += 24.0;
    entry(
        y,
        &format!(r#"r="7.5" fill="none" stroke="{FAINT}""#),
        "nobody",
        held(0),
    );
    out.line(format_args!(
        r#"<text x="22" y="{title:.0}" fill="{FAINT}">Held by</text>"#
    ));
    y
}

fn lines(out: &mut Drawing, mut y: f64) -> f64 {
    for (dash, label) in [
        ("", "gates"),
        (r#" stroke-dasharray="5 4""#, "gates across a border"),
    ] {
        out.line(format_args!(
            r#"<path d="M22 {:.0}h24" stroke="{FAINT}" stroke-width="1.8"{dash}/><text x="56" y="{y:.0}">{label}</text>"#,
            y - 5.0
        ));
        y += 24.0;
    }
    y - 24.0
}

/// A bar of a round number of light years.
fn scale_bar(out: &mut Drawing, view: &View, y: f64) {
    let lengths = [100, 50, 20, 10, 5, 2, 1];
    let fits = lengths
        .iter()
        .find(|&&ly| f64::from(ly) * 1_000.0 * view.scale <= 200.0);
    if let Some(&ly) = fits {
        let width = f64::from(ly) * 1_000.0 * view.scale;
        out.line(format_args!(
            r#"<path d="M22 {:.0}v6h{width:.1}v-6" fill="none" stroke="{INK}"/><text x="22" y="{:.0}" font-size="11" fill="{FAINT}">{ly} light years</text>"#,
            y - 6.0,
            y + 16.0
        ));
    }
}
