//! The shapes of icons. Light falls from the upper left.

use super::{Pen, Point, around};
use std::fmt::Write as _;

/// The middle of the drawing, which is 640 by 640.
const MIDDLE: i32 = 320;

impl Pen {
    pub(super) fn rock(&mut self) {
        let [light, mid, dark, _] = self.tones();
        let rim: [Point; 12] = std::array::from_fn(|step| {
            let radius = self.draw(165, 235);
            around([MIDDLE, MIDDLE + 5], step * 2, radius)
        });
        // The face that looks up, towards the light.
        let heart = [self.draw(275, 320), self.draw(265, 310)];
        let turn = self.draw(0, 1) as usize;
        let face: [Point; 6] = std::array::from_fn(|step| {
            let radius = self.draw(75, 120);
            around(heart, step * 4 + turn * 2, radius)
        });
        self.polygon(&mid, &rim);
        let shade = [
            face[0],
            rim[turn],
            rim[1 + turn],
            rim[2 + turn],
            rim[3 + turn],
            rim[4 + turn],
            face[2],
            face[1],
        ];
        self.polygon(&dark, &shade);
        for at in 3..6 {
            self.line(&dark, 9, &[face[at], rim[at * 2 + turn]]);
        }
        self.polygon(&light, &face);
    }

    pub(super) fn crystal(&mut self) {
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

    pub(super) fn ingot(&mut self) {
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

    pub(super) fn crate_box(&mut self) {
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

    pub(super) fn sack(&mut self) {
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

    pub(super) fn flask(&mut self) {
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

    pub(super) fn drum(&mut self) {
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

    pub(super) fn sheet(&mut self) {
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

    pub(super) fn orb(&mut self) {
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

    pub(super) fn coil(&mut self) {
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

    pub(super) fn board(&mut self) {
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

    pub(super) fn gear(&mut self) {
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

    pub(super) fn shard(&mut self) {
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

    pub(super) fn vault(&mut self) {
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

    pub(super) fn plate(&mut self) {
        let [light, mid, dark, _] = self.tones();
        let (count, gap) = (self.draw(3, 5), self.draw(50, 62));
        for plate in 0..count {
            let slide = self.draw(-22, 22);
            let x = MIDDLE + slide;
            let y = 320 + (count - 1) * gap / 2 - plate * gap;
            let (left, right) = ([x - 215, y], [x + 215, y]);
            let (back, front) = ([x, y - 105], [x, y + 105]);
            let deep = |[x, y]: Point| [x, y + 30];
            self.polygon(&mid, &[left, front, deep(front), deep(left)]);
            self.polygon(&dark, &[front, right, deep(right), deep(front)]);
            self.polygon(&light, &[left, back, right, front]);
        }
    }

    pub(super) fn ring(&mut self) {
        let [light, mid, dark, _] = self.tones();
        let (tilt, width) = (self.draw(-35, 35), self.draw(60, 95));
        for (fill, drop) in [(&dark, 40), (&mid, 0)] {
            let _ = write!(
                self.svg,
                "<path fill-rule=\"evenodd\" transform=\"translate(0 {drop}) \
                 rotate({tilt} 320 300)\" d=\"M90 300 a230 165 0 1 0 460 0 a230 165 0 1 0 -460 0 Z \
                 M{} 300 a{rx} {ry} 0 1 0 {} 0 a{rx} {ry} 0 1 0 -{} 0 Z\" fill=\"{fill}\"/>",
                90 + width,
                460 - 2 * width,
                460 - 2 * width,
                rx = 230 - width,
                ry = 165 - width * 4 / 5,
            );
        }
        let _ = write!(
            self.svg,
            "<path transform=\"rotate({tilt} 320 300)\" d=\"M130 270 Q160 180 290 160\" \
             fill=\"none\" stroke=\"{light}\" stroke-width=\"20\"/>"
        );
    }

    pub(super) fn coin(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let (points, turn) = (self.draw(5, 8), self.draw(0, 44));
        self.ellipse(&dark, [345, 335], [205, 205], 0);
        self.ellipse(&mid, [305, 305], [205, 205], 0);
        self.ellipse(&light, [305, 305], [155, 155], 0);
        for point in 0..points {
            let degrees = turn + point * 360 / points;
            let _ = write!(
                self.svg,
                "<path d=\"M305 185 L330 305 L280 305 Z\" transform=\"rotate({degrees} 305 305)\" \
                 fill=\"{dark}\" stroke=\"none\"/>"
            );
        }
        self.ellipse(&edge, [305, 305], [20, 20], 0);
    }

    /// A ship from above, longer the more it takes up.
    pub(super) fn hull(&mut self, volume_l: u64) {
        let [light, mid, dark, edge] = self.tones();
        let bits = (u64::BITS - volume_l.leading_zeros()) as i32;
        let half = (130 + 9 * (bits - 18)).clamp(110, 245);
        let [top, foot] = [MIDDLE - half, MIDDLE + half];
        let percent = |share: i32| half * share / 100;
        let [shoulder, waist, stern] = [
            percent(self.draw(20, 34)),
            percent(self.draw(26, 46)),
            percent(self.draw(16, 34)),
        ];
        let [root, span, sweep] = [
            percent(self.draw(70, 120)),
            percent(self.draw(58, 92)),
            percent(self.draw(-30, 70)),
        ];
        let engines = self.draw(1, 3);
        for engine in 0..engines {
            let x = MIDDLE + (2 * engine - engines + 1) * stern * 2 / 3;
            let width = percent(14) + 8;
            let size = [width, percent(22) + 10];
            self.rect(&light, [x - width / 2, foot - percent(12)], size, 8);
        }
        for (sign, body, wing) in [(-1, &mid, &dark), (1, &dark, &mid)] {
            let at = |across: i32, down: i32| [MIDDLE + sign * across, top + down];
            let tip = root + sweep;
            let wing_points = [
                at(0, root),
                at(span, tip),
                at(span, tip + percent(26)),
                at(0, root + percent(62)),
            ];
            self.polygon(wing, &wing_points);
            let body_points = [
                at(0, 0),
                at(shoulder, percent(45)),
                at(waist, percent(125)),
                at(stern, 2 * half),
                at(0, 2 * half),
            ];
            self.polygon(body, &body_points);
        }
        self.ellipse(
            &light,
            [MIDDLE, top + percent(52)],
            [percent(9) + 5, percent(17) + 6],
            0,
        );
        for lamp in 0..(bits - 18).clamp(1, 6) {
            let y = top + percent(95) + lamp * percent(16);
            self.ellipse(&edge, [MIDDLE, y], [5, 5], 0);
        }
    }
}

/// How far the hand of a lock points to the side.
const fn hand(turn: i32) -> i32 {
    turn * 2 - 30
}
