//! Places for names: beside their mark, on no other mark and no other name, on few lanes.

/// Boxes that are taken, in square cells.
pub(super) struct Labels {
    side: f64,
    /// Distance from a mark's centre that names keep.
    mark: f64,
    cells: usize,
    /// What must not be covered: left, top, right, bottom.
    taken: Vec<Vec<[f64; 4]>>,
    /// Points along lanes, which should not be covered.
    lanes: Vec<Vec<[f64; 2]>>,
}

/// Pixels of a cell.
const CELL: f64 = 40.0;
/// Pixels between two points of a lane.
const LANE_STEP: f64 = 4.0;

impl Labels {
    pub(super) fn new(side: f64, points: &[[f64; 2]], mark: f64) -> Self {
        let cells = (side / CELL) as usize + 1;
        let mut labels = Self {
            side,
            mark,
            cells,
            taken: vec![Vec::new(); cells * cells],
            lanes: vec![Vec::new(); cells * cells],
        };
        for &[x, y] in points {
            labels.take([x - mark, y - mark, x + mark, y + mark]);
        }
        labels
    }

    fn index(&self, at: f64) -> usize {
        ((at / CELL).max(0.0) as usize).min(self.cells - 1)
    }

    /// The cells that a box touches.
    fn touched(&self, [left, top, right, bottom]: [f64; 4]) -> impl Iterator<Item = usize> + use<> {
        let columns = self.index(left)..=self.index(right);
        let rows = self.index(top)..=self.index(bottom);
        let cells = self.cells;
        rows.flat_map(move |row| columns.clone().map(move |column| row * cells + column))
    }

    fn take(&mut self, taken: [f64; 4]) {
        for cell in self.touched(taken) {
            self.taken[cell].push(taken);
        }
    }

    /// A line that names should leave free.
    pub(super) fn add_lane(&mut self, from: [f64; 2], to: [f64; 2]) {
        let [dx, dy] = [to[0] - from[0], to[1] - from[1]];
        let length = orrery_base::math::sqrt(dx * dx + dy * dy);
        let steps = (length / LANE_STEP) as u32 + 1;
        for step in 1..steps {
            let share = f64::from(step) / f64::from(steps);
            let point = [from[0] + dx * share, from[1] + dy * share];
            let cell = self.index(point[1]) * self.cells + self.index(point[0]);
            self.lanes[cell].push(point);
        }
    }

    /// The upper left corner for a text of this width and height beside a mark, if there is room.
    pub(super) fn place(
        &mut self,
        [x, y]: [f64; 2],
        [width, height]: [f64; 2],
    ) -> Option<[f64; 2]> {
        let off = self.mark + 3.0;
        let [middle_x, middle_y] = [x - width / 2.0, y - height / 2.0];
        let slant = off * 0.7;
        let corners = [
            [x + off, middle_y],
            [x - off - width, middle_y],
            [middle_x, y + off],
            [middle_x, y - off - height],
            [x + slant, y + slant],
            [x + slant, y - slant - height],
            [x - slant - width, y + slant],
            [x - slant - width, y - slant - height],
        ];
        let boxes = corners.map(|[left, top]| [left, top, left + width, top + height]);
        let free = boxes.into_iter().filter(|it| self.is_free(*it));
        let best = free.min_by_key(|it| self.covered(*it))?;
        self.take(best);
        Some([best[0], best[1]])
    }

    fn is_free(&self, [left, top, right, bottom]: [f64; 4]) -> bool {
        let inside =
            left >= 2.0 && top >= 2.0 && right <= self.side - 2.0 && bottom <= self.side - 2.0;
        inside
            && self.touched([left, top, right, bottom]).all(|cell| {
                self.taken[cell].iter().all(|other| {
                    right <= other[0] || other[2] <= left || bottom <= other[1] || other[3] <= top
                })
            })
    }

    /// How much of lanes a box would cover.
    fn covered(&self, [left, top, right, bottom]: [f64; 4]) -> usize {
        let within = |[x, y]: &&[f64; 2]| *x >= left && *x <= right && *y >= top && *y <= bottom;
        let cells = self.touched([left, top, right, bottom]);
        cells
            .map(|cell| self.lanes[cell].iter().filter(within).count())
            .sum()
    }
}
