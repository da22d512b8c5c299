//! The checkers: a shadow of the host, and what must hold of it after every beat.
//!
//! The shadow is one world with every grid in one piece. It takes in what the shards have
//! recorded of a beat, once that beat is durable, and does it again: so it never has to go back
//! when the host dies, and is what a recovery must come to.
//!
//! | what | how |
//! | --- | --- |
//! | same bits on any number of shards, parts and slices | the digest of every grid and beat |
//! | no message lost or doubled | a grid that begins a beat takes in exactly what was sent to it in the host's beats before |
//! | one owner | no grid is in two records of a beat |
//! | conservation | `ships` |

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use orrery_base::{GridId, ShardIndex, Tick};
use orrery_kernel::journal::BeatRecord;
use orrery_kernel::rules::Envelope;
use orrery_kernel::world::{World, WorldConfig};
use orrery_server::rules::Space;
use orrery_server::rules::input::Message;
use orrery_storage::{Batch, Domain};

use super::plan::Plan;
use super::rows::{Content, MapRows, change};
use super::ships::Ships;

/// What one shard has handed to the commit for a beat.
#[derive(Debug)]
struct Submitted {
    shard: ShardIndex,
    record: Vec<u8>,
    batch: Batch,
}

/// The name of a message.
type Name = (GridId, Tick, u32);

/// A message on its way, with the host's beat that it was sent in.
type OnItsWay = (Tick, Envelope<Message>);

/// The shadow.
pub struct Checker {
    shadow: World<Space>,
    /// By receiver and name.
    on_their_way: BTreeMap<GridId, BTreeMap<Name, OnItsWay>>,
    /// Rows of characters as of the shadow's beat.
    rows: Content,
    ships: Ships,
    /// Beats that are not durable yet.
    submitted: BTreeMap<Tick, Vec<Submitted>>,
    /// The last beat of which a client was told that it is durable.
    promised: Tick,
    /// Grid beats done again.
    pub grid_beats: u64,
    /// Messages taken in.
    pub messages: u64,
}

impl Checker {
    /// The shadow of a host that has done nothing yet.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let config = WorldConfig {
            seed: plan.galaxy.seed,
        };
        let context = Arc::clone(&plan.galaxy.context);
        let mut shadow = World::new(config, Arc::clone(&context), Tick(0));
        for grid in context.grids() {
            shadow.add_grid(grid, 1);
        }
        let mut rows = Content::new();
        change(&mut rows, &plan.first_rows());
        Self {
            shadow,
            on_their_way: BTreeMap::new(),
            rows,
            ships: Ships::default(),
            submitted: BTreeMap::new(),
            promised: Tick(0),
            grid_beats: 0,
            messages: 0,
        }
    }

    /// The last beat that was done again.
    #[must_use]
    pub fn tick(&self) -> Tick {
        self.shadow.tick()
    }

    /// The shadow's world.
    #[must_use]
    pub const fn shadow(&self) -> &World<Space> {
        &self.shadow
    }

    /// Messages that no grid has taken in yet, as of the shadow's beat.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.on_their_way.values().map(BTreeMap::len).sum()
    }

    /// A shard hands a beat to the commit.
    pub fn submit(&mut self, tick: Tick, shard: ShardIndex, record: &[u8], batch: &Batch) {
        let mut copy = Batch::new();
        copy.append(batch);
        self.submitted.entry(tick).or_default().push(Submitted {
            shard,
            record: record.to_vec(),
            batch: copy,
        });
    }

    /// A client was told of something that happened in beat `tick`, which is durable.
    pub fn promise(&mut self, tick: Tick) {
        self.promised = self.promised.max(tick);
    }

    /// Does all beats again up to `durable`.
    ///
    /// # Errors
    /// What does not hold.
    pub fn advance(&mut self, durable: Tick, shards: u16) -> anyhow::Result<()> {
        while self.tick() < durable {
            let tick = self.tick().next();
            let mut submitted = self.submitted.remove(&tick).unwrap_or_default();
            ensure!(
                submitted.len() == usize::from(shards),
                "beat {tick} is durable, but {} of {shards} shards have submitted it",
                submitted.len()
            );
            submitted.sort_by_key(|it| it.shard);
            self.repeat(tick, &submitted)
                .with_context(|| format!("beat {tick}"))?;
        }
        Ok(())
    }

    fn repeat(&mut self, tick: Tick, submitted: &[Submitted]) -> anyhow::Result<()> {
        let mut records = Vec::new();
        let mut seen = BTreeSet::new();
        for shard in submitted {
            let record = BeatRecord::<Space>::decode(&shard.record).context("decode a record")?;
            ensure!(record.tick == tick, "a record is of beat {}", record.tick);
            for record in record.grids {
                let grid = record.grid;
                ensure!(seen.insert(grid), "grid {grid} has done the beat twice");
                self.take_in(grid, record.wall, &record.arrivals)?;
                records.push(record);
            }
            change(&mut self.rows, &shard.batch);
        }
        self.grid_beats += records.len() as u64;
        let output = self.shadow.repeat(tick, records)?;
        for envelope in &output.messages {
            let name = (envelope.from, envelope.sent, envelope.sequence);
            let to = self.on_their_way.entry(envelope.to).or_default();
            let former = to.insert(name, (tick, envelope.clone()));
            ensure!(former.is_none(), "message {name:?} was sent twice");
        }
        let _ = self.shadow.deliver([], output.messages);
        let on_their_way = self.on_their_way.values().flat_map(BTreeMap::values);
        self.ships.check(
            tick,
            &self.shadow,
            on_their_way.map(|(_, envelope)| envelope),
            self.rows.get(&Domain::Character),
        )
    }

    /// A grid begins a beat in the host's beat `wall` with these messages.
    fn take_in(
        &mut self,
        grid: GridId,
        wall: Tick,
        arrivals: &[Envelope<Message>],
    ) -> anyhow::Result<()> {
        let to = self.on_their_way.entry(grid).or_default();
        for envelope in arrivals {
            let name = (envelope.from, envelope.sent, envelope.sequence);
            match to.remove(&name) {
                Some((_, sent)) => {
                    ensure!(sent == *envelope, "message {name:?} came as another");
                }
                None => bail!("grid {grid} took message {name:?} in, which was not on its way"),
            }
            self.messages += 1;
        }
        let late = to.iter().find(|(_, (sent, _))| *sent < wall);
        if let Some((name, (sent, _))) = late {
            bail!(
                "grid {grid} began a beat in the host's beat {wall} without message {name:?}, \
                 sent in {sent}"
            );
        }
        Ok(())
    }

    /// The host is back after beat `last`.
    ///
    /// # Errors
    /// What is not as it was.
    pub fn recovered(
        &mut self,
        last: Tick,
        worlds: &[World<Space>],
        rows: &MapRows,
        shards: u16,
    ) -> anyhow::Result<()> {
        ensure!(
            last >= self.tick() && last >= self.promised,
            "beat {last} was recovered, but beat {} was durable and beat {} promised",
            self.tick(),
            self.promised
        );
        self.advance(last, shards)
            .context("beats that were not known to be durable")?;
        // What comes after it never happened.
        self.submitted.clear();
        for world in worlds {
            for grid in world.grids() {
                let (found, expected) = (world.digest(grid), self.shadow.digest(grid));
                ensure!(
                    found == expected,
                    "grid {grid} was recovered as {found:x?} instead of {expected:x?}"
                );
                self.compare_waiting(world, grid)?;
            }
        }
        let grids: usize = worlds.iter().map(|world| world.grids().len()).sum();
        ensure!(
            grids == self.shadow.grids().len(),
            "{grids} grids were recovered"
        );
        let expected = self.rows.get(&Domain::Character);
        ensure!(
            expected == Some(&rows.domain(Domain::Character)),
            "the rows of characters are not those of beat {last}"
        );
        Ok(())
    }

    fn compare_waiting(&self, world: &World<Space>, grid: GridId) -> anyhow::Result<()> {
        let found = world.waiting(grid).context("every grid has its place")?;
        let name = |it: &Envelope<Message>| (it.from, it.sent, it.sequence);
        let found: BTreeSet<Name> = found.arrivals.iter().map(name).collect();
        let expected = self.on_their_way.get(&grid).into_iter().flatten();
        let expected: BTreeSet<Name> = expected.map(|(name, _)| *name).collect();
        ensure!(
            found == expected,
            "the messages on their way to grid {grid} were recovered as {found:?} instead of \
             {expected:?}"
        );
        Ok(())
    }
}
