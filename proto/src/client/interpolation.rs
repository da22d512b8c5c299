//! Where another entity is to be shown: between the snapshots around the shown time.

use orrery_base::Tick;
use orrery_base::motion::Motion;

use super::{EXTRAPOLATION_BEATS, Pose, PoseSource, Shown, cm, cm_per_beat, metres_per_second};
use crate::snapshot::{Replica, ReplicaEntity};

/// The pose at the shown time; `None` if the entity was not there yet. Where that time waits, what
/// is beyond the newest snapshot stands.
pub(super) fn pose(replica: &Replica, entity: &ReplicaEntity, shown: Shown) -> Option<Pose> {
    let mut pose = moving_pose(replica, entity, shown.tick, shown.fraction)?;
    if shown.is_waiting && pose.source == PoseSource::Extrapolated {
        pose.source = PoseSource::Stalled;
        pose.velocity_m_per_s = [0.0; 3];
    }
    Some(pose)
}

/// The pose at beat `shown` and a `fraction` of the next one, as if time went on.
fn moving_pose(
    replica: &Replica,
    entity: &ReplicaEntity,
    shown: Tick,
    fraction: f64,
) -> Option<Pose> {
    let slot = entity.slot.0;
    // Newest first, and only those of this stay.
    let mut samples = replica
        .held()
        .filter(|held| held.tick >= entity.since)
        .filter_map(|held| Some((held.tick, &held.entry(slot)?.motion)));
    let mut after = None;
    let before = samples.find(|&(tick, motion)| {
        if tick > shown {
            after = Some((tick, motion));
        }
        tick <= shown
    });
    match (before, after) {
        (Some(before), Some(after)) => Some(between(before, after, shown, fraction)),
        (Some((tick, motion)), None) => Some(beyond(tick, tick, *motion, shown, fraction)),
        // It was there, but the snapshot before the shown time did not tell of it or is not kept.
        _ if entity.since > shown => None,
        (None, Some((tick, motion))) => Some(back(tick, motion, shown, fraction)),
        (None, None) => {
            // Not told of for as long as snapshots are kept: the replica has carried it on.
            let (tick, motion) = (replica.tick()?, *entity.motion());
            Some(if shown < tick {
                back(tick, &motion, shown, fraction)
            } else {
                beyond(entity.exact_at, tick, motion, shown, fraction)
            })
        }
    }
}

/// A cubic through both positions with both velocities.
fn between(
    (from, start): (Tick, &Motion),
    (to, end): (Tick, &Motion),
    shown: Tick,
    fraction: f64,
) -> Pose {
    let gap = to.since(from) as f64;
    let t = (shown.since(from) as f64 + fraction) / gap;
    let (p0, p1) = (cm(start.position_cm), cm(end.position_cm));
    let (v0, v1) = (cm_per_beat(start.velocity), cm_per_beat(end.velocity));
    let (u0, u1) = (
        metres_per_second(start.velocity),
        metres_per_second(end.velocity),
    );
    let (t2, t3) = (t * t, t * t * t);
    let position_cm = [0, 1, 2].map(|axis| {
        p0[axis] * (2.0 * t3 - 3.0 * t2 + 1.0)
            + v0[axis] * gap * (t3 - 2.0 * t2 + t)
            + p1[axis] * (3.0 * t2 - 2.0 * t3)
            + v1[axis] * gap * (t3 - t2)
    });
    Pose {
        position_cm,
        velocity_m_per_s: [0, 1, 2].map(|axis| u0[axis] + (u1[axis] - u0[axis]) * t),
        source: PoseSource::Interpolated,
    }
}

/// A motion at `tick`, last heard of at `heard`, carried on by the law for as long as that is
/// believable.
fn beyond(heard: Tick, tick: Tick, mut motion: Motion, shown: Tick, fraction: f64) -> Pose {
    let last = heard.plus(EXTRAPOLATION_BEATS);
    motion.advance(tick, shown.min(last));
    if shown >= last {
        return still(&motion);
    }
    Pose {
        position_cm: ahead(&motion, fraction),
        velocity_m_per_s: metres_per_second(motion.velocity),
        source: PoseSource::Extrapolated,
    }
}

/// A motion at `tick`, a few beats back along its velocity.
fn back(tick: Tick, motion: &Motion, shown: Tick, fraction: f64) -> Pose {
    Pose {
        position_cm: ahead(motion, fraction - tick.since(shown) as f64),
        velocity_m_per_s: metres_per_second(motion.velocity),
        source: PoseSource::Extrapolated,
    }
}

fn still(motion: &Motion) -> Pose {
    Pose {
        position_cm: cm(motion.position_cm),
        velocity_m_per_s: [0.0; 3],
        source: PoseSource::Stalled,
    }
}

/// The position some beats on, along the velocity.
pub(super) fn ahead(motion: &Motion, beats: f64) -> [f64; 3] {
    let (position, velocity) = (cm(motion.position_cm), cm_per_beat(motion.velocity));
    [0, 1, 2].map(|axis| position[axis] + velocity[axis] * beats)
}
