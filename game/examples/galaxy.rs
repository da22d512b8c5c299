//! Makes a galaxy and shows it.
//!
//! ```text
//! cargo run --release -p orrery-game --example galaxy -- <content folder> <systems> <seed> [map.svg]
//! ```
//!
//! With a file name the map goes there; without one, the table of systems goes to the terminal.

use orrery_game::content::{self, Content};
use orrery_game::galaxy::{self, Params, map};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, systems, seed, rest @ ..] = arguments.as_slice() else {
        return Err("usage: galaxy <content folder> <systems> <seed> [map.svg]".into());
    };
    let content = Content::new(content::compile(Path::new(folder))?)?;
    let params = Params {
        systems: systems.parse()?,
        seed: seed.parse()?,
        ..Params::default()
    };
    let galaxy = galaxy::generate(&params, &content)?;
    match rest.first() {
        Some(file) => std::fs::write(file, map::svg_with(&galaxy, content.empires()))?,
        None => print!("{}", map::table_with(&galaxy, content.empires())),
    }
    Ok(())
}
