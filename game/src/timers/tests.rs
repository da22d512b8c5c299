use super::*;
use proptest::prelude::*;

const LENGTHS: Lengths = Lengths([1_800, 27_000, 9_000, 27_000, 27_000]);

fn after(deed: Deed) -> Timers {
    let mut timers = Timers::default();
    timers.note(deed, Tick(1_000), true, &LENGTHS);
    timers
}

#[test]
fn deeds_start_their_timers() {
    use TimerKind::{Criminal, LogOffOthers, LogOffPlayers, Suspect, Weapons};
    let table: [(Deed, &[TimerKind]); 6] = [
        (Deed::AttackedPlayer, &[Weapons, LogOffPlayers]),
        (Deed::AttackedOther, &[Weapons, LogOffOthers]),
        (Deed::AttackedByPlayer, &[LogOffPlayers]),
        (Deed::AttackedByOther, &[LogOffOthers]),
        (Deed::SuspectAct, &[Suspect]),
        (Deed::CriminalAct, &[Criminal]),
    ];
    for (deed, started) in table {
        let timers = after(deed);
        for kind in TIMER_KINDS {
            let length = u64::from(LENGTHS.0[kind as usize]);
            let want = if started.contains(&kind) { length } else { 0 };
            assert_eq!(
                timers.left_beats(kind, Tick(1_000)),
                want,
                "{deed:?} {kind:?}"
            );
        }
    }
}

#[test]
fn weapons_keep_a_ship_in_space_for_a_minute() {
    let timers = after(Deed::AttackedOther);
    assert!(!timers.may_leave_space(Tick(2_799)));
    assert!(timers.may_leave_space(Tick(2_800)));
    assert!(!timers.may_log_off_safely(Tick(2_800)) && timers.keeps_ship(Tick(9_999)));
    assert!(timers.may_log_off_safely(Tick(10_000)));
    assert!(!timers.is_fair_game(Tick(1_001)));
    assert!(after(Deed::SuspectAct).is_fair_game(Tick(27_999)));
    assert!(after(Deed::CriminalAct).is_fair_game(Tick(27_999)));
    assert!(!after(Deed::CriminalAct).is_fair_game(Tick(28_000)));
}

#[test]
fn after_the_client_is_gone_only_players_renew() {
    let mut timers = after(Deed::AttackedByOther);
    let before = timers;
    timers.note(Deed::AttackedByOther, Tick(5_000), false, &LENGTHS);
    assert_eq!(timers, before);
    timers.note(Deed::AttackedByPlayer, Tick(5_000), false, &LENGTHS);
    assert_eq!(
        timers.left_beats(TimerKind::LogOffPlayers, Tick(5_000)),
        27_000
    );
    // Nothing ran: the ship is about to vanish, and an attack does not hold it back.
    let mut quiet = Timers::default();
    quiet.note(Deed::AttackedByPlayer, Tick(5_000), false, &LENGTHS);
    assert_eq!(quiet, Timers::default());
}

proptest! {
    #[test]
    fn no_timer_is_ever_shortened(deeds in prop::collection::vec((0..6_u8, any::<u64>(), any::<bool>()), 1..30), lengths in any::<[u32; 5]>()) {
        let all = [Deed::AttackedPlayer, Deed::AttackedOther, Deed::AttackedByPlayer,
            Deed::AttackedByOther, Deed::SuspectAct, Deed::CriminalAct];
        let mut timers = Timers::default();
        for (deed, tick, is_connected) in deeds {
            let before = timers.ends();
            timers.note(all[deed as usize], Tick(tick), is_connected, &Lengths(lengths));
            prop_assert!(before.iter().zip(timers.ends()).all(|(before, after)| before.0 <= after.0));
            prop_assert_eq!(Timers::from_ends(timers.ends()), timers);
        }
    }
}
