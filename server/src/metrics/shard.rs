//! What a shard measures. One per shard, written by that shard alone.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use orrery_base::command::RejectCode;
use orrery_base::{GridId, Tick};
use orrery_net::{Counters, SocketCounters};
use orrery_proto::message::RefusalCode;

use super::cell::{Counter, Gauge, Histogram};
use super::trace::BeatTrace;

macro_rules! phases {
    ($($(#[$doc:meta])* $phase:ident = $name:literal;)*) => {
        /// A part of a shard's beat.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        #[repr(usize)]
        pub enum BeatPhase { $($(#[$doc])* $phase,)* }

        impl BeatPhase {
            /// All phases, in the order of a beat.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$phase),*];

            /// The name in metrics.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$phase => $name,)* }
            }
        }
    };
}

phases! {
    /// Waiting for the other shards to end the last beat.
    Wait = "wait";
    /// Taking datagrams from the sockets, since the last beat.
    Receive = "receive";
    /// Sorting the inputs.
    Gather = "gather";
    /// Motion of own rows, rebuilding the index, making the frame.
    Motion = "motion";
    /// Systems that read frames and emit effects.
    Interact = "interact";
    /// Effects of others on own rows.
    Apply = "apply";
    /// What is left to do at the end of a grid's step.
    Settle = "settle";
    /// Messages, events and frames to other shards; the record for the journal.
    Exchange = "exchange";
    /// Copying the state of grids whose turn it is to be saved.
    Checkpoint = "checkpoint";
    /// Handing the batch to the commit.
    Commit = "commit";
    /// Choosing and encoding snapshots.
    Publish = "publish";
    /// Giving datagrams to the sockets, since the last beat.
    Send = "send";
}

/// A grid, as the operator sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GridStatus {
    /// Which grid.
    pub grid: GridId,
    /// Entities on it, fixed ones included.
    pub entities: u32,
    /// Clients that watch it.
    pub clients: u32,
    /// Simulated time per real time, thousandths.
    pub dilation_milli: u16,
    /// Shards that step it together; 0 if it is lost at present.
    pub members: u16,
    /// What its last beat took, on its home shard, nanoseconds.
    pub cost_ns: u64,
}

/// The grids of a shard at one moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GridTable {
    /// The last beat that the shard had done.
    pub tick: Tick,
    /// The grids that were at home there.
    pub grids: Vec<GridStatus>,
}

/// What a shard measures.
#[derive(Debug)]
pub struct ShardMetrics {
    started: Instant,
    phases: [Histogram; BeatPhase::ALL.len()],
    pub(super) beat: Histogram,
    pub(super) lateness: Histogram,
    tick: AtomicU64,
    /// Milliseconds after the start of the last beat's end, plus one; zero before the first.
    beat_ended_ms: AtomicU64,
    /// Clients that play.
    pub clients: Gauge,
    /// Connections, handshakes in progress not counted.
    pub connections: Gauge,
    /// Real time that the shard gave up on catching up with, microseconds.
    pub slipped_us: Counter,
    /// Times that the disk was so far behind that a beat had to wait to be handed over.
    pub commit_back_pressure: Counter,
    /// Checkpoints put off because those before were not written yet.
    pub checkpoints_skipped: Counter,
    /// Requests about items and money that were answered.
    pub value_answers: Counter,
    /// Grids that were lost to a fault.
    grids_lost: Counter,
    /// From the loss of a grid until it goes on.
    pub(super) restore: Histogram,
    /// Grids that are lost at present, and since when. Touched at a fault and at a comeback.
    lost: Mutex<BTreeMap<GridId, Instant>>,
    /// Grids that are here.
    pub grids: Gauge,
    /// Entities on them.
    pub entities: Gauge,
    /// Simulated time per real time, thousandths, of the slowest grid.
    pub dilation_milli: Gauge,
    /// Snapshots sent.
    pub snapshots: Counter,
    /// Their bytes.
    pub snapshot_bytes: Counter,
    /// Entities that they made exact.
    pub snapshot_entities: Counter,
    /// Snapshots that pushed an older one out of a full queue.
    pub snapshots_dropped: Counter,
    /// Messages on control streams that were none.
    pub malformed_messages: Counter,
    /// Input datagrams that were none.
    pub malformed_datagrams: Counter,
    rejected: [Counter; RejectCode::ALL.len()],
    refused: [Counter; RefusalCode::ALL.len()],
    pub(super) edge: EdgeCells,
    grid_table: ArcSwap<GridTable>,
    trace: BeatTrace,
}

impl ShardMetrics {
    pub(super) fn new(started: Instant) -> Self {
        Self {
            started,
            phases: std::array::from_fn(|_| Histogram::default()),
            beat: Histogram::default(),
            lateness: Histogram::default(),
            tick: AtomicU64::new(0),
            beat_ended_ms: AtomicU64::new(0),
            clients: Gauge::default(),
            connections: Gauge::default(),
            slipped_us: Counter::default(),
            commit_back_pressure: Counter::default(),
            checkpoints_skipped: Counter::default(),
            value_answers: Counter::default(),
            grids_lost: Counter::default(),
            restore: Histogram::default(),
            lost: Mutex::default(),
            grids: Gauge::default(),
            entities: Gauge::default(),
            dilation_milli: Gauge::at(1_000),
            snapshots: Counter::default(),
            snapshot_bytes: Counter::default(),
            snapshot_entities: Counter::default(),
            snapshots_dropped: Counter::default(),
            malformed_messages: Counter::default(),
            malformed_datagrams: Counter::default(),
            rejected: std::array::from_fn(|_| Counter::default()),
            refused: std::array::from_fn(|_| Counter::default()),
            edge: EdgeCells::default(),
            grid_table: ArcSwap::default(),
            trace: BeatTrace::default(),
        }
    }

    /// Time spent in a phase of a beat.
    pub fn record_phase(&self, phase: BeatPhase, spent: Duration) {
        self.phases[phase as usize].record(spent);
        self.trace.phase(phase, spent);
    }

    /// The end of a beat: how long it took, and how late it began.
    pub fn record_beat(&self, tick: Tick, took: Duration, late: Duration) {
        self.beat.record(took);
        self.lateness.record(late);
        self.trace.beat(tick, took, late);
        self.tick.store(tick.0, Ordering::Relaxed);
        let ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        self.beat_ended_ms.store(ms + 1, Ordering::Relaxed);
    }

    /// A command was refused.
    pub fn rejected(&self, code: RejectCode) {
        if let Some(index) = RejectCode::ALL.iter().position(|&other| other == code) {
            self.rejected[index].increment();
        }
    }

    /// A client was sent away.
    pub fn refused(&self, code: RefusalCode) {
        if let Some(index) = RefusalCode::ALL.iter().position(|&other| other == code) {
            self.refused[index].increment();
        }
    }

    /// A snapshot of so many bytes was sent, after which `exact` entities are exact.
    pub fn snapshot_sent(&self, bytes: usize, exact: u32) {
        self.snapshots.increment();
        self.snapshot_bytes.add(bytes as u64);
        self.snapshot_entities.add(u64::from(exact));
    }

    /// Copies what the edge has counted. Once a second is enough.
    pub fn copy_edge(&self, counters: &Counters) {
        self.edge.copy(counters);
    }

    /// Copies what the sockets have counted.
    pub fn copy_sockets(&self, counters: &SocketCounters) {
        self.edge.copy_sockets(counters);
    }

    /// Shows the operator the shard's grids. Once a second is enough.
    pub fn publish_grids(&self, grids: Vec<GridStatus>) {
        let tick = self.tick();
        self.grid_table.store(Arc::new(GridTable { tick, grids }));
    }

    /// A grid was lost to a fault.
    pub fn grid_lost(&self, grid: GridId) {
        self.grids_lost.increment();
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.insert(grid, Instant::now());
    }

    /// A grid that was lost here goes on. Of one that was lost elsewhere, and came here in the
    /// meantime, nobody knows since when: it is counted, with no time at all.
    pub fn grid_restored(&self, grid: GridId) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        let since = lost.remove(&grid);
        self.restore
            .record(since.map_or(Duration::ZERO, |since| since.elapsed()));
    }

    /// Grids that were lost to a fault so far.
    #[must_use]
    pub fn grids_lost(&self) -> u64 {
        self.grids_lost.value()
    }

    /// Grids that were restored so far.
    #[must_use]
    pub fn grids_restored(&self) -> u64 {
        self.restore.snapshot().count()
    }

    /// Bytes of UDP datagrams sent, as last copied.
    #[must_use]
    pub fn bytes_out(&self) -> u64 {
        self.edge.bytes_out.value()
    }

    /// The last minutes, beat by beat.
    #[must_use]
    pub const fn trace(&self) -> &BeatTrace {
        &self.trace
    }

    /// The last beat that was done.
    #[must_use]
    pub fn tick(&self) -> Tick {
        Tick(self.tick.load(Ordering::Relaxed))
    }

    /// Time since the end of the last beat; none before the first.
    #[must_use]
    pub fn since_last_beat(&self) -> Option<Duration> {
        let ended = self.beat_ended_ms.load(Ordering::Relaxed).checked_sub(1)?;
        Some(
            self.started
                .elapsed()
                .saturating_sub(Duration::from_millis(ended)),
        )
    }

    /// The grids as last shown.
    #[must_use]
    pub fn grids_shown(&self) -> Arc<GridTable> {
        self.grid_table.load_full()
    }

    pub(super) fn phases(&self) -> impl Iterator<Item = (BeatPhase, &Histogram)> {
        BeatPhase::ALL.into_iter().zip(&self.phases)
    }

    pub(super) fn rejections(&self) -> impl Iterator<Item = (RejectCode, u64)> {
        let counts = self.rejected.iter().map(Counter::value);
        RejectCode::ALL.iter().copied().zip(counts)
    }

    pub(super) fn refusals(&self) -> impl Iterator<Item = (RefusalCode, u64)> {
        let counts = self.refused.iter().map(Counter::value);
        RefusalCode::ALL.iter().copied().zip(counts)
    }
}

macro_rules! edge_cells {
    ($($field:ident)* ; $($socket:ident)*) => {
        /// Copies of what the edge and its sockets have counted.
        #[derive(Debug, Default)]
        pub(super) struct EdgeCells {
            $(pub(super) $field: Counter,)*
            $(pub(super) $socket: Counter,)*
        }

        impl EdgeCells {
            fn copy(&self, counters: &Counters) {
                $(self.$field.copy(counters.$field);)*
            }

            fn copy_sockets(&self, counters: &SocketCounters) {
                $(self.$socket.copy(counters.$socket);)*
            }
        }
    };
}

edge_cells! {
    datagrams_in bytes_in datagrams_out bytes_out forwarded_in malformed refused_rate
    handshakes_started handshakes_completed handshakes_failed handshakes_timed_out retries
    refused_alpn refused_full refused_farewells refused_pending deferred_global_rate
    refused_address_rate refused_malformed connected closed closed_too_slow
    closed_control_stream closed_timed_out unreliable_in unreliable_out stream_bytes_in
    stream_bytes_out;
    receive_overflows send_blocked send_failed receive_calls send_calls
}
