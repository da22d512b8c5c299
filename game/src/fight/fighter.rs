//! What a [`Fighter`] is at any time: its values, its layers, what holds it.

use super::{Deed, Derived, External, Fighter, Lock, Work, part_of_255};
use crate::content::Content;
use crate::fitting::{ExternalModifier, Fit, ModuleState, ShipStats, Slot, apply_external, derive};
use crate::recharge::Pool;
use crate::timers::Timers;
use orrery_base::{CharacterId, EntityId, Tick};
use std::sync::Arc;

impl Fighter {
    /// A whole ship as `loadout` says, at rest.
    #[must_use]
    pub fn new(fit: &Arc<Fit>, stats: &Arc<ShipStats>, tick: Tick) -> Self {
        let modules = fit.modules().iter();
        Self {
            fit: Arc::clone(fit),
            derived: Some(Derived {
                base: Arc::clone(stats),
                stats: Arc::clone(stats),
            }),
            capacitor: Pool::full(tick, stats.capacitor_gj, stats.capacitor_recharge_s),
            shield: Pool::full(tick, stats.hp[0], stats.shield_recharge_s),
            armour_hp: stats.hp[1],
            hull_hp: stats.hp[2],
            locks: Vec::new(),
            modules: modules
                .map(|it| Work::resting(it.charge.map_or(0, |charge| charge.1)))
                .collect(),
            externals: Vec::new(),
            flights: Vec::new(),
            timers: Timers::default(),
            participants: Vec::new(),
            final_blow: CharacterId::NONE,
        }
    }

    /// What it can do, with what others do to it.
    ///
    /// # Panics
    /// If it is on the way between grids, where nothing is derived.
    #[must_use]
    pub fn stats(&self) -> &Arc<ShipStats> {
        let derived = self.derived.as_ref();
        &derived
            .expect("derived when the ship came to the grid")
            .stats
    }

    /// Derives everything anew: after a module was switched, after others began or ended to do
    /// something, and where a ship comes from bytes. `false` if the content has no such hull.
    pub fn derive(&mut self, content: &Content, tick: Tick) -> bool {
        let Some(base) = derive(content, &self.fit) else {
            return false;
        };
        self.derived = Some(Derived {
            stats: Arc::new(base.clone()),
            base: Arc::new(base),
        });
        self.change(tick);
        true
    }

    /// Derives what others change, and brings capacitor and layers in line.
    pub(super) fn change(&mut self, tick: Tick) {
        let Some(derived) = &mut self.derived else {
            return;
        };
        let mut changes: Vec<ExternalModifier> = Vec::new();
        for external in &self.externals {
            if let Deed::Change(modifiers) = &external.deed {
                changes.extend_from_slice(modifiers);
            }
        }
        derived.stats = if changes.is_empty() {
            Arc::clone(&derived.base)
        } else {
            Arc::new(apply_external(&derived.base, &changes))
        };
        let stats = Arc::clone(&derived.stats);
        let (gj, hp) = (stats.capacitor_gj, stats.hp);
        self.capacitor.refit(tick, gj, stats.capacitor_recharge_s);
        self.shield.refit(tick, hp[0], stats.shield_recharge_s);
        self.armour_hp = crate::bound::smaller(self.armour_hp, hp[1]);
        self.hull_hp = crate::bound::smaller(self.hull_hp, hp[2]);
    }

    /// The hull is gone.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.hull_hp <= 0.0
    }

    /// Shield, armour and hull in 255ths; what is not quite gone is at least one.
    #[must_use]
    pub fn vitals(&self, tick: Tick) -> [u8; 3] {
        let hp = self.stats().hp;
        let left = [self.shield.value_at(tick), self.armour_hp, self.hull_hp];
        [0, 1, 2].map(|layer| part_of_255(left[layer], hp[layer]))
    }

    /// Sets the layers to so many 255ths.
    pub fn set_vitals(&mut self, vitals: [u8; 3], tick: Tick) {
        let stats = Arc::clone(self.stats());
        let left = |layer: usize| stats.hp[layer] * f64::from(vitals[layer]) / 255.0;
        self.shield = Pool::new(tick, left(0), stats.hp[0], stats.shield_recharge_s);
        self.armour_hp = left(1);
        // Whoever was stored was alive.
        self.hull_hp = crate::bound::larger(left(2), 1.0);
    }

    /// How strongly its warp core is held: the sum of all disruptors and scramblers, points.
    #[must_use]
    pub fn disruption(&self) -> f64 {
        self.externals.iter().fold(0.0, |sum, it| match it.deed {
            Deed::Disrupt { strength, .. } => sum + strength,
            _ => sum,
        })
    }

    /// Its microwarp drives are stopped.
    #[must_use]
    pub fn is_scrambled(&self) -> bool {
        let scrambles =
            |it: &External| matches!(it.deed, Deed::Disrupt { scrambles, .. } if scrambles);
        self.externals.iter().any(scrambles)
    }

    /// Somebody jams it.
    #[must_use]
    pub fn is_jammed(&self) -> bool {
        self.externals.iter().any(|it| it.deed == Deed::Jam)
    }

    /// This one jams it.
    #[must_use]
    pub fn is_jammed_by(&self, source: EntityId) -> bool {
        let by = |it: &External| it.source == source && it.deed == Deed::Jam;
        self.externals.iter().any(by)
    }

    /// The lock of a target holds.
    #[must_use]
    pub fn has_locked(&self, target: EntityId, tick: Tick) -> bool {
        let holds = |it: &Lock| it.target == target && it.done <= tick;
        self.locks.iter().any(holds)
    }

    /// Leaves the fight: locks, missiles and what others do are gone, modules rest. For whoever
    /// docks or leaves the grid. Damage, capacitor, timers and the memory of attackers stay.
    pub fn disengage(&mut self, content: &Content, tick: Tick) {
        self.locks.clear();
        self.flights.clear();
        self.externals.clear();
        let fit = Arc::make_mut(&mut self.fit);
        let slots: Vec<Slot> = fit.modules().iter().map(|it| it.slot).collect();
        for (work, slot) in self.modules.iter_mut().zip(slots) {
            *work = Work::resting(work.charges);
            if let Some(fitted) = fit.at_mut(slot) {
                fitted.state = fitted.state.min(ModuleState::Online);
            }
        }
        self.derive(content, tick);
    }

    /// Whether nothing would happen to it without others: it can be left alone.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        let at_rest = |work: &Work| !work.is_busy() && !work.is_on;
        self.locks.is_empty()
            && self.flights.is_empty()
            && self.externals.is_empty()
            && self.modules.iter().all(at_rest)
    }
}
