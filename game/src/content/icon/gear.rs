//! The shapes of what is fitted. Light falls from the upper left.

use super::{Pen, Point, around};

/// The middle of the drawing, which is 640 by 640.
const MIDDLE: i32 = 320;

impl Pen {
    pub(super) fn turret(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let (length, gap, bore) = (self.draw(190, 260), self.draw(26, 44), self.draw(20, 38));
        let barrels = self.draw(1, 2);
        for barrel in 0..barrels {
            let x = MIDDLE + (2 * barrel - barrels + 1) * gap - bore / 2;
            self.rect(&mid, [x, 400 - length], [bore, length], 6);
            self.rect(&light, [x - 7, 400 - length], [bore + 14, 34], 6);
        }
        self.polygon(&mid, &[[225, 380], [415, 380], [455, 470], [185, 470]]);
        self.polygon(&light, &[[225, 380], [320, 380], [300, 470], [185, 470]]);
        self.rect(&dark, [150, 470], [340, 62], 14);
        let slit = self.draw(250, 350);
        self.ellipse(&edge, [slit, 428], [22, 14], 0);
    }

    pub(super) fn launcher(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let (columns, rows) = (self.draw(2, 3), self.draw(2, 3));
        self.rect(&mid, [130, 150], [380, 340], 30);
        self.polygon(&light, &[[130, 180], [160, 150], [480, 150], [510, 180]]);
        for column in 0..columns {
            for row in 0..rows {
                let at = [
                    130 + 380 * (2 * column + 1) / (2 * columns),
                    180 + 310 * (2 * row + 1) / (2 * rows),
                ];
                let radius = 125 / columns.max(rows);
                self.ellipse(&dark, at, [radius, radius], 0);
                self.ellipse(&edge, at, [radius * 3 / 5, radius * 3 / 5], 0);
            }
        }
        let foot = self.draw(170, 250);
        self.rect(&dark, [foot, 490], [640 - 2 * foot, 44], 8);
    }

    pub(super) fn emitter(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let tilt = self.draw(-25, 25);
        let waves = self.draw(2, 4);
        for wave in 0..waves {
            let radius = 110 + wave * 38;
            let arc: [Point; 5] =
                std::array::from_fn(|step| around([300, 330], 19 + step, radius + 60));
            self.line(if wave % 2 == 0 { &light } else { &mid }, 16, &arc);
        }
        self.ellipse(&mid, [290, 340], [130, 70], tilt - 40);
        self.ellipse(&dark, [290, 340], [80, 40], tilt - 40);
        self.line(&light, 16, &[[290, 340], [345, 270]]);
        self.polygon(&dark, &[[270, 400], [330, 400], [375, 535], [225, 535]]);
        self.ellipse(&edge, [300, 500], [12, 12], 0);
    }

    pub(super) fn shield(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let (point, notch) = (self.draw(500, 550), self.draw(120, 165));
        let left = [[140, 160], [320, notch], [320, point], [180, 400]];
        let right = [[500, 160], [320, notch], [320, point], [460, 400]];
        self.polygon(&mid, &left);
        self.polygon(&dark, &right);
        let bars = self.draw(1, 3);
        for bar in 0..bars {
            let y = 225 + bar * 62;
            self.line(&light, 22, &[[215, y], [320, y + 30], [425, y]]);
        }
        let boss = self.draw(16, 30);
        self.ellipse(&edge, [320, 440], [boss, boss], 0);
    }

    pub(super) fn engine(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let (throat, mouth) = (self.draw(60, 95), self.draw(135, 175));
        let flame = self.draw(470, 550);
        let flame_points = [
            [320 - mouth + 30, 370],
            [320, flame],
            [320 + mouth - 30, 370],
        ];
        self.polygon(&light, &flame_points);
        let nozzle = [
            [320 - throat, 220],
            [320 + throat, 220],
            [320 + mouth, 380],
            [320 - mouth, 380],
        ];
        self.polygon(&mid, &nozzle);
        let shade = [
            [320, 220],
            [320 + throat, 220],
            [320 + mouth, 380],
            [320, 380],
        ];
        self.polygon(&dark, &shade);
        let rings = self.draw(1, 3);
        self.rect(&mid, [210, 110], [220, 110], 24);
        for ring in 0..rings {
            let y = 135 + ring * 30;
            self.line(&edge, 12, &[[222, y], [418, y]]);
        }
    }

    pub(super) fn cell(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let (bars, wide) = (self.draw(2, 5), self.draw(105, 140));
        self.rect(&dark, [MIDDLE - 48, 100], [96, 50], 8);
        self.rect(&mid, [MIDDLE - wide, 150], [2 * wide, 390], 30);
        for bar in 0..5 {
            let fill = if bar < bars { &light } else { &edge };
            let y = 470 - bar * 66;
            self.rect(fill, [MIDDLE - wide + 32, y], [2 * wide - 64, 40], 8);
        }
    }

    pub(super) fn chip(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let (legs, core) = (self.draw(4, 7), self.draw(55, 100));
        for leg in 0..legs {
            let y = 190 + 260 * (2 * leg + 1) / (2 * legs);
            self.line(&light, 16, &[[120, y], [520, y]]);
        }
        self.rect(&mid, [180, 160], [280, 320], 18);
        self.rect(
            &dark,
            [MIDDLE - core, MIDDLE - core],
            [2 * core, 2 * core],
            10,
        );
        let lamp = self.draw(0, 3);
        let [x, y] = around([MIDDLE, MIDDLE], lamp as usize * 6 + 3, 40);
        self.ellipse(&edge, [x, y], [15, 15], 0);
        self.ellipse(&light, [212, 192], [11, 11], 0);
    }

    pub(super) fn rig(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let (arm, bend) = (self.draw(95, 135), self.draw(-40, 40));
        let bracket = [
            [130, 150],
            [130 + arm, 150],
            [130 + arm, 400 + bend],
            [510, 400 + bend],
            [510, 510],
            [130, 510],
        ];
        self.polygon(&mid, &bracket);
        self.polygon(&light, &[[130, 150], [170, 150], [170, 510], [130, 510]]);
        self.polygon(
            &dark,
            &[[170, 400 + bend], [130 + arm, 150], [510, 400 + bend]],
        );
        for bolt in 0..self.draw(2, 4) {
            self.ellipse(&edge, [230 + bolt * 75, 465], [19, 19], 0);
        }
        self.ellipse(&edge, [190, 210], [17, 17], 0);
    }

    pub(super) fn shell(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let (wide, nose) = (self.draw(62, 92), self.draw(95, 150));
        let (left, right) = (MIDDLE - wide, MIDDLE + wide);
        let tip = [
            [left, 270],
            [left + 18, 190],
            [MIDDLE, nose],
            [right - 18, 190],
            [right, 270],
        ];
        self.polygon(&light, &tip);
        self.rect(&mid, [left, 270], [2 * wide, 230], 4);
        self.rect(&dark, [MIDDLE + wide / 3, 270], [wide * 2 / 3, 230], 4);
        for band in 0..self.draw(1, 3) {
            let y = 320 + band * 50;
            self.line(&edge, 14, &[[left + 4, y], [right - 4, y]]);
        }
        self.rect(&dark, [left - 14, 500], [2 * wide + 28, 42], 8);
    }

    pub(super) fn missile(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let (wide, fin, nose) = (self.draw(36, 58), self.draw(55, 105), self.draw(95, 140));
        let (left, right) = (MIDDLE - wide, MIDDLE + wide);
        self.polygon(&dark, &[[left, 400], [left - fin, 500], [left, 500]]);
        self.polygon(&dark, &[[right, 400], [right + fin, 500], [right, 500]]);
        self.polygon(&light, &[[left, 225], [MIDDLE, nose], [right, 225]]);
        self.rect(&mid, [left, 225], [2 * wide, 275], 4);
        let fore = self.draw(250, 300);
        self.polygon(
            &dark,
            &[[left, fore], [left - fin / 2, fore + 60], [left, fore + 60]],
        );
        self.polygon(
            &dark,
            &[
                [right, fore],
                [right + fin / 2, fore + 60],
                [right, fore + 60],
            ],
        );
        self.line(&edge, 12, &[[left, 370], [right, 370]]);
        self.polygon(
            &light,
            &[[left + 14, 500], [MIDDLE, 555], [right - 14, 500]],
        );
    }

    pub(super) fn lens(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let (tall, thick) = (self.draw(150, 185), self.draw(40, 75));
        self.rect(&dark, [MIDDLE - 30, MIDDLE + tall - 30], [60, 100], 10);
        self.ellipse(&dark, [MIDDLE, MIDDLE - 20], [thick + 60, tall + 26], 12);
        self.ellipse(&mid, [MIDDLE, MIDDLE - 20], [thick + 28, tall], 12);
        self.ellipse(
            &light,
            [MIDDLE - 18, MIDDLE - 50],
            [thick / 2, tall / 2],
            12,
        );
        for ray in 0..self.draw(1, 3) {
            let y = 250 + ray * 60;
            self.line(&light, 9, &[[110, y], [225, 300]]);
        }
        self.ellipse(&edge, [MIDDLE, MIDDLE + tall + 30], [10, 10], 0);
    }

    pub(super) fn script(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        self.polygon(
            &mid,
            &[[180, 130], [405, 130], [460, 185], [460, 520], [180, 520]],
        );
        self.polygon(&light, &[[405, 130], [460, 185], [405, 185]]);
        for row in 0..5 {
            for column in 0..4 {
                if self.draw(0, 2) > 0 {
                    self.rect(&edge, [212 + column * 58, 220 + row * 54], [34, 22], 4);
                }
            }
        }
        let mark = self.draw(150, 240);
        self.line(&dark, 14, &[[200, 496], [200 + mark, 496]]);
    }

    pub(super) fn probe(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let (vane, body) = (self.draw(120, 190), self.draw(55, 85));
        for sign in [-1, 1] {
            let x = |across: i32| MIDDLE + sign * across;
            let points = [
                [x(body), 290],
                [x(body + vane), 240],
                [x(body + vane), 360],
                [x(body), 350],
            ];
            self.polygon(&dark, &points);
            self.line(
                &light,
                8,
                &[[x(body + vane / 2), 265], [x(body + vane / 2), 356]],
            );
        }
        self.polygon(
            &light,
            &[[MIDDLE - body, 270], [MIDDLE, 150], [MIDDLE + body, 270]],
        );
        self.rect(&mid, [MIDDLE - body, 270], [2 * body, 190], 14);
        let eye = self.draw(20, 36);
        self.ellipse(&edge, [MIDDLE, 360], [eye, eye], 0);
        self.line(&mid, 14, &[[MIDDLE, 460], [MIDDLE, 545]]);
    }

    pub(super) fn drill(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let (wide, turns) = (self.draw(85, 115), self.draw(3, 5));
        self.polygon(
            &mid,
            &[[MIDDLE - wide, 260], [MIDDLE + wide, 260], [MIDDLE, 550]],
        );
        self.polygon(&dark, &[[MIDDLE, 260], [MIDDLE + wide, 260], [MIDDLE, 550]]);
        for turn in 0..turns {
            let y = 280 + turn * 230 / turns;
            let half = wide * (550 - y) / 290;
            self.line(&light, 14, &[[MIDDLE - half, y], [MIDDLE + half, y + 28]]);
        }
        let head = self.draw(10, 40);
        self.rect(&mid, [200 - head, 140], [240 + 2 * head, 120], 22);
        self.ellipse(&edge, [MIDDLE, 200], [26, 26], 0);
    }

    pub(super) fn drone(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let (reach, body, turn) = (self.draw(150, 200), self.draw(64, 96), self.draw(2, 4));
        for arm in 0..4 {
            let tip = around([MIDDLE, MIDDLE], arm * 6 + turn as usize, reach);
            self.line(&dark, 34, &[[MIDDLE, MIDDLE], tip]);
            self.ellipse(&mid, tip, [44, 44], 0);
            self.ellipse(&edge, tip, [16, 16], 0);
        }
        self.ellipse(&mid, [MIDDLE, MIDDLE], [body + 14, body], 0);
        self.ellipse(&light, [MIDDLE - 18, MIDDLE - 22], [body / 2, body / 3], 0);
        self.ellipse(&edge, [MIDDLE, MIDDLE + body / 2], [14, 14], 0);
    }

    pub(super) fn bubble(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let (radius, core) = (self.draw(195, 225), self.draw(40, 70));
        let rim: [Point; 24] = std::array::from_fn(|step| around([MIDDLE, MIDDLE], step, radius));
        self.polygon(&dark, &rim);
        for step in 0..12 {
            let at = around([MIDDLE, MIDDLE], step * 2 + 1, radius - 45);
            self.ellipse(&mid, at, [11, 11], 0);
        }
        let legs = self.draw(1, 3) as usize;
        for step in 0..4 {
            let tip = around([MIDDLE, MIDDLE], step * 6 + legs, core + 62);
            self.line(&light, 18, &[[MIDDLE, MIDDLE], tip]);
        }
        self.ellipse(&mid, [MIDDLE, MIDDLE], [core, core], 0);
        self.ellipse(&edge, [MIDDLE, MIDDLE], [core / 3, core / 3], 0);
        let shine: [Point; 5] =
            std::array::from_fn(|step| around([MIDDLE, MIDDLE], 14 + step, radius - 18));
        self.line(&light, 14, &shine);
    }

    pub(super) fn bomb(&mut self) {
        let [light, mid, dark, edge] = self.tones();
        let (radius, fins) = (self.draw(130, 165), self.draw(45, 85));
        for sign in [-1, 1] {
            let x = |across: i32| MIDDLE + sign * across;
            self.polygon(
                &dark,
                &[[x(20), 200], [x(20 + fins), 110], [x(20 + fins), 210]],
            );
        }
        self.rect(&mid, [MIDDLE - 40, 120], [80, 110], 12);
        self.ellipse(&mid, [MIDDLE, 365], [radius, radius + 20], 0);
        self.ellipse(&light, [MIDDLE - 45, 310], [radius / 3, radius / 4], -35);
        let band = self.draw(360, 420);
        self.line(
            &edge,
            18,
            &[[MIDDLE - radius + 12, band], [MIDDLE + radius - 12, band]],
        );
    }

    pub(super) fn cloak(&mut self) {
        let [light, mid, dark, _] = self.tones();
        let (nose, span) = (self.draw(110, 150), self.draw(120, 180));
        let hull = [
            [MIDDLE, nose],
            [MIDDLE + span / 2, 330],
            [MIDDLE + span, 480],
            [MIDDLE, 440],
            [MIDDLE - span, 480],
            [MIDDLE - span / 2, 330],
        ];
        self.polygon(&dark, &hull);
        let lines = self.draw(5, 8);
        for line in 0..lines {
            let y = 130 + 400 * line / lines;
            let shift = self.draw(-40, 40);
            let stroke = if line % 2 == 0 { &mid } else { &light };
            self.line(stroke, 16, &[[150 + shift, y], [490 + shift, y]]);
        }
    }
}
