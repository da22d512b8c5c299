//! The world as a client sees it: pure, for any client, headless or with a screen.
//!
//! Three times meet here. The newest beat of the grid is estimated from the arrival of its
//! snapshots ([`BeatClock`]). The client's own ship is shown *ahead* of it, where the grid will be
//! when the inputs of this moment arrive: [`Prediction`] runs the law of motion over the inputs that
//! the server has not taken yet, and reconciles with every snapshot. All others are shown *behind*
//! it, 100 ms ago, between two snapshots that have arrived; where there is no later one, the law
//! carries them on for half a second, and then they stand.
//!
//! **A grid has a time of its own.** Its beats come at an announced pace, and stand still now and
//! then; the beats of two grids have nothing to do with each other. So a stay begins with
//! [`ClientWorld::spawned`], which says on which grid: the clock begins anew, what was seen of
//! another grid is forgotten, and snapshots of another one are not applied, whatever their beat.
//!
//! Time is an argument: nanoseconds on any clock that does not go back.

mod clock;
mod interpolation;
mod prediction;

use orrery_base::motion::VELOCITY_ONE;
use orrery_base::{EntityId, GridId, Tick};

pub use clock::{BeatClock, Shown};
pub use prediction::Prediction;

use crate::input::{FlyInput, InputDatagram};
use crate::snapshot::{Applied, Replica, ReplicaEntity, SnapshotError};

/// How long the law carries an entity on beyond the newest snapshot that told of it: 0.5 s of the
/// grid's time. (All of them wait after 0.5 s of wall time without any snapshot.)
pub const EXTRAPOLATION_BEATS: u64 = 15;

/// How a pose was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PoseSource {
    /// The own ship, ahead of the server.
    Predicted,
    /// Between two snapshots.
    Interpolated,
    /// Beyond the newest snapshot, by the law of motion.
    Extrapolated,
    /// Too far beyond it: standing still.
    Stalled,
}

/// Where something is to be shown.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pose {
    /// Centimetres from the grid's origin.
    pub position_cm: [f64; 3],
    /// Metres per second.
    pub velocity_m_per_s: [f64; 3],
    /// How it was found.
    pub source: PoseSource,
}

/// What became of the datagrams of a [`ClientWorld`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Snapshots applied.
    pub applied: u64,
    /// Snapshots that came too late or twice.
    pub stale: u64,
    /// Snapshots against one that is not here.
    pub unknown_baseline: u64,
    /// Snapshots of a grid on which the client's ship is not, or not yet.
    pub elsewhere: u64,
    /// Datagrams that were no snapshot.
    pub malformed: u64,
}

/// The world as a client sees it.
#[derive(Clone, Debug)]
pub struct ClientWorld {
    replica: Replica,
    clock: BeatClock,
    prediction: Prediction,
    /// The grid of this stay, and the client's own ship.
    stay: Option<(GridId, EntityId)>,
    datagrams: u32,
    counts: Counts,
}

impl ClientWorld {
    /// Before the first snapshot; `beats_per_second` and `snapshot_interval_beats` are those of
    /// the server's `Welcome`.
    #[must_use]
    pub fn new(beats_per_second: u16, snapshot_interval_beats: u8) -> Self {
        let mut clock = BeatClock::new(beats_per_second, snapshot_interval_beats);
        let prediction = Prediction::new(snapshot_interval_beats, &clock);
        clock.lead(0, prediction.lead_ns());
        Self {
            replica: Replica::new(),
            prediction,
            clock,
            stay: None,
            datagrams: 0,
            counts: Counts::default(),
        }
    }

    /// The client's ship is on a grid (`EntitySpawned`): from now on, and until it leaves, that
    /// grid's snapshots are applied. Its time runs at full pace until [`ClientWorld::dilate`] says
    /// something else.
    pub fn spawned(&mut self, grid: GridId, entity: EntityId) {
        self.stay = Some((grid, entity));
        self.prediction.forget();
        self.clock.restart();
        if self.replica.grid() != grid {
            self.replica.forget_entities();
        }
    }

    /// The client's ship is on no grid (`GridLeft`, `Docked`).
    pub fn left_grid(&mut self) {
        self.stay = None;
        self.prediction.forget();
    }

    /// An entity left the grid (`Departed`): it is not shown any more, without waiting for the
    /// snapshot that says so.
    pub fn departed(&mut self, entity: EntityId) {
        self.replica.hide(entity);
    }

    /// The time of the grid runs at another pace from one of its beats on (`Dilation`).
    pub fn dilate(&mut self, now_ns: u64, per_mille: u16, from_tick: Tick) {
        self.clock.dilate(now_ns, per_mille, from_tick);
    }

    /// Takes a datagram that arrived at `now_ns`.
    ///
    /// # Errors
    /// [`SnapshotError`]; the world is unchanged then. On no grid, all snapshots are elsewhere.
    pub fn receive(&mut self, now_ns: u64, datagram: &[u8]) -> Result<Applied, SnapshotError> {
        let grid = self.stay.map(|(grid, _)| grid);
        let applied = match self.replica.decode_on(grid, datagram) {
            Ok(applied) => applied,
            Err(error) => {
                let count = match error {
                    SnapshotError::Stale => &mut self.counts.stale,
                    SnapshotError::UnknownBaseline(_) => &mut self.counts.unknown_baseline,
                    SnapshotError::Elsewhere(_) => &mut self.counts.elsewhere,
                    _ => &mut self.counts.malformed,
                };
                *count += 1;
                return Err(error);
            }
        };
        self.counts.applied += 1;
        self.clock.observe(now_ns, applied.tick);
        if let Some(own) = self.exact_own() {
            let motion = *own.motion();
            self.prediction
                .reconcile(applied.tick, &motion, applied.last_input_sequence);
            self.clock.lead(now_ns, self.prediction.lead_ns());
        }
        self.advance(now_ns);
        Ok(applied)
    }

    /// Runs the prediction of the own ship up to `now_ns`. Poses are for the time of the newest
    /// call, of this or of [`ClientWorld::receive`], or later.
    pub fn advance(&mut self, now_ns: u64) {
        self.prediction.advance(&self.clock, now_ns);
    }

    /// Steers the own ship from the next predicted beat on. `target_velocity` is what the rules
    /// make of the input (and must be computed as they do, or every snapshot will correct it);
    /// the returned input is also in the next datagrams.
    pub fn fly(
        &mut self,
        direction: [i16; 3],
        throttle: u16,
        target_velocity: [i32; 3],
    ) -> FlyInput {
        self.prediction.fly(direction, throttle, target_velocity)
    }

    /// The next datagram to send: what was received, and the newest inputs.
    pub fn datagram(&mut self) -> InputDatagram {
        self.datagrams = self.datagrams.wrapping_add(1);
        let acknowledgement = self.replica.acknowledgement();
        InputDatagram::new(self.datagrams, acknowledgement, &self.prediction.newest())
    }

    /// The snapshots' view of the grid.
    #[must_use]
    pub const fn replica(&self) -> &Replica {
        &self.replica
    }

    /// The estimate of the grid's time.
    #[must_use]
    pub const fn clock(&self) -> &BeatClock {
        &self.clock
    }

    /// The prediction of the own ship.
    #[must_use]
    pub const fn prediction(&self) -> &Prediction {
        &self.prediction
    }

    /// What became of the datagrams.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// The client's own ship, if it is on a grid.
    #[must_use]
    pub fn own(&self) -> Option<EntityId> {
        self.stay.map(|(_, entity)| entity)
    }

    /// The grid that the client's ship is on, by `EntitySpawned`.
    #[must_use]
    pub fn grid(&self) -> Option<GridId> {
        self.stay.map(|(grid, _)| grid)
    }

    /// Where the own ship is to be shown.
    #[must_use]
    pub fn own_pose(&self, now_ns: u64) -> Option<Pose> {
        self.prediction.pose(self.clock.ahead(now_ns)?)
    }

    /// Where another entity is to be shown; `None` if it is not known, or not yet at the time
    /// that is shown.
    #[must_use]
    pub fn pose(&self, now_ns: u64, entity: EntityId) -> Option<Pose> {
        let entity = self.replica.entity(entity)?;
        let shown = self.clock.shown(now_ns)?;
        interpolation::pose(&self.replica, entity, shown)
    }

    /// Where all entities but the own ship are to be shown.
    pub fn poses(&self, now_ns: u64) -> impl Iterator<Item = (&ReplicaEntity, Pose)> {
        let (shown, own) = (self.clock.shown(now_ns), self.own());
        let others = self.replica.entities();
        others
            .filter(move |entity| Some(entity.id) != own)
            .filter_map(move |entity| {
                let pose = interpolation::pose(&self.replica, entity, shown?)?;
                Some((entity, pose))
            })
    }

    /// The own ship, if the newest snapshot made it exact.
    fn exact_own(&self) -> Option<&ReplicaEntity> {
        let own = self.replica.entity(self.own()?)?;
        self.replica.is_exact(own).then_some(own)
    }
}

/// A velocity in centimetres per beat.
fn cm_per_beat(velocity: [i32; 3]) -> [f64; 3] {
    velocity.map(|axis| f64::from(axis) / f64::from(VELOCITY_ONE))
}

fn cm(position: [i32; 3]) -> [f64; 3] {
    position.map(f64::from)
}

fn metres_per_second(velocity: [i32; 3]) -> [f64; 3] {
    velocity.map(orrery_base::motion::velocity_to_m_per_s)
}

#[cfg(test)]
mod tests;
