//! Snapshots: what each client of this shard sees of its grid, a few times a second.
//!
//! Records are encoded once per grid, beat and baseline age, by whichever edge needs one first;
//! here they are chosen and copied. Clients take turns by their id, so that a beat sends to one
//! in `snapshot_interval_beats` of them.
//!
//! Cost: interest some 0.5–1 µs per client every [`INTEREST_BEATS`]; encoding 1–2 ns per visible
//! entity; the rest is QUIC's.

use bytes::Bytes;
use orrery_base::{Slot, Tick};
use orrery_net::DatagramOutcome;
use orrery_proto::handshake::Progress;
use orrery_proto::message::ServerMessage;
use orrery_proto::snapshot::{EncodeScratch, SnapshotRequest};
use orrery_spatial::{InterestScratch, Ranks};

use super::clients::Clients;
use super::packet::Publication;
use super::session::Session;
use crate::rules::frame::Watcher;

/// Beats for which a client's interest holds.
const INTEREST_BEATS: u64 = 8;

/// Working memory of a shard's publishing.
#[derive(Debug, Default)]
pub(super) struct PublishScratch {
    encode: EncodeScratch,
    interest: InterestScratch,
    bytes: Vec<u8>,
    departed: Vec<ServerMessage>,
}

impl Clients {
    /// Sends one beat of one grid to this edge's clients whose turn it is.
    pub(super) fn publish(&mut self, publication: &Publication, scratch: &mut PublishScratch) {
        let Some(tick) = publication.history.tick() else {
            return;
        };
        let edge = self.edge.shard();
        for frame in &publication.frames {
            for watcher in frame.watchers.iter().filter(|watcher| watcher.edge == edge) {
                let Some(&index) = self.by_client.get(&watcher.client) else {
                    continue;
                };
                let Some(mut session) =
                    self.sessions[index as usize].take_if(|session| session.publishing)
                else {
                    continue;
                };
                self.publish_to(&mut session, watcher, tick, publication, scratch);
                self.sessions[index as usize] = Some(session);
            }
        }
    }

    fn publish_to(
        &mut self,
        session: &mut Session,
        watcher: &Watcher,
        tick: Tick,
        publication: &Publication,
        scratch: &mut PublishScratch,
    ) {
        if session
            .view
            .as_ref()
            .is_none_or(|view| view.grid() != publication.grid)
        {
            return;
        }
        self.tell_departures(session, publication, scratch);
        let interval = u64::from(self.config.snapshot_interval_beats);
        if !tick.is_every(interval, watcher.client.0) {
            return;
        }
        if session.interest_tick == Tick(0) || tick.since(session.interest_tick) >= INTEREST_BEATS {
            self.look_around(session, watcher.slot, publication, scratch);
            session.interest_tick = tick;
        }
        match session.handshake.publishing() {
            Ok(Progress::Reached(step)) => session.reached(step),
            Ok(Progress::Unchanged) => {}
            Err(_) => return,
        }
        let Some(view) = &mut session.view else {
            return;
        };
        let limit = self
            .edge
            .datagram_bytes_max(session.connection)
            .unwrap_or(0);
        let request = SnapshotRequest {
            visible: session.interest.visible().words(),
            own: Some(watcher.slot),
            last_input_sequence: watcher.last_input,
            budget_bytes: usize::from(self.config.snapshot_bytes).min(limit),
        };
        scratch.bytes.clear();
        let report = view.encode(
            &mut scratch.encode,
            &publication.history,
            &request,
            &mut scratch.bytes,
        );
        if report.bytes == 0 {
            return;
        }
        let bytes = Bytes::copy_from_slice(&scratch.bytes);
        match self.edge.send_datagram(session.connection, bytes) {
            Ok(outcome) => {
                self.metrics.snapshot_sent(report.bytes, report.exact);
                if outcome == DatagramOutcome::DroppedOldest {
                    self.metrics.snapshots_dropped.increment();
                }
            }
            Err(error) => tracing::trace!(parent: &session.span, %error, "snapshot not sent"),
        }
    }

    /// The nearest entities within sight, with a margin for those that are seen already.
    fn look_around(
        &self,
        session: &mut Session,
        own: Slot,
        publication: &Publication,
        scratch: &mut PublishScratch,
    ) {
        let Some(state) = publication.history.state(own) else {
            return;
        };
        let most = u32::from(self.config.sight_entities);
        let ranks = Ranks {
            radius_cm: self.config.sight_m.saturating_mul(100),
            enter: most,
            leave: most + most / 8,
        };
        let centre = state.motion.position_cm;
        let Publication { index, slots, .. } = publication;
        session
            .interest
            .update_nearest(&mut scratch.interest, index, slots, centre, ranks);
    }

    /// Says why entities that the client saw are gone, so that it can show a jump as a jump.
    fn tell_departures(
        &mut self,
        session: &mut Session,
        publication: &Publication,
        scratch: &mut PublishScratch,
    ) {
        for left in publication.frames.iter().flat_map(|frame| &frame.left) {
            if session.interest.visible().contains(left.slot.0) {
                session.interest.retire(left.slot.0);
                let (entity, reason) = (left.entity, left.reason);
                scratch
                    .departed
                    .push(ServerMessage::Departed { entity, reason });
            }
        }
        for message in scratch.departed.drain(..) {
            self.tell_in_order(session, message);
        }
    }
}
