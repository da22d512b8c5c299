//! A shard's edge without QUIC: the sessions of its clients, what they say, what they are told,
//! what they see. It keeps to the rules of the server's own (`server/src/shard/clients.rs`,
//! `publish.rs`), whose messages and datagrams the simulated network carries.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use orrery_base::command::{Command, RejectCode};
use orrery_base::{ClientId, EntityId, GridId, ShardIndex, Tick};
use orrery_kernel::rules::Stamped;
use orrery_proto::input::InputDatagram;
use orrery_proto::snapshot::{ClientView, EncodeScratch, SnapshotRequest};
use orrery_server::rules::frame::Watcher;
use orrery_server::rules::input::{Event, EventKind, Input};
use orrery_server::rules::presence::ADMISSION_BEATS;
use orrery_server::shard::Publication;
use orrery_services::character::CharacterRow;
use orrery_spatial::{InterestScratch, InterestSet, Ranks};

/// Beats between two snapshots of a client.
pub const SNAPSHOT_BEATS: u64 = 2;
/// Beats for which a client's interest holds.
const INTEREST_BEATS: u64 = 8;
const SIGHT: Ranks = Ranks {
    radius_cm: 15_000_000,
    enter: 255,
    leave: 286,
};
const SNAPSHOT_BYTES: usize = 1_150;
const CHASES_MAX: u8 = 5;

/// What a client says.
#[derive(Clone, Debug)]
pub enum Said {
    /// It presents its token; the control thread has found this row.
    Login(Box<CharacterRow>),
    /// It is ready.
    Subscribe,
    /// It commands its ship.
    Command {
        /// Its number.
        sequence: u32,
        /// Its id.
        request: u128,
        /// What.
        command: Command,
    },
    /// A datagram.
    Datagram(Vec<u8>),
    /// Its connection has ended.
    Closed,
}

/// What a client is told.
#[derive(Clone, Debug)]
pub enum Told {
    /// It may subscribe.
    Admitted,
    /// It is in space here.
    InSpace(GridId),
    /// It is in this station.
    Docked(GridId, EntityId),
    /// It is on its way.
    Jumped,
    /// A command was carried out or refused.
    Answer(u128, Option<RejectCode>),
    /// The end of its connection.
    Refused(&'static str),
    /// A datagram.
    Snapshot(Vec<u8>),
}

/// One client.
struct Session {
    ship: EntityId,
    admitted: Option<(Tick, Box<CharacterRow>)>,
    grid: Option<GridId>,
    publishing: bool,
    view: Option<ClientView>,
    interest: InterestSet,
    interest_tick: Tick,
    inputs: u64,
    last_datagram: u32,
    last_flight: u32,
    chases: u8,
    /// What waits until a beat is durable, in order.
    held: VecDeque<(Tick, Told)>,
}

/// The sessions of a shard.
pub struct Edge {
    shard: ShardIndex,
    tick: Tick,
    sessions: BTreeMap<ClientId, Session>,
    /// What has come from the network.
    pub inbox: VecDeque<(ClientId, Said)>,
    /// What goes to it.
    pub outbox: Vec<(ClientId, Told)>,
    inputs: Vec<(GridId, Stamped<Input>)>,
    /// The newest beat that somebody was told a promise of.
    pub promised: Tick,
    encode: EncodeScratch,
    look: InterestScratch,
}

impl Edge {
    /// Without clients.
    #[must_use]
    pub fn new(shard: ShardIndex, tick: Tick) -> Self {
        Self {
            shard,
            tick,
            sessions: BTreeMap::new(),
            inbox: VecDeque::new(),
            outbox: Vec::new(),
            inputs: Vec::new(),
            promised: Tick(0),
            encode: EncodeScratch::default(),
            look: InterestScratch::default(),
        }
    }

    /// A beat was done.
    pub const fn note_beat(&mut self, tick: Tick) {
        self.tick = tick;
    }

    /// Inputs for grids since the last call.
    pub fn drain_inputs(&mut self) -> Vec<(GridId, Stamped<Input>)> {
        std::mem::take(&mut self.inputs)
    }

    /// Handles what has come from the network.
    pub fn handle_inbox(&mut self) {
        while let Some((client, said)) = self.inbox.pop_front() {
            match said {
                Said::Login(row) => self.admit(client, row),
                Said::Subscribe => self.subscribe(client),
                Said::Command {
                    sequence,
                    request,
                    command,
                } => {
                    if !self.pass_on(client, sequence, request, command) {
                        let answer = Told::Answer(request, Some(RejectCode::NotPresent));
                        self.tell_in_order(client, answer);
                    }
                }
                Said::Datagram(bytes) => self.datagram(client, &bytes),
                Said::Closed => self.leave(client),
            }
        }
    }

    fn admit(&mut self, client: ClientId, row: Box<CharacterRow>) {
        let session = Session {
            ship: row.ship.entity,
            admitted: Some((self.tick, row)),
            grid: None,
            publishing: false,
            view: None,
            interest: InterestSet::new(),
            interest_tick: Tick(0),
            inputs: 0,
            last_datagram: 0,
            last_flight: 0,
            chases: 0,
            held: VecDeque::new(),
        };
        self.sessions.insert(client, session);
        self.outbox.push((client, Told::Admitted));
    }

    fn subscribe(&mut self, client: ClientId) {
        let Some(session) = self.sessions.get(&client) else {
            return;
        };
        let Some((_, row)) = &session.admitted else {
            return;
        };
        self.enter(client, row.location.grid());
    }

    /// Sends the client to a grid, unless what it was admitted with is too old.
    fn enter(&mut self, client: ClientId, grid: GridId) {
        let Some(session) = self.sessions.get_mut(&client) else {
            return;
        };
        let row = session.admitted.as_ref();
        let row = row.filter(|(since, _)| self.tick.since(*since) <= ADMISSION_BEATS);
        let Some((_, row)) = row else {
            self.refuse(client, "the admission has expired");
            return;
        };
        let row = CharacterRow::clone(row);
        let edge = self.shard;
        session.inputs += 1;
        session.grid = Some(grid);
        let stamped = Stamped {
            source: client.0,
            sequence: session.inputs,
            input: Input::Enter { client, edge, row },
        };
        self.inputs.push((grid, stamped));
    }

    fn pass_on(
        &mut self,
        client: ClientId,
        sequence: u32,
        request: u128,
        command: Command,
    ) -> bool {
        let Some(session) = self.sessions.get_mut(&client) else {
            return false;
        };
        let Some(grid) = session.grid else {
            return false;
        };
        session.inputs += 1;
        let stamped = Stamped {
            source: client.0,
            sequence: session.inputs,
            input: Input::Command {
                client,
                edge: self.shard,
                ship: session.ship,
                sequence,
                request,
                command,
            },
        };
        self.inputs.push((grid, stamped));
        true
    }

    fn datagram(&mut self, client: ClientId, bytes: &[u8]) {
        let Some(session) = self.sessions.get_mut(&client) else {
            return;
        };
        let datagram = InputDatagram::decode(bytes).expect("clients send what they encoded");
        if let (Some(ack), Some(view)) = (&datagram.acknowledgement, &mut session.view) {
            view.acknowledge(ack);
        }
        if datagram.sequence <= session.last_datagram {
            return;
        }
        session.last_datagram = datagram.sequence;
        let newest = datagram.inputs().first().copied();
        let Some(newest) = newest.filter(|newest| newest.sequence > session.last_flight) else {
            return;
        };
        session.last_flight = newest.sequence;
        let command = Command::Fly {
            direction: newest.direction,
            throttle: newest.throttle,
        };
        self.pass_on(client, newest.sequence, 0, command);
    }

    fn refuse(&mut self, client: ClientId, why: &'static str) {
        self.outbox.push((client, Told::Refused(why)));
        self.leave(client);
    }

    /// The client is gone: its grid learns of it, once.
    fn leave(&mut self, client: ClientId) {
        let Some(mut session) = self.sessions.remove(&client) else {
            return;
        };
        if let Some(grid) = session.grid.take() {
            self.say_goodbye(client, grid, session.ship, session.inputs + 1);
        }
    }

    fn say_goodbye(&mut self, client: ClientId, grid: GridId, ship: EntityId, sequence: u64) {
        let stamped = Stamped {
            source: client.0,
            sequence,
            input: Input::Leave { client, ship },
        };
        self.inputs.push((grid, stamped));
    }

    fn tell_in_order(&mut self, client: ClientId, told: Told) {
        let Some(session) = self.sessions.get_mut(&client) else {
            return;
        };
        if session.held.is_empty() {
            self.outbox.push((client, told));
        } else {
            session.held.push_back((Tick(0), told));
        }
    }

    /// Sends what has become durable.
    pub fn release(&mut self, durable: Tick) {
        for (&client, session) in &mut self.sessions {
            while let Some((tick, told)) = session.held.pop_front_if(|(tick, _)| *tick <= durable) {
                self.promised = self.promised.max(tick);
                session.publishing |= matches!(told, Told::InSpace(_));
                self.outbox.push((client, told));
            }
        }
    }

    /// A grid tells one of this edge's clients something, durable with the host's beat `done`.
    pub fn handle_grid_event(&mut self, done: Tick, event: &Event) {
        let client = event.client;
        let Some(session) = self.sessions.get_mut(&client) else {
            if let EventKind::InSpace { grid, ship } = event.kind {
                // The client left while its ship was on the way.
                self.say_goodbye(client, grid, ship, u64::MAX);
            }
            return;
        };
        match event.kind {
            EventKind::InSpace { grid, .. } => {
                session.grid = Some(grid);
                session.publishing = false;
                match &mut session.view {
                    Some(view) => view.change_grid(grid),
                    None => session.view = Some(ClientView::new(grid, 0)),
                }
                session.interest = InterestSet::new();
                session.interest_tick = Tick(0);
                session.held.push_back((done, Told::InSpace(grid)));
            }
            EventKind::Docked { grid, station } => {
                session.grid = Some(grid);
                session.publishing = false;
                session.held.push_back((done, Told::Docked(grid, station)));
            }
            EventKind::Jumped { to, .. } => {
                session.grid = Some(to);
                session.publishing = false;
                self.tell_in_order(client, Told::Jumped);
            }
            EventKind::Answer {
                request, reject, ..
            } => {
                self.tell_in_order(client, Told::Answer(request, reject));
            }
            // Nobody shoots here, so nobody changes ships.
            EventKind::Seated { .. } | EventKind::Tell(_) => {}
            EventKind::Displaced => {
                session.grid = None;
                self.refuse(client, "another client took over");
            }
            EventKind::NotHere { moved_to } => {
                session.chases += 1;
                session.grid = None;
                match moved_to.filter(|_| session.chases <= CHASES_MAX) {
                    Some(grid) => self.enter(client, grid),
                    None => self.refuse(client, "the character is not where its row says"),
                }
            }
        }
    }

    /// Sends one beat of one grid to the clients whose turn it is.
    pub fn publish(&mut self, publication: &Arc<Publication>) {
        let Some(tick) = publication.history.tick() else {
            return;
        };
        for frame in &publication.frames {
            let shard = self.shard;
            for watcher in frame.watchers.iter().filter(|it| it.edge == shard) {
                self.publish_to(watcher, tick, publication);
            }
        }
    }

    fn publish_to(&mut self, watcher: &Watcher, tick: Tick, publication: &Publication) {
        let session = self.sessions.get_mut(&watcher.client);
        let Some(session) = session.filter(|session| session.publishing) else {
            return;
        };
        let Some(view) = session
            .view
            .as_mut()
            .filter(|view| view.grid() == publication.grid)
        else {
            return;
        };
        for left in publication.frames.iter().flat_map(|frame| &frame.left) {
            session.interest.retire(left.slot.0);
        }
        if !tick.is_every(SNAPSHOT_BEATS, watcher.client.0) {
            return;
        }
        let is_old = tick.since(session.interest_tick) >= INTEREST_BEATS;
        if (session.interest_tick == Tick(0) || is_old)
            && let Some(own) = publication.history.state(watcher.slot)
        {
            let Publication { index, slots, .. } = publication;
            let centre = own.motion.position_cm;
            session
                .interest
                .update_nearest(&mut self.look, index, slots, centre, SIGHT);
            session.interest_tick = tick;
        }
        let request = SnapshotRequest {
            visible: session.interest.visible().words(),
            own: Some(watcher.slot),
            last_input_sequence: watcher.last_input,
            budget_bytes: SNAPSHOT_BYTES,
        };
        let mut bytes = Vec::new();
        let report = view.encode(&mut self.encode, &publication.history, &request, &mut bytes);
        if report.bytes > 0 {
            self.outbox.push((watcher.client, Told::Snapshot(bytes)));
        }
    }
}
