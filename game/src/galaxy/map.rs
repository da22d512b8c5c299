//! Maps of a galaxy: a drawing (SVG) and a table (text).
//!
//! Security is shown by colour and by shape (circle, diamond, triangle), and written beside the
//! name where there is room, so that nobody needs to see colours. Empires are a tint behind
//! their systems. Names are placed by importance, each where it covers nothing; a name that
//! finds no place is left out, and all of them are once systems are too close together. What is
//! left out is still there to be pointed at: every system carries a `<title>`.

mod label;
mod legend;
mod table;

pub use table::{table, table_with};

use super::{Galaxy, SecurityBand, System};
use crate::content::Empire;
use label::Labels;
use legend::legend;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Pixels between neighbouring systems, on average, and the drawing's bounds that may change it.
const SPACING_PX: f64 = 74.0;
const SIDE_PX: [f64; 2] = [760.0, 2_600.0];
/// Around the systems.
const MARGIN_PX: f64 = 64.0;
/// Width of the legend.
const LEGEND_PX: f64 = 250.0;
/// Below this spacing there are no names.
const NAMED_SPACING_PX: f64 = 26.0;
/// Text that people read, and the background that they read it on.
const INK: &str = "#dfe5ee";
const FAINT: &str = "#8b96a8";
const PAPER: &str = "#0a0d13";

/// Colours of security by tenth, from −1.0 to 1.0: lightness falls with security below zero and
/// above it goes from yellow over green to blue.
const RAMP: [&str; 21] = [
    "#8f2a3c", "#96303d", "#9e373e", "#a63e3f", "#ae4540", "#b64d41", "#be5542", "#c65e43",
    "#ce6744", "#d67145", "#de7c46", "#e9a23b", "#eab53e", "#e9c745", "#d9d152", "#b5d160",
    "#8dcf72", "#67ca8b", "#4bc2ac", "#41b3cf", "#4a9fe8",
];

/// Tints of empires that nobody has described.
const TINTS: [u32; 8] = [
    0x9AA5B4, 0x5AB4E6, 0xE69F3C, 0x2FB58A, 0xC58AD6, 0xD9D152, 0xE07A6B, 0x6F86E0,
];

/// How the galaxy stands on the drawing.
struct View {
    side: f64,
    scale: f64,
    centre_mly: [f64; 2],
    /// Radius of a system's mark.
    mark: f64,
    /// Mean distance between neighbouring marks.
    spacing: f64,
}

impl View {
    fn of(galaxy: &Galaxy) -> Self {
        let axis = |axis: usize| {
            galaxy
                .systems
                .iter()
                .map(move |it| f64::from(it.position_mly[axis]))
        };
        let least = [0, 1].map(|it| axis(it).fold(f64::INFINITY, f64::min));
        let most = [0, 1].map(|it| axis(it).fold(f64::NEG_INFINITY, f64::max));
        let extent = (most[0] - least[0]).max(most[1] - least[1]).max(1.0);
        let count = galaxy.systems.len().max(1) as f64;
        let root = orrery_base::math::sqrt(count);
        let side = (root * SPACING_PX + 2.0 * MARGIN_PX).clamp(SIDE_PX[0], SIDE_PX[1]);
        let spacing = (side - 2.0 * MARGIN_PX) / root;
        Self {
            side,
            scale: (side - 2.0 * MARGIN_PX) / extent,
            centre_mly: [(least[0] + most[0]) / 2.0, (least[1] + most[1]) / 2.0],
            mark: (spacing / 10.0).clamp(2.2, 7.5),
            spacing,
        }
    }

    /// Where a system is drawn; north is up.
    fn point(&self, system: &System) -> [f64; 2] {
        let [x, y] =
            [0, 1].map(|axis| f64::from(system.position_mly[axis]) - self.centre_mly[axis]);
        [
            self.side / 2.0 + x * self.scale,
            self.side / 2.0 - y * self.scale,
        ]
    }
}

/// A power on a map.
struct Holder {
    id: u8,
    name: String,
    /// 0xRRGGBB.
    colour: u32,
}

/// The holders that `empires` describes, and those of systems that it does not.
fn holders(galaxy: &Galaxy, empires: &[Empire]) -> Vec<Holder> {
    let ids: BTreeSet<u8> = galaxy
        .systems
        .iter()
        .map(|it| it.empire)
        .filter(|&id| id != 0)
        .collect();
    let ids = ids
        .union(&empires.iter().map(|it| it.id).collect())
        .copied()
        .collect::<Vec<u8>>();
    let holder = |id| match empires.iter().find(|it| it.id == id) {
        Some(empire) => Holder {
            id,
            name: empire.name.clone(),
            colour: empire.colour,
        },
        None => Holder {
            id,
            name: format!("empire {id}"),
            colour: TINTS[usize::from(id) % TINTS.len()],
        },
    };
    ids.into_iter().map(holder).collect()
}

/// The galaxy seen from above, as a stand-alone SVG document. Empires have numbers instead of
/// names; see [`svg_with`].
#[must_use]
pub fn svg(galaxy: &Galaxy) -> String {
    svg_with(galaxy, &[])
}

/// The galaxy seen from above, as a stand-alone SVG document, with the names and colours of
/// `empires`.
#[must_use]
pub fn svg_with(galaxy: &Galaxy, empires: &[Empire]) -> String {
    let holders = &holders(galaxy, empires);
    let view = View::of(galaxy);
    let points: Vec<[f64; 2]> = galaxy.systems.iter().map(|it| view.point(it)).collect();
    let mut out = Drawing(String::new());
    let (width, height) = (view.side + LEGEND_PX, view.side);
    out.line(format_args!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}" role="img" font-family="'DejaVu Sans', Verdana, sans-serif">"#
    ));
    out.line(format_args!(
        "<title>Galaxy of seed {}, {} systems</title>",
        galaxy.seed,
        galaxy.systems.len()
    ));
    out.line(format_args!(
        r#"<rect width="100%" height="100%" fill="{PAPER}"/>"#
    ));
    territories(&mut out, galaxy, holders, &view, &points);
    lanes(&mut out, galaxy, &view, &points);
    marks(&mut out, galaxy, holders, &view, &points);
    names(&mut out, galaxy, &view, &points);
    legend(&mut out, galaxy, holders, &view);
    out.line(format_args!("</svg>"));
    out.0
}

/// The document as it grows. Writing to a `String` cannot fail.
struct Drawing(String);

impl Drawing {
    fn line(&mut self, text: std::fmt::Arguments<'_>) {
        let _ = self.0.write_fmt(text);
        self.0.push('\n');
    }
}

/// A tint behind the systems and lanes of every empire. Each is one group with one opacity, so
/// that overlaps are not darker.
fn territories(
    out: &mut Drawing,
    galaxy: &Galaxy,
    holders: &[Holder],
    view: &View,
    points: &[[f64; 2]],
) {
    let reach = (view.spacing * 0.56).min(48.0);
    for empire in holders {
        let colour = empire.colour;
        out.line(format_args!(
            r##"<g opacity="0.17" fill="#{colour:06x}" stroke="#{colour:06x}" stroke-width="{:.1}">"##,
            reach * 0.9
        ));
        for (index, system) in galaxy
            .systems
            .iter()
            .enumerate()
            .filter(|(_, it)| it.empire == empire.id)
        {
            let [x, y] = points[index];
            out.line(format_args!(
                r#"<circle cx="{x:.1}" cy="{y:.1}" r="{reach:.1}" stroke="none"/>"#
            ));
            for (_, other) in lanes_of(galaxy, system).filter(|(_, it)| it.empire == empire.id) {
                let [x2, y2] = points[other.id.0 as usize - 1];
                out.line(format_args!(
                    r#"<path d="M{x:.1} {y:.1}L{x2:.1} {y2:.1}"/>"#
                ));
            }
        }
        out.line(format_args!("</g>"));
    }
}

/// The gates of a system that lead to one with a higher id, with that system: every lane once.
fn lanes_of<'a>(
    galaxy: &'a Galaxy,
    system: &'a System,
) -> impl Iterator<Item = (&'a System, &'a System)> {
    let upward = system.neighbours().filter(|&other| other > system.id);
    upward
        .filter_map(|other| galaxy.system(other))
        .map(move |other| (system, other))
}

fn lanes(out: &mut Drawing, galaxy: &Galaxy, view: &View, points: &[[f64; 2]]) {
    let width = (view.mark / 3.6).clamp(0.7, 1.8);
    out.line(format_args!(
        r##"<g stroke="#566276" stroke-width="{width:.1}" stroke-linecap="round">"##
    ));
    for (a, b) in galaxy.systems.iter().flat_map(|it| lanes_of(galaxy, it)) {
        let [from, to] = [a, b].map(|it| points[it.id.0 as usize - 1]);
        // A border is crossed where the holder changes.
        let dash = if a.empire == b.empire {
            String::new()
        } else {
            format!(
                r#" stroke-dasharray="{:.1} {:.1}""#,
                width * 3.0,
                width * 3.0
            )
        };
        out.line(format_args!(
            r#"<path d="M{:.1} {:.1}L{:.1} {:.1}"{dash}/>"#,
            from[0], from[1], to[0], to[1]
        ));
    }
    out.line(format_args!("</g>"));
}

fn marks(out: &mut Drawing, galaxy: &Galaxy, holders: &[Holder], view: &View, points: &[[f64; 2]]) {
    out.line(format_args!(
        r#"<g stroke="{PAPER}" stroke-width="{:.1}">"#,
        view.mark * 0.35
    ));
    for (system, &[x, y]) in galaxy.systems.iter().zip(points) {
        let holder = holders.iter().find(|it| it.id == system.empire);
        let _ = write!(
            out.0,
            "<g><title>{}, security {}, {}, {} gates</title>",
            escaped(&system.name),
            tenths(system),
            holder.map_or("unclaimed", |it| it.name.as_str()),
            system.gates.len(),
        );
        mark(out, system.band(), colour(system), [x, y], view.mark);
        out.line(format_args!("</g>"));
    }
    out.line(format_args!("</g>"));
}

/// Circle, diamond, triangle: told apart without colour.
fn mark(out: &mut Drawing, band: SecurityBand, colour: &str, [x, y]: [f64; 2], size: f64) {
    let _ = match band {
        SecurityBand::High => {
            write!(
                out.0,
                r#"<circle cx="{x:.1}" cy="{y:.1}" r="{size:.1}" fill="{colour}"/>"#
            )
        }
        SecurityBand::Low => {
            let r = size * 1.2;
            write!(
                out.0,
                r#"<path d="M{x:.1} {:.1}l{r:.1} {r:.1}l-{r:.1} {r:.1}l-{r:.1} -{r:.1}z" fill="{colour}"/>"#,
                y - r
            )
        }
        SecurityBand::Null => {
            let (half, height) = (size * 1.1, size * 1.95);
            let base = half * 2.0;
            write!(
                out.0,
                r#"<path d="M{x:.1} {:.1}l{half:.1} {height:.1}h-{base:.1}z" fill="{colour}"/>"#,
                y - height * 0.6
            )
        }
    };
}

fn colour(system: &System) -> &'static str {
    let tenths = i32::from(system.security_tenths()).clamp(-10, 10);
    RAMP[(tenths + 10) as usize]
}

/// Security as players see it: "0.7", "−0.3".
fn tenths(system: &System) -> String {
    let tenths = system.security_tenths();
    let sign = if tenths < 0 { "\u{2212}" } else { "" };
    format!(
        "{sign}{}.{}",
        tenths.unsigned_abs() / 10,
        tenths.unsigned_abs() % 10
    )
}

/// Names, the most important first: crossings, then safe systems.
fn names(out: &mut Drawing, galaxy: &Galaxy, view: &View, points: &[[f64; 2]]) {
    if view.spacing < NAMED_SPACING_PX {
        return;
    }
    let size = (view.spacing / 6.2).clamp(9.0, 12.5);
    let mut labels = Labels::new(view.side, points, view.mark * 1.3);
    let lanes = galaxy.systems.iter().flat_map(|it| lanes_of(galaxy, it));
    for (a, b) in lanes {
        labels.add_lane(points[a.id.0 as usize - 1], points[b.id.0 as usize - 1]);
    }
    let mut order: Vec<&System> = galaxy.systems.iter().collect();
    order.sort_by_key(|it| {
        (
            core::cmp::Reverse((it.gates.len(), it.security_milli)),
            it.id,
        )
    });
    out.line(format_args!(r#"<g font-size="{size:.1}" fill="{INK}">"#));
    let width = |letters: usize| letters as f64 * size * 0.6;
    let mut draw = |system: &System, security: &str| {
        let letters = system.name.chars().count()
            + security.chars().count()
            + usize::from(!security.is_empty());
        let Some([x, y]) = labels.place(points[system.id.0 as usize - 1], [width(letters), size])
        else {
            return false;
        };
        let (y, small) = (y + size * 0.82, size * 0.86);
        let name = escaped(&system.name);
        if security.is_empty() {
            out.line(format_args!(r#"<text x="{x:.1}" y="{y:.1}">{name}</text>"#));
        } else {
            out.line(format_args!(
                r#"<text x="{x:.1}" y="{y:.1}">{name} <tspan fill="{FAINT}" font-size="{small:.1}">{security}</tspan></text>"#
            ));
        }
        true
    };
    // A name without its security is shorter and finds a place more often.
    order.retain(|system| !draw(system, &tenths(system)));
    order.retain(|system| !draw(system, ""));
    out.line(format_args!("</g>"));
}

/// Text as it may stand in a document.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
