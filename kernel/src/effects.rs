//! Effects: how a beat changes rows that the part which decides it does not own.
//!
//! A part emits in phase B, the owners apply in phase C, sorted by (target, source, sequence).
//! All effects of one source come from the one part that owns it and in the order in which that
//! part emitted them, so the sorted order is the same however the entities are spread over
//! parts. `sequence` counts within one (target, source) pair, which keeps it, too, independent
//! of the parts.
//!
//! Cost: one comparison sort per part and beat over what it receives; nothing is allocated once
//! the buffers have grown.

#[cfg(test)]
mod tests;

use orrery_base::{EntityId, digest};

/// The part that owns an entity, of a grid of `parts` (≥ 1). What belongs to no entity belongs
/// to part 0.
#[must_use]
pub const fn part_of(id: EntityId, parts: u16) -> u16 {
    if parts == 1 || !id.is_some() {
        return 0;
    }
    (((digest::mix(id.0) >> 32) * parts as u64) >> 32) as u16
}

/// An effect on its way to, or arrived at, the entity that it changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TargetedEffect<E> {
    /// Whom it changes; [`EntityId::NONE`] for the grid's local state.
    pub target: EntityId,
    /// Who caused it; [`EntityId::NONE`] for the grid's local state.
    pub source: EntityId,
    /// Counts the effects of this source on this target in this beat, from 0.
    pub sequence: u32,
    /// What it does.
    pub effect: E,
}

/// The effects that one part emits in a beat, by the part that will apply them.
#[derive(Debug)]
pub struct EffectBuffer<E> {
    part: u16,
    emitted: u32,
    outgoing: Vec<Vec<TargetedEffect<E>>>,
}

impl<E> EffectBuffer<E> {
    /// For one part of a grid of `parts` (≥ 1).
    #[must_use]
    pub fn new(part: u16, parts: u16) -> Self {
        let outgoing = (0..parts).map(|_| Vec::new()).collect();
        Self {
            part,
            emitted: 0,
            outgoing,
        }
    }

    /// Emits an effect of `source` on `target`. Either may be [`EntityId::NONE`], the grid's
    /// local state; the target need not exist, and it is the rules that ignore it then.
    ///
    /// # Panics
    /// If this part does not own `source`: the order of its effects would depend on the parts.
    pub fn emit(&mut self, source: EntityId, target: EntityId, effect: E) {
        let parts = self.outgoing.len() as u16;
        assert!(
            part_of(source, parts) == self.part,
            "part {} does not own {source}",
            self.part
        );
        self.outgoing[part_of(target, parts) as usize].push(TargetedEffect {
            target,
            source,
            sequence: self.emitted,
            effect,
        });
        self.emitted += 1;
    }

    /// Number of effects emitted in this beat.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.emitted as usize
    }

    /// Whether nothing has been emitted in this beat.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.emitted == 0
    }

    /// What goes to one part, to be taken; what is left of it counts no more.
    pub(crate) fn outgoing_mut(&mut self) -> impl Iterator<Item = &mut Vec<TargetedEffect<E>>> {
        self.emitted = 0;
        self.outgoing.iter_mut()
    }
}

/// Brings the effects of all sources into canonical order and numbers them within each
/// (target, source) pair.
pub fn sort_effects<E>(effects: &mut [TargetedEffect<E>]) {
    // Two effects of one source differ in their sequence, so there are no ties to keep stable.
    // Both ids in one number: one comparison instead of two, an eighth faster on random targets.
    effects.sort_unstable_by_key(|e| {
        let pair = u128::from(e.target.0) << 64 | u128::from(e.source.0);
        (pair, e.sequence)
    });
    let mut pair = None;
    let mut count = 0;
    for effect in effects {
        if pair != Some((effect.target, effect.source)) {
            pair = Some((effect.target, effect.source));
            count = 0;
        }
        effect.sequence = count;
        count += 1;
    }
}
