//! What goes wrong, and what operators want, at moments that nobody has chosen.

use anyhow::Context as _;
use orrery_base::ShardIndex;
use orrery_kernel::dilation::Dilation;
use orrery_server::shard::PlacementRequest;
use orrery_storage::log::simulated::{Faults, SimulatedDisk};

use super::draw::{Draws, MS, SECOND};
use super::{Happening, Run};

/// How the disk is at present.
#[derive(Debug, Default)]
pub struct Weather {
    /// Durable writes are slow until this moment.
    slow_until_ns: u64,
    /// A failure of the disk has been planned that may not have happened yet.
    is_planned: bool,
}

impl Weather {
    /// What the next durable write takes.
    #[must_use]
    pub fn sync_ns(&self, draws: &Draws, now_ns: u64) -> u64 {
        if self.slow_until_ns > now_ns {
            draws.within(20 * MS..700 * MS)
        } else if draws.one_in(100) {
            draws.within(2 * MS..60 * MS)
        } else {
            draws.within(MS / 10..4 * MS)
        }
    }

    /// Whether a failure of the disk is to be expected.
    #[must_use]
    pub fn disk_may_fail(&self, disk: &SimulatedDisk) -> bool {
        self.is_planned || disk.faults().capacity.is_some() || disk.is_off()
    }

    /// The process is gone: failures of single writes were meant for it. A full disk stays full.
    pub fn forget(&mut self, disk: &SimulatedDisk) {
        self.is_planned = false;
        let capacity = disk.faults().capacity;
        disk.set_faults(Faults {
            capacity,
            ..Faults::default()
        });
    }
}

impl Run {
    /// An operator moves, spreads, gathers or slows a grid down, or makes it fail.
    pub(super) fn operate(&mut self) {
        if self.host.is_calm.get() {
            return;
        }
        let delay = self.host.draws.within(0..2 * self.plan.operator_ms * MS);
        self.agenda.after(delay, Happening::Operate);
        let Some(life) = &self.life else {
            return;
        };
        let draws = &self.host.draws;
        let grids: Vec<_> = self.plan.galaxy.context.grids().collect();
        let grid = *draws.pick(&grids);
        let shards = life.shards();
        let request = match draws.index(10) {
            0..4 => PlacementRequest::Move {
                grid,
                to: ShardIndex(draws.index(usize::from(shards)) as u16),
            },
            4..6 => PlacementRequest::Split {
                grid,
                members: draws.within(1..u64::from(shards) + 1) as u16,
                slices: draws.within(1..4) as u16,
            },
            6 => PlacementRequest::Merge { grid },
            7 | 8 => PlacementRequest::Pace {
                grid,
                pace: Dilation::new(draws.within(100..1_200) as u16),
            },
            _ => PlacementRequest::Fault { grid },
        };
        self.request(request);
    }

    /// Asks a shard that has the grid, or has it no more.
    pub(super) fn request(&mut self, request: PlacementRequest) {
        let Some(life) = &self.life else {
            return;
        };
        // The table of routes is the same on all shards, give or take a beat.
        let idle = life.handles.iter();
        let home = idle.flat_map(|it| it.simulation.try_borrow()).next();
        let home = home.and_then(|simulation| simulation.shard_of(request.grid()));
        let Some(handle) = home.and_then(|home| life.handles.get(usize::from(home.0))) else {
            return;
        };
        self.host
            .trace
            .note(|| format!("an operator asks for {request:?}"));
        self.requests += 1;
        handle.requests.borrow_mut().push_back(request);
    }

    /// What a host must bear: stalls, jumps of the clock, a slow disk, players that are cut off.
    pub(super) fn hinder(&mut self) {
        if self.host.is_calm.get() {
            return;
        }
        let draws = &self.host.draws;
        let now_ns = self.agenda.now_ns();
        let delay = draws.within(100 * MS..4 * SECOND);
        self.agenda.after(delay, Happening::Hinder);
        let trace = &self.host.trace;
        match draws.index(10) {
            0..3 => {
                if let Some(life) = &self.life {
                    let handle = draws.pick(&life.handles);
                    let ns = draws.within(10 * MS..2 * SECOND);
                    trace.note(|| format!("a shard is stalled for {ns} ns"));
                    handle.stalled_until_ns.set(now_ns + ns);
                }
            }
            3 => {
                let ns = draws.within(MS..5 * SECOND);
                trace.note(|| format!("the clock jumps by {ns} ns"));
                self.clock_jumps_ns += ns;
            }
            4 => {
                let ns = draws.within(100 * MS..6 * SECOND);
                trace.note(|| format!("the disk is slow for {ns} ns"));
                self.weather.slow_until_ns = now_ns + ns;
            }
            _ => {
                let ns = draws.within(100 * MS..8 * SECOND);
                let player = draws.index(self.players.len());
                trace.note(|| format!("player {player} is cut off for {ns} ns"));
                self.players[player].cut_until_ns = now_ns + ns;
            }
        }
    }

    /// What a host may die of, and is to come back from.
    pub(super) fn harm(&mut self) -> anyhow::Result<()> {
        if self.host.is_calm.get() {
            return Ok(());
        }
        let draws = &self.host.draws;
        let delay = draws.within(0..2 * self.plan.trouble_s * SECOND);
        self.agenda.after(delay, Happening::Harm);
        if self.life.is_none() {
            return Ok(());
        }
        let kind = draws.index(10);
        let mut faults = self.disk.faults();
        match kind {
            0..3 => self.die("killed", false),
            3..5 => self.die("the power has failed", true),
            5 | 6 => {
                faults.power_fails_in = Some(draws.within(0..40));
                self.weather.is_planned = true;
                self.disk.set_faults(faults);
            }
            7 => {
                faults.write_fails_in = Some(draws.within(0..10));
                self.weather.is_planned = true;
                self.disk.set_faults(faults);
            }
            8 => {
                let used = self.disk.used();
                faults.capacity = Some(used + draws.within(0..64 << 10));
                let delay = draws.within(SECOND..12 * SECOND);
                self.disk.set_faults(faults);
                self.agenda.after(delay, Happening::MakeRoom);
                self.host.trace.note(|| "the disk is nearly full".into());
            }
            _ => {
                self.host.trace.note(|| "asked to stop".into());
                self.host.is_stopping.set(true);
            }
        }
        self.host
            .trace
            .fold(&[u8::try_from(kind).context("ten kinds")?]);
        Ok(())
    }

    /// The disk has room again.
    pub(super) fn make_room(&mut self) {
        let mut faults = self.disk.faults();
        faults.capacity = None;
        self.disk.set_faults(faults);
        self.host.trace.note(|| "the disk has room again".into());
    }
}
