//! What is fitted to hulls that have no fit of their own: the named fits of the content.
//!
//! The present stage: fits are no items yet. Every hull has the first named fit that is made for
//! it, those for newcomers before those for bots and those before those for others, with the
//! skills that the fit names. A hull without any has empty slots.

use super::Fighter;
use crate::content::{Content, NamedFit, Purpose};
use crate::fitting::{Fit, ShipStats, derive, named};
use orrery_base::{Tick, TypeId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A fit with what it gives.
type Loadout = (Arc<Fit>, Arc<ShipStats>);

/// The fit of every hull.
#[derive(Clone, Debug, Default)]
pub struct Loadouts {
    by_hull: BTreeMap<TypeId, Loadout>,
    newcomers: BTreeMap<u8, TypeId>,
}

impl Loadouts {
    /// Derives the fits of all hulls of a content: some 10 µs for each.
    #[must_use]
    pub fn of(content: &Content) -> Self {
        let mut by_hull = BTreeMap::new();
        let mut newcomers = BTreeMap::new();
        for hull in content.ships() {
            let named_fit = fit_for(content, &hull.name);
            let fit = named_fit
                .and_then(|it| named(content, it, it.skill_level).ok())
                .unwrap_or_else(|| Fit::new(hull.id));
            let is_lent = named_fit.is_some_and(|it| it.purposes.contains(&Purpose::Newcomer));
            if is_lent && !hull.systems.is_capsule && !fit.modules().is_empty() {
                newcomers.entry(hull.empire).or_insert(hull.id);
            }
            if let Some(stats) = derive(content, &fit) {
                by_hull.insert(hull.id, (Arc::new(fit), Arc::new(stats)));
            }
        }
        Self { by_hull, newcomers }
    }

    /// A whole ship of a hull; `None` if the content has no such hull.
    #[must_use]
    pub fn fighter(&self, hull: TypeId, tick: Tick) -> Option<Fighter> {
        let (fit, stats) = self.by_hull.get(&hull)?;
        Some(Fighter::new(fit, stats, tick))
    }

    /// What a hull can do with its fit.
    #[must_use]
    pub fn stats(&self, hull: TypeId) -> Option<&Arc<ShipStats>> {
        self.by_hull.get(&hull).map(|it| &it.1)
    }

    /// The hull that an empire's stations lend to whoever has none; of an empire without one,
    /// that of the first which has.
    #[must_use]
    pub fn lent(&self, empire: u8) -> Option<TypeId> {
        let own = self.newcomers.get(&empire);
        own.or_else(|| self.newcomers.values().next()).copied()
    }
}

fn fit_for<'a>(content: &'a Content, hull: &str) -> Option<&'a NamedFit> {
    let rank = |it: &NamedFit| {
        let order = [Purpose::Newcomer, Purpose::Bot, Purpose::Npc];
        order
            .iter()
            .position(|purpose| it.purposes.contains(purpose))
    };
    let of_hull = content.fits().iter().filter(|it| it.hull == hull);
    // The first of the smallest.
    of_hull.min_by_key(|it| rank(it).unwrap_or(usize::MAX))
}
