//! A world that arbitrary bytes drive: a server, a client, and everything that can go wrong
//! between them. After every applied snapshot the client's exact entities must be the server's.

use std::collections::VecDeque;

use orrery_base::motion::{Motion, VELOCITY_MAX};
use orrery_base::{CharacterId, EntityId, GridId, Slot, Tick, TypeId};

use crate::input::SnapshotAck;
use crate::snapshot::{
    ClientView, EncodeScratch, GridHistory, MIN_BUDGET_BYTES, Replica, SlotState, SnapshotRequest,
};

/// Slots of the world: more than one word, so that words end and begin.
const SLOTS: u32 = 80;
/// Beats that one run may have, so that a run ends.
const MAX_BEATS: u32 = 64;

/// Runs a world after the bytes, taken as operations.
pub fn snapshot_world(data: &[u8]) {
    let mut world = World::new();
    let mut bytes = data.iter().copied();
    let mut beats = 0;
    while let Some(operation) = bytes.next() {
        beats += u32::from(world.operate(operation, &mut bytes));
        if beats == MAX_BEATS {
            break;
        }
    }
}

struct World {
    tick: Tick,
    serial: u64,
    ships: Vec<Option<SlotState>>,
    visible: [u64; 2],
    own: Option<Slot>,
    budget_bytes: usize,
    history: GridHistory,
    view: ClientView,
    scratch: EncodeScratch,
    replica: Replica,
    /// Datagrams and acknowledgements on their way.
    down: VecDeque<Vec<u8>>,
    up: VecDeque<SnapshotAck>,
    /// The last beats, by which the client is checked; newest first.
    past: VecDeque<(GridId, Tick, Vec<Option<SlotState>>)>,
}

impl World {
    fn new() -> Self {
        Self {
            tick: Tick(100),
            serial: 0,
            ships: vec![None; SLOTS as usize],
            visible: [u64::MAX; 2],
            own: None,
            budget_bytes: 400,
            history: GridHistory::new(GridId(7)),
            view: ClientView::new(GridId(7), 254),
            scratch: EncodeScratch::default(),
            replica: Replica::new(),
            down: VecDeque::new(),
            up: VecDeque::new(),
            past: VecDeque::new(),
        }
    }

    /// Carries out one operation; whether it was a beat.
    fn operate(&mut self, operation: u8, bytes: &mut impl Iterator<Item = u8>) -> bool {
        let mut next = || bytes.next().unwrap_or(0);
        match operation % 16 {
            0..=3 => {
                self.beat(operation & 16 != 0);
                return true;
            }
            4 => self.spawn(next(), next()),
            5 => self.ships[usize::from(next()) % SLOTS as usize] = None,
            6 => self.visible[usize::from(operation >> 4) % 2] ^= 1 << (next() % 64),
            7 => {
                let (slot, what, value) = (next(), next(), i32::from(next()));
                self.disturb(slot, what, value);
            }
            8 | 9 => self.receive(),
            10 => drop(self.down.pop_front()),
            11 => self.acknowledge(),
            12 => drop(self.up.pop_front()),
            13 => self.down.rotate_left(usize::from(self.down.len() > 1)),
            14 => {
                self.own = (operation & 16 == 0).then(|| Slot(u32::from(next()) % SLOTS));
                self.budget_bytes = MIN_BUDGET_BYTES + usize::from(next()) * 4;
            }
            _ => self.change_grid(next()),
        }
        false
    }

    fn change_grid(&mut self, grid: u8) {
        let grid = GridId(u32::from(grid));
        self.history = GridHistory::new(grid);
        self.view.change_grid(grid);
    }

    fn spawn(&mut self, slot: u8, speed: u8) {
        self.serial += 1;
        let axis = (i32::from(speed) - 128) << 16;
        self.ships[usize::from(slot) % SLOTS as usize] = Some(SlotState {
            id: EntityId::minted(self.serial),
            type_id: TypeId(u32::from(speed)),
            owner: CharacterId(self.serial % 3),
            motion: Motion {
                position_cm: [i32::from(slot) * 1_000, -axis, 7],
                velocity: [axis, 0, -axis / 2],
                target_velocity: [axis, axis, 0],
                response: u32::from(slot) << 20,
            },
            vitals: [255, speed, 255],
            activity: speed & 1,
        });
    }

    fn disturb(&mut self, slot: u8, what: u8, value: i32) {
        let Some(ship) = &mut self.ships[usize::from(slot) % SLOTS as usize] else {
            return;
        };
        let axis = usize::from(what >> 4) % 3;
        let motion = &mut ship.motion;
        match what % 8 {
            0 => motion.target_velocity[axis] = (value - 128) << 17,
            1 => motion.target_velocity[axis] = value * 4_211_000 - (VELOCITY_MAX - 1),
            2 => motion.velocity[axis] = VELOCITY_MAX - value,
            3 => motion.position_cm[axis] = motion.position_cm[axis].wrapping_add(value << 24),
            4 => motion.response = motion.response.wrapping_mul(value as u32 | 1),
            5 => ship.vitals[axis] = value as u8,
            6 => ship.vitals[axis] = ship.vitals[axis].wrapping_add(value as u8 % 8),
            _ => ship.activity = value as u8,
        }
    }

    fn beat(&mut self, with_snapshot: bool) {
        self.tick = self.tick.next();
        let mut frame = self.history.begin(self.tick);
        for (slot, ship) in self.ships.iter_mut().enumerate() {
            if let Some(ship) = ship {
                ship.motion.step(self.tick);
                frame.insert(Slot(slot as u32), ship);
            }
        }
        self.history.push(frame);
        let grid = self.history.grid();
        self.past.push_front((grid, self.tick, self.ships.clone()));
        self.past.truncate(64);
        if with_snapshot {
            let request = SnapshotRequest {
                visible: &self.visible,
                own: self.own,
                last_input_sequence: self.tick.0 as u32,
                budget_bytes: self.budget_bytes,
            };
            let mut out = Vec::new();
            let report = self
                .view
                .encode(&mut self.scratch, &self.history, &request, &mut out);
            assert_eq!(report.bytes, out.len(), "the report is true");
            assert!(out.len() <= self.budget_bytes, "the budget holds");
            self.down.push_back(out);
            if self.down.len() > 40 {
                self.down.pop_front();
            }
        }
    }

    fn receive(&mut self) {
        let Some(bytes) = self.down.pop_front() else {
            return;
        };
        match self.replica.decode(&bytes) {
            Ok(applied) => self.check(applied.grid, applied.tick, applied.last_input_sequence),
            Err(error) => assert!(error.is_harmless(), "{error}"),
        }
        self.up.extend(self.replica.acknowledgement());
    }

    fn acknowledge(&mut self) {
        if let Some(ack) = self.up.pop_front() {
            self.view.acknowledge(&ack);
        }
    }

    fn check(&self, grid: GridId, tick: Tick, last_input_sequence: u32) {
        assert_eq!(last_input_sequence, tick.0 as u32, "sequences arrive whole");
        let is_it = |past: &&(GridId, Tick, Vec<_>)| (past.0, past.1) == (grid, tick);
        let Some((_, _, ships)) = self.past.iter().find(is_it) else {
            return;
        };
        for entity in self.replica.entities() {
            if !self.replica.is_exact(entity) {
                continue;
            }
            let told = SlotState {
                id: entity.id,
                type_id: entity.type_id,
                owner: entity.owner,
                motion: *entity.motion(),
                vitals: entity.vitals(),
                activity: entity.activity(),
            };
            let slot = entity.slot.0 as usize;
            assert_eq!(Some(told), ships[slot], "slot {slot} at {tick}");
        }
    }
}
