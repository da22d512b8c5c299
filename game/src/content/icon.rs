//! Icons of items, drawn by rule: the shape and the hue are the item's, the details come from its
//! number, so that two goods of one kind differ as two lumps of one rock do.
//!
//! A drawing is a pure function of the item: integers only, equal bits on every machine. It has
//! no ids and no style sheet, so any number of them may stand in one page. 1 to 3 KB each.

use super::{ItemType, Shape};
use orrery_base::rng::Rng;
use orrery_base::{EntityId, Tick};
use std::fmt::Write as _;

/// The purpose of the draws, see [`Rng::new`].
const PURPOSE: u32 = 0x1c0e;
/// The middle of the drawing, which is 640 by 640.
const MIDDLE: i32 = 320;
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
        Shape::Hull => pen.hull(item.volume_l),
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

    fn rock(&mut self) {
        let [light, mid, dark, _] = self.tones();
        let rim: [Point; 12] = std::array::from_fn(|step| {
            let radius = self.draw(165, 232);
            around([MIDDLE, MIDDLE + 10], step * 2, radius)
        });
        let heart = [self.draw(285, 345), self.draw(290, 350)];
        self.polygon(&mid, &rim);
        self.polygon(&light, &[heart, rim[6], rim[7], rim[8], rim[9]]);
        self.polygon(&dark, &[heart, rim[0], rim[1], rim[2], rim[3]]);
        let crack = [self.draw(230, 300), self.draw(400, 450)];
        self.line(&dark, 12, &[heart, crack]);
    }

    fn crystal(&mut self) {
        let [light, mid, dark, _] = self.tones();
        let heights = [
            self.draw(150, 270),
            self.draw(150, 270),
            self.draw(320, 395),
        ];
        let leans = [self.draw(-50, -10), self.draw(10, 50), self.draw(-25, 25)];
        for (prism, (x, half)) in [(195, 62), (445, 58), (320, 84)].into_iter().enumerate() {
            let top = 500 - heights[prism];
            let tip = [x + leans[prism], top];
            let shoulder = top + half;
            let ridge = [x + leans[prism] / 3, shoulder + half / 2];
            let (left, right) = (x - half, x + half);
            let foot = [x, 545];
            let left_side = [tip, ridge, foot, [left, 505], [left, shoulder]];
            let right_side = [tip, ridge, foot, [right, 505], [right, shoulder]];
            self.polygon(if prism == 2 { &light } else { &mid }, &left_side);
            self.polygon(if prism == 2 { &mid } else { &dark }, &right_side);
        }
    }

    fn ingot(&mut self) {
        let stamps = self.draw(1, 3);
        let shift = self.draw(-30, 30);
        for bar in [[205, 510], [415, 510], [310 + shift, 370]] {
            self.bar(bar, stamps);
        }
    }

    /// A bar whose front's foot has its middle here.
    fn bar(&mut self, [x, y]: Point, stamps: i32) {
        let [light, mid, dark, _] = self.tones();
        let (a, b) = ([x - 100, y], [x + 100, y]);
        let (c, d) = ([x + 78, y - 92], [x - 78, y - 92]);
        let (e, f) = ([x + 104, y - 134], [x - 50, y - 134]);
        self.polygon(&dark, &[b, [x + 126, y - 38], e, c]);
        self.polygon(&light, &[d, c, e, f]);
        self.polygon(&mid, &[a, b, c, d]);
        for stamp in 0..stamps {
            let left = x - stamps * 22 + stamp * 44 + 11;
            self.line(&dark, 14, &[[left, y - 58], [left + 22, y - 34]]);
        }
    }

    fn crate_box(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let strap = self.draw(40, 110);
        let boards = self.draw(1, 3);
        self.polygon(&light, &[[320, 125], [515, 215], [320, 305], [125, 215]]);
        self.polygon(&mid, &[[125, 215], [320, 305], [320, 530], [125, 435]]);
        self.polygon(&dark, &[[515, 215], [320, 305], [320, 530], [515, 435]]);
        for board in 1..=boards {
            let down = 222 * board / (boards + 1);
            self.line(&dark, 10, &[[136, 220 + down], [310, 301 + down]]);
            self.line(&edge, 10, &[[330, 301 + down], [504, 220 + down]]);
        }
        // Straps go over the lid and down both sides.
        let (left, right) = (320 - strap, 320 + strap);
        let rise = strap * 90 / 195;
        self.line(&edge, 22, &[[left, 305 - rise], [left, 530 - rise]]);
        self.line(&edge, 22, &[[right, 305 - rise], [right, 530 - rise]]);
    }

    fn sack(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let (bulge, stripes) = (self.draw(-25, 25), self.draw(1, 3));
        let body = format!(
            "M250 235 C{} 320 {} 500 185 535 Q320 565 455 535 C{} 500 {} 320 390 235 Z",
            120 + bulge,
            110 + bulge,
            530 - bulge,
            520 - bulge
        );
        self.path(&mid, &body);
        self.path(
            &light,
            "M250 235 Q200 150 245 110 Q320 150 395 110 Q440 150 390 235 Z",
        );
        self.line(&edge, 30, &[[248, 232], [392, 232]]);
        for stripe in 0..stripes {
            let y = 370 + stripe * 52;
            self.line(&dark, 20, &[[225, y], [320, y + 14], [415, y]]);
        }
    }

    fn flask(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let level = self.draw(300, 430);
        self.rect(&dark, [195, 235], [250, 310], 56);
        self.rect(&mid, [195, level], [250, 545 - level], 40);
        self.rect(&dark, [270, 150], [100, 95], 10);
        self.rect(&light, [250, 95], [140, 62], 16);
        self.line(&edge, 10, &[[215, level + 4], [425, level + 4]]);
        for _ in 0..3 {
            let at = [self.draw(240, 400), self.draw(level + 40, 510)];
            let radius = self.draw(9, 20);
            self.ellipse(&light, at, [radius, radius], 0);
        }
        self.line(&light, 16, &[[232, 285], [232, 470]]);
    }

    fn drum(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let hoops = self.draw(2, 4);
        let belly = self.draw(5, 50);
        let body = format!(
            "M170 180 Q{0} 330 170 480 Q320 590 470 480 Q{1} 330 470 180 Z",
            170 - belly,
            470 + belly
        );
        self.path(&mid, &body);
        for hoop in 0..hoops {
            let y = 265 + hoop * 215 / (hoops - 1);
            let hoop = format!("M160 {y} Q320 {} 480 {y}", y + 70);
            self.svg.push_str("<g stroke-width=\"26\" stroke=\"");
            self.svg.push_str(&dark);
            self.svg.push_str("\">");
            self.path("none", &hoop);
            self.svg.push_str("</g>");
        }
        self.ellipse(&light, [320, 180], [150, 62], 0);
        let bung = [self.draw(260, 380), self.draw(165, 195)];
        self.ellipse(&edge, bung, [22, 11], 0);
    }

    fn sheet(&mut self) {
        let [light, mid, dark, _] = self.tones();
        self.polygon(&dark, &[[215, 130], [525, 130], [525, 545], [215, 545]]);
        let page = [[145, 95], [380, 95], [465, 180], [465, 515], [145, 515]];
        self.polygon(&light, &page);
        self.polygon(&mid, &[[380, 95], [465, 180], [380, 180]]);
        for row in 0..5 {
            let end = self.draw(250, 410);
            let y = 230 + row * 52;
            self.line(&dark, 18, &[[200, y], [end, y]]);
        }
        let seal = [self.draw(360, 420), 455];
        self.ellipse(&mid, seal, [34, 34], 0);
    }

    fn orb(&mut self) {
        let [light, mid, dark, _] = self.tones();
        let (tilt, flat) = (self.draw(-40, 40), self.draw(45, 95));
        let radius = self.draw(135, 170);
        self.ellipse("none", [320, 320], [235, flat], tilt);
        self.ellipse(&dark, [320, 320], [radius, radius], 0);
        self.ellipse(&mid, [300, 300], [radius - 34, radius - 34], 0);
        self.ellipse(&light, [270, 265], [46, 34], -35);
        // The near half of the ring goes before the ball.
        let _ = write!(
            self.svg,
            "<path d=\"M85 320 A235 {flat} 0 0 0 555 320\" transform=\"rotate({tilt} 320 320)\" \
             fill=\"none\" stroke=\"{light}\" stroke-width=\"22\"/>"
        );
    }

    fn coil(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let turns = self.draw(4, 7);
        let half = self.draw(130, 175);
        self.rect(&dark, [275, 90], [90, 460], 30);
        for turn in 0..turns {
            let y = 170 + turn * 300 / (turns - 1);
            self.ellipse(
                if turn % 2 == 0 { &mid } else { &light },
                [320, y],
                [half, 34],
                -9,
            );
            self.ellipse(&edge, [320, y - 6], [half - 60, 9], -9);
        }
        self.rect(&light, [275, 90], [90, 40], 18);
    }

    fn board(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        self.rect(&dark, [110, 110], [420, 420], 34);
        for lane in 0..6 {
            let at = 150 + lane * 68;
            let bend = self.draw(150, 230);
            let side = self.draw(0, 3);
            let (near, far) = (bend, 640 - bend);
            let trace = match side {
                0 => [[at, 140], [at, near], [MIDDLE, MIDDLE]],
                1 => [[at, 500], [at, far], [MIDDLE, MIDDLE]],
                2 => [[140, at], [near, at], [MIDDLE, MIDDLE]],
                _ => [[500, at], [far, at], [MIDDLE, MIDDLE]],
            };
            self.line(&mid, 16, &trace);
            self.ellipse(&light, trace[0], [17, 17], 0);
        }
        let half = self.draw(70, 105);
        self.rect(
            &mid,
            [MIDDLE - half, MIDDLE - half],
            [half * 2, half * 2],
            16,
        );
        self.rect(&edge, [MIDDLE - 34, MIDDLE - 34], [68, 68], 8);
        self.ellipse(&light, [MIDDLE - half + 26, MIDDLE - half + 26], [9, 9], 0);
    }

    fn gear(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let teeth = [8, 9, 10, 12][self.draw(0, 3) as usize];
        let (spokes, turn) = (self.draw(3, 6), self.draw(0, 29));
        for tooth in 0..teeth {
            let degrees = turn + tooth * 360 / teeth;
            let _ = write!(
                self.svg,
                "<rect x=\"290\" y=\"85\" width=\"60\" height=\"110\" rx=\"12\" \
                 transform=\"rotate({degrees} 320 320)\" fill=\"{dark}\"/>"
            );
        }
        self.ellipse(&mid, [320, 320], [180, 180], 0);
        self.ellipse(&dark, [320, 320], [128, 128], 0);
        for spoke in 0..spokes {
            let degrees = turn + spoke * 360 / spokes;
            let _ = write!(
                self.svg,
                "<rect x=\"302\" y=\"196\" width=\"36\" height=\"110\" \
                 transform=\"rotate({degrees} 320 320)\" fill=\"{mid}\"/>"
            );
        }
        self.ellipse(&light, [320, 320], [58, 58], 0);
        self.ellipse(&edge, [320, 320], [22, 22], 0);
    }

    fn shard(&mut self) {
        let [light, mid, dark, _] = self.tones();
        let tear: [Point; 5] = std::array::from_fn(|step| {
            let across = if step % 2 == 0 { 20 } else { -50 };
            [330 + across + self.draw(-30, 30), 110 + 95 * step as i32]
        });
        let left = [self.draw(105, 160), self.draw(170, 240)];
        let foot = [self.draw(120, 190), self.draw(430, 510)];
        self.polygon(
            &mid,
            &[left, tear[0], tear[1], tear[2], tear[3], tear[4], foot],
        );
        self.polygon(
            &light,
            &[left, tear[0], tear[1], [left[0] + 60, left[1] + 70]],
        );
        // The other piece, a little apart.
        let apart = tear.map(|[x, y]| [x + 62, y + 14]);
        let right = [self.draw(500, 545), self.draw(230, 400)];
        self.polygon(&dark, &[apart[1], apart[2], apart[3], apart[4], right]);
        let [x, y] = foot;
        self.line(&dark, 14, &[[x + 40, y - 60], [x + 110, y - 90]]);
    }

    fn vault(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let (ticks, turn) = ([6, 8, 9, 12][self.draw(0, 3) as usize], self.draw(0, 29));
        self.rect(&dark, [150, 500], [80, 50], 12);
        self.rect(&dark, [410, 500], [80, 50], 12);
        self.rect(&mid, [100, 110], [440, 410], 44);
        self.rect(&dark, [150, 158], [340, 314], 26);
        self.ellipse(&mid, [320, 315], [112, 112], 0);
        for tick in 0..ticks {
            let degrees = turn + tick * 360 / ticks;
            let _ = write!(
                self.svg,
                "<rect x=\"311\" y=\"212\" width=\"18\" height=\"40\" \
                 transform=\"rotate({degrees} 320 315)\" fill=\"{edge}\" stroke=\"none\"/>"
            );
        }
        self.ellipse(&light, [320, 315], [50, 50], 0);
        self.line(&edge, 20, &[[320, 315], [320 + hand(turn), 285]]);
    }

    /// A ship from above, longer the more it takes up.
    fn hull(&mut self, volume_l: u64) {
        let [light, mid, dark, edge] = self.tones();
        let bits = (u64::BITS - volume_l.leading_zeros()) as i32;
        let half = (95 + 10 * (bits - 18)).clamp(95, 225);
        let [top, foot] = [MIDDLE - half, MIDDLE + half];
        let widths: [i32; 4] = std::array::from_fn(|_| half * self.draw(22, 62) / 100);
        let heights: [i32; 4] = std::array::from_fn(|at| top + half * (at as i32 * 50 + 35) / 100);
        let engines = self.draw(1, 3);
        for engine in 0..engines {
            let x = MIDDLE - engines * half / 6 + engine * half / 3;
            let size = [half / 5 + 10, half / 4 + 12];
            self.rect(&light, [x + half / 15, foot - half / 8], size, 8);
        }
        let side = |sign: i32| -> Vec<Point> {
            let outer = (0..4).map(|at| [MIDDLE + sign * widths[at], heights[at]]);
            let stern = [MIDDLE + sign * widths[3] * 2 / 3, foot];
            let mut points = vec![[MIDDLE, top]];
            points.extend(outer);
            points.extend([stern, [MIDDLE, foot]]);
            points
        };
        self.polygon(&mid, &side(-1));
        self.polygon(&dark, &side(1));
        let bridge = [MIDDLE, heights[0] + half / 5];
        self.ellipse(&light, bridge, [half / 10 + 6, half / 6 + 8], 0);
        let lamps = (bits - 17).clamp(1, 8);
        for lamp in 0..lamps {
            let y = heights[1] + (foot - heights[1] - 24) * lamp / lamps;
            self.line(&edge, 12, &[[MIDDLE - 14, y + 14], [MIDDLE + 14, y + 14]]);
        }
    }
}

/// How far the hand of a lock points to the side.
const fn hand(turn: i32) -> i32 {
    turn * 2 - 30
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
