//! A toy game that uses everything the kernel offers: ships fly, pull and shoot their nearest
//! neighbours, die, bud, dock, launch and jump between grids; rocks just lie there.
//!
//! Effects do not commute (`mark` mixes them in order), so that any disorder shows in a digest.

use std::sync::Arc;

use orrery_base::columns::columns;
use orrery_base::digest::{Digest, mix};
use orrery_base::{EntityId, GridId, ObjectId, Slot, Tick};
use orrery_kernel::codec::{DecodeError, Put, Reader};
use orrery_kernel::effects::{EffectBuffer, TargetedEffect};
use orrery_kernel::part::Part;
use orrery_kernel::rules::{
    BeatContext, Departure, Envelope, Output, RowOf, Rules, Stamped, Write,
};

columns! {
    /// Ships and rocks.
    #[derive(Eq)]
    pub(crate) struct ToyColumns;
    /// A ship or a rock.
    #[derive(Copy, Eq)]
    pub(crate) struct ToyRow {
        /// Where.
        pub position: [i32; 3],
        /// Per beat.
        pub velocity: [i32; 3],
        /// What is left; a rock has `ROCK`.
        pub hull: i32,
        /// Beats until the next shot.
        pub cooldown: u8,
        /// Mixes everything that ever happened to it, in order.
        pub mark: u64,
        /// The grid to jump to at the end of the beat, plus one; or 0.
        pub jump: u32,
    }
}

pub(crate) const ROCK: i32 = i32::MAX;
/// A hull that only misbehaving tests give.
pub(crate) const IMPOSSIBLE: i32 = i32::MIN;
pub(crate) const DIED: u8 = 1;
pub(crate) const JUMPED: u8 = 2;
pub(crate) const DOCKED: u8 = 3;
const FULL_HULL: i32 = 100;
const SPREAD_CM: i32 = 4_000;

/// How fresh grids are populated.
pub(crate) struct ToyContext {
    pub ships: u32,
    pub rocks: u32,
    /// Whether ships bud, so that the population lives on.
    pub do_bud: bool,
}

#[derive(Clone, Default, Debug, PartialEq)]
pub(crate) struct ToyLocal {
    pub docked: Vec<(EntityId, i32)>,
    pub buds: u64,
    pub mark: u64,
}

#[derive(Debug, PartialEq)]
pub(crate) struct ToyFrame {
    pub tick: Tick,
    pub ids: Vec<EntityId>,
    pub slots: Vec<Slot>,
    pub born: Vec<Tick>,
    pub positions: Vec<[i32; 3]>,
    pub is_ship: Vec<bool>,
    pub departures: Vec<Departure>,
    pub is_recycled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ToyInput {
    Steer(EntityId, [i8; 3]),
    Jump(EntityId, GridId),
    Dock(EntityId),
    Launch(EntityId),
    /// To misbehave on purpose.
    SpawnTwice(EntityId),
    DespawnFromPart0(EntityId),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ToyEffect {
    Pull([i32; 3]),
    Hit(i32),
    Bud([i32; 3]),
    Docking(i32),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ToyMessage {
    Arrive(EntityId, ToyRow),
    News(u64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ToyEvent {
    Shot(EntityId, i32),
    Died(EntityId, EntityId),
    Jumped(EntityId, GridId),
    Arrived(EntityId),
    Docked(EntityId),
    Launched(EntityId),
    Budded(EntityId, EntityId),
    Heard(u64),
}

pub(crate) struct Toy;

pub(crate) fn ship(position: [i32; 3]) -> ToyRow {
    ToyRow {
        position,
        velocity: [0; 3],
        hull: FULL_HULL,
        cooldown: 3,
        mark: 0,
        jump: 0,
    }
}

pub(crate) fn rock(position: [i32; 3]) -> ToyRow {
    ToyRow {
        hull: ROCK,
        ..ship(position)
    }
}

pub(crate) fn ship_id(grid: GridId, n: u32) -> EntityId {
    EntityId::minted(u64::from(grid.0) * 10_000 + u64::from(n))
}

fn somewhere(beat: &BeatContext<'_, Toy>, id: EntityId) -> [i32; 3] {
    let mut rng = beat.rng(id, 1);
    std::array::from_fn(|_| rng.below(2 * SPREAD_CM as u32) as i32 - SPREAD_CM)
}

/// The nearest other ship in all frames; of equally near ones that with the lowest id.
fn nearest(frames: &[Arc<ToyFrame>], id: EntityId, from: [i32; 3]) -> Option<(EntityId, [i32; 3])> {
    let ships = frames.iter().flat_map(|frame| {
        let rows = frame.ids.iter().zip(&frame.positions).zip(&frame.is_ship);
        rows.filter(|(_, is_ship)| **is_ship).map(|(ship, _)| ship)
    });
    let distance = |to: [i32; 3]| -> i64 {
        let squares = (0..3).map(|axis| (i64::from(to[axis]) - i64::from(from[axis])).pow(2));
        squares.sum()
    };
    ships
        .filter(|(other, _)| **other != id)
        .min_by_key(|(other, to)| (distance(**to), **other))
        .map(|(other, to)| (*other, *to))
}

impl Rules for Toy {
    const FORMAT: u32 = 7;
    type Context = ToyContext;
    type Columns = ToyColumns;
    type Local = ToyLocal;
    type Scratch = Vec<usize>;
    type Frame = ToyFrame;
    type Input = ToyInput;
    type Effect = ToyEffect;
    type Message = ToyMessage;
    type Event = ToyEvent;

    fn init(beat: &BeatContext<'_, Self>, part: &mut Part<Self>) {
        for n in 0..beat.context.ships {
            let id = ship_id(beat.grid, n);
            part.spawn(id, ship(somewhere(beat, id)));
        }
        for n in 1..=beat.context.rocks {
            let id = EntityId::of_object(ObjectId(n));
            part.spawn(id, rock(somewhere(beat, id)));
        }
    }

    fn route_input(input: &ToyInput) -> Option<EntityId> {
        match input {
            ToyInput::Steer(id, _) | ToyInput::Jump(id, _) | ToyInput::Dock(id) => Some(*id),
            _ => None,
        }
    }

    fn route_message(message: &ToyMessage) -> Option<EntityId> {
        match message {
            ToyMessage::Arrive(id, _) => Some(*id),
            ToyMessage::News(_) => None,
        }
    }

    fn gather(
        _: &BeatContext<'_, Self>,
        part: &mut Part<Self>,
        inputs: &[Stamped<ToyInput>],
        arrivals: &[Envelope<ToyMessage>],
        out: &mut Output<Self>,
    ) {
        for stamped in inputs {
            gather_input(part, stamped.input, out);
        }
        for envelope in arrivals {
            match envelope.message {
                ToyMessage::Arrive(id, row) => {
                    part.spawn(id, row);
                    out.event(id, ToyEvent::Arrived(id));
                }
                ToyMessage::News(news) => {
                    let local = part.local_mut();
                    local.mark = mix(local.mark ^ news ^ u64::from(envelope.from.0) << 40);
                    out.event(EntityId::NONE, ToyEvent::Heard(news));
                }
            }
        }
    }

    fn motion(beat: &BeatContext<'_, Self>, part: &mut Part<Self>) {
        let (ids, columns) = part.table.split_mut();
        for (row, id) in ids.iter().enumerate() {
            // Ships drift a little, each its own way.
            if columns.hull[row] != ROCK && beat.tick.is_every(4, id.0) {
                let push = beat.rng(*id, 2).below(7) as i32 - 3;
                columns.velocity[row][(id.0 % 3) as usize] += push;
            }
            for axis in 0..3 {
                columns.position[row][axis] += columns.velocity[row][axis];
                columns.velocity[row][axis] -= columns.velocity[row][axis] / 8;
            }
        }
    }

    fn frame(
        beat: &BeatContext<'_, Self>,
        part: &Part<Self>,
        departures: &[Departure],
        recycled: Option<ToyFrame>,
    ) -> ToyFrame {
        ToyFrame {
            tick: beat.tick,
            ids: part.table.ids().to_vec(),
            slots: part.table.slots().to_vec(),
            born: part.table.born().to_vec(),
            positions: part.table.columns().position.clone(),
            is_ship: part
                .table
                .columns()
                .hull
                .iter()
                .map(|hull| *hull != ROCK)
                .collect(),
            departures: departures.to_vec(),
            is_recycled: recycled.is_some(),
        }
    }

    fn interact(
        beat: &BeatContext<'_, Self>,
        part: &mut Part<Self>,
        frames: &[Arc<ToyFrame>],
        effects: &mut EffectBuffer<ToyEffect>,
    ) {
        // Through the scratch, to use it: the rows of the ships.
        let ships = &mut part.scratch;
        ships.clear();
        let (ids, columns) = part.table.split_mut();
        ships.extend((0..ids.len()).filter(|row| columns.hull[*row] != ROCK));
        for row in ships.iter().copied() {
            let (id, from) = (ids[row], columns.position[row]);
            if columns.jump[row] == u32::MAX {
                let hull = columns.hull[row];
                effects.emit(id, EntityId::NONE, ToyEffect::Docking(hull));
            }
            let Some((other, to)) = nearest(frames, id, from) else {
                continue;
            };
            let towards = std::array::from_fn(|axis| (to[axis] - from[axis]).signum());
            effects.emit(id, other, ToyEffect::Pull(towards.map(|t: i32| -t)));
            if columns.cooldown[row] == 0 {
                let damage = 2 + beat.rng(id, 3).below(9) as i32;
                // Two shots in a row: the second finds what the first has left.
                effects.emit(id, other, ToyEffect::Hit(damage));
                effects.emit(id, other, ToyEffect::Hit(damage / 2));
                columns.cooldown[row] = 5 + (id.0 % 7) as u8;
            } else {
                columns.cooldown[row] -= 1;
            }
            if beat.context.do_bud && beat.rng(id, 4).below(60) == 0 {
                effects.emit(id, EntityId::NONE, ToyEffect::Bud(from));
            }
        }
    }

    fn apply(
        beat: &BeatContext<'_, Self>,
        part: &mut Part<Self>,
        effects: &[TargetedEffect<ToyEffect>],
        out: &mut Output<Self>,
    ) {
        for effect in effects {
            if effect.target.is_some() {
                apply_to_ship(part, effect, out);
            } else {
                apply_to_local(beat, part, effect, out);
            }
        }
        leave(beat, part, out);
    }

    fn idle(part: &Part<Self>) -> bool {
        let is_still = |row: usize| {
            let columns = part.table.columns();
            columns.hull[row] == ROCK && columns.velocity[row] == [0; 3]
        };
        (0..part.table.len()).all(is_still)
    }

    fn verify(part: &Part<Self>) -> Result<(), String> {
        let hulls = &part.table.columns().hull;
        let broken = hulls.iter().position(|hull| *hull == IMPOSSIBLE);
        broken.map_or(Ok(()), |row| {
            Err(format!("{} has an impossible hull", part.table.ids()[row]))
        })
    }

    fn digest_row(part: &Part<Self>, row: usize) -> u64 {
        let columns = part.table.columns();
        Digest::new(0)
            .i32x3(columns.position[row])
            .i32x3(columns.velocity[row])
            .word(columns.hull[row] as u64)
            .word(u64::from(columns.cooldown[row]))
            .word(columns.mark[row])
            .word(u64::from(columns.jump[row]))
            .finish()
    }

    fn digest_local(local: &ToyLocal) -> u64 {
        let digest = Digest::new(1).word(local.buds).word(local.mark);
        let docked = local.docked.iter();
        docked
            .fold(digest, |d, (id, hull)| d.word(id.0).word(*hull as u64))
            .finish()
    }

    fn encode_row(part: &Part<Self>, row: usize, bytes: &mut Vec<u8>) {
        use orrery_base::columns::Columns;
        put_row(&part.table.columns().row(row), bytes);
    }

    fn decode_row(_: &ToyContext, bytes: &mut Reader<'_>) -> Result<RowOf<Self>, DecodeError> {
        read_row(bytes)
    }

    fn encode_local(local: &ToyLocal, bytes: &mut Vec<u8>) {
        bytes.put_varint(local.docked.len() as u64);
        for (id, hull) in &local.docked {
            bytes.put_u64(id.0);
            bytes.put_i32(*hull);
        }
        bytes.put_u64(local.buds);
        bytes.put_u64(local.mark);
    }

    fn decode_local(_: &ToyContext, bytes: &mut Reader<'_>) -> Result<ToyLocal, DecodeError> {
        let count = bytes.count(12)?;
        let mut docked = Vec::with_capacity(count);
        for _ in 0..count {
            docked.push((EntityId(bytes.u64()?), bytes.i32()?));
        }
        let (buds, mark) = (bytes.u64()?, bytes.u64()?);
        Ok(ToyLocal { docked, buds, mark })
    }

    fn encode_input(input: &ToyInput, bytes: &mut Vec<u8>) {
        let (kind, id) = match input {
            ToyInput::Steer(id, _) => (0, id),
            ToyInput::Jump(id, _) => (1, id),
            ToyInput::Dock(id) => (2, id),
            ToyInput::Launch(id) => (3, id),
            ToyInput::SpawnTwice(id) => (4, id),
            ToyInput::DespawnFromPart0(id) => (5, id),
        };
        bytes.put_u8(kind);
        bytes.put_u64(id.0);
        match input {
            ToyInput::Steer(_, to) => bytes.extend(to.map(|axis| axis as u8)),
            ToyInput::Jump(_, to) => bytes.put_u32(to.0),
            _ => {}
        }
    }

    fn decode_input(bytes: &mut Reader<'_>) -> Result<ToyInput, DecodeError> {
        let (kind, id) = (bytes.u8()?, EntityId(bytes.u64()?));
        Ok(match kind {
            0 => {
                let to = [bytes.u8()?, bytes.u8()?, bytes.u8()?];
                ToyInput::Steer(id, to.map(|axis| axis as i8))
            }
            1 => ToyInput::Jump(id, GridId(bytes.u32()?)),
            2 => ToyInput::Dock(id),
            3 => ToyInput::Launch(id),
            4 => ToyInput::SpawnTwice(id),
            5 => ToyInput::DespawnFromPart0(id),
            _ => return Err(DecodeError::Invalid("kind of input")),
        })
    }

    fn encode_message(message: &ToyMessage, bytes: &mut Vec<u8>) {
        match message {
            ToyMessage::Arrive(id, row) => {
                bytes.put_u64(id.0);
                put_row(row, bytes);
            }
            ToyMessage::News(news) => {
                bytes.put_u64(0);
                bytes.put_u64(*news);
            }
        }
    }

    fn decode_message(bytes: &mut Reader<'_>) -> Result<ToyMessage, DecodeError> {
        match EntityId(bytes.u64()?) {
            EntityId::NONE => Ok(ToyMessage::News(bytes.u64()?)),
            id => Ok(ToyMessage::Arrive(id, read_row(bytes)?)),
        }
    }
}

fn gather_input(part: &mut Part<Toy>, input: ToyInput, out: &mut Output<Toy>) {
    if let Some(row) = Toy::route_input(&input).and_then(|id| part.table.row_of(id)) {
        let columns = part.table.columns_mut();
        match input {
            ToyInput::Steer(_, to) => columns.velocity[row] = to.map(i32::from),
            ToyInput::Jump(_, to) => columns.jump[row] = to.0 + 1,
            ToyInput::Dock(_) => columns.jump[row] = u32::MAX,
            _ => {}
        }
    }
    match input {
        ToyInput::Launch(id) => {
            let local = part.local_mut();
            let Some(at) = local.docked.iter().position(|(docked, _)| *docked == id) else {
                return;
            };
            let (_, hull) = local.docked.remove(at);
            let row = ToyRow {
                hull,
                ..ship([0; 3])
            };
            part.spawn(id, row);
            out.event(EntityId::NONE, ToyEvent::Launched(id));
        }
        ToyInput::SpawnTwice(id) => {
            part.spawn(id, rock([0; 3]));
            part.spawn(id, rock([1; 3]));
        }
        ToyInput::DespawnFromPart0(id) => part.despawn(id, 9),
        _ => {}
    }
}

fn apply_to_ship(part: &mut Part<Toy>, effect: &TargetedEffect<ToyEffect>, out: &mut Output<Toy>) {
    let id = effect.target;
    let Some(row) = part.table.row_of(id) else {
        return;
    };
    let columns = part.table.columns_mut();
    let word = match effect.effect {
        ToyEffect::Pull(by) => {
            for (velocity, by) in columns.velocity[row].iter_mut().zip(by) {
                *velocity += by;
            }
            by[0] as u64
        }
        ToyEffect::Hit(damage) if columns.hull[row] > 0 => {
            columns.hull[row] -= damage;
            out.event(id, ToyEvent::Shot(id, damage));
            if columns.hull[row] <= 0 {
                out.event(id, ToyEvent::Died(id, effect.source));
                part.despawn(id, DIED);
            }
            damage as u64
        }
        _ => 0,
    };
    let columns = part.table.columns_mut();
    let word = word ^ u64::from(effect.sequence) << 32 ^ effect.source.0.rotate_left(17);
    columns.mark[row] = mix(columns.mark[row] ^ word);
    part.table.mark_dirty(row);
}

fn apply_to_local(
    beat: &BeatContext<'_, Toy>,
    part: &mut Part<Toy>,
    effect: &TargetedEffect<ToyEffect>,
    out: &mut Output<Toy>,
) {
    let local = part.local_mut();
    local.mark = mix(local.mark ^ effect.source.0);
    match effect.effect {
        ToyEffect::Bud(at) => {
            local.buds += 1;
            let id = EntityId::spawned(beat.grid, local.buds);
            part.spawn(id, ship(at.map(|axis| axis + 50)));
            out.event(EntityId::NONE, ToyEvent::Budded(effect.source, id));
        }
        ToyEffect::Docking(hull) => {
            local.docked.push((effect.source, hull));
            out.event(EntityId::NONE, ToyEvent::Docked(effect.source));
        }
        _ => {}
    }
}

/// Those who jump or have docked leave; the news of the dead goes round.
fn leave(beat: &BeatContext<'_, Toy>, part: &mut Part<Toy>, out: &mut Output<Toy>) {
    use orrery_base::columns::Columns;
    for row in 0..part.table.len() {
        let id = part.table.ids()[row];
        let mut ship = part.table.columns().row(row);
        if ship.hull <= 0 {
            // To either of the other two, so that each hears from both.
            let other = GridId((beat.grid.0 + (id.0 % 2) as u32) % 3 + 1);
            out.message(id, other, ToyMessage::News(ship.mark));
            let key = id.0.to_le_bytes().to_vec();
            out.write(
                id,
                Write {
                    domain: 5,
                    key,
                    value: None,
                },
            );
        } else if ship.jump == u32::MAX {
            part.requests.despawn(id, DOCKED);
        } else if ship.jump != 0 {
            let to = GridId(ship.jump - 1);
            ship.jump = 0;
            out.message(id, to, ToyMessage::Arrive(id, ship));
            out.event(id, ToyEvent::Jumped(id, to));
            let value = Some(to.0.to_le_bytes().to_vec());
            let key = id.0.to_le_bytes().to_vec();
            out.write(
                id,
                Write {
                    domain: 5,
                    key,
                    value,
                },
            );
            part.despawn(id, JUMPED);
        }
    }
}

fn put_row(row: &ToyRow, bytes: &mut Vec<u8>) {
    for axis in row.position.iter().chain(&row.velocity) {
        bytes.put_i32(*axis);
    }
    bytes.put_i32(row.hull);
    bytes.put_u8(row.cooldown);
    bytes.put_u64(row.mark);
    bytes.put_u32(row.jump);
}

fn read_row(bytes: &mut Reader<'_>) -> Result<ToyRow, DecodeError> {
    Ok(ToyRow {
        position: [bytes.i32()?, bytes.i32()?, bytes.i32()?],
        velocity: [bytes.i32()?, bytes.i32()?, bytes.i32()?],
        hull: bytes.i32()?,
        cooldown: bytes.u8()?,
        mark: bytes.u64()?,
        jump: bytes.u32()?,
    })
}
