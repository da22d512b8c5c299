use orrery_base::ClientId;
use proptest::prelude::*;

use super::*;
use crate::Outbox;
use crate::rows::MemoryRows;

const KEY: [u8; 32] = [7; 32];

fn claims(id: u8, expires_ms: u64) -> Claims {
    Claims {
        id: TokenId([id; 16]),
        account: AccountId(1),
        character: CharacterId(2),
        expires: WallTime(expires_ms),
    }
}

fn spend(
    tokens: &mut Tokens,
    rows: &mut MemoryRows,
    now: u64,
    claims: Claims,
) -> Result<ClientId, Reject> {
    let mut out = Outbox::default();
    let result = tokens.handle(WallTime(now), &Command::Redeem(claims), &mut out);
    rows.apply(&out.writes);
    result.map(|client| client.expect("a redemption makes a client"))
}

fn prune(tokens: &mut Tokens, rows: &mut MemoryRows, now: u64, rows_max: usize) {
    let mut out = Outbox::default();
    tokens
        .handle(WallTime(now), &Command::Prune { rows_max }, &mut out)
        .expect("pruning is never refused");
    rows.apply(&out.writes);
}

#[test]
fn a_token_is_spent_once_also_after_a_restart() {
    let mut rows = MemoryRows::default();
    let mut tokens = Tokens::default();
    let token = claims(1, 1_000);
    assert_eq!(spend(&mut tokens, &mut rows, 10, token), Ok(ClientId(1)));
    assert_eq!(spend(&mut tokens, &mut rows, 11, token), Err(Reject::Spent));
    let mut restarted = Tokens::load(&rows).expect("rows are readable");
    assert_eq!(restarted, tokens);
    assert_eq!(
        spend(&mut restarted, &mut rows, 12, token),
        Err(Reject::Spent)
    );
    assert_eq!(
        spend(&mut restarted, &mut rows, 12, claims(2, 1_000)),
        Ok(ClientId(2))
    );
}

#[test]
fn expiry_is_exclusive() {
    let mut rows = MemoryRows::default();
    let mut tokens = Tokens::default();
    assert_eq!(
        spend(&mut tokens, &mut rows, 1_000, claims(1, 1_000)),
        Err(Reject::Expired)
    );
    assert_eq!(
        spend(&mut tokens, &mut rows, 999, claims(1, 1_000)),
        Ok(ClientId(1))
    );
    assert!(tokens.check(WallTime(999), &claims(2, 1_000)).is_ok());
}

#[test]
fn pruned_tokens_stay_dead_when_the_clock_steps_back() {
    let mut rows = MemoryRows::default();
    let mut tokens = Tokens::default();
    let token = claims(1, 1_000);
    spend(&mut tokens, &mut rows, 10, token).expect("fresh");
    prune(&mut tokens, &mut rows, 2_000, 10);
    assert!(tokens.is_empty());
    let mut restarted = Tokens::load(&rows).expect("rows are readable");
    assert_eq!(
        spend(&mut restarted, &mut rows, 10, token),
        Err(Reject::Expired)
    );
}

#[test]
fn pruning_is_bounded_and_takes_the_oldest() {
    let mut rows = MemoryRows::default();
    let mut tokens = Tokens::default();
    for id in 1..=10 {
        spend(&mut tokens, &mut rows, 0, claims(id, u64::from(id) * 100)).expect("fresh");
    }
    prune(&mut tokens, &mut rows, 550, 3);
    assert_eq!(tokens.len(), 7);
    prune(&mut tokens, &mut rows, 550, 100);
    assert_eq!(tokens.len(), 5);
    assert_eq!(Tokens::load(&rows).expect("rows are readable"), tokens);
}

#[test]
fn a_token_serves_its_purpose_only() {
    let sealer = Sealer::new(&KEY);
    let claims = claims(1, 1_000);
    let token = sealer.seal(Purpose::Session, &claims).expect("randomness");
    assert!(
        token.starts_with("v4.local.") && token.len() <= SEALED_BYTES_MAX,
        "{token}"
    );
    assert_eq!(sealer.open(Purpose::Session, &token), Some(claims));
    assert_eq!(sealer.open(Purpose::Game, &token), None);
    assert_eq!(Sealer::new(&[8; 32]).open(Purpose::Session, &token), None);
}

#[test]
fn the_key_survives() {
    let mut rows = MemoryRows::default();
    assert_eq!(load_key(&rows).expect("readable"), None);
    let mut out = Outbox::default();
    write_key(&KEY, &mut out.writes);
    rows.apply(&out.writes);
    assert_eq!(load_key(&rows).expect("readable"), Some(KEY));
}

proptest! {
    #[test]
    fn sealing_round_trips(
        id in any::<[u8; 16]>(), account in any::<u64>(),
        character in any::<u64>(), expires in any::<u64>(),
    ) {
        let sealer = Sealer::new(&KEY);
        let claims = Claims {
            id: TokenId(id),
            account: AccountId(account),
            character: CharacterId(character),
            expires: WallTime(expires),
        };
        let token = sealer.seal(Purpose::Game, &claims).expect("randomness");
        prop_assert!(token.len() <= SEALED_BYTES_MAX);
        prop_assert_eq!(sealer.open(Purpose::Game, &token), Some(claims));
    }

    #[test]
    fn altered_tokens_are_not_opened(at in any::<prop::sample::Index>(), with in "[A-Za-z0-9_.-]") {
        let sealer = Sealer::new(&KEY);
        let token = sealer.seal(Purpose::Game, &claims(1, 1_000)).expect("randomness");
        let at = at.index(token.len());
        let mut altered = token.clone();
        altered.replace_range(at..=at, &with);
        prop_assume!(altered != token);
        prop_assert_eq!(sealer.open(Purpose::Game, &altered), None);
    }

    #[test]
    fn arbitrary_text_is_not_opened(token in "(v4\\.local\\.)?[A-Za-z0-9_-]{0,300}|.{0,80}") {
        prop_assert_eq!(Sealer::new(&KEY).open(Purpose::Game, &token), None);
    }

    /// Whatever the order of spending, pruning, restarts and a clock that jumps: never twice.
    #[test]
    fn never_spent_twice(steps in proptest::collection::vec((0u8..8, 0u64..500, 0u8..6), 0..60)) {
        let mut rows = MemoryRows::default();
        let mut tokens = Tokens::default();
        let mut spent = std::collections::BTreeSet::new();
        for (what, now, id) in steps {
            match what {
                0..=4 => {
                    let token = claims(id, 100 + u64::from(id) * 50);
                    if spend(&mut tokens, &mut rows, now, token).is_ok() {
                        prop_assert!(spent.insert(id), "token {} spent twice", id);
                    }
                }
                5 => tokens = Tokens::load(&rows).expect("rows are readable"),
                _ => prune(&mut tokens, &mut rows, now, 2),
            }
        }
    }
}
