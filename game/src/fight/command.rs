//! What pilots command in a fight, judged and carried out on their own ship.
//!
//! Reads the ship, the contacts and the content; changes locks and modules. A refusal changes
//! nothing. What a module does happens in [`super::step`], in the same beat.

use super::{Fighter, LOCKS_MAX, Lock, Sights, distance_m, slot_number};
use crate::content::{Aim, Content, Effect};
use crate::fitting::ModuleStats;
use crate::lock::{Lost, Situation, lost, time_beats};
use crate::range;
use orrery_base::command::RejectCode;
use orrery_base::{CharacterId, EntityId, Tick, TypeId};

/// Where a ship is, and who flies it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Seat {
    /// The ship.
    pub id: EntityId,
    /// Its pilot.
    pub character: CharacterId,
    /// Its hull.
    pub hull: TypeId,
    /// Where it is, centimetres.
    pub position_cm: [i32; 3],
    /// How it moves, 2⁻¹⁴ centimetres per beat.
    pub velocity: [i32; 3],
    /// Its radius, centimetres.
    pub radius_cm: i32,
}

/// Begins to lock a target; one that is locked already stays as it is.
///
/// # Errors
/// Not there, no ship, out of range, jammed, too many.
pub fn lock(
    tick: Tick,
    seat: &Seat,
    fighter: &mut Fighter,
    target: EntityId,
    sights: &impl Sights,
) -> Result<(), RejectCode> {
    if fighter.locks.iter().any(|it| it.target == target) {
        return Ok(());
    }
    let sight = sights.sight(target).ok_or(RejectCode::TargetUnknown)?;
    if !sight.is_ship {
        return Err(RejectCode::NotLockable);
    }
    let stats = fighter.stats();
    let situation = Situation {
        is_present: true,
        is_jammed: fighter.is_jammed(),
        is_jammer: fighter.is_jammed_by(target),
        distance_m: distance_m(seat.position_cm, seat.radius_cm, &sight),
        range_m: stats.targeting_range_m,
        ..Situation::default()
    };
    match lost(&situation) {
        None => {}
        Some(Lost::Jam) => return Err(RejectCode::Jammed),
        Some(_) => return Err(RejectCode::TargetOutOfRange),
    }
    if fighter.locks.len() >= usize::from(stats.targets_max).min(LOCKS_MAX) {
        return Err(RejectCode::TooManyTargets);
    }
    let wait = time_beats(stats.scan_resolution_mm, sight.signature_m);
    fighter.locks.push(Lock {
        target,
        since: tick,
        done: tick.plus(u64::from(wait)),
    });
    Ok(())
}

/// Lets go of a target.
///
/// # Errors
/// It is not locked.
pub fn unlock(fighter: &mut Fighter, target: EntityId) -> Result<(), RejectCode> {
    let at = fighter.locks.iter().position(|it| it.target == target);
    fighter.locks.remove(at.ok_or(RejectCode::TargetNotLocked)?);
    Ok(())
}

/// Switches a module on. Its first cycle begins in this beat.
///
/// # Errors
/// No such module, it does nothing by itself or nothing that ships can do yet, it works already,
/// its target is not locked or out of range, there is not enough capacitor, or another of its
/// group is at work.
pub fn activate(
    tick: Tick,
    seat: &Seat,
    fighter: &mut Fighter,
    content: &Content,
    slot: u8,
    target: Option<EntityId>,
    sights: &impl Sights,
) -> Result<(), RejectCode> {
    let at = place(fighter, slot)?;
    let stats = fighter.stats();
    let module = &stats.modules[at];
    may_work(&module.effect)?;
    if fighter.modules[at].is_on {
        return Err(RejectCode::ModuleBusy);
    }
    group(fighter, content, at)?;
    let mut aimed = EntityId::NONE;
    if module.effect.aim() == Aim::Target {
        let target = target.ok_or(RejectCode::TargetNotLocked)?;
        if !fighter.has_locked(target, tick) {
            return Err(RejectCode::TargetNotLocked);
        }
        let sight = sights.sight(target).ok_or(RejectCode::TargetUnknown)?;
        let distance = distance_m(seat.position_cm, seat.radius_cm, &sight);
        if !reaches(module, distance) {
            return Err(RejectCode::TargetOutOfRange);
        }
        aimed = target;
    }
    if module.effect.needs_charge() && module.charge.is_none() {
        return Err(RejectCode::NotLoaded);
    }
    if fighter.capacitor.value_at(tick) < module.capacitor_gj {
        return Err(RejectCode::CapacitorEmpty);
    }
    if matches!(module.effect, Effect::MicrowarpDrive { .. }) && fighter.is_scrambled() {
        return Err(RejectCode::Scrambled);
    }
    let work = &mut fighter.modules[at];
    work.is_on = true;
    work.target = aimed;
    Ok(())
}

/// Switches a module off: it rests when its cycle is over.
///
/// # Errors
/// There is none in that slot, or it rests.
pub fn deactivate(fighter: &mut Fighter, slot: u8) -> Result<(), RejectCode> {
    let at = place(fighter, slot)?;
    let work = &mut fighter.modules[at];
    if !work.is_on {
        return Err(RejectCode::ModuleResting);
    }
    work.is_on = false;
    Ok(())
}

/// Switches the ship's first afterburner or microwarp drive on or off; it may be so already.
///
/// # Errors
/// There is none; as [`activate`].
pub fn afterburner(
    tick: Tick,
    seat: &Seat,
    fighter: &mut Fighter,
    content: &Content,
    on: bool,
) -> Result<(), RejectCode> {
    let drive = |it: &&ModuleStats| is_drive(&it.effect);
    let found = fighter.stats().modules.iter().find(drive);
    let slot = match found {
        Some(module) => slot_number(module.slot),
        None if on => return Err(RejectCode::NoAfterburner),
        None => return Ok(()),
    };
    let at = place(fighter, slot)?;
    if fighter.modules[at].is_on == on {
        return Ok(());
    }
    if on {
        let nobody = |_| None;
        activate(tick, seat, fighter, content, slot, None, &nobody)
    } else {
        deactivate(fighter, slot)
    }
}

/// It drives the ship.
pub(super) const fn is_drive(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Afterburner { .. } | Effect::MicrowarpDrive { .. }
    )
}

/// The place in the fit of the module in a slot.
fn place(fighter: &Fighter, slot: u8) -> Result<usize, RejectCode> {
    let modules = &fighter.stats().modules;
    let at = modules.iter().position(|it| slot_number(it.slot) == slot);
    at.filter(|&at| at < fighter.modules.len())
        .ok_or(RejectCode::NoModule)
}

/// The module works at this distance: turrets always, missiles as far as they fly, others to
/// three falloffs beyond their optimal range.
pub(super) fn reaches(module: &ModuleStats, distance_m: f64) -> bool {
    match (&module.effect, &module.flight) {
        (Effect::Turret { .. }, _) => true,
        (Effect::Launcher { .. }, Some(flight)) => {
            distance_m <= crate::missile::range_m(flight.speed_m_per_s, 0.0, flight.flight_s)
        }
        _ => range::may_activate(distance_m, module.optimal_m, module.falloff_m),
    }
}

/// Which effects there are in space today; the others are refused.
const fn may_work(effect: &Effect) -> Result<(), RejectCode> {
    match effect {
        Effect::Passive => Err(RejectCode::ModulePassive),
        Effect::Active
        | Effect::Turret { .. }
        | Effect::Launcher { .. }
        | Effect::Afterburner { .. }
        | Effect::MicrowarpDrive { .. }
        | Effect::ShieldBooster { .. }
        | Effect::ArmourRepairer { .. }
        | Effect::HullRepairer { .. }
        | Effect::RemoteShield { .. }
        | Effect::RemoteArmour { .. }
        | Effect::RemoteHull { .. }
        | Effect::RemoteCapacitor { .. }
        | Effect::Webifier { .. }
        | Effect::WarpDisruptor { .. }
        | Effect::WarpScrambler { .. }
        | Effect::TargetPainter { .. }
        | Effect::SensorDampener { .. }
        | Effect::RemoteSensor { .. }
        | Effect::TrackingDisruptor { .. }
        | Effect::RemoteTracking { .. }
        | Effect::GuidanceDisruptor { .. }
        | Effect::Jammer { .. }
        | Effect::Neutraliser { .. } => Ok(()),
        _ => Err(RejectCode::ModuleUnusable),
    }
}

/// No more of a group are at work than may be.
fn group(fighter: &Fighter, content: &Content, at: usize) -> Result<(), RejectCode> {
    let modules = &fighter.stats().modules;
    let own = &modules[at];
    let most = content
        .module(own.module)
        .and_then(|it| it.group_active_max)
        .map_or(usize::MAX, usize::from);
    let same = modules.iter().zip(&fighter.modules);
    let active = same
        .filter(|(it, work)| it.group == own.group && (work.is_on || work.is_busy()))
        .count();
    // Its own last cycle may still run.
    let others = active - usize::from(fighter.modules[at].is_busy());
    if others < most {
        Ok(())
    } else {
        Err(RejectCode::GroupActive)
    }
}
