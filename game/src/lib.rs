//! The rules of space, free of machinery: the columns of everything that is in space, the
//! systems that change them, the content pack and the galaxy generator.
//!
//! A system is one file with one pure function over columns. It knows nothing of tables,
//! parts, frames or beats beyond a [`Tick`](orrery_base::Tick); the server's schedule says
//! when it runs and on which rows. Clients run the same functions to predict their own ship.
//!
//! **Invariant:** no system reads a clock, a file or a global, and none depends on the order in
//! which rows stand in their columns. Files are touched by [`content`] alone, at load.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`columns`] | one row per entity in space, one `Vec` per field |
//! | [`motion`] | the integer law of motion over the columns |
//! | [`steer`] | orders into target velocities |
//! | [`order`] | orders, and commands of pilots into orders or refusals |
//! | [`afterburner`] | speed and mass with the afterburner on |
//! | [`gate`], [`dock`] | ranges of gates and stations, places of arrival and departure |
//! | [`attribute`] | attributes, modifiers, the stacking penalty |
//! | [`fitting`] | modules in the slots of a hull: do they fit, and what can the ship do |
//! | [`content`] | TOML → pack → memory-mapped, checked tables |
//! | [`galaxy`] | seed → systems, stars, planets, belts, stations, gates; maps of them |

#![deny(unsafe_code)]

pub mod afterburner;
pub mod attribute;
pub mod columns;
pub mod content;
pub mod dock;
pub mod fitting;
pub mod galaxy;
pub mod gate;
pub mod motion;
pub mod order;
pub mod steer;
#[cfg(test)]
mod testing;
mod vector;
