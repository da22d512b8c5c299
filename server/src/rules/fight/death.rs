//! What comes of a ship whose hull is gone.
//!
//! Beat T: a blow takes the last of the hull. Beat T + 1, phase B: the ship's part says so to the
//! grid, with the ship's row. Phase C: part 0 gives out ids and puts the pod and the wreck into
//! space; the ship's part leaves a trace in the place of the ship, for clients that come with the
//! character's older row. A pod has no pod: its pilot wakes up in a new one, in the first station
//! of the grid.
//!
//! Everything of a death is in one beat's batch: the character's row, the owners of the lost ship
//! and of the pod, the kill report.

use orrery_base::columns::Columns as _;
use orrery_base::{EntityId, TypeId};
use orrery_game::columns::{Kind, Ship};
use orrery_game::content::ContainerRole;
use orrery_kernel::part::Part;
use orrery_kernel::rules::{BeatContext, Output, Write};
use orrery_services::character::{Location, ShipOwner};
use orrery_storage::Domain;

use super::super::Space;
use super::super::columns::{Pilot, Presence, SpaceColumns, SpaceRow};
use super::super::input::EventKind;
use super::super::presence::character_write;
use super::{Fight, claims, kill, tell};

/// Part 0: the pod, the wreck and the rows of a ship that is lost. `row` is as it was in phase B.
pub(super) fn settle(
    beat: &BeatContext<'_, Space>,
    part: &mut Part<Space>,
    out: &mut Output<Space>,
    ship: EntityId,
    row: &SpaceRow,
) {
    let local = part.local_mut();
    let pod = EntityId::spawned(beat.grid, local.serial + 1);
    let wreck = EntityId::spawned(beat.grid, local.serial + 2);
    local.serial += 2;
    let wreck_row = wreck_of(beat, row);
    let remains = wreck_row.as_ref().map(|_| wreck);
    claims::destroyed(beat, out, (row.ship.owner, ship), (remains, wreck));
    tell_of_kill(beat, out, EntityId::NONE, row);
    if let Some(wreck_row) = wreck_row {
        part.spawn(wreck, wreck_row);
    }
    let Some(pod_row) = pod_of(beat, row) else {
        return;
    };
    let location = Location::InSpace {
        grid: beat.grid,
        position_cm: pod_row.ship.position_cm(),
        velocity: pod_row.ship.motion().velocity,
    };
    let hull = pod_row.ship.type_id;
    let stored = pod_row.character_row(pod, location);
    out.write(EntityId::NONE, character_write(&stored));
    out.write(EntityId::NONE, owner_write(ship, None));
    let owner = ShipOwner {
        character: row.ship.owner,
        type_id: hull,
    };
    out.write(EntityId::NONE, owner_write(pod, Some(owner)));
    let client = (row.pilot.client, row.pilot.edge);
    let grid = beat.grid;
    let seated = EventKind::Seated { ship: pod, hull };
    tell(beat, out, EntityId::NONE, client, seated);
    let in_space = EventKind::InSpace { grid, ship: pod };
    tell(beat, out, EntityId::NONE, client, in_space);
    part.spawn(pod, pod_row);
}

/// The owner's part: the rows of ships that are lost become traces; pods are replaced.
pub(super) fn bury(beat: &BeatContext<'_, Space>, part: &mut Part<Space>, out: &mut Output<Space>) {
    let dying = core::mem::take(&mut part.scratch.fight.dying);
    for &ship in &dying {
        let Some(row) = part.table.row_of(ship) else {
            continue;
        };
        let columns = part.table.columns_mut();
        columns.fight.died[row] = beat.tick.0;
        let hull = beat.context.content.ship(columns.ship.type_id[row]);
        if hull.is_some_and(|it| it.systems.is_capsule) {
            wake_up(beat, columns, out, ship, row);
        } else {
            columns.fight.fighter[row] = None;
            columns.fight.attackers[row].clear();
            columns.leave_trace(row, Some(beat.grid), beat);
        }
    }
    part.scratch.fight.dying = dying;
}

/// A pod is lost: its pilot is in a new one, docked.
fn wake_up(
    beat: &BeatContext<'_, Space>,
    columns: &mut SpaceColumns,
    out: &mut Output<Space>,
    pod: EntityId,
    row: usize,
) {
    tell_of_kill(beat, out, pod, &columns.row(row));
    columns.halt(row, beat.tick);
    let mut whole = columns.ship.row(row);
    [whole.shield, whole.armour, whole.hull] = [orrery_game::columns::VITAL_FULL; 3];
    columns.fight.fighter[row] = Fight::of_ship(beat.context, &whole, beat.tick).fighter;
    columns.fight.attackers[row].clear();
    columns.ship.set_row(row, whole);
    columns.ship.state_tick[row] = beat.tick.next().0;
    let mut fixtures = beat.context.fixtures_of(beat.grid);
    let Some(station) = fixtures.find(|it| it.kind == Kind::Station) else {
        // No station is near: the new pod is where the old one was.
        let stored = columns.next_character_row(row, pod, beat.grid);
        out.write(pod, character_write(&stored));
        return;
    };
    columns.pilot.presence[row] = Presence::Docked as u8;
    columns.pilot.place[row] = station.entity.0;
    columns.pilot.since[row] = beat.tick.next().0;
    let stored = columns.next_character_row(row, pod, beat.grid);
    out.write(pod, character_write(&stored));
    let client = (columns.pilot.client[row], columns.pilot.edge[row]);
    let kind = EventKind::Docked {
        grid: beat.grid,
        station: station.entity,
    };
    tell(beat, out, pod, client, kind);
}

/// Who leaves a station in a pod is lent a ship of the station's empire: no item, worth nothing,
/// under the pod's id. `false` if the content lends none.
pub fn lend(
    beat: &BeatContext<'_, Space>,
    columns: &mut SpaceColumns,
    out: &mut Output<Space>,
    ship: EntityId,
    row: usize,
    station: TypeId,
) -> bool {
    let content = &beat.context.content;
    let hull = content.ship(columns.ship.type_id[row]);
    if !hull.is_some_and(|it| it.systems.is_capsule) {
        return true;
    }
    let empire = content.station(station).map_or(0, |it| it.empire);
    let Some(lent) = beat.context.loadouts.lent(empire) else {
        return false;
    };
    let (owner, position) = (columns.ship.owner[row], columns.ship.position_cm(row));
    let Some(fresh) = Ship::of_hull(content, lent, owner, position, beat.tick) else {
        return false;
    };
    columns
        .fight
        .set_row(row, Fight::of_ship(beat.context, &fresh, beat.tick));
    columns.ship.set_row(row, fresh);
    super::settle_law(columns, row, beat.tick.next());
    let owned = ShipOwner {
        character: owner,
        type_id: lent,
    };
    out.write(ship, owner_write(ship, Some(owned)));
    let client = (columns.pilot.client[row], columns.pilot.edge[row]);
    tell(
        beat,
        out,
        ship,
        client,
        EventKind::Seated { ship, hull: lent },
    );
    true
}

/// The report of a death: stored, and told to everybody concerned.
fn tell_of_kill(
    beat: &BeatContext<'_, Space>,
    out: &mut Output<Space>,
    source: EntityId,
    row: &SpaceRow,
) {
    let victim = row.ship.owner;
    let report = kill::report(beat.tick, beat.grid, row);
    out.write(source, kill::write(beat.tick, beat.grid, victim, &report));
    let own = (row.pilot.client, row.pilot.edge);
    let attackers = row.fight.attackers.iter();
    let others = attackers.filter(|it| it.1 != own.0).map(|it| (it.1, it.2));
    for client in core::iter::once(own).chain(others) {
        let kind = EventKind::Tell(Box::new(report.clone()));
        tell(beat, out, source, client, kind);
    }
}

fn wreck_of(beat: &BeatContext<'_, Space>, row: &SpaceRow) -> Option<SpaceRow> {
    let mut containers = beat.context.content.containers().iter();
    let kind = containers.find(|it| it.role == ContainerRole::Wreck)?;
    let beats = kind.lifetime_s * u64::from(orrery_base::BEATS_PER_SECOND);
    let position_cm = row.ship.position_cm();
    let mut ship = Ship::fixed(Kind::Wreck, kind.id, position_cm, beat.tick.next());
    ship.owner = row.ship.owner;
    Some(SpaceRow {
        ship,
        pilot: Pilot {
            since: beat.tick.next().0,
            ..Pilot::default()
        },
        fight: Fight {
            expires: beat.tick.0 + beats,
            ..Fight::default()
        },
    })
}

/// The pod of a ship's pilot, where the ship was, as fast as it was.
fn pod_of(beat: &BeatContext<'_, Space>, row: &SpaceRow) -> Option<SpaceRow> {
    let content = &beat.context.content;
    let empire = content.ship(row.ship.type_id)?.empire;
    let first = || content.ships().iter().find(|it| it.systems.is_capsule);
    let capsule = content.capsule(empire).or_else(|| Some(first()?.id))?;
    let position_cm = row.ship.position_cm();
    let next = beat.tick.next();
    let mut ship = Ship::of_hull(content, capsule, row.ship.owner, position_cm, next)?;
    let mut motion = ship.motion();
    motion.velocity = row.ship.motion().velocity;
    ship.set_motion(motion);
    let fight = Fight::of_ship(beat.context, &ship, beat.tick);
    let mut pilot = row.pilot.clone();
    pilot.version += 1;
    pilot.since = next.0;
    Some(SpaceRow { ship, pilot, fight })
}

fn owner_write(ship: EntityId, owner: Option<ShipOwner>) -> Write {
    Write {
        domain: Domain::Ship as u8,
        key: ShipOwner::key(ship).to_vec(),
        value: owner.map(|it| it.encode()),
    }
}
