//! A client without a screen: what a native game, a bot and a test have in common.
//!
//! - [`rest`]: sign up, log in, create a character, get a token for the game.
//! - [`connection`]: the QUIC connection: control stream and datagrams.
//! - [`player`]: one connected player: the handshake, commands, the world as it is seen.
//! - [`bots`]: a swarm of players that fly by themselves, and what they experience.
//!
//! The rules of prediction and interpolation are `orrery-proto`'s and `orrery-game`'s; this crate
//! adds sockets and clocks.

#![forbid(unsafe_code)]

pub mod bots;
pub mod connection;
pub mod player;
pub mod rest;
