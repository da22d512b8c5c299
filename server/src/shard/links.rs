//! The shard's ends of the rings, with room for what does not fit at once.
//!
//! A ring is bounded, and a beat must not wait for another shard's edge: what finds no room is
//! kept in order and goes out with the next flush. What can be kept is bounded by what one beat
//! produces, because no shard begins a beat before all others have ended the last one.

use std::collections::VecDeque;

use orrery_base::{ShardIndex, Tick};
use orrery_kernel::ring::MeshEnd;

use super::packet::Packet;

/// The rings to and from all shards, this one included.
pub struct Links {
    mesh: MeshEnd<Packet>,
    waiting: Vec<VecDeque<Packet>>,
    /// By shard, what was taken off its ring before it was asked for.
    early: Vec<Vec<Packet>>,
    /// By shard, the last beat that it has ended.
    ended: Vec<Tick>,
    /// Nothing is sent any more: the last word has been said.
    is_closed: bool,
}

impl Links {
    /// Takes the shard's end of the mesh; all shards have ended beat `tick`.
    #[must_use]
    pub fn new(mesh: MeshEnd<Packet>, tick: Tick) -> Self {
        let shards = usize::from(mesh.shards());
        Self {
            mesh,
            waiting: (0..shards).map(|_| VecDeque::new()).collect(),
            early: (0..shards).map(|_| Vec::new()).collect(),
            ended: vec![tick; shards],
            is_closed: false,
        }
    }

    /// Sends, behind everything that was sent to this shard before.
    pub fn send(&mut self, to: ShardIndex, packet: Packet) {
        if self.is_closed {
            return;
        }
        let waiting = &mut self.waiting[usize::from(to.0)];
        // With the planted bug, what finds room overtakes what waits for it.
        if !waiting.is_empty() && !cfg!(feature = "canary") {
            waiting.push_back(packet);
        } else if let Err(packet) = self.mesh.to(to).push(packet) {
            waiting.push_back(packet);
        }
    }

    /// Sends to every shard, this one included.
    pub fn send_to_all(&mut self, packet: impl Fn() -> Packet) {
        for shard in 0..self.mesh.shards() {
            self.send(ShardIndex(shard), packet());
        }
    }

    /// Sends what has been waiting for room.
    pub fn flush(&mut self) {
        for (shard, waiting) in (0..).map(ShardIndex).zip(&mut self.waiting) {
            while let Some(packet) = waiting.pop_front() {
                if let Err(packet) = self.mesh.to(shard).push(packet) {
                    waiting.push_front(packet);
                    break;
                }
            }
        }
    }

    /// Says the last word to every shard, in place of the end of beat `tick`, which nobody does:
    /// what is sent afterwards is for nobody.
    pub fn close(&mut self, tick: Tick) {
        self.send_to_all(|| Packet::EndOfBeat { tick, last: None });
        self.is_closed = true;
    }

    /// After [`Links::close`]: whether everybody has said the last word, too, and will hear this
    /// shard's. A shard that takes in what comes until then leaves nobody waiting, because
    /// everyone else does the same.
    #[must_use]
    pub fn is_done(&self, tick: Tick) -> bool {
        self.all_ended(tick) && self.waiting.iter().all(VecDeque::is_empty)
    }

    /// Takes what one shard has sent.
    pub fn receive(&mut self, from: ShardIndex, packets: &mut Vec<Packet>) {
        packets.append(&mut self.early[usize::from(from.0)]);
        self.mesh.from(from).pop_batch(usize::MAX, packets);
    }

    /// Keeps everything moving while the shard waits in the middle of a beat, for the other
    /// members of a team: they may be waiting for a packet that has found no room, or for room.
    pub fn pump(&mut self) {
        self.flush();
        for (from, early) in (0..).map(ShardIndex).zip(&mut self.early) {
            self.mesh.from(from).pop_batch(usize::MAX, early);
        }
    }

    /// The beat that a shard is in, as far as what was received from it says: its packets belong
    /// to that beat. It may be one ahead of this shard's own, never more.
    #[must_use]
    pub fn beat_of(&self, from: ShardIndex) -> Tick {
        self.ended[usize::from(from.0)].next()
    }

    /// How many shards there are.
    #[must_use]
    pub const fn shards(&self) -> u16 {
        self.mesh.shards()
    }

    /// Notes that a shard has ended a beat.
    pub fn note_end(&mut self, from: ShardIndex, tick: Tick) {
        self.ended[usize::from(from.0)] = tick;
    }

    /// Whether all shards have ended a beat.
    #[must_use]
    pub fn all_ended(&self, tick: Tick) -> bool {
        self.ended.iter().all(|&ended| ended >= tick)
    }
}
