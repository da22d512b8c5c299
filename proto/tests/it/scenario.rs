//! A short story that uses every kind of record, told by the real server side: the source of
//! the golden snapshots.

use orrery_base::motion::{Motion, VELOCITY_MAX, response};
use orrery_base::{CharacterId, EntityId, GridId, ObjectId, Slot, Tick, TypeId};
use orrery_proto::input::SnapshotAck;
use orrery_proto::snapshot::{
    ClientView, EncodeScratch, GridHistory, Replica, SlotState, SnapshotRequest,
};

/// Beats of the story. Snapshots are made in every second one.
const BEATS: u64 = 64;
const FIRST: Tick = Tick(131_060);
/// Snapshots that the network loses.
const LOST: [u64; 4] = [6, 14, 16, 40];
/// Beats in which no acknowledgement gets through.
const SILENCE: std::ops::Range<u64> = 24..58;
/// Beats with a budget that is too small for what happens in them.
const TIGHT: std::ops::Range<u64> = 17..24;

/// The datagrams that reach the client, in order.
pub(crate) fn datagrams() -> Vec<Vec<u8>> {
    let mut story = Story::new();
    let mut arrived = Vec::new();
    let mut replica = Replica::new();
    let mut acks: Vec<(u64, SnapshotAck)> = Vec::new();
    for beat in 1..=BEATS {
        story.events(beat);
        story.step();
        acks.retain(|(due, ack)| {
            if *due <= beat && !SILENCE.contains(&beat) {
                story.view.acknowledge(ack);
            }
            *due > beat
        });
        if beat % 2 != 0 {
            continue;
        }
        let datagram = story.snapshot(beat);
        if LOST.contains(&beat) {
            continue;
        }
        replica.decode(&datagram).unwrap();
        acks.push((beat + 3, replica.acknowledgement().unwrap()));
        arrived.push(datagram);
    }
    arrived
}

struct Story {
    tick: Tick,
    entities: Vec<Option<SlotState>>,
    visible: u64,
    history: GridHistory,
    view: ClientView,
    scratch: EncodeScratch,
}

fn ship(serial: u64, x_m: i32, speed: i32) -> SlotState {
    SlotState {
        id: EntityId::minted(serial),
        type_id: TypeId(40 + serial as u32 % 3),
        owner: CharacterId(9_000 + serial),
        motion: Motion {
            position_cm: [x_m * 100, -x_m * 50, 12_345],
            velocity: [speed, speed / 2, 0],
            target_velocity: [speed, speed / 2, 0],
            response: response(4.0),
        },
        vitals: [255, 255, 255],
        activity: 0,
    }
}

impl Story {
    fn new() -> Self {
        let mut entities = vec![None; 70];
        entities[0] = Some(ship(1, 0, 0));
        entities[1] = Some(SlotState {
            id: EntityId::of_object(ObjectId(77)),
            type_id: TypeId(2),
            motion: Motion::at_rest([2_000_000, 0, -2_000_000]),
            ..SlotState::default()
        });
        for (slot, entity) in (2..9).zip(&mut entities[2..]) {
            *entity = Some(ship(slot as u64, slot * 900, 1 << 20));
        }
        entities[66] = Some(SlotState {
            id: EntityId::spawned(GridId(3), 5),
            vitals: [0, 0, 9],
            ..ship(66, -70_000, -(1 << 22))
        });
        Self {
            tick: FIRST,
            entities,
            visible: u64::MAX,
            history: GridHistory::new(GridId(3)),
            view: ClientView::new(GridId(3), 0),
            scratch: EncodeScratch::default(),
        }
    }

    fn entity(&mut self, slot: usize) -> &mut SlotState {
        self.entities[slot].as_mut().unwrap()
    }

    fn motion(&mut self, slot: usize) -> &mut Motion {
        &mut self.entity(slot).motion
    }

    /// What happens in a beat, before its step.
    fn events(&mut self, beat: u64) {
        match beat {
            // Turns, with targets of every power of two, and a change of the response.
            5 => self.motion(2).target_velocity = [3 << 14, -5 << 14, 0],
            7 => self.motion(3).target_velocity = [(1 << 20) + (3 << 11), 1 << 19, 7 << 11],
            8 => self.motion(4).target_velocity = [100 << 8, -3_001 << 8, 9 << 8],
            9 => self.motion(5).target_velocity = [1_234_567, -7_654_321, 1],
            10 => {
                self.motion(6).response = response(9.0);
                self.motion(6).target_velocity = [0; 3];
            }
            // Vitals and activity, alone and together with a turn.
            11 => {
                self.entity(2).vitals = [252, 255, 255];
                self.entity(3).vitals = [240, 255, 255];
                self.entity(4).vitals = [100, 254, 13];
                self.entity(5).activity = 1;
                self.entity(6).activity = 0b1010_0001;
                self.entity(7).activity = 2;
                self.entity(7).vitals = [255, 251, 255];
            }
            13 => {
                self.entity(2).vitals[0] = 255;
                self.motion(2).target_velocity = [1 << 14, 0, 0];
                self.entity(3).activity = 4;
                self.motion(3).target_velocity = [0, 0, 1 << 22];
                self.entity(4).activity = 8;
                self.entity(4).vitals[2] = 12;
                self.motion(4).target_velocity = [0, 1 << 21, 0];
            }
            // Twice within one baseline, and jumps of position and velocity.
            14 => self.motion(5).target_velocity = [2 << 20, 0, 0],
            15 => {
                self.motion(5).target_velocity = [0, 2 << 20, 0];
                self.motion(7).position_cm = [i32::MIN, i32::MAX, 0];
                self.motion(8).velocity = [VELOCITY_MAX, -VELOCITY_MAX, 5];
            }
            // More than the budget holds.
            17..=22 => {
                for slot in 2..9 {
                    self.motion(slot).target_velocity = [beat as i32 * 77_777, slot as i32, -1];
                }
            }
            // A slot with another tenant, one that is left, some that go out of sight.
            26 => self.entities[3] = Some(ship(1_000_003, 50, 1 << 18)),
            28 => self.entities[4] = None,
            30 => self.visible = !0b110_0000,
            32 => self.visible = u64::MAX,
            _ => {}
        }
        if beat == 60 {
            self.history = GridHistory::new(GridId(4));
            self.view.change_grid(GridId(4));
        }
    }

    fn step(&mut self) {
        self.tick = self.tick.next();
        let mut frame = self.history.begin(self.tick);
        for (slot, entity) in self.entities.iter_mut().enumerate() {
            if let Some(entity) = entity {
                entity.motion.step(self.tick);
                frame.insert(Slot(slot as u32), entity);
            }
        }
        self.history.push(frame);
    }

    fn snapshot(&mut self, beat: u64) -> Vec<u8> {
        let request = SnapshotRequest {
            visible: &[self.visible, u64::MAX],
            own: Some(Slot(0)),
            last_input_sequence: 65_500 + beat as u32,
            budget_bytes: if TIGHT.contains(&beat) { 192 } else { 1_150 },
        };
        let mut out = Vec::new();
        self.view
            .encode(&mut self.scratch, &self.history, &request, &mut out);
        out
    }
}
