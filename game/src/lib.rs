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
//! | [`recharge`], [`overheat`] | what is evaluated in closed form from an anchor |
//! | [`warp`], [`inhibit`], [`bump`], [`landing`] | formulas of flight |
//! | [`lock`], [`sensor`], [`scanner`], [`probe`], [`cloak`] | formulas of seeing and hiding |
//! | [`range`], [`turret`], [`missile`], [`blast`], [`damage`] | formulas of weapons |
//! | [`fight`] | ships that fight: locks, modules, blows, what is left |
//! | [`repair`], [`drain`], [`star`] | what else changes shields, hulls and capacitors |
//! | [`timers`], [`safety`], [`security`], [`tether`], [`insurance`] | the law, and protection |
//! | [`mining`], [`wreck`], [`container`], [`npc`] | rocks, remains and pirates |
//! | [`attribute`] | attributes, modifiers, the stacking penalty |
//! | [`fitting`] | modules in the slots of a hull: do they fit, and what can the ship do |
//! | [`content`] | TOML → pack → memory-mapped, checked tables |
//! | [`galaxy`] | seed → systems, stars, planets, belts, stations, gates; maps of them |

#![deny(unsafe_code)]

pub mod afterburner;
pub mod attribute;
pub mod blast;
mod bound;
pub mod bump;
pub mod cloak;
pub mod columns;
pub mod container;
pub mod content;
pub mod damage;
pub mod dock;
pub mod drain;
pub mod fight;
pub mod fitting;
pub mod galaxy;
pub mod gate;
pub mod inhibit;
pub mod insurance;
pub mod landing;
pub mod lock;
pub mod mining;
pub mod missile;
pub mod motion;
pub mod npc;
pub mod order;
pub mod overheat;
pub mod probe;
pub mod range;
pub mod recharge;
pub mod repair;
pub mod safety;
pub mod scanner;
pub mod security;
pub mod sensor;
pub mod star;
pub mod steer;
#[cfg(test)]
mod testing;
pub mod tether;
pub mod timers;
pub mod turret;
mod vector;
pub mod warp;
pub mod wreck;
