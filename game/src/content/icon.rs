//! Icons of items, drawn by rule: the shape and the hue are the item's, the details come from its
//! number, so that two goods of one kind differ as two lumps of one rock do.
//!
//! A drawing is a pure function of the item: integers only, equal bits on every machine. It has
//! no ids and no style sheet, so any number of them may stand in one page. 1 to 3 KB each.

mod gear;
mod shapes;

use super::{ItemType, Shape};
use orrery_base::rng::Rng;
use orrery_base::{EntityId, Tick};
use std::fmt::Write as _;

/// The purpose of the draws, see [`Rng::new`].
const PURPOSE: u32 = 0x1c0e;
/// Sines of 0°, 15°, … 90°, thousandths.
const SINES: [i32; 7] = [0, 259, 500, 707, 866, 966, 1_000];

type Point = [i32; 2];

/// The icon of an item: a whole SVG document with the item's name as its title.
#[must_use]
pub fn icon_svg(item: &ItemType) -> String {
    let mut pen = Pen::new(item);
    match item.shape {
        Shape::Rock => pen.rock(),
        Shape::Crystal => pen.crystal(),
        Shape::Ingot => pen.ingot(),
        Shape::Crate => pen.crate_box(),
        Shape::Sack => pen.sack(),
        Shape::Flask => pen.flask(),
        Shape::Drum => pen.drum(),
        Shape::Sheet => pen.sheet(),
        Shape::Orb => pen.orb(),
        Shape::Coil => pen.coil(),
        Shape::Board => pen.board(),
        Shape::Gear => pen.gear(),
        Shape::Shard => pen.shard(),
        Shape::Vault => pen.vault(),
        Shape::Plate => pen.plate(),
        Shape::Ring => pen.ring(),
        Shape::Coin => pen.coin(),
        Shape::Hull => pen.hull(item.volume_l),
        Shape::Turret => pen.turret(),
        Shape::Launcher => pen.launcher(),
        Shape::Emitter => pen.emitter(),
        Shape::Shield => pen.shield(),
        Shape::Engine => pen.engine(),
        Shape::Cell => pen.cell(),
        Shape::Chip => pen.chip(),
        Shape::Rig => pen.rig(),
        Shape::Shell => pen.shell(),
        Shape::Missile => pen.missile(),
        Shape::Lens => pen.lens(),
        Shape::Script => pen.script(),
        Shape::Probe => pen.probe(),
        Shape::Drill => pen.drill(),
        Shape::Drone => pen.drone(),
        Shape::Bubble => pen.bubble(),
        Shape::Bomb => pen.bomb(),
        Shape::Cloak => pen.cloak(),
    }
    pen.finish()
}

/// A drawing under way.
struct Pen {
    svg: String,
    rng: Rng,
    light: String,
    mid: String,
    dark: String,
    /// Outlines and what is cut out.
    edge: String,
}

impl Pen {
    fn new(item: &ItemType) -> Self {
        let hue = i32::from(item.hue);
        let mut svg = String::with_capacity(2_048);
        let name = item.name.replace('&', "&amp;");
        let name = name.replace('<', "&lt;").replace('>', "&gt;");
        let (paper, frame) = (colour(hue, 32, 12), colour(hue, 30, 24));
        let edge = colour(hue, 45, 7);
        svg.push_str("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 640\">");
        let _ = write!(svg, "<title>{name}</title>");
        let _ = write!(
            svg,
            "<rect x=\"10\" y=\"10\" width=\"620\" height=\"620\" rx=\"90\" fill=\"{paper}\" \
             stroke=\"{frame}\" stroke-width=\"12\"/>\
             <g stroke=\"{edge}\" stroke-width=\"12\" stroke-linejoin=\"round\" \
             stroke-linecap=\"round\">"
        );
        Self {
            svg,
            rng: Rng::new(0, Tick(0), EntityId(u64::from(item.id.0)), PURPOSE),
            light: colour(hue, 68, 74),
            mid: colour(hue, 56, 53),
            dark: colour(hue, 52, 34),
            edge,
        }
    }

    fn finish(mut self) -> String {
        self.svg.push_str("</g></svg>\n");
        self.svg
    }

    /// A number from `least` to `most`, both included.
    fn draw(&mut self, least: i32, most: i32) -> i32 {
        least + self.rng.below((most - least + 1) as u32) as i32
    }

    fn polygon(&mut self, fill: &str, points: &[Point]) {
        self.svg.push_str("<polygon points=\"");
        for [x, y] in points {
            let _ = write!(self.svg, "{x},{y} ");
        }
        let _ = write!(self.svg, "\" fill=\"{fill}\"/>");
    }

    fn line(&mut self, stroke: &str, width: i32, points: &[Point]) {
        self.svg.push_str("<polyline points=\"");
        for [x, y] in points {
            let _ = write!(self.svg, "{x},{y} ");
        }
        let _ = write!(
            self.svg,
            "\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"{width}\"/>"
        );
    }

    fn rect(&mut self, fill: &str, [x, y]: Point, [width, height]: Point, round: i32) {
        let _ = write!(
            self.svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{round}\" \
             fill=\"{fill}\"/>"
        );
    }

    /// An ellipse, turned by so many degrees.
    fn ellipse(&mut self, fill: &str, [x, y]: Point, [rx, ry]: Point, degrees: i32) {
        let _ = write!(
            self.svg,
            "<ellipse cx=\"{x}\" cy=\"{y}\" rx=\"{rx}\" ry=\"{ry}\" \
             transform=\"rotate({degrees} {x} {y})\" fill=\"{fill}\"/>"
        );
    }

    fn path(&mut self, fill: &str, path: &str) {
        let _ = write!(self.svg, "<path d=\"{path}\" fill=\"{fill}\"/>");
    }

    /// Light, mid, dark, edge.
    fn tones(&self) -> [String; 4] {
        [&self.light, &self.mid, &self.dark, &self.edge].map(String::clone)
    }
}

/// The point at this many times 15° (clockwise from the right) and this distance.
fn around([x, y]: Point, step: usize, radius: i32) -> Point {
    let sine = |step: usize| {
        let step = step % 24;
        match step {
            0..=6 => SINES[step],
            7..=12 => SINES[12 - step],
            13..=18 => -SINES[step - 12],
            _ => -SINES[24 - step],
        }
    };
    [
        x + radius * sine(step + 6) / 1_000,
        y + radius * sine(step) / 1_000,
    ]
}

/// `#rrggbb` of a hue in degrees, a saturation and a lightness in per cent.
fn colour(hue: i32, saturation: i32, lightness: i32) -> String {
    // Ten thousandths.
    let chroma = (100 - (2 * lightness - 100).abs()) * saturation;
    let second = chroma * (60 - (hue % 120 - 60).abs()) / 60;
    let base = lightness * 100 - chroma / 2;
    let [red, green, blue] = match hue / 60 {
        0 => [chroma, second, 0],
        1 => [second, chroma, 0],
        2 => [0, chroma, second],
        3 => [0, second, chroma],
        4 => [second, 0, chroma],
        _ => [chroma, 0, second],
    }
    .map(|part| (part + base) * 255 / 10_000);
    format!("#{red:02x}{green:02x}{blue:02x}")
}
