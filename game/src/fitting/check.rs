//! Whether a fit fits: every reason for which it does not, with its numbers.

use super::{DRONE_KINDS_MAX, Fit, Fitted, ModuleState, RACK_SLOTS_MAX, ShipStats, Slot, derive};
use crate::content::{Content, Hardpoint, ModuleType, Rack, ShipType, Size};
use orrery_base::TypeId;
use std::collections::BTreeMap;

/// Why a fit does not fit. `Display` gives a sentence with numbers;
/// [`FitReject::sentence`] one with names, for players.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum FitReject {
    /// There is no such hull.
    #[error("there is no hull {0}")]
    UnknownHull(TypeId),
    /// There is no such module.
    #[error("there is no module {0}")]
    UnknownModule(TypeId),
    /// There is no such charge.
    #[error("there is no charge {0}")]
    UnknownCharge(TypeId),
    /// There is no such drone.
    #[error("there is no drone {0}")]
    UnknownDrone(TypeId),
    /// The hull has fewer slots.
    #[error("slot {} of the {rack:?} rack does not exist: it has {slots}", index + 1)]
    NoSlot {
        /// Which rack.
        rack: Rack,
        /// Which slot, from zero.
        index: u8,
        /// How many there are.
        slots: u8,
    },
    /// The module belongs into another rack.
    #[error("module {module} belongs into the {needs:?} rack, not into the {rack:?} rack")]
    WrongRack {
        /// Which module.
        module: TypeId,
        /// Where it is.
        rack: Rack,
        /// Where it belongs.
        needs: Rack,
    },
    /// The hull is of a role that the module is not made for.
    #[error("module {module} is not made for hulls of this kind")]
    WrongRole {
        /// Which module.
        module: TypeId,
    },
    /// The rig is of another size than the hull.
    #[error("rig {module} is {rig:?}, the hull is {hull:?}")]
    RigSize {
        /// Which rig.
        module: TypeId,
        /// Its size.
        rig: Size,
        /// The hull's.
        hull: Size,
    },
    /// More turrets or launchers than the hull has hardpoints.
    #[error("{fitted} weapons of the kind {hardpoint:?} on {hardpoints} hardpoints")]
    Hardpoints {
        /// Of which kind.
        hardpoint: Hardpoint,
        /// How many are fitted.
        fitted: u8,
        /// How many there may be.
        hardpoints: u8,
    },
    /// Too many of a group.
    #[error("{fitted} modules of group {group}: at most {most} may be fitted")]
    GroupFitted {
        /// The group's number.
        group: u16,
        /// How many are fitted.
        fitted: u8,
        /// How many there may be.
        most: u8,
    },
    /// Too many of a group are active.
    #[error("{active} modules of group {group} are active: at most {most} may be")]
    GroupActive {
        /// The group's number.
        group: u16,
        /// How many are active.
        active: u8,
        /// How many there may be.
        most: u8,
    },
    /// It cannot be in this state: a passive module active, a rig offline, something without
    /// heat overheated.
    #[error("module {module} cannot be {state:?}")]
    State {
        /// Which module.
        module: TypeId,
        /// In which state it should be.
        state: ModuleState,
    },
    /// It is active, and needs a charge.
    #[error("module {module} is not loaded")]
    NotLoaded {
        /// Which module.
        module: TypeId,
    },
    /// The charge is none for this module: of another group or another size.
    #[error("charge {charge} does not go into module {module}")]
    WrongCharge {
        /// Which module.
        module: TypeId,
        /// Which charge.
        charge: TypeId,
    },
    /// More charges than go in, or none.
    #[error("{count} charges in module {module}, which takes 1 to {most}")]
    ChargeCount {
        /// Which module.
        module: TypeId,
        /// How many there are.
        count: u32,
        /// How many go in.
        most: u32,
    },
    /// Not enough computing power.
    #[error("{need:.2} tf of computing power needed, {total:.2} there")]
    Cpu {
        /// What is needed, tf.
        need: f64,
        /// What there is, tf.
        total: f64,
    },
    /// Not enough power.
    #[error("{need:.2} MW of power needed, {total:.2} there")]
    Power {
        /// What is needed, MW.
        need: f64,
        /// What there is, MW.
        total: f64,
    },
    /// Not enough calibration.
    #[error("{need:.0} points of calibration needed, {total:.0} there")]
    Calibration {
        /// What is needed.
        need: f64,
        /// What there is.
        total: f64,
    },
    /// The drones take up more than the bay.
    #[error("the drones take up {need:.1} m³, the bay has {total:.1}")]
    DroneBay {
        /// What they take up, m³.
        need: f64,
        /// What there is, m³.
        total: f64,
    },
    /// More kinds of drone than can be kept apart.
    #[error("{kinds} kinds of drone: at most {DRONE_KINDS_MAX}")]
    DroneKinds {
        /// How many there are.
        kinds: usize,
    },
}

impl FitReject {
    /// The same for players, with names instead of numbers of types.
    #[must_use]
    pub fn sentence(&self, content: &Content) -> String {
        let name = |id: TypeId| {
            content
                .name(id)
                .map_or_else(|| id.to_string(), str::to_owned)
        };
        let group = |id: u16| {
            let found = content.group_by_id(id).map(|it| it.name.clone());
            found.unwrap_or_else(|| id.to_string())
        };
        match *self {
            Self::WrongRack {
                module,
                rack,
                needs,
            } => format!(
                "{} belongs into the {needs:?} rack, not into the {rack:?} rack.",
                name(module)
            ),
            Self::WrongRole { module } => {
                format!("{} is not made for hulls of this kind.", name(module))
            }
            Self::RigSize { module, rig, hull } => {
                format!("{} is {rig:?}, the hull is {hull:?}.", name(module))
            }
            Self::GroupFitted {
                group: id,
                fitted,
                most,
            } => format!(
                "{fitted} of \"{}\" are fitted: at most {most} may be.",
                group(id)
            ),
            Self::GroupActive {
                group: id,
                active,
                most,
            } => format!(
                "{active} of \"{}\" are active: at most {most} may be.",
                group(id)
            ),
            Self::State { module, state } => format!("{} cannot be {state:?}.", name(module)),
            Self::NotLoaded { module } => format!("{} is not loaded.", name(module)),
            Self::WrongCharge { module, charge } => {
                format!("{} does not go into {}.", name(charge), name(module))
            }
            Self::ChargeCount {
                module,
                count,
                most,
            } => format!(
                "{count} charges in {}, which takes 1 to {most}.",
                name(module)
            ),
            ref other => {
                let text = other.to_string();
                let mut chars = text.chars();
                let first: String = chars
                    .next()
                    .into_iter()
                    .flat_map(char::to_uppercase)
                    .collect();
                format!("{first}{}.", chars.as_str())
            }
        }
    }
}

/// Checks a fit and derives what the ship can do.
///
/// # Errors
/// The first reason for which it does not fit, in this order: unknown types, slots, module by
/// module; then hardpoints, groups, charges, computing power, power, calibration, drones.
pub fn check(content: &Content, fit: &Fit) -> Result<ShipStats, FitReject> {
    let hull = content
        .ship(fit.hull)
        .ok_or(FitReject::UnknownHull(fit.hull))?;
    for fitted in fit.modules() {
        module(content, hull, fitted)?;
    }
    for &(drone, _) in fit.drones() {
        content.drone(drone).ok_or(FitReject::UnknownDrone(drone))?;
    }
    if fit.drones().len() > DRONE_KINDS_MAX {
        let kinds = fit.drones().len();
        return Err(FitReject::DroneKinds { kinds });
    }
    hardpoints(content, hull, fit)?;
    groups(content, fit)?;
    let stats = derive(content, fit).ok_or(FitReject::UnknownHull(fit.hull))?;
    charges(&stats)?;
    resources(&stats)?;
    Ok(stats)
}

fn module(content: &Content, hull: &ShipType, fitted: &Fitted) -> Result<(), FitReject> {
    let Slot { rack, index } = fitted.slot;
    let id = fitted.module;
    let kind = content.module(id).ok_or(FitReject::UnknownModule(id))?;
    let slots = hull.systems.slots[rack as usize].min(RACK_SLOTS_MAX);
    if index >= slots {
        return Err(FitReject::NoSlot { rack, index, slots });
    }
    if kind.slot != rack {
        return Err(FitReject::WrongRack {
            module: id,
            rack,
            needs: kind.slot,
        });
    }
    if !kind.roles.is_empty() && !kind.roles.contains(&hull.role) {
        return Err(FitReject::WrongRole { module: id });
    }
    match kind.size {
        Some(rig) if rack == Rack::Rig && rig != hull.systems.size => {
            return Err(FitReject::RigSize {
                module: id,
                rig,
                hull: hull.systems.size,
            });
        }
        _ => {}
    }
    state(content, kind, fitted)
}

fn state(content: &Content, kind: &ModuleType, fitted: &Fitted) -> Result<(), FitReject> {
    let is_possible = match fitted.state {
        ModuleState::Offline => kind.slot != Rack::Rig,
        ModuleState::Online => true,
        ModuleState::Active => kind.effect.is_active(),
        ModuleState::Overheated => kind.effect.is_active() && kind.heat_absorption > 0.0,
    };
    if !is_possible {
        return Err(FitReject::State {
            module: kind.id,
            state: fitted.state,
        });
    }
    let Some((charge, _)) = fitted.charge else {
        if fitted.state >= ModuleState::Active && kind.effect.needs_charge() {
            return Err(FitReject::NotLoaded { module: kind.id });
        }
        return Ok(());
    };
    if content.charge(charge).is_none() {
        return Err(FitReject::UnknownCharge(charge));
    }
    if takes(content, kind.id, charge) {
        Ok(())
    } else {
        Err(FitReject::WrongCharge {
            module: kind.id,
            charge,
        })
    }
}

/// A module takes this charge: its groups have it, and sizes, where both have one, are equal.
pub(super) fn takes(content: &Content, module: TypeId, charge: TypeId) -> bool {
    let (Some(at), Some(charge_at)) = (content.module_at(module), content.charge_at(charge)) else {
        return false;
    };
    let index = content.index();
    let sizes = (
        content.modules()[at].size,
        content.charges()[charge_at].size,
    );
    let is_of_size = match sizes {
        (Some(module), Some(charge)) => module == charge,
        _ => true,
    };
    is_of_size && index.module_charges[at].contains(&index.charge_groups[charge_at])
}

fn hardpoints(content: &Content, hull: &ShipType, fit: &Fit) -> Result<(), FitReject> {
    for (hardpoint, hardpoints) in [
        (Hardpoint::Turret, hull.systems.turret_hardpoints),
        (Hardpoint::Launcher, hull.systems.launcher_hardpoints),
    ] {
        let kinds = fit
            .modules()
            .iter()
            .filter_map(|it| content.module(it.module));
        // A hull has at most 32 slots.
        let fitted = kinds.filter(|it| it.hardpoint == Some(hardpoint)).count() as u8;
        if fitted > hardpoints {
            return Err(FitReject::Hardpoints {
                hardpoint,
                fitted,
                hardpoints,
            });
        }
    }
    Ok(())
}

fn groups(content: &Content, fit: &Fit) -> Result<(), FitReject> {
    // By group: how many are fitted, how many active, and the strictest limits of any of them.
    let mut groups: BTreeMap<u16, [u8; 4]> = BTreeMap::new();
    for fitted in fit.modules() {
        let Some(at) = content.module_at(fitted.module) else {
            continue;
        };
        let kind = &content.modules()[at];
        let group = content.index().module_groups[at];
        let [count, active, count_max, active_max] =
            groups.entry(group).or_insert([0, 0, u8::MAX, u8::MAX]);
        *count += 1;
        *active += u8::from(fitted.state >= ModuleState::Active);
        *count_max = (*count_max).min(kind.group_fitted_max.unwrap_or(u8::MAX));
        *active_max = (*active_max).min(kind.group_active_max.unwrap_or(u8::MAX));
    }
    for (group, [fitted, active, most, active_max]) in groups {
        if fitted > most {
            return Err(FitReject::GroupFitted {
                group,
                fitted,
                most,
            });
        }
        if active > active_max {
            return Err(FitReject::GroupActive {
                group,
                active,
                most: active_max,
            });
        }
    }
    Ok(())
}

fn charges(stats: &ShipStats) -> Result<(), FitReject> {
    for module in &stats.modules {
        let Some((_, count)) = module.charge else {
            continue;
        };
        let most = module.charge_max;
        if count == 0 || count > most {
            return Err(FitReject::ChargeCount {
                module: module.module,
                count,
                most,
            });
        }
    }
    Ok(())
}

fn resources(stats: &ShipStats) -> Result<(), FitReject> {
    let refuse = |share: super::Share, reject: FitReject| {
        if share.is_enough() {
            Ok(())
        } else {
            Err(reject)
        }
    };
    let (cpu, power) = (stats.cpu_tf, stats.power_mw);
    let (calibration, bay) = (stats.calibration, stats.drone_bay_m3);
    refuse(
        cpu,
        FitReject::Cpu {
            need: cpu.used,
            total: cpu.total,
        },
    )?;
    refuse(
        power,
        FitReject::Power {
            need: power.used,
            total: power.total,
        },
    )?;
    refuse(
        calibration,
        FitReject::Calibration {
            need: calibration.used,
            total: calibration.total,
        },
    )?;
    refuse(
        bay,
        FitReject::DroneBay {
            need: bay.used,
            total: bay.total,
        },
    )
}
