//! From entity id to row: an open-addressing table with linear probing.
//!
//! It can only be asked for one id at a time and never iterated, so its order cannot leak into
//! a result. Ids are the server's own, never a client's, so nobody can choose them to collide.
//!
//! Cost: 16 bytes per place, at most half of which are taken; one cache miss per lookup.

use orrery_base::EntityId;

/// The odd number nearest to 2⁶⁴/φ: consecutive ids fall far apart (Knuth, TAOCP 6.4).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
const SMALLEST: usize = 16;

#[derive(Clone, Copy, Debug)]
struct Place {
    /// [`EntityId::NONE`] where nothing is.
    id: EntityId,
    row: u32,
}

const VACANT: Place = Place {
    id: EntityId::NONE,
    row: 0,
};

/// A map from ids other than [`EntityId::NONE`] to rows.
#[derive(Clone, Debug, Default)]
pub(super) struct RowIndex {
    /// Empty, or a power of two of places.
    places: Vec<Place>,
    len: usize,
}

impl RowIndex {
    /// The place where the search for `id` begins.
    fn home(&self, id: EntityId) -> usize {
        // Only called with at least SMALLEST places, so the shift is below 64.
        (id.0.wrapping_mul(SPREAD) >> (64 - self.places.len().trailing_zeros())) as usize
    }

    /// The place of `id`, or the vacant one where it would go. Needs a vacant place.
    fn find(&self, id: EntityId) -> usize {
        let mask = self.places.len() - 1;
        let mut place = self.home(id);
        while self.places[place].id != id && self.places[place].id.is_some() {
            place = (place + 1) & mask;
        }
        place
    }

    pub(super) fn row_of(&self, id: EntityId) -> Option<usize> {
        if self.len == 0 || !id.is_some() {
            return None;
        }
        let place = self.places[self.find(id)];
        (place.id == id).then_some(place.row as usize)
    }

    /// Sets the row of an id, known or new.
    pub(super) fn set(&mut self, id: EntityId, row: usize) {
        self.reserve(1);
        let place = self.find(id);
        self.len += usize::from(!self.places[place].id.is_some());
        let row = row as u32;
        self.places[place] = Place { id, row };
    }

    /// Forgets an id. Places behind it move up, so that no search needs tombstones.
    pub(super) fn remove(&mut self, id: EntityId) {
        if self.row_of(id).is_none() {
            return;
        }
        let mask = self.places.len() - 1;
        let mut hole = self.find(id);
        let mut next = hole;
        loop {
            next = (next + 1) & mask;
            let place = self.places[next];
            if !place.id.is_some() {
                break;
            }
            // It may move into the hole only if the hole is not before its home.
            let from_home = next.wrapping_sub(self.home(place.id)) & mask;
            let from_hole = next.wrapping_sub(hole) & mask;
            if from_home >= from_hole {
                self.places[hole] = place;
                hole = next;
            }
        }
        self.places[hole] = VACANT;
        self.len -= 1;
    }

    pub(super) fn clear(&mut self) {
        self.places.fill(VACANT);
        self.len = 0;
    }

    /// Makes room for `additional` more ids at a load of at most one half.
    pub(super) fn reserve(&mut self, additional: usize) {
        let needed = ((self.len + additional) * 2).next_power_of_two();
        if needed <= self.places.len() {
            return;
        }
        let former = std::mem::take(&mut self.places);
        self.places = vec![VACANT; needed.max(SMALLEST)];
        for place in former {
            if place.id.is_some() {
                let to = self.find(place.id);
                self.places[to] = place;
            }
        }
    }
}
