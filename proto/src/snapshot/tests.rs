//! A server, a client and a network that loses, doubles and reorders, in one thread.

mod harness;

use harness::{Network, Plan, Session};
use orrery_base::Slot;
use proptest::prelude::*;

use super::*;

fn plans() -> impl Strategy<Value = Plan> {
    let network = (0_u32..60, 0_u32..30, 0_u32..40, 0_u64..12).prop_map(
        |(loss_percent, double_percent, reorder_percent, delay_beats)| Network {
            loss_percent,
            double_percent,
            reorder_percent,
            delay_beats,
        },
    );
    (
        any::<u64>(),
        1_u32..300,
        prop_oneof![3 => Just(DEFAULT_BUDGET_BYTES), 1 => MIN_BUDGET_BYTES..600],
        0_u32..30,
        0_u32..60,
        network,
        1_u64..5,
    )
        .prop_map(
            |(seed, slots, budget_bytes, churn, turns, network, interval)| Plan {
                seed,
                slots,
                budget_bytes,
                churn_percent: churn,
                change_percent: turns,
                blink_percent: churn,
                network,
                interval,
                beats: 90,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// The law: whatever the world and the network do, what the client calls exact are the
    /// server's bits, its own ship is exact in every snapshot, and no budget is exceeded.
    #[test]
    fn exact_entities_have_the_servers_bits(plan in plans()) {
        let mut session = Session::new(plan);
        session.run();
        prop_assert!(session.applied > 0 || session.plan.network.loss_percent > 0);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(
        seed in any::<u64>(),
        noise in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..20),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..8), 0..40),
    ) {
        let mut session = Session::new(Plan { seed, beats: 20, ..Plan::calm() });
        session.run();
        // Noise as it is, noise behind a header that is taken seriously, and real snapshots
        // with flipped bits.
        for mut bytes in noise {
            let _ = session.replica.clone().decode(&bytes);
            let front = [crate::DATAGRAM_VERSION, crate::KIND_SNAPSHOT, 0];
            bytes.splice(..0, front);
            let _ = session.replica.decode(&bytes);
        }
        for mut bytes in std::mem::take(&mut session.recorded) {
            for (at, bit) in &flips {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] ^= 1 << bit;
                }
            }
            let _ = session.replica.decode(&bytes);
        }
    }
}

#[test]
fn nothing_starves_under_a_budget_that_is_far_too_small() {
    // 250 ships that all turn every few beats, on a fifth of the bytes they would need.
    let mut session = Session::new(Plan {
        seed: 7,
        slots: 250,
        budget_bytes: MIN_BUDGET_BYTES,
        churn_percent: 0,
        change_percent: 60,
        blink_percent: 0,
        network: Network::perfect(),
        interval: 2,
        beats: 1_200,
    });
    session.run();
    let unheard = session.longest_unheard();
    // 200 snapshots of three or four entities each would be a fair round.
    assert!(unheard <= 600, "an entity waited {unheard} beats");
    assert!(unheard > 31, "the budget is meant to be too small");
}

#[test]
fn a_full_grid_is_told_within_its_bytes_whatever_the_delay() {
    let fill = |delay_beats| {
        let mut session = Session::new(Plan {
            seed: 3,
            slots: 250,
            budget_bytes: DEFAULT_BUDGET_BYTES,
            churn_percent: 0,
            change_percent: 2,
            blink_percent: 0,
            network: Network {
                delay_beats,
                ..Network::perfect()
            },
            interval: 2,
            beats: 80,
        });
        session.run();
        session.beats_until_whole.expect("80 beats are enough")
    };
    let (near, far) = (fill(0), fill(8));
    // What is on its way is neither sent again nor forgotten when other baselines come.
    assert!(
        far <= near + 24,
        "{near} beats without delay, {far} with eight each way"
    );
}

#[test]
fn an_undisturbed_grid_costs_a_header() {
    let mut session = Session::new(Plan {
        change_percent: 0,
        ..Plan::calm()
    });
    session.run();
    let last = session.recorded.last().unwrap().len();
    assert!(last <= 12, "{last} bytes to say that all is lawful");
}

#[test]
fn a_reused_slot_is_another_entity() {
    let mut session = Session::new(Plan::calm());
    session.run();
    let slot = Slot(5);
    let before = session.replica.in_slot(slot).unwrap().id;
    session.replace(slot);
    session.beat();
    session.beat();
    let after = session.replica.in_slot(slot).unwrap();
    assert_ne!(after.id, before);
    assert!(session.replica.is_exact(after));
}

#[test]
fn another_grid_is_another_epoch() {
    let mut session = Session::new(Plan::calm());
    session.run();
    let epoch = session.view.epoch();
    let stale = session.recorded.last().unwrap().clone();
    session.change_grid(orrery_base::GridId(2));
    session.beat();
    session.beat();
    assert_eq!(session.view.epoch(), epoch.wrapping_add(1));
    assert_eq!(session.replica.grid(), orrery_base::GridId(2));
    assert_eq!(session.replica.decode(&stale), Err(SnapshotError::Stale));
    assert!(session.replica.entities().count() > 0);
}

#[test]
fn an_acknowledgement_of_another_epoch_does_not_count() {
    let mut session = Session::new(Plan::calm());
    session.beat();
    let mut view = session.view.clone();
    let ack = session.replica.acknowledgement().unwrap();
    view.acknowledge(&crate::input::SnapshotAck {
        epoch: ack.epoch.wrapping_add(1),
        ..ack
    });
    assert_eq!(view.newest_acknowledged(), None);
    view.acknowledge(&ack);
    assert_eq!(view.newest_acknowledged(), Some(ack.tick));
}

#[test]
fn a_history_with_a_gap_starts_anew() {
    let mut session = Session::new(Plan::calm());
    session.run();
    session.skip_beats(3);
    session.beat();
    session.beat();
    assert!(session.applied > 0);
    assert_eq!(session.history.oldest_age(), 1);
}

#[test]
fn one_snapshot_a_beat_and_client() {
    let mut session = Session::new(Plan::calm());
    session.run();
    let visible = session.visible.clone();
    let request = SnapshotRequest {
        visible: &visible,
        own: None,
        last_input_sequence: 0,
        budget_bytes: DEFAULT_BUDGET_BYTES,
    };
    let mut out = Vec::new();
    let mut scratch = EncodeScratch::default();
    let first = session
        .view
        .encode(&mut scratch, &session.history, &request, &mut out);
    let second = session
        .view
        .encode(&mut scratch, &session.history, &request, &mut out);
    assert_eq!(second, EncodeReport::default());
    assert_eq!(out.len(), first.bytes);
}

#[test]
fn errors_leave_the_replica_as_it_was() {
    let mut session = Session::new(Plan::calm());
    session.run();
    let good = session.recorded.last().unwrap().clone();
    let before: Vec<_> = session.replica.entities().copied().collect();
    for length in 0..good.len() {
        assert!(session.replica.decode(&good[..length]).is_err());
    }
    let mut longer = good.clone();
    longer.push(0);
    assert!(session.replica.decode(&longer).is_err());
    assert_eq!(session.replica.decode(&good), Err(SnapshotError::Stale));
    let after: Vec<_> = session.replica.entities().copied().collect();
    assert_eq!(before, after);
    let mut other = good;
    other[0] ^= 0xff;
    assert!(matches!(
        session.replica.decode(&other),
        Err(SnapshotError::Version(_))
    ));
    other[0] ^= 0xff;
    other[1] = crate::KIND_INPUT;
    assert!(matches!(
        session.replica.decode(&other),
        Err(SnapshotError::Kind(_))
    ));
}

/// The figure that the codec is built for: bytes per visible entity, headers included, with
/// 200 ships in view and baselines three beats old.
#[test]
fn the_standard_workload_is_small() {
    use crate::workload::{Rates, bytes_per_entity};
    let standard = bytes_per_entity(200, Rates::STANDARD, 300);
    assert!(
        (0.3..0.5).contains(&standard),
        "{standard} bytes per entity"
    );
    let lawful = Rates {
        turn: 0,
        fire: 0,
        hit: 0,
    };
    assert!(bytes_per_entity(200, lawful, 60) < 0.06, "a header for all");
    assert!(bytes_per_entity(200, Rates::BRAWL, 100) < 1.5);
}

#[test]
fn threads_may_share_a_history() {
    fn shared<T: Send + Sync>() {}
    shared::<GridHistory>();
    shared::<ClientView>();
    shared::<Replica>();
}

#[test]
fn records_are_the_same_whoever_is_first() {
    let mut workload = crate::workload::Workload::new(100, crate::workload::Rates::BRAWL);
    let mut lazy = crate::workload::Observer::new(100, 100);
    let mut eager = crate::workload::Observer::new(100, 100);
    for _ in 0..50 {
        workload.beat();
        lazy.observe(&workload);
        workload.history = workload.history.detached();
        workload.history.prepare(crate::workload::BASELINE_AGE);
        eager.observe(&workload);
        assert_eq!(lazy.bytes, eager.bytes);
    }
}
