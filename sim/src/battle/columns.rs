//! The columns of a ship, their digest and their bytes.
//!
//! **Invariant:** digest and bytes cover every field; the compiler refuses a field that
//! [`Ship::encode`] does not name.

use orrery_base::columns::columns;
use orrery_base::digest::of_words;
use orrery_base::{EntityId, Slot};
use orrery_kernel::codec::{DecodeError, Put, Reader};

use super::Lock;

columns! {
    /// Ships in columns, an axis each, as the law of motion reads them.
    #[derive(Eq)]
    pub struct ShipColumns;
    /// A ship. Units of motion as in [`orrery_base::motion`].
    #[derive(Copy, Eq)]
    pub struct Ship {
        /// Position, centimetres from the grid's origin.
        pub x: i32,
        /// As `x`.
        pub y: i32,
        /// As `x`.
        pub z: i32,
        /// Velocity, 2⁻¹⁴ centimetres per beat.
        pub vx: i32,
        /// As `vx`.
        pub vy: i32,
        /// As `vx`.
        pub vz: i32,
        /// What the velocity tends to, in the same unit.
        pub tx: i32,
        /// As `tx`.
        pub ty: i32,
        /// As `tx`.
        pub tz: i32,
        /// The share of the way to the target velocity that a beat covers, in 2⁻³².
        pub response: u32,
        /// Hull points, 1 to [`super::FULL_HULL`].
        pub hull: i32,
        /// Which side it is on.
        pub fleet: u8,
        /// Beats for which the pilot's course holds.
        pub hold: u8,
        /// Beats until the next shot, burst or repair.
        pub cooldown: u8,
        /// Whom it has locked.
        pub lock: Lock,
        /// Who ended the life before, until the local state has been told.
        pub killer: EntityId,
        /// Mixes everything that ever happened to it, in order.
        pub mark: u64,
        /// The grid to leave for at the end of the beat, plus one; or 0.
        pub jump: u32,
    }
}

/// Two 32-bit values in a word.
const fn pair(low: i32, high: i32) -> u64 {
    low as u32 as u64 | (high as u32 as u64) << 32
}

impl ShipColumns {
    /// The digest of a row.
    ///
    /// # Panics
    /// If there is no such row.
    pub(super) fn digest_row(&self, row: usize) -> u64 {
        let bytes = [self.fleet[row], self.hold[row], self.cooldown[row], 0];
        let lock = self.lock[row];
        let words = [
            pair(self.x[row], self.y[row]),
            pair(self.z[row], self.vx[row]),
            pair(self.vy[row], self.vz[row]),
            pair(self.tx[row], self.ty[row]),
            pair(self.tz[row], self.response[row] as i32),
            pair(self.hull[row], i32::from_le_bytes(bytes)),
            lock.id.0,
            u64::from(lock.slot.0) | u64::from(self.jump[row]) << 32,
            self.killer[row].0,
            self.mark[row],
        ];
        of_words(0, words)
    }

    /// Where a row is, centimetres.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn position(&self, row: usize) -> [i32; 3] {
        [self.x[row], self.y[row], self.z[row]]
    }

    /// The velocity of a row, 2⁻¹⁴ centimetres per beat.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn velocity(&self, row: usize) -> [i32; 3] {
        [self.vx[row], self.vy[row], self.vz[row]]
    }

    /// Sets the velocity that a row tends to.
    ///
    /// # Panics
    /// If there is no such row.
    pub(super) fn set_course(&mut self, row: usize, course: [i32; 3]) {
        [self.tx[row], self.ty[row], self.tz[row]] = course;
    }
}

impl Ship {
    /// Appends all fields.
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        let Self {
            x,
            y,
            z,
            vx,
            vy,
            vz,
            tx,
            ty,
            tz,
            response,
            hull,
            fleet,
            hold,
            cooldown,
            lock,
            killer,
            mark,
            jump,
        } = *self;
        for word in [x, y, z, vx, vy, vz, tx, ty, tz, response as i32, hull] {
            bytes.put_i32(word);
        }
        bytes.extend([fleet, hold, cooldown]);
        bytes.put_u64(lock.id.0);
        bytes.put_u32(lock.slot.0);
        bytes.put_u64(killer.0);
        bytes.put_u64(mark);
        bytes.put_u32(jump);
    }

    /// The counterpart of [`Ship::encode`].
    ///
    /// # Errors
    /// If the bytes end too early.
    pub(super) fn decode(bytes: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            x: bytes.i32()?,
            y: bytes.i32()?,
            z: bytes.i32()?,
            vx: bytes.i32()?,
            vy: bytes.i32()?,
            vz: bytes.i32()?,
            tx: bytes.i32()?,
            ty: bytes.i32()?,
            tz: bytes.i32()?,
            response: bytes.u32()?,
            hull: bytes.i32()?,
            fleet: bytes.u8()?,
            hold: bytes.u8()?,
            cooldown: bytes.u8()?,
            lock: read_lock(bytes)?,
            killer: EntityId(bytes.u64()?),
            mark: bytes.u64()?,
            jump: bytes.u32()?,
        })
    }
}

/// A lock, from its id and its slot.
///
/// # Errors
/// If the bytes end too early.
pub(super) fn read_lock(bytes: &mut Reader<'_>) -> Result<Lock, DecodeError> {
    let (id, slot) = (EntityId(bytes.u64()?), Slot(bytes.u32()?));
    Ok(Lock { id, slot })
}
