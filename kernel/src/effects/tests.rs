use proptest::prelude::*;

use super::*;

/// (source, target, what) in the order in which each source emits.
type Emission = (u64, u64, u32);

/// What every entity's owner gets if the grid has `parts` parts, whose buffers are drained from
/// the `first` on.
fn deliver(emissions: &[Emission], parts: u16, first: u16) -> Vec<TargetedEffect<u32>> {
    let mut buffers: Vec<EffectBuffer<u32>> = (0..parts)
        .map(|part| EffectBuffer::new(part, parts))
        .collect();
    for (source, target, what) in emissions {
        let (source, target) = (EntityId(*source), EntityId(*target));
        buffers[usize::from(part_of(source, parts))].emit(source, target, *what);
    }
    let mut received: Vec<Vec<TargetedEffect<u32>>> = vec![Vec::new(); usize::from(parts)];
    for n in 0..parts {
        let from = usize::from((n + first) % parts);
        for (received, outgoing) in received.iter_mut().zip(buffers[from].outgoing_mut()) {
            received.append(outgoing);
        }
    }
    for received in &mut received {
        sort_effects(received);
        assert!(received.is_sorted_by_key(|e| (e.target, e.source, e.sequence)));
    }
    let mut all: Vec<_> = received.into_iter().flatten().collect();
    all.sort_by_key(|effect| effect.target);
    all
}

proptest! {
    #[test]
    fn the_order_does_not_depend_on_parts_or_on_who_emits_first(
        emissions in prop::collection::vec((0..12_u64, 0..12_u64, any::<u32>()), 0..120),
        parts in 1..9_u16,
        first in 0..9_u16,
    ) {
        let reference = deliver(&emissions, 1, 0);
        prop_assert_eq!(&deliver(&emissions, parts, first % parts), &reference);
        // Sources in another order; each keeps its own.
        let mut by_source = emissions;
        by_source.sort_by_key(|(source, ..)| std::cmp::Reverse(*source));
        prop_assert_eq!(&deliver(&by_source, parts, 0), &reference);
    }

    #[test]
    fn parts_share_the_entities_evenly(first in any::<u64>(), parts in 1..9_u16) {
        let mut counts = vec![0_u32; usize::from(parts)];
        for n in 0..4_000 {
            counts[usize::from(part_of(EntityId(first.wrapping_add(n)), parts))] += 1;
        }
        let fair = 4_000 / u32::from(parts);
        for count in counts {
            prop_assert!(count.abs_diff(fair) < fair / 4 + 60, "{} of {}", count, fair);
        }
    }
}

#[test]
fn the_sequence_counts_within_a_pair() {
    let effects = deliver(&[(1, 2, 10), (1, 3, 11), (1, 2, 12), (4, 2, 13)], 1, 0);
    let got: Vec<_> = effects
        .iter()
        .map(|e| (e.target.0, e.source.0, e.sequence, e.effect))
        .collect();
    assert_eq!(
        got,
        [(2, 1, 0, 10), (2, 1, 1, 12), (2, 4, 0, 13), (3, 1, 0, 11)]
    );
}

#[test]
fn no_entity_belongs_to_part_0() {
    for parts in 1..20 {
        assert_eq!(part_of(EntityId::NONE, parts), 0);
    }
}

#[test]
#[should_panic(expected = "does not own")]
fn only_the_owner_emits() {
    let id = (1..).map(EntityId).find(|id| part_of(*id, 2) == 1).unwrap();
    EffectBuffer::new(0, 2).emit(id, id, ());
}
