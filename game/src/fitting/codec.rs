//! The bytes of a fit, for checkpoints and messages.
//!
//! ```text
//! version 1 │ hull │ n modules × (slot, state, module, charge + 1 or 0, [count]) │
//! n drones × (drone, count) │ n skills × (skill, level)
//! ```
//!
//! Slot and state share a byte: rack in bits 6–7, state in bits 4–5, index in bits 0–3. All other
//! numbers are LEB128, as short as they can be. There is one encoding of a fit and no other:
//! whatever decodes, encodes to the same bytes.

use super::{
    DRONE_KINDS_MAX, Fit, Fitted, ModuleState, RACK_SLOTS_MAX, SKILL_LEVEL_MAX, SKILLS_MAX, Slot,
};
use crate::content::Rack;
use orrery_base::TypeId;

/// The first byte of an encoded fit.
pub const FIT_VERSION: u8 = 1;

const STATES: [ModuleState; 4] = [
    ModuleState::Offline,
    ModuleState::Online,
    ModuleState::Active,
    ModuleState::Overheated,
];

/// Why bytes are no fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FitDecodeError {
    /// There are fewer bytes than there should be.
    #[error("a fit ends too early")]
    Short,
    /// There are more.
    #[error("{0} bytes follow a fit")]
    Long(usize),
    /// Another version.
    #[error("a fit of version {0}, this program reads version {FIT_VERSION}")]
    OtherVersion(u8),
    /// A number is too large, or written longer than it is.
    #[error("a number in a fit is too large or too long")]
    BadNumber,
    /// Modules, drones or skills do not ascend.
    #[error("the {0} of a fit do not ascend")]
    Unordered(&'static str),
    /// A slot, count or level beyond its range.
    #[error("a {0} of a fit is out of its range")]
    OutOfRange(&'static str),
}

fn write(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// The bytes of a fit.
#[must_use]
pub fn encode(fit: &Fit) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + fit.modules().len() * 7);
    out.push(FIT_VERSION);
    write(&mut out, u64::from(fit.hull.0));
    write(&mut out, fit.modules().len() as u64);
    for it in fit.modules() {
        out.push((it.slot.rack as u8) << 6 | (it.state as u8) << 4 | (it.slot.index & 15));
        write(&mut out, u64::from(it.module.0));
        match it.charge {
            Some((charge, count)) => {
                write(&mut out, u64::from(charge.0) + 1);
                write(&mut out, u64::from(count));
            }
            None => out.push(0),
        }
    }
    write(&mut out, fit.drones().len() as u64);
    for &(drone, count) in fit.drones() {
        write(&mut out, u64::from(drone.0));
        write(&mut out, u64::from(count));
    }
    write(&mut out, fit.skills.levels().len() as u64);
    for &(skill, level) in fit.skills.levels() {
        write(&mut out, u64::from(skill.0));
        out.push(level);
    }
    out
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, FitDecodeError> {
        let (&first, rest) = self.0.split_first().ok_or(FitDecodeError::Short)?;
        self.0 = rest;
        Ok(first)
    }

    fn number(&mut self, most: u64) -> Result<u64, FitDecodeError> {
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                let is_padded = byte == 0 && shift > 0;
                return if is_padded || number > most {
                    Err(FitDecodeError::BadNumber)
                } else {
                    Ok(number)
                };
            }
        }
        Err(FitDecodeError::BadNumber)
    }

    fn id(&mut self) -> Result<TypeId, FitDecodeError> {
        // At most 2³² − 1, so it fits.
        Ok(TypeId(self.number(u64::from(u32::MAX))? as u32))
    }

    fn module(&mut self) -> Result<Fitted, FitDecodeError> {
        let place = self.byte()?;
        let index = place & 15;
        if index >= RACK_SLOTS_MAX {
            return Err(FitDecodeError::OutOfRange("slot"));
        }
        let slot = Slot {
            rack: Rack::ALL[usize::from(place >> 6)],
            index,
        };
        let state = STATES[usize::from(place >> 4 & 3)];
        let module = self.id()?;
        let charge = match self.number(u64::from(u32::MAX) + 1)? {
            0 => None,
            // Both are at most 2³² − 1.
            charge => Some((
                TypeId((charge - 1) as u32),
                self.number(u64::from(u32::MAX))? as u32,
            )),
        };
        Ok(Fitted {
            slot,
            module,
            state,
            charge,
        })
    }
}

/// Reads a fit. Whatever the bytes are, this does not panic, and what it returns keeps the
/// invariants of a [`Fit`]; whether it fits is for [`check`](super::check).
///
/// # Errors
/// See [`FitDecodeError`].
pub fn decode(bytes: &[u8]) -> Result<Fit, FitDecodeError> {
    let mut reader = Reader(bytes);
    match reader.byte()? {
        FIT_VERSION => {}
        other => return Err(FitDecodeError::OtherVersion(other)),
    }
    let mut fit = Fit::new(reader.id()?);
    for _ in 0..reader.number(4 * u64::from(RACK_SLOTS_MAX))? {
        let fitted = reader.module()?;
        if fit.modules.last().is_some_and(|it| it.slot >= fitted.slot) {
            return Err(FitDecodeError::Unordered("modules"));
        }
        fit.modules.push(fitted);
    }
    for _ in 0..reader.number(DRONE_KINDS_MAX as u64)? {
        let drone = reader.id()?;
        // At most 2¹⁶ − 1, so it fits.
        let count = reader.number(u64::from(u16::MAX))? as u16;
        if count == 0 {
            return Err(FitDecodeError::OutOfRange("count"));
        }
        if fit.drones.last().is_some_and(|it| it.0 >= drone) {
            return Err(FitDecodeError::Unordered("drones"));
        }
        fit.drones.push((drone, count));
    }
    for _ in 0..reader.number(SKILLS_MAX as u64)? {
        let (skill, level) = (reader.id()?, reader.byte()?);
        if level == 0 || level > SKILL_LEVEL_MAX {
            return Err(FitDecodeError::OutOfRange("level"));
        }
        if fit.skills.0.last().is_some_and(|it| it.0 >= skill) {
            return Err(FitDecodeError::Unordered("skills"));
        }
        fit.skills.0.push((skill, level));
    }
    match reader.0.len() {
        0 => Ok(fit),
        more => Err(FitDecodeError::Long(more)),
    }
}
