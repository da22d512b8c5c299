//! Containment: a grid that came to a bad end is restored while its neighbours go on.
//!
//! Every grid has a **ward**: its newest image as bytes and the records of the beats since, in
//! memory. When a beat of the grid panics, a thread of its own (a [`Restorer`]'s) restores the image, repeats the
//! recorded beats and compares every digest; then it finds out, by trying, which input the beat
//! cannot be done with. What is to blame is set aside and reported; all else waits for the grid
//! and is taken in by its next beat. Until then the grid's time stands still, and its clients
//! stay connected.
//!
//! Cost: the bytes of the images and of the journal since, in memory; at a fault, a replay of at
//! most the beats between two images, on another thread.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use crossbeam::channel::{Receiver, bounded};
use orrery_base::{GridId, Tick};
use orrery_kernel::dilation::Dilation;
use orrery_kernel::grid::{Delivery, Grid, Order};
use orrery_kernel::journal::BeatRecord;
use orrery_kernel::probe::NoProbe;
use orrery_kernel::replay::replay_grid;
use orrery_kernel::team::Failure;

use crate::rules::Space;
use crate::rules::context::SpaceContext;

/// Inputs that are set aside one by one; if a beat still fails, all its inputs are.
const CULPRITS_MAX: usize = 16;

/// Work that a restoration is, to be done off the beat.
pub type RestoreJob = Box<dyn FnOnce() + Send>;

/// Has a restoration done: the server starts a thread of the given name, the simulator chooses
/// when it is done.
pub type Restorer = Box<dyn FnMut(String, RestoreJob) -> std::io::Result<()> + Send>;

/// A [`Restorer`] that starts a thread for each restoration.
#[must_use]
pub fn on_threads() -> Restorer {
    Box::new(|name, job| {
        let thread = std::thread::Builder::new().name(name);
        thread.spawn(job).map(|_| ())
    })
}

/// What a grid would be restored from.
#[derive(Debug, Default)]
pub struct Ward {
    /// The newest image with the host's beat that it was taken after.
    image: Option<(Tick, Arc<Vec<u8>>)>,
    /// The shard's records of the beats since, encoded.
    records: VecDeque<(Tick, Arc<Vec<u8>>)>,
    /// The restoration under way.
    restoring: Option<Receiver<anyhow::Result<Restored>>>,
    /// The last host's beat in which the grid ended one of its own.
    active: Tick,
    /// The host's beat of the newest checkpoint.
    saved: Option<Tick>,
}

/// A grid that is ready to go on.
pub struct Restored {
    /// The grid after its last good beat.
    pub grid: Grid<Space>,
    /// What its next beat is to take in: what the failed one was begun with, less the culprits.
    pub rest: Delivery<Space>,
    /// What was set aside.
    pub culprits: Culprits,
}

/// What a beat cannot be done with.
#[derive(Default, Debug)]
pub struct Culprits {
    /// Inputs and arrivals, described.
    pub descriptions: Vec<String>,
    /// How many of them are messages from other grids: these may carry value.
    pub arrivals: usize,
}

impl Ward {
    /// Of a grid as it is after the host's beat `tick`, with its image: no checkpoint of that is
    /// known.
    #[must_use]
    pub fn new(tick: Tick, image: Vec<u8>) -> Self {
        Self {
            image: Some((tick, Arc::new(image))),
            active: tick,
            ..Self::default()
        }
    }

    /// The host's beat of its newest checkpoint, if the grid has not changed since.
    #[must_use]
    pub fn unchanged_since(&self) -> Option<Tick> {
        self.saved.filter(|saved| *saved >= self.active)
    }

    /// The host's beat after which the newest image was taken.
    #[must_use]
    pub fn image_tick(&self) -> Option<Tick> {
        self.image.as_ref().map(|(tick, _)| *tick)
    }

    /// Takes in an image that is a checkpoint now; records that it makes superfluous are forgotten.
    pub fn set_image(&mut self, tick: Tick, bytes: Arc<Vec<u8>>) {
        if self.image_tick().is_some_and(|newest| newest >= tick) {
            return;
        }
        self.image = Some((tick, bytes));
        self.saved = Some(tick);
        self.records.retain(|(of, _)| *of > tick);
    }

    /// Notes a beat of the shard in which the grid ended one of its own.
    pub fn note(&mut self, tick: Tick, record: &Arc<Vec<u8>>) {
        self.active = tick;
        self.records.push_back((tick, Arc::clone(record)));
    }

    /// Begins to restore the grid after a failure, off the beat.
    ///
    /// # Errors
    /// If there is no image, or no thread.
    pub fn restore(
        &mut self,
        context: &Arc<SpaceContext>,
        failure: Failure<Space>,
        restorer: &mut Restorer,
    ) -> anyhow::Result<()> {
        let (_, image) = self.image.clone().context("there is no image of it yet")?;
        let records: Vec<_> = self.records.iter().cloned().collect();
        let context = Arc::clone(context);
        let (sender, receiver) = bounded(1);
        let name = format!("orrery-restore-{}", failure.grid);
        let job = Box::new(move || {
            let restored = restore(&context, &image, &records, failure);
            // The shard has gone if nobody listens.
            let _ = sender.send(restored);
        });
        restorer(name, job).context("start the thread that restores it")?;
        self.restoring = Some(receiver);
        Ok(())
    }

    /// The grid, once it is restored.
    pub fn poll(&mut self) -> Option<anyhow::Result<Restored>> {
        let done = self.restoring.as_ref()?.try_recv().ok()?;
        self.restoring = None;
        Some(done)
    }
}

/// From an image and the records since to the last good beat, and what the next cannot be done
/// with.
fn restore(
    context: &Arc<SpaceContext>,
    image: &[u8],
    records: &[(Tick, Arc<Vec<u8>>)],
    failure: Failure<Space>,
) -> anyhow::Result<Restored> {
    let id = failure.grid;
    let (mut grid, _) =
        Grid::restore(Arc::clone(context), 1, image).context("restore its image")?;
    for (tick, bytes) in records {
        let beat = BeatRecord::<Space>::decode(bytes)
            .with_context(|| format!("decode the record of beat {tick}"))?;
        for record in beat.grids.into_iter().filter(|record| record.grid == id) {
            replay_grid(&mut grid, record, &mut NoProbe)
                .with_context(|| format!("repeat beat {tick}"))?;
        }
    }
    if grid.is_asleep() && failure.tick > grid.tick().next() {
        grid.skip(failure.tick.minus(1));
    }
    ensure!(
        grid.tick().next() == failure.tick,
        "it is at its beat {} instead of before {}",
        grid.tick(),
        failure.tick
    );
    let trial = Trial {
        context,
        state: grid.checkpoint(&[]),
        tick: failure.tick,
        wall: failure.wall,
    };
    let (rest, culprits) = trial.find_culprits(failure.delivery)?;
    Ok(Restored {
        grid,
        rest,
        culprits,
    })
}

/// A beat that is tried with this and that.
struct Trial<'a> {
    context: &'a Arc<SpaceContext>,
    state: Vec<u8>,
    tick: Tick,
    wall: Tick,
}

impl Trial<'_> {
    /// Whether the beat comes to a bad end.
    fn fails(&self, delivery: Delivery<Space>) -> bool {
        catch_unwind(AssertUnwindSafe(|| {
            let restored = Grid::restore(Arc::clone(self.context), 1, &self.state);
            let (mut grid, _) = restored.expect("it was encoded a moment ago");
            grid.begin(Order {
                tick: self.tick,
                wall: self.wall,
                dilation: Dilation::NONE,
                delivery,
            });
            grid.advance(&mut NoProbe, false);
            grid.finish();
        }))
        .is_err()
    }

    /// Splits a delivery into what the beat can be done with and what not.
    fn find_culprits(
        &self,
        mut delivery: Delivery<Space>,
    ) -> anyhow::Result<(Delivery<Space>, Culprits)> {
        let mut culprits = Culprits::default();
        while self.fails(delivery.clone()) {
            if self.fails(Delivery::default()) {
                bail!("the beat fails without any input: the state itself is to blame");
            }
            if culprits.descriptions.len() >= CULPRITS_MAX {
                let inputs = delivery.inputs.drain(..);
                let described = inputs.map(|input| format!("{input:?}"));
                culprits.descriptions.extend(described);
                continue;
            }
            // The first `passes` do no harm, the first `fails` do.
            let (mut passes, mut fails) = (0, delivery.arrivals.len() + delivery.inputs.len());
            while fails - passes > 1 {
                let middle = passes.midpoint(fails);
                if self.fails(first(&delivery, middle)) {
                    fails = middle;
                } else {
                    passes = middle;
                }
            }
            if let Some(input) = passes.checked_sub(delivery.arrivals.len()) {
                let input = delivery.inputs.remove(input);
                culprits.descriptions.push(format!("{input:?}"));
            } else {
                let arrival = delivery.arrivals.remove(passes);
                culprits.descriptions.push(format!("{arrival:?}"));
                culprits.arrivals += 1;
            }
        }
        Ok((delivery, culprits))
    }
}

/// The first `count` of what is delivered, arrivals before inputs, as a beat takes them in.
fn first(delivery: &Delivery<Space>, count: usize) -> Delivery<Space> {
    let arrivals = count.min(delivery.arrivals.len());
    Delivery {
        arrivals: delivery.arrivals[..arrivals].to_vec(),
        inputs: delivery.inputs[..count - arrivals].to_vec(),
    }
}

/// The bytes that repeat a failed beat: a record of it, without a digest.
#[must_use]
pub(super) fn incident_record(failure: &Failure<Space>, shard: orrery_base::ShardIndex) -> Vec<u8> {
    let record = orrery_kernel::grid::GridRecord {
        grid: failure.grid,
        tick: failure.tick,
        wall: failure.wall,
        dilation: Dilation::NONE,
        digest: 0,
        inputs: failure.delivery.inputs.clone(),
        arrivals: failure.delivery.arrivals.clone(),
        sent: Vec::new(),
    };
    let grids: Vec<orrery_kernel::grid::RecordOf<Space>> = vec![record];
    let mut bytes = Vec::new();
    BeatRecord::<Space> {
        tick: failure.wall,
        shard,
        grids,
    }
    .encode(&mut bytes);
    bytes
}

/// Which grid a ward is of, in words.
pub(super) fn describe(grid: GridId, tick: Tick) -> String {
    format!("grid {grid} in its beat {tick}")
}
