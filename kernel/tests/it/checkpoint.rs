//! Checkpoint → restore → continue gives what the original would have given.

use orrery_base::{GridId, Tick};
use orrery_kernel::codec::DecodeError;
use orrery_kernel::grid::{Grid, RestoreError};
use orrery_kernel::lockstep::Lockstep;
use orrery_kernel::world::{World, WorldConfig};
use proptest::prelude::*;

use crate::script::{CONFIG, assert_same, context, game, play};
use crate::toy::Toy;

#[test]
fn a_restored_game_goes_on_as_the_original() {
    let mut original = game(1, 1);
    let mut other = game(3, 8);
    // At several beats, so that one of them catches a departure that no frame has shown.
    for beats in [1, 30, 7, 1, 1, 1, 1, 20] {
        play(&mut original, beats);
        play(&mut other, beats);
        let checkpoint = original.checkpoint();
        assert_eq!(other.checkpoint(), checkpoint, "parts show in a checkpoint");
        for (parts, worlds) in [(1, 1), (2, 3), (3, 2), (8, 1)] {
            let place = |grid: GridId| (parts, grid.0 as usize);
            let restored = Lockstep::restore(CONFIG, &context(), worlds, &checkpoint, place);
            let mut restored = restored.unwrap();
            assert_eq!(restored.digest(), original.digest());
            assert_eq!(restored.checkpoint(), checkpoint);
            let place = |grid: GridId| (2, grid.0 as usize);
            let twin = Lockstep::restore(CONFIG, &context(), 2, &checkpoint, place);
            let expected = play(&mut twin.unwrap(), 25);
            let found = play(&mut restored, 25);
            assert_same(
                &found,
                &expected,
                &format!("{parts} parts, {worlds} worlds"),
            );
        }
    }
}

#[test]
fn the_original_and_the_restored_go_on_alike() {
    let mut original = game(2, 3);
    play(&mut original, 40);
    let checkpoint = original.checkpoint();
    let place = |grid: GridId| (1, grid.0 as usize);
    let mut restored = Lockstep::restore(CONFIG, &context(), 1, &checkpoint, place).unwrap();
    let expected = play(&mut original, 60);
    let found = play(&mut restored, 60);
    assert_same(&found, &expected, "restored");
}

fn grid_bytes() -> Vec<u8> {
    let mut game = game(1, 2);
    play(&mut game, 20);
    game.checkpoint().grids.swap_remove(0).1
}

fn restore(bytes: &[u8]) -> Result<Grid<Toy>, RestoreError> {
    Grid::restore(context(), 2, bytes).map(|(grid, _)| grid)
}

/// The bytes with a checksum that is right.
fn reseal(bytes: &mut [u8]) {
    let end = bytes.len() - 4;
    let checksum = crc32c::crc32c(&bytes[..end]);
    bytes[end..].copy_from_slice(&checksum.to_le_bytes());
}

#[test]
fn another_format_is_told() {
    let mut bytes = grid_bytes();
    bytes[1] += 1;
    reseal(&mut bytes);
    let error = DecodeError::Version { found: 8, known: 7 };
    assert_eq!(restore(&bytes).unwrap_err(), RestoreError::Decode(error));
    bytes[0] = 9;
    reseal(&mut bytes);
    let error = DecodeError::Version { found: 9, known: 3 };
    assert_eq!(restore(&bytes).unwrap_err(), RestoreError::Decode(error));
}

#[test]
fn what_is_restored_must_have_the_digest_that_was_saved() {
    let mut bytes = grid_bytes();
    let digest_at = 1 + 4 + 4 + 8 + 8;
    bytes[digest_at] ^= 1;
    reseal(&mut bytes);
    assert!(matches!(restore(&bytes), Err(RestoreError::Digest { .. })));
}

#[test]
fn a_world_takes_only_what_fits() {
    let bytes = grid_bytes();
    let mut world = World::<Toy>::new(CONFIG, context(), Tick(20));
    assert_eq!(world.restore_grid(&bytes, 3, Tick(20)), Ok(GridId(1)));
    let present = RestoreError::Present { grid: GridId(1) };
    assert_eq!(world.restore_grid(&bytes, 3, Tick(20)), Err(present));
    let mut early = World::<Toy>::new(CONFIG, context(), Tick(19));
    assert!(matches!(
        early.restore_grid(&bytes, 1, Tick(19)),
        Err(RestoreError::Tick { .. })
    ));
    let seed = WorldConfig { seed: 1 };
    let mut other = World::<Toy>::new(seed, context(), Tick(20));
    assert!(matches!(
        other.restore_grid(&bytes, 1, Tick(20)),
        Err(RestoreError::Seed { .. })
    ));
}

#[test]
fn any_flipped_bit_and_any_cut_is_found() {
    let bytes = grid_bytes();
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        assert!(restore(&flipped).is_err(), "byte {at}");
        assert!(restore(&bytes[..at]).is_err(), "cut at {at}");
    }
}

proptest! {
    // Behind a right checksum, where only the decoder's own checks are left.
    #[test]
    fn no_bytes_make_it_panic(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in prop::option::weighted(0.3, any::<prop::sample::Index>()),
    ) {
        let mut bytes = grid_bytes();
        if let Some(cut) = cut {
            let end = cut.index(bytes.len() - 4);
            bytes.truncate(end + 4);
        }
        let end = bytes.len() - 4;
        for (at, value) in flips {
            if end > 0 {
                bytes[at.index(end)] = value;
            }
        }
        reseal(&mut bytes);
        let _ = restore(&bytes);
    }
}
