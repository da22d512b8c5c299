//! The wire's workload, beat by beat, with the simulation done beforehand: a fight of ships of
//! which some turn, fire and are hit (`orrery_proto::workload`).

use orrery_base::{GridId, Slot, Tick};
use orrery_proto::input::SnapshotAck;
use orrery_proto::snapshot::{
    ClientView, EncodeReport, EncodeScratch, GridHistory, SlotFrame, SlotState, SnapshotRequest,
};
use orrery_proto::workload::{BASELINE_AGE, Rates, Workload};

/// Beats before the measured ones: baselines exist, and clients hold everything.
pub const WARM_UP: usize = 60;
const GRID: GridId = GridId(1);

/// What the ships are after each beat.
pub struct Film {
    first: Tick,
    beats: Vec<Vec<SlotState>>,
}

impl Film {
    /// Simulates the warm-up and so many beats after it.
    #[must_use]
    pub fn new(ships: u32, beats: usize) -> Self {
        let mut workload = Workload::new(ships, Rates::STANDARD);
        let first = workload.tick().next();
        let beats = (0..WARM_UP + beats).map(|_| {
            workload.simulate();
            workload.ships().to_vec()
        });
        Self {
            first,
            beats: beats.collect(),
        }
    }

    /// The ships after a beat, by slot.
    #[must_use]
    pub fn ships(&self, beat: usize) -> &[SlotState] {
        &self.beats[beat]
    }

    /// The beats after the warm-up.
    #[must_use]
    pub fn beats(&self) -> std::ops::Range<usize> {
        WARM_UP..self.beats.len()
    }
}

/// A grid's history and the clients that watch it; all of them see everything.
pub struct Stage {
    history: GridHistory,
    clients: Vec<ClientView>,
    visible: Vec<u64>,
    scratch: EncodeScratch,
    bytes: Vec<u8>,
}

impl Stage {
    /// So many clients who have seen the warm-up.
    #[must_use]
    pub fn new(film: &Film, clients: usize) -> Self {
        let ships = film.beats[0].len();
        let mut visible = vec![0; ships.div_ceil(64)];
        for slot in 0..ships {
            visible[slot / 64] |= 1 << (slot % 64);
        }
        let mut stage = Self {
            history: GridHistory::new(GRID),
            clients: (0..clients).map(|_| ClientView::new(GRID, 0)).collect(),
            visible,
            scratch: EncodeScratch::default(),
            bytes: Vec::new(),
        };
        for beat in 0..WARM_UP {
            stage.publish(film, beat);
            for client in 0..clients {
                stage.observe(film, beat, client);
            }
        }
        stage
    }

    /// The ships after the beat as a frame.
    pub fn frame(&mut self, film: &Film, beat: usize) -> SlotFrame {
        let mut frame = self.history.begin(film.first.plus(beat as u64));
        for (slot, ship) in film.beats[beat].iter().enumerate() {
            frame.insert(Slot(slot as u32), ship);
        }
        frame
    }

    /// The frame enters the history, which finds out what changed.
    pub fn push(&mut self, frame: SlotFrame) {
        self.history.push(frame);
    }

    /// Both.
    pub fn publish(&mut self, film: &Film, beat: usize) {
        let frame = self.frame(film, beat);
        self.push(frame);
    }

    /// A client's snapshot of the beat: the first one encodes the records, the others append them.
    pub fn observe(&mut self, film: &Film, beat: usize, client: usize) -> EncodeReport {
        let view = &mut self.clients[client];
        let now = film.first.plus(beat as u64);
        view.acknowledge(&SnapshotAck {
            epoch: 0,
            tick: now.minus(BASELINE_AGE),
            mask: 0,
        });
        self.bytes.clear();
        let request = SnapshotRequest {
            visible: &self.visible,
            own: None,
            last_input_sequence: 0,
            budget_bytes: 1 << 16,
        };
        view.encode(&mut self.scratch, &self.history, &request, &mut self.bytes)
    }

    /// The newest snapshot.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
