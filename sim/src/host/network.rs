//! Between players and edges: reliable messages arrive late and in order, datagrams are lost,
//! delayed, doubled and overtake each other, and now and then a player is cut off.

use orrery_base::{ClientId, ShardIndex};
use orrery_services::character::CharacterRow;
use orrery_storage::{Domain, Rows as _};

use super::draw::{MS, SECOND};
use super::edge::{Said, Told};
use super::player::Place;
use super::{Happening, Run};

/// After so long a cut a client gives its connection up.
const PATIENCE_NS: u64 = 3 * SECOND;

impl Run {
    /// When something that is sent now arrives, once or more or not at all.
    fn arrivals(&mut self, player: usize, is_reliable: bool, way: usize) -> Vec<u64> {
        let now_ns = self.agenda.now_ns();
        let draws = &self.host.draws;
        let is_calm = self.host.is_calm.get();
        let mut delay = draws.within(2 * MS..80 * MS);
        let is_lost = !is_calm && draws.one_in(self.plan.loss_one_in);
        let player = &mut self.players[player];
        if is_reliable {
            if is_lost {
                // Sent again.
                delay += draws.within(100 * MS..600 * MS);
            }
            let at_ns = (now_ns.max(player.cut_until_ns) + delay).max(player.reliable_ns[way]);
            player.reliable_ns[way] = at_ns;
            return vec![at_ns - now_ns];
        }
        if is_lost || player.cut_until_ns > now_ns {
            return Vec::new();
        }
        if !is_calm && draws.one_in(12) {
            delay += draws.within(0..400 * MS);
        }
        if !is_calm && draws.one_in(20) {
            return vec![delay, delay + draws.within(0..300 * MS)];
        }
        vec![delay]
    }

    /// A player says something to its edge.
    pub(super) fn say(&mut self, player: usize, said: Said) {
        let Some((client, edge)) = self.players[player].connection else {
            return;
        };
        let is_reliable = !matches!(said, Said::Datagram(_));
        for delay in self.arrivals(player, is_reliable, 0) {
            let heard = Happening::Heard(self.lives, edge, client, said.clone());
            self.agenda.after(delay, heard);
        }
    }

    /// What a shard's edge has for the network.
    pub(super) fn carry_away(&mut self, shard: usize) {
        let Some(life) = &self.life else {
            return;
        };
        let outbox = std::mem::take(&mut life.handles[shard].edge.borrow_mut().outbox);
        for (client, told) in outbox {
            let holds = |it: &super::Player| it.connection.is_some_and(|it| it.0 == client);
            let Some(player) = self.players.iter().position(holds) else {
                continue;
            };
            let is_reliable = !matches!(told, Told::Snapshot(_));
            for delay in self.arrivals(player, is_reliable, 1) {
                let told = Happening::Told(player, client, told.clone());
                self.agenda.after(delay, told);
            }
        }
    }

    /// Something reaches a player, if the connection is still the same.
    pub(super) fn told(
        &mut self,
        player: usize,
        client: ClientId,
        told: Told,
    ) -> anyhow::Result<()> {
        let it = &mut self.players[player];
        if it.connection.is_none_or(|(present, _)| present != client) {
            return Ok(());
        }
        self.snapshots += u64::from(matches!(told, Told::Snapshot(_)));
        if !matches!(told, Told::Snapshot(_)) {
            let trace = &self.host.trace;
            trace.note(|| format!("player {player}, client {client} hears {told:?}"));
        }
        let answer = it.hear(told, &self.host.truth.borrow())?;
        if let Some(said) = answer {
            // Sometimes late, even too late.
            let most = if self.host.draws.one_in(10) {
                6 * SECOND
            } else {
                300 * MS
            };
            let delay = self.host.draws.within(0..most);
            if let Some((client, edge)) = self.players[player].connection {
                let heard = Happening::Heard(self.lives, edge, client, said);
                self.agenda.after(delay, heard);
            }
        }
        Ok(())
    }

    /// A player thinks.
    pub(super) fn act(&mut self, player: usize) {
        let delay = self.host.draws.within(300 * MS..2_500 * MS);
        self.agenda.after(delay, Happening::Act(player));
        let now_ns = self.agenda.now_ns();
        let it = &mut self.players[player];
        if it.cut_until_ns > now_ns + PATIENCE_NS && it.connection.is_some() {
            // The edge notices later.
            self.hang_up(player, 15 * SECOND);
            return;
        }
        if it.place == Place::Offline {
            if it.cut_until_ns <= now_ns {
                self.log_in(player);
            }
            return;
        }
        if self.host.is_calm.get() {
            return;
        }
        match it.act(&self.plan.galaxy.context, &self.host.draws) {
            Some(Said::Closed) => self.hang_up(player, 100 * MS),
            Some(said) => self.say(player, said),
            None => {}
        }
    }

    /// A player ends its connection; its edge learns of it within `within_ns`.
    fn hang_up(&mut self, player: usize, within_ns: u64) {
        let it = &mut self.players[player];
        if let Some((client, edge)) = it.connection {
            it.disconnect();
            let delay = self.host.draws.within(0..within_ns);
            let heard = Happening::Heard(self.lives, edge, client, Said::Closed);
            self.agenda.after(delay, heard);
        }
    }

    /// The control thread reads the character's row, and the client takes it to some edge.
    fn log_in(&mut self, player: usize) {
        let Some(life) = &self.life else {
            return;
        };
        let key = CharacterRow::key(self.players[player].character);
        let row = self.rows.get(Domain::Character, &key).ok().flatten();
        let row = row.and_then(|row| CharacterRow::decode(&row).ok());
        let Some(row) = row else {
            return;
        };
        self.clients += 1;
        let edge = ShardIndex(self.host.draws.index(life.handles.len()) as u16);
        let client = ClientId(self.clients);
        self.host
            .trace
            .note(|| format!("player {player} logs in as client {client} with {row:?}"));
        self.players[player].connect(client, edge);
        self.say(player, Said::Login(Box::new(row)));
    }

    /// A player in space sends a datagram.
    pub(super) fn send(&mut self, player: usize) {
        let delay = self.host.draws.within(60 * MS..130 * MS);
        self.agenda.after(delay, Happening::Send(player));
        let it = &mut self.players[player];
        if matches!(it.place, Place::InSpace(_)) {
            let is_calm = self.host.is_calm.get();
            let said = it.datagram(&self.host.draws, is_calm);
            self.say(player, said);
        }
    }
}
