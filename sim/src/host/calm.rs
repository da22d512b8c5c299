//! The end of a run: trouble ceases, and after a while everything has to be well.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};
use orrery_base::GridId;
use orrery_kernel::dilation::Dilation;
use orrery_server::shard::PlacementRequest;

use super::draw::{MS, SECOND};
use super::player::{Place, Player, Truth};
use super::{Happening, Run, STANDSTILL_NS};

/// Time to come to rest: longer than an admission, a patience and a restart together.
const REST_NS: u64 = 40 * SECOND;
/// Time for what operators ask for last.
const LAST_REQUESTS_NS: u64 = 12 * SECOND;

impl Run {
    /// A life without a beat for so long has come to a standstill.
    pub(super) fn watch(&mut self) -> anyhow::Result<()> {
        self.agenda.after(STANDSTILL_NS, Happening::Watch);
        let Some(life) = &self.life else {
            return Ok(());
        };
        let doing: Vec<_> = life.handles.iter().map(|it| it.doing.get()).collect();
        let beat = doing.iter().map(|it| it.beat).max().unwrap_or_default();
        let former = std::mem::replace(&mut self.watched, (self.lives, beat));
        ensure!(
            former != self.watched,
            "the host stands still; what its shards do: {doing:?}"
        );
        Ok(())
    }

    /// No more trouble; then grids are gathered and run at full pace, then everything is looked
    /// at.
    pub(super) fn calm_down(&mut self) {
        if self.host.is_calm.replace(true) {
            self.gather();
            // Not always in the same phase of a beat: shards at a barrier cannot be asked.
            let delay = self.host.draws.within(SECOND..2 * SECOND);
            self.agenda.after(delay, Happening::CalmDown);
            return;
        }
        self.host.trace.note(|| "trouble ceases".into());
        self.make_room();
        for player in &mut self.players {
            player.cut_until_ns = 0;
        }
        self.agenda
            .after(REST_NS - LAST_REQUESTS_NS, Happening::CalmDown);
        self.agenda.after(REST_NS, Happening::Conclude);
    }

    fn gather(&mut self) {
        let grids: Vec<GridId> = self.plan.galaxy.context.grids().collect();
        for grid in grids {
            self.request(PlacementRequest::Merge { grid });
            self.request(PlacementRequest::Pace { grid, pace: None });
        }
    }

    /// Everything has to be well now.
    pub(super) fn conclude(&mut self) -> anyhow::Result<()> {
        if self.is_concluded {
            return self.conclude_restarted();
        }
        let life = self.life.as_ref().context("the host has not come back")?;
        let is_busy = |it: &super::shard::Handle| it.simulation.try_borrow().is_err();
        if life.handles.iter().any(is_busy) {
            // In the middle of a team's turn.
            self.agenda.after(MS, Happening::Conclude);
            return Ok(());
        }
        let mut grids = BTreeSet::new();
        for handle in &life.handles {
            let simulation = handle.simulation.borrow();
            let world = simulation.world();
            for grid in world.grids() {
                ensure!(grids.insert(grid), "grid {grid} is on two shards");
                let (members, pace) = (world.members(grid), world.pace(grid));
                ensure!(
                    members == Some(1) && pace == Some(Dilation::NONE),
                    "grid {grid} did not come to rest: members {members:?}, pace {pace:?}"
                );
                let waiting = world.waiting(grid).context("the grid is here")?;
                ensure!(
                    waiting.arrivals.is_empty(),
                    "messages wait for grid {grid}: {waiting:?}"
                );
            }
        }
        ensure!(
            grids.len() == self.plan.galaxy.context.grids().count(),
            "there are {} grids",
            grids.len()
        );
        let checker = self.host.checker.borrow();
        let waiting = checker.waiting();
        ensure!(waiting == 0, "{waiting} messages were never taken in");
        drop(checker);
        let truth = self.host.truth.borrow();
        for (number, player) in self.players.iter().enumerate() {
            look(player, &truth).with_context(|| format!("player {number} at the end"))?;
        }
        // The last proof: a stop in order, and what comes back is what was there.
        self.host
            .trace
            .note(|| "all is well; the host is to stop".into());
        self.host.is_stopping.set(true);
        drop(truth);
        self.is_concluded = true;
        self.agenda.after(8 * SECOND, Happening::Conclude);
        Ok(())
    }

    fn conclude_restarted(&mut self) -> anyhow::Result<()> {
        ensure!(
            self.life.is_some(),
            "the host did not stop, or did not come back"
        );
        self.is_over = true;
        Ok(())
    }
}

/// Whether a client has heard of everything and sees what there is.
fn look(player: &Player, truth: &Truth) -> anyhow::Result<()> {
    ensure!(player.connection.is_some(), "it is not connected");
    ensure!(
        player.unanswered.is_empty(),
        "requests {:x?} were never answered",
        player.unanswered
    );
    let Place::InSpace(grid) = player.place else {
        ensure!(player.place != Place::Nowhere, "it is nowhere");
        return Ok(());
    };
    let replica = &player.replica;
    let tick = replica.tick().context("it sees nothing")?;
    ensure!(replica.grid() == grid, "it sees grid {}", replica.grid());
    let (newest, _) = truth.newest(grid).context("the grid shows nothing")?;
    ensure!(newest.since(tick) < 60, "it sees beat {tick} of {newest}");
    let frames = truth.frames(grid, tick).context("the beat was shown")?;
    let shown: BTreeSet<_> = replica.entities().map(|entity| entity.id).collect();
    let there: BTreeSet<_> = frames
        .iter()
        .flat_map(|frame| frame.states.iter().map(|state| state.id))
        .collect();
    ensure!(shown.is_subset(&there), "it sees {shown:?} of {there:?}");
    ensure!(
        replica.entities().all(|entity| replica.is_exact(entity)),
        "not everything that it sees is exact"
    );
    Ok(())
}
