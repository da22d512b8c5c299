//! The bytes of a row's fight, and its digest. What is derived is in neither.
//!
//! Floats are written as their bits. A fighter begins with a section that holds its fit in the
//! fit's own encoding.

use std::sync::Arc;

use orrery_base::digest::Digest;
use orrery_base::{CharacterId, ClientId, EntityId, ShardIndex, Tick, TypeId};
use orrery_game::attribute::Attribute;
use orrery_game::fight::{
    Deed, EXTERNALS_MAX, External, FLIGHTS_MAX, Fighter, Flight, LOCKS_MAX, Lock, PARTICIPANTS_MAX,
    Participant, Work, slot_number,
};
use orrery_game::fitting::{self, ExternalModifier};
use orrery_game::missile::Warhead;
use orrery_game::recharge::Pool;
use orrery_game::timers::Timers;
use orrery_kernel::codec::{DecodeError, Put as _, Reader};

use super::{Fight, FightColumns};

const INVALID: DecodeError = DecodeError::Invalid("fight");

fn put_f64(bytes: &mut Vec<u8>, value: f64) {
    bytes.put_u64(value.to_bits());
}

fn take_f64(bytes: &mut Reader<'_>) -> Result<f64, DecodeError> {
    let value = f64::from_bits(bytes.u64()?);
    if value.is_nan() {
        Err(INVALID)
    } else {
        Ok(value)
    }
}

/// A list, as long as it is and no longer than `most`.
fn take_list<T>(
    bytes: &mut Reader<'_>,
    most: usize,
    mut one: impl FnMut(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let count = bytes.count(1)?;
    if count > most {
        return Err(INVALID);
    }
    (0..count).map(|_| one(bytes)).collect()
}

/// Appends the fight of a row.
pub fn encode(fight: &Fight, bytes: &mut Vec<u8>) {
    bytes.put_u64(fight.died);
    bytes.put_u64(fight.expires);
    bytes.put_varint(fight.attackers.len() as u64);
    for (character, client, edge) in &fight.attackers {
        bytes.put_u64(character.0);
        bytes.put_u64(client.0);
        bytes.put_u16(edge.0);
    }
    bytes.put_flag(fight.fighter.is_some());
    if let Some(fighter) = &fight.fighter {
        put_fighter(fighter, bytes);
    }
}

/// The counterpart of [`encode`]; nothing is derived.
///
/// # Errors
/// If the bytes are not what it writes.
pub fn decode(bytes: &mut Reader<'_>) -> Result<Fight, DecodeError> {
    let (died, expires) = (bytes.u64()?, bytes.u64()?);
    let attackers = take_list(bytes, super::ATTACKERS_MAX, |bytes| {
        Ok((
            CharacterId(bytes.u64()?),
            ClientId(bytes.u64()?),
            ShardIndex(bytes.u16()?),
        ))
    })?;
    let fighter = if bytes.flag()? {
        Some(Box::new(take_fighter(bytes)?))
    } else {
        None
    };
    Ok(Fight {
        fighter,
        attackers,
        died,
        expires,
    })
}

fn put_fighter(fighter: &Fighter, bytes: &mut Vec<u8>) {
    let fit = fitting::encode(&fighter.fit);
    bytes.put_section(|bytes| bytes.extend_from_slice(&fit));
    for pool in [&fighter.capacitor, &fighter.shield] {
        let (anchor, at_anchor, capacity, tau_s) = pool.parts();
        bytes.put_u64(anchor.0);
        for it in [at_anchor, capacity, tau_s] {
            put_f64(bytes, it);
        }
    }
    put_f64(bytes, fighter.armour_hp);
    put_f64(bytes, fighter.hull_hp);
    bytes.put_varint(fighter.locks.len() as u64);
    for lock in &fighter.locks {
        for it in [lock.target.0, lock.since.0, lock.done.0] {
            bytes.put_u64(it);
        }
    }
    for work in &fighter.modules {
        bytes.put_u8(u8::from(work.is_on) | u8::from(work.is_reloading) << 1);
        for it in [work.target.0, work.start.0, work.end.0] {
            bytes.put_u64(it);
        }
        bytes.put_u32(work.charges);
    }
    bytes.put_varint(fighter.externals.len() as u64);
    for external in &fighter.externals {
        put_external(external, bytes);
    }
    bytes.put_varint(fighter.flights.len() as u64);
    for flight in &fighter.flights {
        put_flight(flight, bytes);
    }
    for it in fighter.timers.ends() {
        bytes.put_u64(it.0);
    }
    bytes.put_varint(fighter.participants.len() as u64);
    for it in &fighter.participants {
        bytes.put_u64(it.character.0);
        bytes.put_u32(it.hull.0);
        put_f64(bytes, it.damage);
        bytes.put_u64(it.last.0);
    }
    bytes.put_u64(fighter.final_blow.0);
}

fn take_fighter(bytes: &mut Reader<'_>) -> Result<Fighter, DecodeError> {
    let fit = fitting::decode(bytes.section()?.rest()).map_err(|_| INVALID)?;
    let modules = fit.modules().len();
    let [capacitor, shield] = [take_pool(bytes)?, take_pool(bytes)?];
    let (armour_hp, hull_hp) = (take_f64(bytes)?, take_f64(bytes)?);
    let locks = take_list(bytes, LOCKS_MAX, |bytes| {
        Ok(Lock {
            target: EntityId(bytes.u64()?),
            since: Tick(bytes.u64()?),
            done: Tick(bytes.u64()?),
        })
    })?;
    let modules = (0..modules).map(|_| take_work(bytes));
    let modules = modules.collect::<Result<Vec<_>, _>>()?;
    let externals = take_list(bytes, EXTERNALS_MAX, take_external)?;
    let flights = take_list(bytes, FLIGHTS_MAX, take_flight)?;
    let mut ends = [Tick(0); 5];
    for end in &mut ends {
        *end = Tick(bytes.u64()?);
    }
    let participants = take_list(bytes, PARTICIPANTS_MAX, |bytes| {
        Ok(Participant {
            character: CharacterId(bytes.u64()?),
            hull: TypeId(bytes.u32()?),
            damage: take_f64(bytes)?,
            last: Tick(bytes.u64()?),
        })
    })?;
    Ok(Fighter {
        fit: Arc::new(fit),
        derived: None,
        capacitor,
        shield,
        armour_hp,
        hull_hp,
        locks,
        modules,
        externals,
        flights,
        timers: Timers::from_ends(ends),
        participants,
        final_blow: CharacterId(bytes.u64()?),
    })
}

fn take_pool(bytes: &mut Reader<'_>) -> Result<Pool, DecodeError> {
    let anchor = Tick(bytes.u64()?);
    let (at_anchor, capacity) = (take_f64(bytes)?, take_f64(bytes)?);
    Pool::from_parts(anchor, at_anchor, capacity, take_f64(bytes)?).ok_or(INVALID)
}

fn take_work(bytes: &mut Reader<'_>) -> Result<Work, DecodeError> {
    let flags = bytes.u8()?;
    if flags > 3 {
        return Err(INVALID);
    }
    Ok(Work {
        is_on: flags & 1 != 0,
        is_reloading: flags & 2 != 0,
        target: EntityId(bytes.u64()?),
        start: Tick(bytes.u64()?),
        end: Tick(bytes.u64()?),
        charges: bytes.u32()?,
    })
}

fn put_flight(flight: &Flight, bytes: &mut Vec<u8>) {
    bytes.put_u64(flight.target.0);
    bytes.put_u8(flight.slot);
    bytes.put_u64(flight.arrives.0);
    for it in flight.volley {
        put_f64(bytes, it);
    }
    let warhead = &flight.warhead;
    put_f64(bytes, warhead.explosion_radius_m);
    put_f64(bytes, warhead.explosion_velocity_m_per_s);
    put_f64(bytes, warhead.reduction_exponent);
}

fn take_flight(bytes: &mut Reader<'_>) -> Result<Flight, DecodeError> {
    let (target, slot) = (EntityId(bytes.u64()?), bytes.u8()?);
    let arrives = Tick(bytes.u64()?);
    let mut volley = [0.0; 4];
    for kind in &mut volley {
        *kind = take_f64(bytes)?;
    }
    Ok(Flight {
        target,
        slot,
        arrives,
        volley,
        warhead: Warhead {
            explosion_radius_m: take_f64(bytes)?,
            explosion_velocity_m_per_s: take_f64(bytes)?,
            reduction_exponent: take_f64(bytes)?,
        },
    })
}

fn put_external(external: &External, bytes: &mut Vec<u8>) {
    bytes.put_u64(external.source.0);
    bytes.put_u8(external.slot);
    bytes.put_u64(external.until.0);
    match &external.deed {
        Deed::Change(modifiers) => {
            bytes.put_u8(1);
            bytes.put_varint(modifiers.len() as u64);
            for it in modifiers {
                bytes.put_u8(it.attribute.number());
                put_f64(bytes, it.percent);
                bytes.put_flag(it.is_hostile);
            }
        }
        Deed::Disrupt {
            strength,
            scrambles,
        } => {
            bytes.put_u8(2);
            put_f64(bytes, *strength);
            bytes.put_flag(*scrambles);
        }
        Deed::Jam => bytes.put_u8(3),
        Deed::Repair { layer, rate } => {
            bytes.put_u8(4);
            bytes.put_u8(*layer);
            put_f64(bytes, *rate);
        }
    }
}

fn take_external(bytes: &mut Reader<'_>) -> Result<External, DecodeError> {
    let (source, slot) = (EntityId(bytes.u64()?), bytes.u8()?);
    let until = Tick(bytes.u64()?);
    let deed = match bytes.u8()? {
        1 => Deed::Change(take_list(bytes, 4, |bytes| {
            let number = bytes.u8()?;
            let attribute = Attribute::ALL.into_iter().find(|it| it.number() == number);
            Ok(ExternalModifier {
                attribute: attribute.ok_or(INVALID)?,
                percent: take_f64(bytes)?,
                is_hostile: bytes.flag()?,
            })
        })?),
        2 => Deed::Disrupt {
            strength: take_f64(bytes)?,
            scrambles: bytes.flag()?,
        },
        3 => Deed::Jam,
        4 => Deed::Repair {
            layer: bytes.u8()?,
            rate: take_f64(bytes)?,
        },
        _ => return Err(INVALID),
    };
    Ok(External {
        source,
        slot,
        until,
        deed,
    })
}

/// The digest of the fight of a row. A field that is missing in a pattern below does not compile.
/// Skills and drones of a fit do not change while a ship is in space: their numbers stand for them.
#[must_use]
pub fn digest(columns: &FightColumns, row: usize) -> u64 {
    let mut digest = Digest::new(columns.died[row]).word(columns.expires[row]);
    for (character, client, edge) in &columns.attackers[row] {
        digest = digest.word(character.0).word(client.0);
        digest = digest.word(u64::from(edge.0));
    }
    match &columns.fighter[row] {
        Some(fighter) => of_fighter(digest.word(1), fighter).finish(),
        None => digest.finish(),
    }
}

fn of_fighter(mut digest: Digest, fighter: &Fighter) -> Digest {
    let Fighter {
        fit,
        derived: _,
        capacitor,
        shield,
        armour_hp,
        hull_hp,
        locks,
        modules,
        externals,
        flights,
        timers,
        participants,
        final_blow,
    } = fighter;
    let counts = [fit.skills.levels().len(), fit.drones().len(), locks.len()];
    let more = [externals.len(), flights.len(), participants.len()];
    digest = digest.word(u64::from(fit.hull.0)).word(final_blow.0);
    for count in counts.into_iter().chain(more) {
        digest = digest.word(count as u64);
    }
    for (anchor, at_anchor, capacity, tau_s) in [capacitor.parts(), shield.parts()] {
        digest = digest.word(anchor.0).word(at_anchor.to_bits());
        digest = digest.word(capacity.to_bits()).word(tau_s.to_bits());
    }
    digest = digest.word(armour_hp.to_bits()).word(hull_hp.to_bits());
    for (fitted, work) in fit.modules().iter().zip(modules) {
        let state = slot_number(fitted.slot) | (fitted.state as u8) << 5;
        let flags = u8::from(work.is_on) | u8::from(work.is_reloading) << 1;
        let charge = fitted.charge.map_or(0, |it| it.0.0);
        let small = u64::from(state) | u64::from(flags) << 8 | u64::from(charge) << 32;
        digest = digest
            .word(small)
            .word(u64::from(fitted.module.0) << 32 | u64::from(work.charges));
        digest = digest
            .word(work.target.0)
            .word(work.start.0)
            .word(work.end.0);
    }
    for lock in locks {
        digest = digest
            .word(lock.target.0)
            .word(lock.since.0)
            .word(lock.done.0);
    }
    for end in timers.ends() {
        digest = digest.word(end.0);
    }
    for it in participants {
        digest = digest.word(it.character.0).word(u64::from(it.hull.0));
        digest = digest.word(it.damage.to_bits()).word(it.last.0);
    }
    if externals.is_empty() && flights.is_empty() {
        return digest;
    }
    // These are rare, and of many shapes: their bytes.
    let mut bytes = Vec::with_capacity(64 * (externals.len() + flights.len()));
    externals.iter().for_each(|it| put_external(it, &mut bytes));
    flights.iter().for_each(|it| put_flight(it, &mut bytes));
    digest.bytes(&bytes)
}
