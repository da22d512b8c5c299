//! Named fits of the content as [`Fit`]s.

use super::{Fit, Fitted, ModuleState, RACK_SLOTS_MAX, Skills, Slot, derive};
use crate::content::{Content, NamedFit, Rack};

/// Why a named fit is none.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NamedFitError {
    /// Nothing has this name that could stand here.
    #[error("\"{name}\" is not the name of a {what}")]
    Unknown {
        /// The name.
        name: String,
        /// What it should be.
        what: &'static str,
    },
    /// More modules than any rack has slots.
    #[error("has more than {RACK_SLOTS_MAX} modules in the {rack:?} rack")]
    TooMany {
        /// Which rack.
        rack: Rack,
    },
}

/// A named fit with every skill at `skill_level`, everything online, and loaded with as many
/// charges as go in. Whether it fits is for [`check`](super::check); those of a
/// [`Content`] do with the skill level that they name.
///
/// # Errors
/// See [`NamedFitError`]: none for fits of this very content.
pub fn named(content: &Content, it: &NamedFit, skill_level: u8) -> Result<Fit, NamedFitError> {
    let find = |name: &str, what: &'static str| {
        let found = content.by_name(name).filter(|&id| match what {
            "hull" => content.ship(id).is_some(),
            "module" => content.module(id).is_some(),
            "charge" => content.charge(id).is_some(),
            _ => content.drone(id).is_some(),
        });
        found.ok_or_else(|| NamedFitError::Unknown {
            name: name.to_owned(),
            what,
        })
    };
    let mut fit = Fit::new(find(&it.hull, "hull")?);
    fit.skills = Skills::all(content, skill_level);
    for (rack, lines) in Rack::ALL
        .into_iter()
        .zip([&it.high, &it.mid, &it.low, &it.rig])
    {
        let mut index = 0;
        for line in lines {
            let module = find(&line.module, "module")?;
            let charge = match &line.charge {
                Some(name) => Some((find(name, "charge")?, 1)),
                None => None,
            };
            for _ in 0..line.count {
                if index >= RACK_SLOTS_MAX {
                    return Err(NamedFitError::TooMany { rack });
                }
                fit.put(Fitted {
                    slot: Slot { rack, index },
                    module,
                    state: ModuleState::Online,
                    charge,
                });
                index += 1;
            }
        }
    }
    for line in &it.drones {
        fit.set_drones(find(&line.drone, "drone")?, line.count);
    }
    fill(content, &mut fit);
    Ok(fit)
}

/// Loads every module that has a charge with as many as go in.
fn fill(content: &Content, fit: &mut Fit) {
    let Some(stats) = derive(content, fit) else {
        return;
    };
    for module in &stats.modules {
        if let (Some((charge, _)), Some(fitted)) = (module.charge, fit.at_mut(module.slot)) {
            fitted.charge = Some((charge, module.charge_max));
        }
    }
}
