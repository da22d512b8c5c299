use proptest::prelude::*;

use super::{BLOCK, Blocks};

proptest! {
    #[test]
    fn blocks_hold_what_was_put_in_and_start_aligned(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9000), 0..40),
    ) {
        let mut blocks = Blocks::new();
        for round in 0..2 {
            blocks.clear();
            let mut expected = Vec::new();
            for piece in &pieces {
                blocks.extend(piece);
                expected.extend_from_slice(piece);
                blocks.push(round);
                expected.push(round);
                prop_assert_eq!(blocks.bytes(), expected.as_slice());
                prop_assert_eq!(blocks.bytes().as_ptr().align_offset(BLOCK), 0);
            }
            blocks.pad();
            expected.resize(expected.len().next_multiple_of(BLOCK), 0);
            prop_assert_eq!(blocks.bytes(), expected.as_slice());
        }
    }
}
