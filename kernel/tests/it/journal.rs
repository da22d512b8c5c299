//! The journal: its bytes, and replays from it.

use orrery_base::{GridId, ShardIndex, Tick};
use orrery_kernel::dilation::Dilation;
use orrery_kernel::grid::Grid;
use orrery_kernel::journal::{self, BeatRecord};
use orrery_kernel::lockstep::Lockstep;
use orrery_kernel::probe::NoProbe;
use orrery_kernel::replay::{ReplayError, replay_grid};
use orrery_kernel::rules::{Envelope, Stamped};
use proptest::prelude::*;

use crate::script::{CONFIG, GRIDS, assert_same, context, game, inputs, trace};
use crate::toy::{Toy, ToyInput, ToyMessage, ship, ship_id};

/// Plays and journals, as two shards: grid 1 on the one, the others on the other.
fn journal_of(game: &mut Lockstep<Toy>, beats: u64) -> (Vec<Vec<u8>>, Vec<crate::script::Trace>) {
    let mut journal = Vec::new();
    let mut traces = Vec::new();
    for _ in 0..beats {
        let output = game.beat(inputs(game.tick().next()));
        for shard in 0..2 {
            let is_here = |grid: GridId| u16::from(grid != GRIDS[0]) == shard;
            let records: Vec<_> = output.grids.iter().map(|beat| &beat.record).collect();
            let records: Vec<_> = records.into_iter().filter(|r| is_here(r.grid)).collect();
            let mut bytes = Vec::new();
            let (tick, shard) = (output.tick, ShardIndex(shard));
            journal::encode::<Toy>(tick, shard, records.into_iter(), &mut bytes);
            journal.push(bytes);
        }
        traces.push(trace(output));
    }
    (journal, traces)
}

fn restored(game: &Lockstep<Toy>) -> Lockstep<Toy> {
    let place = |grid: GridId| (3, grid.0 as usize);
    Lockstep::restore(CONFIG, &context(), 2, &game.checkpoint(), place).unwrap()
}

#[test]
fn a_replay_gives_the_same_as_the_original() {
    let mut original = game(1, 1);
    journal_of(&mut original, 10);
    let mut replay = restored(&original);
    let (journal, expected) = journal_of(&mut original, 100);
    let mut found = Vec::new();
    for beat in journal.chunks(2) {
        let records = beat.iter().map(|bytes| BeatRecord::decode(bytes).unwrap());
        found.push(trace(replay.replay(records.collect()).unwrap()));
    }
    assert_same(&found, &expected, "replay");
    assert_eq!(replay.checkpoint(), original.checkpoint());
}

#[test]
fn a_single_grid_is_replayed_without_its_neighbours() {
    let mut original = game(2, 2);
    journal_of(&mut original, 10);
    let checkpoint = original.checkpoint();
    let (journal, _) = journal_of(&mut original, 60);
    let mut grid: Grid<Toy> = Grid::restore(context(), 1, &checkpoint.grids[1].1)
        .unwrap()
        .0;
    for bytes in journal {
        let record = BeatRecord::<Toy>::decode(&bytes).unwrap();
        for grid_record in record.grids {
            if grid_record.grid == grid.id() {
                replay_grid(&mut grid, grid_record, &mut NoProbe).unwrap();
            }
        }
    }
    assert_eq!(grid.tick(), original.tick());
    assert_eq!(grid.digest(), original.grid(grid.id()).unwrap().digest());
}

#[test]
fn a_replay_that_diverges_is_noticed() {
    let mut original = game(1, 1);
    let mut replay = restored(&original);
    let (journal, _) = journal_of(&mut original, 1);
    let record = |n: usize| BeatRecord::<Toy>::decode(&journal[n]).unwrap();
    let mut wrong = record(0);
    wrong.grids[0].digest ^= 1;
    let error = replay.replay(vec![wrong]).map(trace).unwrap_err();
    assert!(matches!(
        error,
        ReplayError::Diverged {
            grid: GridId(1),
            tick: Tick(1),
            ..
        }
    ));
    let error = replay.replay(vec![record(0)]).map(trace).unwrap_err();
    let (expected, found) = (Tick(2), Tick(1));
    assert_eq!(error, ReplayError::Tick { expected, found });
    let mut unknown = record(0);
    unknown.tick = Tick(2);
    unknown.grids[0].grid = GridId(77);
    let error = replay.replay(vec![unknown]).map(trace).unwrap_err();
    assert_eq!(error, ReplayError::UnknownGrid { grid: GridId(77) });
}

fn input() -> impl Strategy<Value = ToyInput> {
    let id = (0..3_u32, 0..50_u32).prop_map(|(grid, n)| ship_id(GridId(grid), n));
    (id, any::<[i8; 3]>(), any::<u32>(), 0..4).prop_map(|(id, to, grid, kind)| match kind {
        0 => ToyInput::Steer(id, to),
        1 => ToyInput::Jump(id, GridId(grid)),
        2 => ToyInput::Dock(id),
        _ => ToyInput::Launch(id),
    })
}

fn message() -> impl Strategy<Value = ToyMessage> {
    prop_oneof![
        any::<u64>().prop_map(ToyMessage::News),
        any::<[i32; 3]>().prop_map(|at| ToyMessage::Arrive(ship_id(GridId(1), 1), ship(at))),
    ]
}

prop_compose! {
    fn grid_record(grid: GridId)(
        tick: u64,
        wall: u64,
        digest: u64,
        per_mille in 1..=1000_u16,
        mut inputs in prop::collection::vec(
            (any::<u64>(), any::<u64>(), input())
                .prop_map(|(source, sequence, input)| Stamped { source, sequence, input }), 0..6),
        mut arrivals in prop::collection::vec(
            (any::<u32>(), any::<u64>(), any::<u32>(), message())
                .prop_map(move |(from, sent, sequence, message)|
                    Envelope { from: GridId(from), to: grid, sent: Tick(sent), sequence, message }),
            0..4),
        sent in prop::collection::vec((any::<u32>(), message()), 0..4),
    ) -> orrery_kernel::grid::RecordOf<Toy> {
        inputs.sort_by_key(|input| (input.source, input.sequence));
        arrivals.sort_by_key(|envelope| (envelope.from, envelope.sent, envelope.sequence));
        let (tick, wall) = (Tick(tick), Tick(wall));
        let sent = (0..).zip(sent).map(|(sequence, (to, message))| Envelope {
            from: grid, to: GridId(to), sent: tick, sequence, message });
        let sent = sent.collect();
        let dilation = Dilation::new(per_mille).unwrap();
        orrery_kernel::grid::GridRecord {
            grid, tick, wall, dilation, digest, inputs, arrivals, sent }
    }
}

prop_compose! {
    fn beat_record()(
        tick: u64,
        shard: u16,
        grids in prop::collection::btree_set(any::<u32>(), 0..4)
            .prop_flat_map(|ids| ids.into_iter().map(|id| grid_record(GridId(id)))
                .collect::<Vec<_>>()),
    ) -> BeatRecord<Toy> {
        BeatRecord { tick: Tick(tick), shard: ShardIndex(shard), grids }
    }
}

/// The bytes with a checksum that is right.
fn reseal(bytes: &mut [u8]) {
    let end = bytes.len() - 4;
    let checksum = crc32c::crc32c(&bytes[..end]);
    bytes[end..].copy_from_slice(&checksum.to_le_bytes());
}

proptest! {
    #[test]
    fn decode_undoes_encode(record in beat_record(), before in any::<[u8; 3]>()) {
        let mut bytes = before.to_vec();
        record.encode(&mut bytes);
        prop_assert_eq!(&bytes[..3], &before);
        let decoded = BeatRecord::<Toy>::decode(&bytes[3..]).unwrap();
        prop_assert_eq!(decoded.tick, record.tick);
        prop_assert_eq!(decoded.shard, record.shard);
        prop_assert_eq!(decoded.grids, record.grids);
    }

    #[test]
    fn damage_is_found(record in beat_record(), bit: prop::sample::Index) {
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        let bit = bit.index(bytes.len() * 8);
        prop_assert!(BeatRecord::<Toy>::decode(&bytes[..bit / 8]).is_err());
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(BeatRecord::<Toy>::decode(&bytes).is_err());
    }

    // Behind a right checksum, where only the decoder's own checks are left.
    #[test]
    fn no_bytes_make_it_panic(
        record in beat_record(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        noise in prop::option::weighted(0.2, prop::collection::vec(any::<u8>(), 4..80)),
    ) {
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        let mut bytes = noise.unwrap_or(bytes);
        let length = bytes.len();
        for (at, value) in flips {
            bytes[at.index(length)] = value;
        }
        reseal(&mut bytes);
        if let Ok(record) = BeatRecord::<Toy>::decode(&bytes) {
            // What it accepts is what it would write.
            let mut again = Vec::new();
            record.encode(&mut again);
            prop_assert_eq!(again, bytes.clone());
        }
    }
}
