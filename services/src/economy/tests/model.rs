//! Sixty-four actors do whatever comes to their minds, a fifth of it wrong, and send every request
//! up to three times: all partitions on some shards against a model of plain maps.
//!
//! Compared: every answer and the beat in which it comes; again and again, and at the end, every
//! wallet, pile, order, number and sink. Conservation is checked after every beat. Now and then
//! everything in memory is lost and comes back on another number of shards, days pass, or an hour
//! without a beat.
//!
//! The long run is short unless `MODEL_OPERATIONS` says how long (10 million: `make model`) and
//! `MODEL_SEED` which one.

mod bazaar;
mod clerk;
mod compare;
mod haggle;
mod swaps;
mod throw;
mod world;

use std::collections::{BTreeMap, VecDeque};

use orrery_base::command::RejectCode;
use orrery_base::money::Money;
use orrery_base::value::{OrderId, RequestId, ValueCommand};
use orrery_base::{CharacterId, EntityId, SystemId};
use proptest::prelude::*;

use self::throw::Throw;
use self::world::{Place, World};
use super::tally::Tally;
use super::town::{HULL, METAL, ORE, SECRET, Town, rules};
use crate::custody::{Account, Outcome, RequestLimits, home_of};
use crate::economy::{Command, Regions, Rules, TradeLimits};
use crate::market::MarketRules;

/// Who takes part: characters 1 to this.
const ACTORS: u64 = 64;
const PARTITIONS: u16 = 8;
/// Beats after which a request is forgotten.
const FORGOTTEN: u64 = 1_000;
/// Beats for which the answers of requests are kept here, to be compared with late ones.
const KEPT: u64 = 1_300;
/// Beats between two looks at everything that anybody has.
const LOOK_BEATS: u64 = 64;
/// Beats after which an account that nobody needs is forgotten by its partition, and one.
const IDLE_BEATS: u64 = 108_001;

fn site_of(owner: u64) -> usize {
    usize::from(home_of(owner, PARTITIONS).0)
}

fn many_rules() -> Rules {
    let link = |of: u32, to: &[u32]| (SystemId(of), to.iter().map(|&to| SystemId(to)).collect());
    let links = [link(0, &[1]), link(1, &[0, 2]), link(2, &[1]), link(3, &[])];
    Rules {
        market: MarketRules {
            broker_min: Money(bazaar::FEE_MIN.cast_signed()),
            orders_max: bazaar::ORDERS_MAX as u32,
            cooldown_ms: bazaar::COOLDOWN_MS,
            ..MarketRules::default()
        },
        regions: Regions::of_links(&BTreeMap::from(links)),
        grant_cents: 100_000_000_000,
        grant: vec![
            (ORE, 40_000_000),
            (METAL, 40_000_000),
            (HULL, 200_000),
            (SECRET, 100_000),
        ],
        trades: TradeLimits {
            idle_ms: swaps::IDLE_MS,
            trades_max: swaps::TRADES_MAX,
            stacks_max: swaps::STACKS_MAX,
        },
        requests: RequestLimits {
            window_ms: world::WINDOW_MS,
            ahead_ms: world::AHEAD_MS,
            ..RequestLimits::default()
        },
        ..rules(PARTITIONS)
    }
}

/// The real thing and the model, side by side.
struct Run {
    town: Town,
    world: World,
    /// What is to be sent again, by beat.
    later: BTreeMap<u64, Vec<Command>>,
    /// What has no answer yet.
    open: BTreeMap<(u64, RequestId), Command>,
    /// The first answers of a while.
    firsts: BTreeMap<(u64, RequestId), Outcome>,
    kept: VecDeque<(u64, (u64, RequestId))>,
    beats: u64,
    serial: u128,
    operations: u64,
    sent: u64,
    /// Answers by their refusal; zero for what was done.
    counts: BTreeMap<u16, u64>,
    restarts: u64,
    /// Of all answers.
    digest: u64,
    /// Whether partitions may forget accounts now.
    is_idle: bool,
}

impl Run {
    fn new() -> Self {
        let mut town = Town::with_rules(many_rules(), 3, ACTORS);
        // Who was never heard of has nothing yet.
        for actor in 1..=ACTORS {
            let order = OrderId(0);
            town.ask(actor, ValueCommand::CancelOrder { order });
        }
        town.rest();
        town.answers.clear();
        town.events.clear();
        town.is_audited = false;
        town.tally = Some(Tally::new(&town.rows));
        let mut world = World::new(usize::from(PARTITIONS), site_of, ACTORS);
        compare::begin(&town, &mut world);
        town.start(3);
        let mut run = Self {
            town,
            world,
            later: BTreeMap::new(),
            open: BTreeMap::new(),
            firsts: BTreeMap::new(),
            kept: VecDeque::new(),
            beats: 0,
            serial: 1 << 70,
            operations: 0,
            sent: 0,
            counts: BTreeMap::new(),
            restarts: 0,
            digest: 0xcbf2_9ce4_8422_2325,
            is_idle: false,
        };
        for actor in 1..=ACTORS {
            run.be(actor, Some(1 + u64::from(actor % 8 == 0)));
        }
        run
    }

    /// Somebody docks, or leaves.
    fn be(&mut self, actor: u64, station: Option<u64>) {
        self.town.present(actor, station);
        self.world.present(actor, station);
    }

    fn send(&mut self, command: Command) {
        let key = (command.actor.0, command.request);
        if !self.firsts.contains_key(&key) {
            self.open.insert(key, command.clone());
        }
        self.sent += 1;
        self.town.command(command.clone());
        self.world.command(command);
    }

    fn throw(&mut self, throw: &Throw) {
        self.serial += 1;
        self.operations += 1;
        let request = RequestId::new(self.town.now().0, self.serial);
        let command = throw.command(&self.world, request, self.serial);
        self.send(command.clone());
        for delay in throw.delays(FORGOTTEN) {
            let mut again = command.clone();
            match throw.resent >> 12 {
                // The same request may not be used for something else ...
                0 => {
                    again.command = ValueCommand::Pay {
                        to: CharacterId(1),
                        amount: Money(1),
                        memo: String::new(),
                    }
                }
                // ... except by somebody else, whose request it is not.
                1 => again.actor = CharacterId(1 + again.actor.0 % ACTORS),
                _ => {}
            }
            if delay == 0 {
                self.send(again);
            } else {
                self.later
                    .entry(self.beats + delay)
                    .or_default()
                    .push(again);
            }
        }
    }

    fn beat(&mut self) {
        self.beats += 1;
        for command in self.later.remove(&self.beats).unwrap_or_default() {
            self.send(command);
        }
        self.town.beat();
        self.world.beat(self.town.now().0);
        self.world.forget_strangers();
        if self.is_idle {
            let town = &self.town;
            self.world.sleep(|&place| town.is_active(account_of(place)));
        }
        self.compare_answers();
        self.town.events.clear();
        while let Some((_, key)) = self
            .kept
            .pop_front_if(|(beat, _)| *beat + KEPT < self.beats)
        {
            self.firsts.remove(&key);
        }
        if self.beats.is_multiple_of(LOOK_BEATS) {
            compare::holdings(&self.town, &self.world);
        }
    }

    fn compare_answers(&mut self) {
        let mut answers = core::mem::take(&mut self.town.answers);
        answers.sort_by_key(|(actor, ..)| site_of(actor.0));
        let expected = core::mem::take(&mut self.world.answers);
        for (at, &(actor, request, outcome)) in answers.iter().enumerate() {
            let due = expected.get(at);
            let key = (actor.0, request);
            let first = self.firsts.get(&key).copied();
            // What was read again after a restart is remembered for one more beat.
            let is_late = first == Some(outcome)
                && due
                    .is_some_and(|due| *due == (actor.0, request, Err(RejectCode::RequestExpired)));
            assert!(
                due == Some(&(actor.0, request, outcome)) || is_late,
                "beat {}, answer {at}: {actor} {request:?} {:?}: {outcome:?} instead of {due:?}",
                self.beats,
                self.open.get(&key),
            );
            self.open.remove(&key);
            if first.is_none() {
                self.firsts.insert(key, outcome);
                self.kept.push_back((self.beats, key));
            }
            let code = outcome.err().map_or(0, |code| code as u16);
            *self.counts.entry(code).or_default() += 1;
            self.fold([actor.0, request.0 as u64, u64::from(code), self.beats]);
            if let Ok(answer) = outcome {
                let (money, fees) = (answer.money.0, answer.fees.0);
                self.fold([answer.item.0, answer.order.0, answer.quantity, 0]);
                let trade = answer.trade.0;
                self.fold([money.cast_unsigned(), fees.cast_unsigned(), trade, 0]);
            }
        }
        assert_eq!(answers.len(), expected.len(), "beat {}", self.beats);
    }

    fn fold(&mut self, numbers: [u64; 4]) {
        for byte in numbers.into_iter().flat_map(u64::to_le_bytes) {
            self.digest = (self.digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// Everything in memory is lost; who has no answer asks again.
    fn restart(&mut self, shards: u16) {
        self.restarts += 1;
        self.is_idle = false;
        self.town.start(shards);
        let there = self.world.restart();
        for (actor, station) in there {
            // Most of those who were there come back.
            if !(actor + self.restarts).is_multiple_of(8) {
                self.be(actor, Some(station));
            }
        }
        let open: Vec<Command> = self.open.values().cloned().collect();
        for command in open {
            self.send(command);
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Throw(throw) => self.throw(throw),
            Step::Beat => self.beat(),
            Step::Restart(shards) => self.restart(*shards),
            Step::Presence(actor, station) => self.be(*actor, *station),
            Step::Days(days) => self.town.pause_ms += days * 86_400_000 + 1,
            Step::Hour => {
                self.town.tick.0 += IDLE_BEATS;
                self.is_idle = true;
            }
        }
    }

    /// Waits until everything has come to rest, and looks at all of it.
    fn finish(&mut self) {
        let end = self.beats + 2 * KEPT;
        while !self.later.is_empty() || !self.town.is_at_rest() || !self.world.is_at_rest() {
            self.beat();
            assert!(self.beats < end, "it does not come to rest");
        }
        assert!(self.open.is_empty(), "no answer: {:?}", self.open);
        compare::holdings(&self.town, &self.world);
        compare::own_orders(&self.town, &self.world);
        compare::trades(&self.town, &self.world);
        self.town.audit();
    }
}

const fn account_of(place: Place) -> Account {
    match place {
        Place::Wallet(owner) => Account::wallet(CharacterId(owner)),
        Place::Hangar(owner, station) => Account::hangar(CharacterId(owner), EntityId(station)),
        Place::Hold(owner, ship) => Account::cargo(CharacterId(owner), EntityId(ship)),
    }
}

#[derive(Clone, Debug)]
enum Step {
    Throw(Throw),
    Beat,
    /// Who, and where: nowhere if nothing.
    Presence(u64, Option<u64>),
    /// On so many shards.
    Restart(u16),
    /// Pass.
    Days(u64),
    /// Passes without a beat.
    Hour,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let throw = any::<(u64, u64)>().prop_map(|(a, b)| Step::Throw(Throw::from_bits(a, b)));
    let step = prop_oneof![
        600 => throw,
        60 => Just(Step::Beat),
        4 => (1..=ACTORS, prop::option::weighted(0.8, 1_u64..3))
            .prop_map(|(actor, station)| Step::Presence(actor, station)),
        3 => (1_u16..5).prop_map(Step::Restart),
        1 => (1_u64..5).prop_map(Step::Days),
        1 => Just(Step::Hour),
    ];
    proptest::collection::vec(step, 100..1_500)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: number_from_env("MODEL_CASES", 40) as u32,
        max_shrink_iters: 4_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_economy_does_what_a_simple_model_does(steps in steps()) {
        let mut run = Run::new();
        for step in &steps {
            run.step(step);
        }
        run.finish();
    }
}

/// Numbers that look random (SplitMix64).
struct Dice(u64);

impl Dice {
    const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}

fn number_from_env(name: &str, or_else: u64) -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long the test runs is for whoever runs it"
    )]
    let text = std::env::var(name).ok();
    text.map_or(or_else, |text| {
        text.replace('_', "").parse().expect("a number")
    })
}

#[test]
fn a_long_run_does_what_a_simple_model_does() {
    let operations = number_from_env("MODEL_OPERATIONS", 20_000);
    let seed = number_from_env("MODEL_SEED", 20_261_121);
    let mut dice = Dice(seed);
    let mut run = Run::new();
    let mut told = 0;
    while run.operations < operations {
        for _ in 0..dice.roll() % 200 {
            let throw = Throw::from_bits(dice.roll(), dice.roll());
            run.step(&Step::Throw(throw));
        }
        run.beat();
        let roll = dice.roll();
        if roll.is_multiple_of(7) {
            let station = [None, Some(1), Some(1), Some(2)][(roll >> 40) as usize % 4];
            run.step(&Step::Presence(1 + (roll >> 16) % ACTORS, station));
        }
        if roll.is_multiple_of(200) {
            run.step(&Step::Restart(1 + (roll >> 32) as u16 % 4));
        }
        if roll.is_multiple_of(3_001) {
            run.step(&Step::Days(1 + (roll >> 40) % 4));
        }
        if roll.is_multiple_of(2_503) {
            run.step(&Step::Hour);
        }
        if run.beats.is_multiple_of(512) {
            run.town.forget_history(2 * KEPT);
        }
        if run.beats.is_multiple_of(16_384) {
            run.town.audit();
            compare::own_orders(&run.town, &run.world);
            compare::trades(&run.town, &run.world);
        }
        if run.operations / 250_000 > told {
            told = run.operations / 250_000;
            run.tell("…");
        }
    }
    run.finish();
    run.tell("ok");
}

impl Run {
    fn tell(&self, word: &str) {
        let done = self.counts.get(&0).copied().unwrap_or(0);
        let answers: u64 = self.counts.values().sum();
        println!(
            "{word} operations={} sent={} answers={answers} done={done} beats={} restarts={} orders={} trades={:?} digest={:016x} refusals={:?}",
            self.operations,
            self.sent,
            self.beats,
            self.restarts,
            self.world.orders.len(),
            self.world.swapped,
            self.digest,
            self.counts,
        );
    }
}
